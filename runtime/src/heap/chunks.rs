//! A table that grows, never moves and never shrinks, of things that begin as zeros.
//!
//! Role       Turns a number into its entry in a few instructions, from any thread.
//! Owns       Chunks, each twice as large as the one before, allocated zeroed: entries that nobody
//!            has touched cost address space only.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

/// Entries of the first chunk.
const FIRST: u32 = 64;
const CHUNKS_MAX: usize = 32;
/// One past the highest number there can be.
const END: u32 = u32::MAX - FIRST;

/// A type of which all zeros is a value that needs no drop.
///
/// # Safety
/// As it says.
pub(super) unsafe trait Zeroed: Sync {}

pub(super) struct Chunks<T> {
    chunks: [AtomicPtr<T>; CHUNKS_MAX],
    growing: Mutex<()>,
    _owned: PhantomData<T>,
}

#[inline]
fn place(number: u32) -> (usize, usize) {
    let shifted = number.wrapping_add(FIRST);
    let chunk = (shifted | 1).ilog2();
    (chunk as usize, (shifted ^ (1 << chunk)) as usize)
}

fn layout<T>(chunk: usize) -> Layout {
    Layout::array::<T>(1 << chunk).expect("a chunk is smaller than the address space")
}

impl<T: Zeroed> Chunks<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS_MAX],
            growing: Mutex::new(()),
            _owned: PhantomData,
        }
    }

    /// The entry of this number, if its chunk was ever made.
    #[inline]
    pub(super) fn find(&self, number: u32) -> Option<&T> {
        let (chunk, offset) = place(number);
        let base = self.chunks[chunk].load(Ordering::Acquire);
        // SAFETY: chunk `k` has `1 << k` entries, `place` stays below that, and chunks live as long
        // as the table; zeros are a valid `T`.
        (!base.is_null()).then(|| unsafe { &*base.add(offset) })
    }

    /// The entry of this number, made if need be.
    pub(super) fn make(&self, number: u32) -> &T {
        assert!(number < END, "a table of accounts has no more room");
        loop {
            if let Some(entry) = self.find(number) {
                return entry;
            }
            self.grow(place(number).0);
        }
    }

    #[cold]
    fn grow(&self, chunk: usize) {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.chunks[chunk].load(Ordering::Acquire).is_null() {
            return;
        }
        let layout = layout::<T>(chunk);
        // SAFETY: the layout is not empty.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        self.chunks[chunk].store(base.cast(), Ordering::Release);
    }
}

impl<T> Drop for Chunks<T> {
    fn drop(&mut self) {
        for (k, chunk) in self.chunks.iter().enumerate() {
            let base = chunk.load(Ordering::Acquire);
            if !base.is_null() {
                // SAFETY: allocated by `grow` with this layout; entries need no drop.
                unsafe { dealloc(base.cast(), layout::<T>(k)) };
            }
        }
    }
}
