//! Has everybody arrived?
//!
//! Role       Lets the main thread wait for many processes of any framework, without being one.
//! Inputs     One [`Gate::arrive`] or [`Gate::arrive_with`] per process.
//! Outputs    [`Gate::wait`] returns the sum of what the arrivals brought.
//! Owns       Two counters, leaked on purpose: a plain reference costs a process no counting.
//! Invariant  Exactly as many arrivals as announced; one more panics in the process that arrives.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};

/// A barrier that only its maker waits at.
pub(crate) struct Gate {
    missing: AtomicU64,
    sum: AtomicU64,
    waiter: Thread,
}

impl Gate {
    /// A gate for `count` arrivals, awaited by the calling thread.
    pub(crate) fn new(count: u64) -> &'static Self {
        Box::leak(Box::new(Self::inline(count)))
    }

    fn inline(count: u64) -> Self {
        Self {
            missing: AtomicU64::new(count),
            sum: AtomicU64::new(0),
            waiter: thread::current(),
        }
    }

    /// Counts one arrival.
    pub(crate) fn arrive(&self) {
        // The release half pairs with the acquire in `wait`.
        let before = self.missing.fetch_sub(1, Ordering::AcqRel);
        assert!(0 < before, "more arrivals than announced");
        if before == 1 {
            self.waiter.unpark();
        }
    }

    /// Counts one arrival that brings a value to the sum.
    pub(crate) fn arrive_with(&self, value: u64) {
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.arrive();
    }

    /// Blocks the maker until everybody has arrived; returns the sum of what they brought.
    pub(crate) fn wait(&self) -> u64 {
        // Pairs with the release in `arrive`, which also publishes the sum.
        while self.missing.load(Ordering::Acquire) != 0 {
            thread::park();
        }
        self.sum.load(Ordering::Relaxed)
    }
}

/// The two moments of an idle process: it has started, and it has handled its one message.
pub(crate) struct Idle {
    /// Everybody has started.
    pub(crate) ready: Gate,
    /// Everybody has handled one message.
    pub(crate) handled: Gate,
}

impl Idle {
    /// Gates for `count` idle processes.
    pub(crate) fn new(count: u64) -> &'static Self {
        Box::leak(Box::new(Self {
            ready: Gate::inline(count),
            handled: Gate::inline(count),
        }))
    }
}
