//! What time is it on this node?
//!
//! Role       Monotonic nanoseconds since the node (or its simulated world) began.
//! Outputs    `now`: exact. `coarse`: free, and behind by at most `coarse_lag`.
//! Invariant  Never goes back. In a simulation only the world moves it; a node's may be fast, slow, or
//!            jump ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub(crate) enum Clock {
    Real(RealClock),
    Virtual(VirtualClock),
}

/// The clock of one simulated node. It follows the world's, unless it was told to go wrong.
pub(crate) struct VirtualClock {
    world: Arc<AtomicU64>,
    /// At this time of the world ...
    base_world: AtomicU64,
    /// ... it showed this, ...
    base_own: AtomicU64,
    /// ... and goes so many millionths as fast since then.
    rate: AtomicU64,
}

/// The rate of a clock that goes right.
const RIGHT: u64 = 1_000_000;

impl VirtualClock {
    pub(crate) fn new(world: Arc<AtomicU64>) -> Self {
        Self {
            world,
            base_world: AtomicU64::new(0),
            base_own: AtomicU64::new(0),
            rate: AtomicU64::new(RIGHT),
        }
    }

    // One thread alone reads and writes these in a simulation: no order is needed.
    fn bases(&self) -> (u64, u64, u64) {
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        (
            load(&self.base_world),
            load(&self.base_own),
            load(&self.rate),
        )
    }

    fn now(&self) -> u64 {
        let (world, own, rate) = self.bases();
        let passed = self.world.load(Ordering::Acquire) - world;
        let passed = match rate {
            RIGHT => passed,
            rate => scaled(passed, rate, RIGHT, false),
        };
        own.saturating_add(passed)
    }

    /// The world's time when this clock shows `at`; what it has shown already was at its base.
    pub(crate) fn in_world(&self, at: u64) -> u64 {
        let (world, own, rate) = self.bases();
        let ahead = at.saturating_sub(own);
        let ahead = match rate {
            RIGHT => ahead,
            // Upwards: a timer is never early.
            rate => scaled(ahead, RIGHT, rate, true),
        };
        world.saturating_add(ahead)
    }

    /// Jumps ahead, and goes so many millionths as fast as the world's from now on.
    pub(crate) fn bend(&self, ahead: u64, rate: u64) {
        let own = self.now().saturating_add(ahead);
        let world = self.world.load(Ordering::Acquire);
        self.base_world.store(world, Ordering::Relaxed);
        self.base_own.store(own, Ordering::Relaxed);
        self.rate.store(rate, Ordering::Relaxed);
    }

    /// How fast it goes, in millionths.
    pub(crate) fn rate(&self) -> u64 {
        self.bases().2
    }
}

fn scaled(time: u64, by: u64, of: u64, up: bool) -> u64 {
    let product = u128::from(time) * u128::from(by);
    let of = u128::from(of);
    let scaled = if up {
        product.div_ceil(of)
    } else {
        product / of
    };
    u64::try_from(scaled).unwrap_or(u64::MAX)
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
            Self::Virtual(clock) => clock.now(),
        }
    }

    /// The time of the last refresh, at most [`Clock::coarse_lag`] ago.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        match self {
            Self::Real(clock) => clock.coarse.load(Ordering::Relaxed),
            Self::Virtual(clock) => clock.now(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_is_bent_and_read_back() {
        let world = Arc::new(AtomicU64::new(0));
        let clock = VirtualClock::new(Arc::clone(&world));
        world.store(1000, Ordering::Release);
        assert_eq!((clock.now(), clock.in_world(1500)), (1000, 1500));
        clock.bend(50, RIGHT);
        assert_eq!((clock.now(), clock.in_world(1550)), (1050, 1500));
        assert_eq!(clock.in_world(10), 1000, "what has passed is now");
        clock.bend(0, RIGHT * 3 / 2);
        world.store(1100, Ordering::Release);
        assert_eq!(clock.now(), 1200);
        clock.bend(0, RIGHT / 3);
        world.store(1400, Ordering::Release);
        assert_eq!(clock.now(), 1299, "never more than has passed");
        for at in [1299, 1300, 1500, u64::MAX - 1] {
            world.store(clock.in_world(at), Ordering::Release);
            assert!(
                at <= clock.now() || clock.in_world(at) == u64::MAX,
                "{at} is early"
            );
        }
    }
}
