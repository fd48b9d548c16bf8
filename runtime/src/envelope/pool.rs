//! Where does the memory of an envelope come from?
//!
//! Role       Keeps a few freed envelopes per scheduler for the next sends: most messages are small
//!            and short-lived, and the round trip to the allocator costs more than the rest of a
//!            send.
//! Owns       At most `KEPT_MAX` blocks of each of two sizes per scheduler; everything else is the
//!            allocator's.
//! Invariant  A block is allocated and freed with the layout of its class, whatever lies in it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::heap;
use crate::platform::current;

const SMALL: usize = 64;
const LARGE: usize = 128;
const KEPT_MAX: u32 = 1024;

/// The freed envelopes of one scheduler.
pub(crate) struct Pool {
    small: Shelf,
    large: Shelf,
}

struct Shelf {
    first: Cell<*mut Free>,
    count: Cell<u32>,
    /// How many it takes without a further look: none while accounts are kept.
    room: Cell<u32>,
}

struct Free {
    next: *mut Free,
}

/// The layout that a `T` is allocated with: its class's, if it has one.
#[expect(clippy::match_overlapping_arm, reason = "the smallest class that fits")]
const fn layout<T>() -> Layout {
    const {
        let size = match size_of::<T>() {
            ..=SMALL => SMALL,
            ..=LARGE => LARGE,
            size => size,
        };
        let align = if align_of::<T>() < 16 {
            16
        } else {
            align_of::<T>()
        };
        match Layout::from_size_align(size, align) {
            Ok(layout) => layout,
            Err(_) => panic!("a message is larger than the address space"),
        }
    }
}

/// How large the block of a `T` is.
pub(super) const fn size<T>() -> usize {
    layout::<T>().size()
}

const fn is_pooled<T>() -> bool {
    size_of::<T>() <= LARGE && align_of::<T>() <= 16
}

impl Pool {
    pub(crate) fn new() -> Self {
        let room = if heap::is_on() { 0 } else { KEPT_MAX };
        let empty = || Shelf {
            first: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
            room: Cell::new(room),
        };
        Self {
            small: empty(),
            large: empty(),
        }
    }

    #[inline]
    fn shelf<T>(&self) -> &Shelf {
        if size_of::<T>() <= SMALL {
            &self.small
        } else {
            &self.large
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (shelf, size) in [(&self.small, SMALL), (&self.large, LARGE)] {
            while let Some(block) = shelf.take() {
                // SAFETY: blocks on a shelf were allocated with their class's layout.
                unsafe { dealloc(block.as_ptr(), Layout::from_size_align_unchecked(size, 16)) };
            }
        }
    }
}

impl Shelf {
    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.first.get())?;
        // SAFETY: blocks on the shelf are free memory of ours that holds a `Free`.
        self.first.set(unsafe { block.as_ref().next });
        self.count.set(self.count.get() - 1);
        Some(block.cast())
    }

    #[inline]
    fn put(&self, block: NonNull<u8>, size: usize) -> bool {
        if self.count.get() >= self.room.get() {
            return self.put_counted(block, size);
        }
        self.add(block);
        true
    }

    /// It is full, or accounts are kept: what waits for the next message is nobody's.
    #[cold]
    fn put_counted(&self, block: NonNull<u8>, size: usize) -> bool {
        if !heap::is_on() || self.count.get() >= KEPT_MAX {
            return false;
        }
        // SAFETY: the block was allocated with this size, by `allocate`.
        heap::give_up(|hand| unsafe { hand.block(block.as_ptr(), size) });
        self.add(block);
        true
    }

    #[inline]
    fn add(&self, block: NonNull<u8>) {
        // SAFETY: the block is free, and large and aligned enough for a `Free`.
        unsafe {
            block.cast::<Free>().write(Free {
                next: self.first.get(),
            })
        };
        self.first.set(block.cast().as_ptr());
        self.count.set(self.count.get() + 1);
    }
}

/// Memory for a `T`, with nothing in it yet: what is written field by field to its place need not
/// be copied there.
#[inline]
pub(super) fn room<T>() -> NonNull<T> {
    let kept = match current::scheduler() {
        Some(running) if is_pooled::<T>() => running.pool().shelf::<T>().take(),
        _ => None,
    };
    kept.map_or_else(allocate::<T>, NonNull::cast)
}

#[cold]
fn allocate<T>() -> NonNull<T> {
    // What is pooled goes from process to process.
    let block = match is_pooled::<T>() {
        true => heap::of_the_node(raw::<T>),
        false => raw::<T>(),
    };
    if !is_pooled::<T>() && heap::is_on() {
        // SAFETY: a block that was just allocated with this size, or null.
        heap::lend(|hand| unsafe { hand.block(block, size::<T>()) });
    }
    match NonNull::new(block) {
        Some(block) => block.cast(),
        None => handle_alloc_error(layout::<T>()),
    }
}

fn raw<T>() -> *mut u8 {
    // SAFETY: an envelope has a header, so the layout is not empty.
    unsafe { alloc(layout::<T>()) }
}

/// Gives back memory of `room`; what was in it has been moved out or dropped.
///
/// # Safety
/// The block came from `room::<T>`, and nothing uses it any more.
#[inline]
pub(super) unsafe fn free<T>(block: NonNull<T>) {
    if let Some(running) = current::scheduler()
        && is_pooled::<T>()
        && running.pool().shelf::<T>().put(block.cast(), size::<T>())
    {
        return;
    }
    // SAFETY: allocated by `allocate::<T>` or another type of the same class, with this layout.
    unsafe { dealloc(block.cast().as_ptr(), layout::<T>()) };
}

/// Takes the value out of memory of `room` and gives the memory back.
///
/// # Safety
/// The block came from `room::<T>`, holds a `T`, and nothing uses it any more.
#[inline]
pub(super) unsafe fn take<T>(block: NonNull<T>) -> T {
    // SAFETY: by contract.
    unsafe {
        let value = block.read();
        free(block);
        value
    }
}
