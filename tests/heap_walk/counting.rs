//! What does the allocator under the accounts hold?
//!
//! Role       The system's allocator, with a count of its own that the accounts are compared with.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) struct Counting(pub(crate) AtomicI64);

impl Counting {
    fn note(&self, block: *mut u8, bytes: usize) -> *mut u8 {
        if !block.is_null() {
            self.0.fetch_add(bytes as i64, Ordering::SeqCst);
        }
        block
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's contract.
        self.note(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: by the caller's contract.
        self.note(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size() as i64, Ordering::SeqCst);
        // SAFETY: by the caller's contract.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: by the caller's contract.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            let change = size as i64 - layout.size() as i64;
            self.0.fetch_add(change, Ordering::SeqCst);
        }
        moved
    }
}
