//! What does the running thread hold on the heap?
//!
//! Role       The system's allocator, with a count of live bytes and of allocations per thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static MADE: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(bytes: isize) {
    // Gone while the thread ends: then nobody asks any more.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
    if bytes > 0 {
        let _ = MADE.try_with(|made| made.set(made.get() + 1));
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: by the caller's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: by the caller's contract.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Bytes that this thread has allocated, less those it has freed.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// How often this thread has allocated.
pub(crate) fn made() -> usize {
    MADE.get()
}
