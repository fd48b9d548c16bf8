//! The allocator that keeps the accounts.
//!
//! Role       [`Accounting`]: any allocator, with each allocation charged to the process that makes
//!            it. A program installs it with `foundation::allocator!()`; a library never does.
//! Invariant  Charged is exactly what the inner allocator was asked for and has not got back. It
//!            never panics, never allocates, and takes no lock.

use std::alloc::{GlobalAlloc, Layout};

use super::accounts::ACCOUNTS;
use super::tag::{self, LENT, padded, price};
use super::{current, limit};

/// A global allocator that knows who holds what.
///
/// Each allocation is charged to the process that makes it (or to nobody, outside any), and taken
/// off that account again when it is freed, by whomever. It costs four bytes an allocation, which
/// are charged too, and a few nanoseconds.
///
/// Most programs write `foundation::allocator!();`, which installs one.
///
/// ```
/// use std::alloc::System;
///
/// #[global_allocator]
/// static ALLOCATOR: foundation_runtime::heap::Accounting<System> =
///     foundation_runtime::heap::Accounting::new(System);
///
/// let node = foundation_runtime::Node::builder().start().expect("a node starts");
/// assert!(node.memory().is_some());
/// ```
#[derive(Debug)]
pub struct Accounting<A> {
    inner: A,
}

impl<A> Accounting<A> {
    /// One that takes its memory from `inner`.
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }

    /// The allocator that the memory comes from.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

/// Charges a block that was just made.
///
/// # Safety
/// The block is the caller's, from an inner allocator, of a padded layout of `size`; or null.
#[inline]
unsafe fn made(block: *mut u8, size: usize) -> *mut u8 {
    if !block.is_null() {
        let account = current::account();
        // SAFETY: by contract.
        unsafe { tag::write(block, size, account.number()) };
        if account.charge(price(size)) {
            limit::passed(account);
        }
        // `hand` comes back to it by its address.
        let _ = block.expose_provenance();
    }
    block
}

/// Takes a block off the account that it is charged to.
#[inline]
fn unmade(tag: u32, size: usize) {
    let account = current::account();
    // Shared accounts have an id that is no tag.
    if account.id() == tag {
        account.free_own(price(size));
    } else {
        settle(tag, price(size));
    }
}

/// Takes what bears `tag` off the account that it is charged to, in whoever's name.
#[inline(never)]
pub(super) fn settle(tag: u32, bytes: i64) {
    let number = tag & !LENT;
    if tag & LENT != 0 {
        ACCOUNTS.of(number).lend(-bytes);
    }
    ACCOUNTS.settle(number, bytes);
}

// SAFETY: every block is the inner allocator's, of a layout that is as large and as aligned as what
// was asked for, and is given back with that layout.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Accounting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(padded) = padded(layout) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the padded layout is not empty.
        unsafe { made(self.inner.alloc(padded), layout.size()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(padded) = padded(layout) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the padded layout is not empty.
        unsafe { made(self.inner.alloc_zeroed(padded), layout.size()) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is ours with this layout, and the caller's to free.
        unmade(unsafe { tag::read(block, layout.size()) }, layout.size());
        if let Some(padded) = padded(layout) {
            // SAFETY: it was made with this layout.
            unsafe { self.inner.dealloc(block, padded) };
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let wanted = Layout::from_size_align(size, layout.align());
        let (Some(old), Some(new)) = (padded(layout), wanted.ok().and_then(padded)) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the block is ours with this layout.
        let tag = unsafe { tag::read(block, layout.size()) };
        // SAFETY: it was made with the old layout; the new size is not zero and fits its alignment.
        let moved = unsafe { self.inner.realloc(block, old, new.size()) };
        if !moved.is_null() {
            // Whoever makes it larger or smaller has it.
            unmade(tag, layout.size());
        }
        // SAFETY: the block, if there is one, has the new padded size.
        unsafe { made(moved, size) }
    }
}
