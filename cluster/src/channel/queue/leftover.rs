//! What does a channel leave to the next connection of its nodes?
//!
//! Role       What has left and may not have come, until that is heard; and what of a channel goes on over
//!            the next connection when its own have ended.
//! Invariant  In each bucket what has left comes first, with the number that it was given.

use foundation_runtime::planted::{self, Bug};
use std::collections::{BTreeMap, VecDeque};

use super::{Bucket, Dropped, Entry, Keeping, Queue, Spread, Wanted};
use crate::machine::Tick;

/// What a channel had to keep when its connections ended: it leaves first over the next ones.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    buckets: BTreeMap<u8, VecDeque<Entry>>,
    bytes: usize,
    number: u64,
}

impl Leftover {
    /// Keeps one more, while there is no connection; `false` when there is no room.
    pub(crate) fn push(&mut self, now: Tick, full: usize, frame: Vec<u8>, wanted: Wanted) -> bool {
        if full < self.bytes + frame.len() {
            return false;
        }
        self.bytes += frame.len();
        let entries = self.buckets.entry(wanted.bucket).or_default();
        entries.push_back(Entry {
            frame,
            wanted,
            since: now,
        });
        true
    }

    /// How many frames it has.
    pub(crate) fn entries(&self) -> usize {
        self.buckets.values().map(VecDeque::len).sum()
    }

    /// Gives up what has waited as long as it may; how many that were.
    pub(crate) fn expire(&mut self, now: Tick) -> usize {
        let before = self.entries();
        for entries in self.buckets.values_mut() {
            entries.retain(|entry| entry.wanted.expires.is_none_or(|at| now < at));
        }
        let entries = self.buckets.values().flatten();
        self.bytes = entries.map(|entry| entry.frame.len()).sum();
        before - self.entries()
    }
}

impl Queue {
    /// A channel that goes on where its connections ended.
    pub(crate) fn resume(credit: Option<usize>, full: usize, left: Leftover) -> Self {
        let mut queue = Self::new(credit, full);
        (queue.bytes, queue.number) = (left.bytes, left.number);
        for (number, entries) in left.buckets {
            queue.entries += entries.len();
            let bucket = Bucket {
                entries,
                ..Bucket::default()
            };
            queue.buckets.insert(number, bucket);
            queue.give_turn(number);
        }
        queue
    }

    /// What is kept goes on over the next connection; the rest is given up: of each frame, what was
    /// asked.
    pub(crate) fn leave(&mut self) -> (Leftover, Vec<Wanted>) {
        let mut left = Leftover {
            number: self.number,
            ..Leftover::default()
        };
        let mut given_up = Vec::new();
        for (number, bucket) in std::mem::take(&mut self.buckets) {
            let unheard = bucket.unheard.into_iter().map(|(_, entry)| entry);
            let all = unheard.chain(bucket.entries);
            let (kept, rest): (VecDeque<Entry>, VecDeque<Entry>) =
                all.partition(|entry| entry.wanted.kept != Keeping::Not);
            left.bytes += kept.iter().map(|entry| entry.frame.len()).sum::<usize>();
            if !kept.is_empty() {
                left.buckets.insert(number, kept);
            }
            given_up.extend(rest.into_iter().map(|entry| entry.wanted));
        }
        if planted::is(Bug::NumberedAnew) {
            left.number = 0;
        }
        self.turns.clear();
        self.spread = Spread::default();
        self.topics.clear();
        (self.bytes, self.entries, self.unheard_bytes) = (0, 0, 0);
        (left, given_up)
    }

    /// The other end has this frame of this bucket, and all before it.
    pub(crate) fn acknowledged(&mut self, number: u8, of: u64) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        while let Some((first, entry)) = bucket.unheard.front()
            && (*first <= of || planted::is(Bug::AckOfAll))
        {
            self.unheard_bytes -= entry.frame.len();
            bucket.unheard.pop_front();
        }
        self.forget_idle(number);
    }

    /// Gives up what has left and was not acknowledged in its time.
    pub(crate) fn expire_unheard(&mut self, now: Tick) {
        for bucket in self.buckets.values_mut() {
            let is_over = |entry: &Entry| entry.wanted.expires.is_some_and(|at| at <= now);
            while let Some((_, entry)) = bucket.unheard.front()
                && is_over(entry)
            {
                self.unheard_bytes -= entry.frame.len();
                self.dropped.push((Dropped::Unacknowledged, entry.wanted));
                bucket.unheard.pop_front();
            }
        }
    }

    /// How many frames have left and are kept, and their bytes.
    pub(crate) fn unheard(&self) -> (usize, usize) {
        let count = self.buckets.values().map(|bucket| bucket.unheard.len());
        (count.sum(), self.unheard_bytes)
    }
}
