//! Restart intensity: may this supervisor restart a child once more?
//!
//! Role       The circuit breaker of a supervision tree, shared by both supervisor machines.
//! Inputs     One [`Intensity::admit`] per restart about to happen.
//! Outputs    [`Verdict::Restart`], or [`Verdict::GiveUp`] once the window is over-full.
//! Owns       At most `limit + 1` whole seconds.
//! Invariant  Seconds are ascending, and none was older than `period` at the last call.
//! Source     otp: supervisor, "Restart intensity and period"

use std::collections::VecDeque;
use std::time::Duration;

/// A point on the node's monotonic clock, in nanoseconds. Machines are told it and never read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The point `nanos` nanoseconds after the clock's origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the clock's origin: the resolution at which OTP counts restarts.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }
}

/// What the circuit breaker says about one restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on: this restart is within the limit, and has been counted.
    Restart,
    /// More than `limit` restarts within `period`: the supervisor must end.
    GiveUp,
}

/// The restarts of the last `period`, counted in whole seconds with an inclusive bound, as OTP
/// does: two restarts are in one window when their seconds differ by `period` or less.
///
/// ```
/// use foundation_actors::supervisor::intensity::{Intensity, Tick, Verdict};
/// let second = |s: u64| Tick::from_nanos(s * 1_000_000_000);
/// let mut window = Intensity::new(1, std::time::Duration::from_secs(5));
/// assert_eq!(window.admit(second(0)), Verdict::Restart);
/// assert_eq!(window.admit(second(6)), Verdict::Restart);
/// assert_eq!(window.admit(second(11)), Verdict::GiveUp);
/// ```
#[derive(Clone, Debug)]
pub struct Intensity {
    limit: u32,
    period_secs: u64,
    restarts: VecDeque<u64>,
}

impl Intensity {
    /// At most `limit` restarts within `period`, which is a whole number of seconds and not zero
    /// (specifications are checked before they get here).
    #[must_use]
    pub fn new(limit: u32, period: Duration) -> Self {
        assert!(period.as_secs() > 0, "the period is shorter than a second");
        assert!(
            period.subsec_nanos() == 0,
            "the period is no whole number of seconds"
        );
        Self {
            limit,
            period_secs: period.as_secs(),
            restarts: VecDeque::new(),
        }
    }

    /// Counts one restart that is about to happen at `now`.
    pub fn admit(&mut self, now: Tick) -> Verdict {
        let second = now.as_secs();
        if let Some(&latest) = self.restarts.back() {
            assert!(latest <= second, "time ran backwards");
        }
        let oldest = second.saturating_sub(self.period_secs);
        while self
            .restarts
            .front()
            .is_some_and(|&earlier| earlier < oldest)
        {
            self.restarts.pop_front();
        }
        self.restarts.push_back(second);
        if self.restarts.len() <= self.limit as usize {
            return Verdict::Restart;
        }
        // The supervisor ends now; a caller that asks again all the same must not make this grow.
        self.restarts.pop_front();
        Verdict::GiveUp
    }

    /// Panics when the window is impossible.
    pub fn check(&self) {
        assert!(
            self.restarts.len() <= self.limit as usize,
            "more restarts than admitted"
        );
        assert!(self.restarts.iter().is_sorted(), "restarts out of order");
    }
}
