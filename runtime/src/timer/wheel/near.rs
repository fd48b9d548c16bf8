//! Which timers of the current tick are due, to the nanosecond?
//!
//! Role       The exact end of the wheel: slots know a millisecond, this heap knows the deadline.
//! Inputs     [`Near::push`] per timer whose tick has come, [`Near::forget_one`] per cancel.
//! Outputs    [`Near::pop_due`], in order of deadline and insertion.
//! Owns       24 bytes per timer of the current tick, cancelled ones included.
//! Invariant  The first timer is live; at most 16 or half of the timers here are cancelled.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Slab;
use super::tick_of;

/// So many cancelled timers may stay, however few are live.
const CANCELLED_FREE: usize = 16;

/// One timer. The order of the fields is the order of firing; `index` never decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Soon {
    deadline: u64,
    sequence: u64,
    index: u32,
}

pub(super) struct Near {
    heap: BinaryHeap<Reverse<Soon>>,
    /// How many timers in the heap were cancelled. Their entries may hold strangers by now.
    cancelled: usize,
}

impl Near {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            cancelled: 0,
        }
    }

    /// Whether no live timer is here.
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The earliest deadline.
    pub(super) fn first(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(soon)| soon.deadline)
    }

    pub(super) fn push(&mut self, deadline: u64, sequence: u64, index: u32) {
        self.heap.push(Reverse(Soon {
            deadline,
            sequence,
            index,
        }));
    }

    /// Takes out the earliest timer if its deadline is not later than `now`.
    pub(super) fn pop_due<T>(&mut self, now: u64, slab: &Slab<T>) -> Option<u32> {
        if now < self.first()? {
            return None;
        }
        let Reverse(soon) = self.heap.pop()?;
        assert!(
            slab.holds(soon.index, soon.sequence),
            "a cancelled timer would fire"
        );
        self.expose_live(slab);
        Some(soon.index)
    }

    /// Takes note that one of the timers here is no longer in the slab.
    pub(super) fn forget_one<T>(&mut self, slab: &Slab<T>) {
        self.cancelled += 1;
        assert!(
            self.cancelled <= self.heap.len(),
            "cancelled more timers than there are"
        );
        self.expose_live(slab);
    }

    /// How many cancelled timers may stay. To sweep a heap that has more takes constant time for
    /// each of them.
    fn cancelled_max(&self) -> usize {
        CANCELLED_FREE.max(self.heap.len() / 2)
    }

    /// Drops cancelled timers: all if there are too many, else those before the first live one.
    fn expose_live<T>(&mut self, slab: &Slab<T>) {
        if self.cancelled_max() < self.cancelled {
            self.heap
                .retain(|Reverse(soon)| slab.holds(soon.index, soon.sequence));
            self.cancelled = 0;
        }
        while self.cancelled > 0
            && let Some(Reverse(soon)) = self.heap.peek()
            && !slab.holds(soon.index, soon.sequence)
        {
            self.heap.pop();
            self.cancelled -= 1;
        }
    }

    /// Panics unless every timer is of `tick` or earlier; returns how many are live.
    pub(super) fn check<T>(&self, slab: &Slab<T>, tick: u64) -> usize {
        let mut live = 0;
        for Reverse(soon) in &self.heap {
            if slab.holds(soon.index, soon.sequence) {
                let deadline = slab.entry(soon.index).deadline;
                assert_eq!(deadline, soon.deadline, "the heap has a wrong deadline");
                assert!(
                    tick_of(deadline) <= tick,
                    "a timer of the future is in the heap"
                );
                live += 1;
            }
        }
        assert_eq!(
            live + self.cancelled,
            self.heap.len(),
            "cancelled timers are miscounted"
        );
        assert!(
            self.cancelled <= self.cancelled_max(),
            "cancelled timers pile up"
        );
        if let Some(Reverse(soon)) = self.heap.peek() {
            assert!(
                slab.holds(soon.index, soon.sequence),
                "the first timer is cancelled"
            );
        }
        live
    }
}
