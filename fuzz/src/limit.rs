//! How many bytes were held at once?
//!
//! Role       The system's allocator with two counters. One thread at a time is measured.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting {
    held: AtomicUsize,
    most: AtomicUsize,
}

#[global_allocator]
static COUNTING: Counting = Counting {
    held: AtomicUsize::new(0),
    most: AtomicUsize::new(0),
};

impl Counting {
    fn more(&self, bytes: usize) {
        let held = self.held.fetch_add(bytes, Relaxed) + bytes;
        self.most.fetch_max(held, Relaxed);
    }

    fn less(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Relaxed);
    }
}

/// What it returned, and the most bytes that were held meanwhile beyond those that were held before.
pub(crate) fn most<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNTING.held.load(Relaxed);
    COUNTING.most.store(before, Relaxed);
    let out = run();
    (out, COUNTING.most.load(Relaxed).saturating_sub(before))
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.more(layout.size());
        // SAFETY: by the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.more(layout.size());
        // SAFETY: by the caller's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.less(layout.size());
        // SAFETY: by the caller's contract.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while bytes move.
        self.more(size);
        self.less(layout.size());
        // SAFETY: by the caller's contract.
        unsafe { System.realloc(block, layout, size) }
    }
}
