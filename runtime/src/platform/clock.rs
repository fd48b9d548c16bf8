//! What time is it on this node?
//!
//! Role       Monotonic nanoseconds since the node (or its simulated world) began.
//! Outputs    `now`: exact. `coarse`: free, and behind by at most `coarse_lag`.
//! Invariant  Never goes back. In a simulation only the world moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub(crate) enum Clock {
    Real(RealClock),
    Virtual(Arc<AtomicU64>),
}

pub(crate) struct RealClock {
    base: Instant,
    coarse: AtomicU64,
    /// The longest time between two refreshes while somebody ran.
    lag: AtomicU64,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the room that reads the clock"
    )]
    pub(crate) fn real() -> Self {
        let base = Instant::now();
        Self::Real(RealClock {
            base,
            coarse: AtomicU64::new(0),
            lag: AtomicU64::new(0),
        })
    }

    /// Nanoseconds since the beginning.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the room that reads the clock"
    )]
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Real(clock) => clock.base.elapsed().as_nanos() as u64,
            Self::Virtual(clock) => clock.load(Ordering::Acquire),
        }
    }

    /// The time of the last refresh, at most [`Clock::coarse_lag`] ago.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        match self {
            Self::Real(clock) => clock.coarse.load(Ordering::Relaxed),
            Self::Virtual(clock) => clock.load(Ordering::Acquire),
        }
    }

    /// By how much a coarse time was behind at most, so far.
    pub(crate) fn coarse_lag(&self) -> u64 {
        match self {
            Self::Real(clock) => clock.lag.load(Ordering::Relaxed),
            Self::Virtual(_) => 0,
        }
    }

    /// Reads the clock for `coarse`. `idle` says that nobody ran since the last refresh.
    pub(crate) fn refresh(&self, idle: bool) -> u64 {
        let now = self.now();
        if let Self::Real(clock) = self {
            let before = clock.coarse.swap(now, Ordering::Relaxed);
            if !idle {
                clock
                    .lag
                    .fetch_max(now.saturating_sub(before), Ordering::Relaxed);
            }
        }
        now
    }
}

/// A number for the start of a node: nanoseconds of the calendar, so that a later start has a
/// higher one, with chance in the last bits, where clocks are coarse.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the room that reads the clock"
)]
pub(crate) fn incarnation() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos() as u64);
    nanos & !0x3ff | super::entropy::seed() & 0x3ff
}
