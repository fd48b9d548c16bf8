//! How long has a worker worked, and how long slept?
//!
//! Role       The account of one worker, for observers.
//! Invariant  Written by the worker, when it goes to sleep and when it is back: between two sleeps
//!            it costs nothing. A reader sees each figure as of a moment ago.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(crate) struct Shift {
    /// When the worker's thread began, on the node's clock, plus one; 0 before.
    begun: AtomicU64,
    slept: AtomicU64,
    /// Since when it sleeps, plus one; 0 while it is awake.
    asleep: AtomicU64,
    steals: AtomicU64,
}

impl Shift {
    /// A thread stands behind the worker from now on; what a former one did is forgotten.
    pub(crate) fn begin(&self, now: u64) {
        self.slept.store(0, Ordering::Relaxed);
        self.asleep.store(0, Ordering::Relaxed);
        self.begun.store(now + 1, Ordering::Release);
    }

    pub(crate) fn fall_asleep(&self, now: u64) {
        self.asleep.store(now + 1, Ordering::Release);
    }

    pub(crate) fn wake_up(&self, now: u64) {
        let since = self.asleep.load(Ordering::Relaxed);
        let slept = self.slept.load(Ordering::Relaxed);
        let more = (now + 1).saturating_sub(since);
        self.slept.store(slept + more, Ordering::Relaxed);
        self.asleep.store(0, Ordering::Release);
    }

    pub(crate) fn stole(&self) {
        let steals = self.steals.load(Ordering::Relaxed);
        self.steals.store(steals + 1, Ordering::Relaxed);
    }

    pub(crate) fn steals(&self) -> u64 {
        self.steals.load(Ordering::Relaxed)
    }

    /// How long it worked and slept until `now`, and whether it sleeps.
    pub(crate) fn until(&self, now: u64) -> (u64, u64, bool) {
        let begun = self.begun.load(Ordering::Acquire);
        if begun == 0 {
            return (0, 0, false);
        }
        let total = (now + 1).saturating_sub(begun);
        let since = self.asleep.load(Ordering::Acquire);
        let current = if since == 0 {
            0
        } else {
            (now + 1).saturating_sub(since)
        };
        let slept = self.slept.load(Ordering::Relaxed) + current;
        let slept = slept.min(total);
        (total - slept, slept, since != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_worked_or_slept() {
        let shift = Shift::default();
        assert_eq!(shift.until(50), (0, 0, false));
        shift.begin(100);
        assert_eq!(shift.until(130), (30, 0, false));
        shift.fall_asleep(140);
        assert_eq!(shift.until(150), (40, 10, true));
        shift.wake_up(160);
        assert_eq!(shift.until(200), (80, 20, false));
        shift.begin(300);
        assert_eq!(shift.until(310), (10, 0, false));
    }
}
