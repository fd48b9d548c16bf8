//! Whose is this allocation?
//!
//! Role       Four bytes behind each allocation that name the account it is charged to.
//! Invariant  A block that was asked for with a layout lies in one of [`padded`] that layout, and
//!            is charged for all of it. The tag is read and written by whoever owns the block.

use std::alloc::Layout;
use std::sync::atomic::{AtomicU32, Ordering};

/// Set in the tag of a block that is known to be held elsewhere.
pub(super) const LENT: u32 = 1 << 30;

const SIZE: usize = size_of::<u32>();

/// Where the tag of a block of `size` bytes lies.
#[inline]
const fn offset(size: usize) -> usize {
    // No overflow: a layout's size is at most `isize::MAX`.
    (size + SIZE - 1) & !(SIZE - 1)
}

/// What the inner allocator is asked for; `None` when that is more than there can be.
#[inline]
pub(super) fn padded(layout: Layout) -> Option<Layout> {
    let align = layout.align().max(SIZE);
    Layout::from_size_align(offset(layout.size()) + SIZE, align).ok()
}

/// What a block of this layout is charged with.
#[inline]
pub(super) fn price(size: usize) -> i64 {
    (offset(size) + SIZE) as i64
}

/// The tag of a block.
///
/// # Safety
/// `block` is one of the accounting allocator's, of `size` bytes.
#[inline]
unsafe fn tag<'a>(block: *mut u8, size: usize) -> &'a AtomicU32 {
    // SAFETY: by contract the block has room for the tag, aligned.
    unsafe { AtomicU32::from_ptr(block.add(offset(size)).cast()) }
}

/// # Safety
/// As for [`tag`].
#[inline]
pub(super) unsafe fn read(block: *mut u8, size: usize) -> u32 {
    // SAFETY: by contract.
    unsafe { tag(block, size) }.load(Ordering::Relaxed)
}

/// # Safety
/// As for [`tag`].
#[inline]
pub(super) unsafe fn write(block: *mut u8, size: usize, value: u32) {
    // SAFETY: by contract.
    unsafe { tag(block, size) }.store(value, Ordering::Relaxed);
}
