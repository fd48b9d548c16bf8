//! Whose are the allocations of a message, from here on?
//!
//! Role       [`Hand`] goes over what a message owns: when it is sent, its sender is noted to have
//!            lent it; when it arrives, it becomes the receiver's.
//! Invariant  Each block is charged to the account that its tag names, before and after. The sums of
//!            a walk reach the accounts when it ends, however it ends: a few locked instructions a
//!            message, whatever its size.
//! Limit      What lies deeper than [`DEPTH_MAX`] boxes in each other stays with the sender.

use std::marker::PhantomData;

use super::account::Account;
use super::tag::{self, LENT, price};
use super::{accounting, current, limit};

/// So deep a walk goes: it must not overflow the stack of a scheduler.
const DEPTH_MAX: u32 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The sender still has it in its account, and no longer in its hands.
    Lend,
    /// It becomes this account's.
    Take,
}

/// Goes over the allocations that a message owns: what a [`HandOver`](super::HandOver) gets.
pub struct Hand<'a> {
    way: Way,
    account: &'static Account,
    /// What the walk adds to `account`: as lent, or as held.
    sum: i64,
    /// Whose the blocks before were, and how much of it is not taken off yet.
    from: u32,
    owed: i64,
    depth: u32,
    _walk: PhantomData<&'a ()>,
}

impl Hand<'_> {
    fn new(way: Way, account: &'static Account) -> Self {
        Self {
            way,
            account,
            sum: 0,
            from: account.number(),
            owed: 0,
            depth: 0,
            _walk: PhantomData,
        }
    }

    /// One allocation.
    ///
    /// # Safety
    /// `at` is null, or dangling and `size` 0, or it is what the global allocator gave for a layout
    /// of `size` bytes, and nobody frees it or makes it larger or smaller during the walk.
    pub unsafe fn block(&mut self, at: *const u8, size: usize) {
        if size == 0 || at.is_null() {
            return;
        }
        // The allocator's own pointer to the block, not one to the value inside: the tag lies
        // outside the value.
        let block = std::ptr::with_exposed_provenance_mut::<u8>(at.addr());
        // SAFETY: by contract.
        let from = unsafe { tag::read(block, size) };
        let own = self.account.number();
        let new = match self.way {
            Way::Lend if from == own => own | LENT,
            Way::Take if from != own => own,
            _ => return,
        };
        // SAFETY: by contract.
        unsafe { tag::write(block, size, new) };
        self.sum += price(size);
        if self.way == Way::Take {
            self.owe(from, price(size));
        }
    }

    /// Who has from here on what is shared; `None` while it only changes from a hand to an envelope.
    pub(super) fn holder(&self) -> Option<u32> {
        (self.way == Way::Take).then(|| self.account.holder())
    }

    /// What is inside an allocation: `walk` is not called when that is too deep.
    pub fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        if self.depth < DEPTH_MAX {
            self.depth += 1;
            walk(self);
            self.depth -= 1;
        }
    }

    #[inline]
    fn owe(&mut self, from: u32, bytes: i64) {
        if from != self.from {
            self.pay();
            self.from = from;
        }
        self.owed += bytes;
    }

    fn pay(&mut self) {
        if self.owed != 0 {
            accounting::settle(self.from, std::mem::take(&mut self.owed));
        }
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.pay();
        match self.way {
            _ if self.sum == 0 => {}
            Way::Lend => self.account.lend(self.sum),
            Way::Take => {
                if self.account.charge(self.sum) {
                    limit::passed(self.account);
                }
            }
        }
    }
}

impl std::fmt::Debug for Hand<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hand")
    }
}

/// What `walk` goes over is put in a message by the process that runs, or by code outside any.
pub(crate) fn lend(walk: impl FnOnce(&mut Hand<'_>)) {
    let account = current::account();
    // What nobody has, nobody lends.
    if !account.is_nobodys() {
        walk(&mut Hand::new(Way::Lend, account));
    }
}

/// What `walk` goes over is received by the process that runs, or by code outside any.
pub(crate) fn take(walk: impl FnOnce(&mut Hand<'_>)) {
    walk(&mut Hand::new(Way::Take, current::account()));
}

/// What `walk` goes over is no process's any more.
pub(crate) fn give_up(walk: impl FnOnce(&mut Hand<'_>)) {
    walk(&mut Hand::new(Way::Take, current::nobody()));
}

/// One block becomes `to`'s.
///
/// # Safety
/// As for [`Hand::block`]; `to` is the account of the process that this thread runs, or of one that
/// has not begun.
pub(super) unsafe fn hand(at: *const u8, size: usize, to: &'static Account) {
    // SAFETY: by contract.
    unsafe { Hand::new(Way::Take, to).block(at, size) };
}
