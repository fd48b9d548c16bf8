//! May one more message wait in a bounded mailbox?
//!
//! Role       The decisions of a bounded mailbox: a machine without a clock, a lock or a waker of
//!            its own. `M` is a message, `W` wakes somebody.
//! Inputs     Offers, waits for a place, messages taken out by the process, and its end.
//! Outputs    [`Verdict`] of each offer; whom to wake; what was dropped.
//! Owns       The messages that a dropping mailbox holds back until they are fetched, because the
//!            oldest of them may still have to go; who waits for a place, first come first served.
//! Limit      `capacity` messages held, and as many fetched. One entry per waiter, whose task it is.
//! Invariant  `taken` places are used or reserved, `capacity` at most; while somebody waits, all are.
//!            A place that becomes free is handed to who has waited longest, so nobody overtakes.

use std::collections::{BTreeSet, VecDeque};

use super::WhenFull;

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<M> {
    /// It has a place: it is to be pushed.
    Push(M),
    /// It is held until the process fetches it. A ticket, if there is one, is to be pushed now: it
    /// stands in the inbox for what is held from here on. The oldest may have been dropped.
    Held {
        ticket: Option<u64>,
        dropped: Option<M>,
    },
    /// There is no place. The sender may wait for one.
    Wait(M),
    /// There is no place.
    Full(M),
    /// There is no place, and the sender is not told.
    Drop(M),
    /// The process has ended.
    Closed(M),
}

/// How a wait for a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A place is reserved.
    Reserved,
    /// No place is needed: there is one for whoever comes, or nobody to send to.
    Free,
    Waiting,
}

pub(crate) struct Gate<M, W> {
    capacity: usize,
    when_full: WhenFull,
    closed: bool,
    taken: usize,
    waiters: VecDeque<(u64, W)>,
    /// Waiters that have been given a place and have not looked yet.
    granted: BTreeSet<u64>,
    next_waiter: u64,
    /// What is not fetched yet, oldest first, each with the ticket that stands for it.
    held: VecDeque<(u64, M)>,
    /// How many that were held are in the process's queue.
    fetched: usize,
    ticket: u64,
    /// Whether `ticket` is in the inbox, and nothing was pushed after it.
    open: bool,
}

impl<M, W> Gate<M, W> {
    pub(crate) fn new(capacity: usize, when_full: WhenFull) -> Self {
        assert!(0 < capacity, "a mailbox needs room for one message");
        Self {
            capacity,
            when_full,
            closed: false,
            taken: 0,
            waiters: VecDeque::new(),
            granted: BTreeSet::new(),
            next_waiter: 0,
            held: VecDeque::new(),
            fetched: 0,
            ticket: 0,
            open: false,
        }
    }

    fn drops_oldest(&self) -> bool {
        self.when_full == WhenFull::DropOldest
    }

    /// Somebody sends a message.
    pub(crate) fn offer(&mut self, message: M) -> Verdict<M> {
        if self.closed {
            return Verdict::Closed(message);
        }
        if self.drops_oldest() {
            return self.hold(message);
        }
        if self.taken < self.capacity {
            self.taken += 1;
            return Verdict::Push(message);
        }
        match self.when_full {
            WhenFull::Block => Verdict::Wait(message),
            WhenFull::DropNewest => Verdict::Drop(message),
            WhenFull::Reject | WhenFull::DropOldest => Verdict::Full(message),
        }
    }

    fn hold(&mut self, message: M) -> Verdict<M> {
        let dropped = match self.held.len() < self.capacity {
            true => None,
            false => self.held.pop_front().map(|(_, oldest)| oldest),
        };
        let ticket = (!self.open).then(|| {
            self.ticket += 1;
            self.open = true;
            self.ticket
        });
        self.held.push_back((self.ticket, message));
        assert!(self.held.len() <= self.capacity, "more is held than may be");
        Verdict::Held { ticket, dropped }
    }

    /// A message for which a place was reserved.
    pub(crate) fn redeem(&mut self, message: M) -> Verdict<M> {
        match self.closed {
            true => Verdict::Closed(message),
            false => Verdict::Push(message),
        }
    }

    /// Something that does not count is pushed: what is held from here on comes after it.
    pub(crate) fn pushed_other(&mut self) {
        self.open = false;
    }

    /// The process fetches a ticket: what it stands for, and how many of the oldest in its queue
    /// must go to make room.
    pub(crate) fn fetch(&mut self, ticket: u64) -> (Vec<M>, usize) {
        if ticket == self.ticket {
            self.open = false;
        }
        let upto = self.held.partition_point(|(of, _)| *of <= ticket);
        let fetched: Vec<M> = self
            .held
            .drain(..upto)
            .map(|(_, message)| message)
            .collect();
        self.fetched += fetched.len();
        let excess = self.fetched.saturating_sub(self.capacity);
        self.fetched -= excess;
        (fetched, excess)
    }

    /// The process has taken a message out of its queue: whom that gives a place.
    pub(crate) fn release(&mut self) -> Option<W> {
        if self.closed {
            return None;
        }
        if self.drops_oldest() {
            assert!(0 < self.fetched, "more is taken out than was put in");
            self.fetched -= 1;
            return None;
        }
        assert!(0 < self.taken, "more is taken out than was put in");
        match self.waiters.pop_front() {
            Some((waiter, waker)) => {
                self.granted.insert(waiter);
                Some(waker)
            }
            None => {
                self.taken -= 1;
                None
            }
        }
    }

    /// Somebody asks for a place, again if `waiter` says so.
    pub(crate) fn wait(&mut self, waiter: &mut Option<u64>, waker: impl FnOnce() -> W) -> Wait {
        if self.closed || self.drops_oldest() {
            *waiter = None;
            return Wait::Free;
        }
        let Some(old) = *waiter else {
            if self.taken < self.capacity {
                self.taken += 1;
                return Wait::Reserved;
            }
            self.next_waiter += 1;
            *waiter = Some(self.next_waiter);
            self.waiters.push_back((self.next_waiter, waker()));
            return Wait::Waiting;
        };
        if self.granted.remove(&old) {
            *waiter = None;
            return Wait::Reserved;
        }
        let entry = self.waiters.iter_mut().find(|(id, _)| *id == old);
        let (_, entry) = entry.expect("who waits has an entry");
        *entry = waker();
        Wait::Waiting
    }

    /// Somebody does not wait any more: whom that gives a place.
    pub(crate) fn cancel(&mut self, waiter: u64) -> Option<W> {
        if self.granted.remove(&waiter) {
            return self.release();
        }
        self.waiters.retain(|(id, _)| *id != waiter);
        None
    }

    /// The process has ended: who waits in vain, and what was held.
    pub(crate) fn close(&mut self) -> (Vec<W>, Vec<M>) {
        self.closed = true;
        self.granted.clear();
        let waiters = self.waiters.drain(..).map(|(_, waker)| waker).collect();
        let held = self.held.drain(..).map(|(_, message)| message).collect();
        (waiters, held)
    }

    /// Panics when the state is impossible.
    #[cfg(test)]
    fn check(&self) {
        assert!(self.taken <= self.capacity, "more places than there are");
        assert!(self.held.len() <= self.capacity, "more held than may be");
        assert!(self.fetched <= self.capacity, "more fetched than may be");
        assert!(self.granted.len() <= self.taken, "a grant without a place");
        if !self.waiters.is_empty() {
            assert_eq!(self.taken, self.capacity, "somebody waits beside a place");
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
