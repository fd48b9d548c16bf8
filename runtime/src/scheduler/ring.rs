//! One worker's run queue: it pushes and pops, others steal half.
//!
//! Role       First in, first out; bounded; lock-free.
//! Invariant  `head` only rises, by whoever wins the exchange on it; `tail` only rises, by the
//!            owner. An entry is read before the exchange that claims it, so a thief that loses
//!            has read in vain and taken nothing.
//! Limit      `RING` entries; what does not fit goes to the shared queue.

use crate::platform::sync::{AtomicU32, Ordering, RING};

pub(crate) struct Ring {
    head: AtomicU32,
    tail: AtomicU32,
    slots: [AtomicU32; RING],
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            slots: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    fn at(&self, position: u32) -> &AtomicU32 {
        &self.slots[position as usize % RING]
    }

    /// How many entries wait, as of a moment ago.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let tail = self.tail.load(Ordering::Relaxed);
        tail.wrapping_sub(self.head.load(Ordering::Relaxed)) as usize
    }

    /// Adds an entry if there is room; only the owner may.
    #[inline]
    pub(crate) fn try_push(&self, entry: u32) -> bool {
        let tail = self.tail.load(Ordering::Relaxed);
        // Acquire pairs with the release of thieves in `claim`: their reads are over.
        let head = self.head.load(Ordering::Acquire);
        if tail.wrapping_sub(head) as usize == RING {
            return false;
        }
        self.at(tail).store(entry, Ordering::Relaxed);
        // Release pairs with the acquire in `steal`: the entry is visible before it is counted.
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        true
    }

    /// Adds an entry; only the owner may. A full ring first moves its older half to `overflow`.
    #[inline]
    pub(crate) fn push(&self, entry: u32, overflow: impl FnOnce(&[u32])) {
        if self.try_push(entry) {
            return;
        }
        // Where the head was when the ring was full. If it still is there, it still is.
        let full = self.tail.load(Ordering::Relaxed).wrapping_sub(RING as u32);
        if self.spill(full, entry, overflow) {
            return;
        }
        // A thief has made room.
        let pushed = self.try_push(entry);
        debug_assert!(pushed, "thieves only make room");
    }

    /// Moves half the ring and `entry` out; `false` when a thief was faster and there is room.
    #[cold]
    fn spill(&self, head: u32, entry: u32, overflow: impl FnOnce(&[u32])) -> bool {
        const HALF: usize = RING / 2;
        let mut batch = [0; HALF + 1];
        for (i, slot) in batch[..HALF].iter_mut().enumerate() {
            *slot = self.at(head.wrapping_add(i as u32)).load(Ordering::Relaxed);
        }
        if !self.claim(head, HALF as u32) {
            return false;
        }
        batch[HALF] = entry;
        overflow(&batch);
        true
    }

    fn claim(&self, head: u32, count: u32) -> bool {
        let next = head.wrapping_add(count);
        self.head
            .compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes the oldest entry; only the owner may.
    #[inline]
    pub(crate) fn pop(&self) -> Option<u32> {
        loop {
            let head = self.head.load(Ordering::Acquire);
            if head == self.tail.load(Ordering::Relaxed) {
                return None;
            }
            let entry = self.at(head).load(Ordering::Relaxed);
            if self.claim(head, 1) {
                return Some(entry);
            }
        }
    }

    /// Moves half of what waits to `own`, the thief's ring, and returns one of it.
    pub(crate) fn steal(&self, own: &Self) -> Option<u32> {
        let own_tail = own.tail.load(Ordering::Relaxed);
        if own_tail != own.head.load(Ordering::Acquire) {
            // Only a worker with nothing to do steals.
            return own.pop();
        }
        loop {
            let head = self.head.load(Ordering::Acquire);
            let tail = self.tail.load(Ordering::Acquire);
            let waiting = tail.wrapping_sub(head);
            let count = waiting - waiting / 2;
            if count == 0 {
                return None;
            }
            if waiting as usize > RING {
                // Head and tail were read at different times.
                continue;
            }
            for i in 0..count {
                let entry = self.at(head.wrapping_add(i)).load(Ordering::Relaxed);
                own.at(own_tail.wrapping_add(i))
                    .store(entry, Ordering::Relaxed);
            }
            if self.claim(head, count) {
                let last = own_tail.wrapping_add(count - 1);
                let entry = own.at(last).load(Ordering::Relaxed);
                own.tail.store(last, Ordering::Release);
                return Some(entry);
            }
        }
    }
}
