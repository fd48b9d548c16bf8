//! Whose is what a message owns?
//!
//! Role       Where accounts are kept: notes that the sender has lent it, and makes it the receiver's,
//!            once. Nothing here runs otherwise, nor for messages that own nothing.
//! Invariant  What waits in the queue of a process that counts its messages is charged to it, the
//!            envelope included.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use super::{Envelope, Header, Payload};
use crate::heap::{self, Hand};

/// What it owns is the receiver's already.
pub(super) const RECEIVED: u8 = 8;

/// A message is made of `payload`.
#[cold]
pub(super) fn lend<M: Payload>(payload: &M) {
    heap::lend(|hand| M::CODEC.owned.hand_over(payload, hand));
}

/// A message is taken out of its envelope.
#[cold]
pub(super) fn receive(envelope: &Envelope) {
    if envelope.header().parts & RECEIVED == 0 {
        heap::take(|hand| content(envelope.0, hand));
    }
}

fn content(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: callers have the envelope.
    if let Some(owned) = unsafe { raw.as_ref() }.table.owned {
        // A panic of the program's own walk ends the walk; what it has not shown stays the sender's.
        // SAFETY: the table belongs to this header's layout.
        let _ = catch_unwind(AssertUnwindSafe(|| unsafe { owned(raw, hand) }));
    }
}

fn whole(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: callers have the envelope, whose block has the size that its table says.
    unsafe { hand.block(raw.as_ptr().cast(), raw.as_ref().table.size) };
    content(raw, hand);
}

/// A message waits in the queue of the running process, which counts it.
///
/// # Safety
/// The header is valid, and the caller's.
pub(crate) unsafe fn count(mut raw: NonNull<Header>) {
    heap::take(|hand| whole(raw, hand));
    // SAFETY: by contract.
    unsafe { raw.as_mut() }.parts |= RECEIVED;
}

impl Envelope {
    /// It waits in the queue of the running process, which counts it.
    pub(crate) fn count(&mut self) {
        // SAFETY: an `Envelope` owns a valid header.
        unsafe { count(self.0) };
    }

    /// It waits in the queue of the running process, which does not count it any more.
    pub(crate) fn discount(&mut self) {
        heap::give_up(|hand| whole(self.0, hand));
        self.header_mut().parts &= !RECEIVED;
    }
}
