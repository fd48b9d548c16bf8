//! Run queues that belong to no worker.
//!
//! Role       What comes from outside or does not fit a ring, and the unusual priorities.
//! Invariant  The counters are never less than what waits once a push has returned: a worker that
//!            reads zero after it has announced itself idle may sleep.
//! Limit      One entry per process, so `max_processes` bounds it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Priority;
use crate::heap;

/// How many entries a worker takes at a time.
const BATCH: usize = 64;

#[derive(Default)]
pub(crate) struct SharedQueue {
    count: AtomicUsize,
    entries: Mutex<VecDeque<u32>>,
}

impl SharedQueue {
    pub(crate) fn push(&self, entries: &[u32]) {
        let mut queue = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        heap::of_the_node(|| queue.extend(entries));
        self.count.store(queue.len(), Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// How many wait, as of a moment ago.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether nothing waits, as of a moment ago.
    #[inline]
    fn looks_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn pop(&self) -> Option<u32> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut queue = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = queue.pop_front();
        self.count.store(queue.len(), Ordering::SeqCst);
        entry
    }

    /// Takes one entry, and moves up to `BATCH` more to `more`, which may put some back.
    pub(crate) fn pop_many(&self, mut more: impl FnMut(u32)) -> Option<u32> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut queue = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let first = queue.pop_front();
        let mut taken = [0; BATCH];
        let count = BATCH.min(queue.len() / 2);
        for (place, entry) in taken.iter_mut().zip(queue.drain(..count)) {
            *place = entry;
        }
        self.count.store(queue.len(), Ordering::SeqCst);
        drop(queue);
        taken[..count].iter().for_each(|entry| more(*entry));
        first
    }
}

/// The queues of a node's workers.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) normal: SharedQueue,
    pub(crate) max: SharedQueue,
    pub(crate) high: SharedQueue,
    pub(crate) low: SharedQueue,
}

impl Shared {
    pub(crate) fn of(&self, priority: Priority) -> &SharedQueue {
        match priority {
            Priority::Normal => &self.normal,
            Priority::Low => &self.low,
            Priority::High => &self.high,
            Priority::Max => &self.max,
        }
    }

    #[inline]
    pub(crate) fn pop_urgent(&self) -> Option<u32> {
        if self.max.looks_empty() && self.high.looks_empty() {
            return None;
        }
        self.max.pop().or_else(|| self.high.pop())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.normal.is_empty() && self.max.is_empty() && self.high.is_empty() && self.low.is_empty()
    }
}
