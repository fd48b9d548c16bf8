//! What waits in the queue of a process, and how much is it?
//!
//! Role       The queue with its count, and the place of messages that go first.
//! Invariant  The count is that of what waits behind the first: a message that finds the queue empty
//!            changes nothing. It lies above the flags in the block's own word, and its overflow is
//!            the alarm, see `mailbox::alarm`. Those that go first stand before all others.

use super::local::{COUNTS_QUEUE, HIBERNATING, Local, WAITING_MASK, WAITING_ONE, WAITING_SHIFT};
use super::{Block, Queue};
use crate::envelope::{COUNTED, Envelope, PRIORITY};
use crate::mailbox;
use crate::scheduler::Running;

impl Block {
    /// Counts so many more behind the first: whether the count has overflown.
    #[inline]
    fn count_waiting(&self, more: usize) -> bool {
        let own = u64::from(self.own()) + ((more as u64) << WAITING_SHIFT);
        self.store_own(own as u32);
        u64::from(u32::MAX) < own
    }

    #[inline]
    fn discount_waiting(&self, less: u32) {
        self.store_own(self.own().wrapping_sub(less << WAITING_SHIFT));
    }

    /// How many wait behind the first, where the count began with `bias`; modulo its range. Also from
    /// other threads, as of a moment ago.
    pub(crate) fn behind_first(&self, bias: u32) -> usize {
        ((self.own() >> WAITING_SHIFT).wrapping_sub(bias) & WAITING_MASK) as usize
    }
}

impl Running {
    /// Adds to the queue what waits for the process's code.
    #[inline]
    pub(crate) fn enqueue_message(&self, envelope: Envelope) {
        let more = self.local(|local| local.queue.push(envelope));
        self.clear(HIBERNATING);
        if more && self.block().count_waiting(1) {
            mailbox::rose(self);
        }
    }

    /// Adds all of `other`, of which there are `count`.
    #[inline]
    pub(crate) fn append(&self, other: &mut Queue, count: usize) {
        let behind = self.local(|local| {
            let behind = count - usize::from(local.queue.is_empty() && 0 < count);
            local.queue.append(other);
            behind
        });
        self.clear(HIBERNATING);
        if self.block().count_waiting(behind) {
            mailbox::rose(self);
        }
    }

    /// Adds a message that goes first: before all that do not. A receive under way looks at the queue
    /// from its beginning.
    #[cold]
    pub(crate) fn enqueue_first(&self, envelope: Envelope) {
        let more = self.local(|local| local.push_first(envelope));
        self.clear(HIBERNATING);
        if more && self.block().count_waiting(1) {
            mailbox::rose(self);
        }
    }

    /// Takes the oldest.
    #[inline]
    pub(crate) fn pop_message(&self) -> Option<Envelope> {
        self.local(|local| self.pop_of(local))
    }

    /// The same, within a look at the private half.
    #[inline]
    pub(crate) fn pop_of(&self, local: &mut Local) -> Option<Envelope> {
        let envelope = local.queue.pop()?;
        self.left(local);
        Some(envelope)
    }

    /// One was taken out of the queue.
    #[inline]
    fn left(&self, local: &Local) {
        if !local.queue.is_empty() {
            self.block().discount_waiting(1);
        }
    }

    /// Takes the next one that the receive under way has not seen.
    #[inline]
    pub(crate) fn take_after_mark(&self) -> Option<Envelope> {
        self.local(|local| {
            let mark = local.mark();
            let envelope = local.queue.take_after(mark)?;
            self.left(local);
            Some(envelope)
        })
    }

    /// Puts back what was taken and refused.
    #[inline]
    pub(crate) fn put_at_mark(&self, mut envelope: Envelope) {
        if self.has(COUNTS_QUEUE) {
            envelope.count();
        }
        self.keep_at_mark(envelope);
    }

    /// Puts back what was taken after the mark and not opened.
    #[inline]
    pub(crate) fn keep_at_mark(&self, envelope: Envelope) {
        let more = self.local(|local| {
            let more = !local.queue.is_empty();
            let mark = local.mark();
            let mark = local.queue.insert_after(mark, envelope);
            local.set_mark(mark);
            more
        });
        if more && self.block().count_waiting(1) {
            mailbox::rose(self);
        }
    }

    /// Takes the oldest that `wanted` names. A receive under way begins anew.
    pub(crate) fn take_first(&self, wanted: impl Fn(&Envelope) -> bool) -> Option<Envelope> {
        self.local(|local| {
            local.set_mark(std::ptr::null_mut());
            let envelope = local.queue.take_first(wanted)?;
            self.left(local);
            Some(envelope)
        })
    }

    /// Takes everything that `unwanted` names, and drops it. A receive under way begins anew.
    pub(crate) fn discard_if(&self, unwanted: impl FnMut(&Envelope) -> bool) {
        self.local(|local| {
            local.set_mark(std::ptr::null_mut());
            let some = !local.queue.is_empty();
            let count = local.queue.discard_if(unwanted) as u32;
            let behind = count - u32::from(some && local.queue.is_empty());
            self.block().discount_waiting(behind);
        });
    }

    /// How many wait, where the count began with `bias`; modulo its range.
    pub(crate) fn waiting(&self, bias: u32) -> usize {
        match self.local(|local| local.queue.is_empty()) {
            true => 0,
            false => 1 + self.block().behind_first(bias),
        }
    }

    /// Takes the marks from an envelope that the running process has taken out: it is as any other.
    pub(crate) fn unmark(&self, envelope: &mut Envelope) -> u8 {
        let marks = envelope.take_marks(COUNTED | PRIORITY);
        if marks & PRIORITY != 0 {
            let header = std::ptr::from_ref(envelope.header());
            self.extra(|extra| {
                if std::ptr::eq(extra.last_urgent, header) {
                    extra.last_urgent = std::ptr::null_mut();
                }
            });
        }
        marks
    }

    /// A message with these marks is out of the running process's mailbox, for good.
    pub(crate) fn taken(&self, marks: u8) {
        if marks & COUNTED != 0 {
            mailbox::release_one(self);
        }
    }
}

impl Local {
    /// Puts a message before all that do not go first: whether there was another one.
    fn push_first(&mut self, envelope: Envelope) -> bool {
        let more = !self.queue.is_empty();
        let known = self.extra().last_urgent;
        let last = match known.is_null() {
            true => self
                .queue
                .last_of_front(|header| header.special & PRIORITY != 0),
            false => known,
        };
        let at = self.queue.insert_after(last, envelope);
        self.extra().last_urgent = at;
        self.set_mark(std::ptr::null_mut());
        more
    }
}

const _: () = assert!(WAITING_ONE == 1 << WAITING_SHIFT);
