//! When is it, for a machine?
//!
//! Role       A point on its node's monotonic clock. Machines are told it and never read it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on the node's monotonic clock, in nanoseconds since the clock's origin. It never goes
/// back, and means nothing on another node.
///
/// ```
/// use foundation_cluster::Tick;
/// use std::time::Duration;
/// let begun = Tick::from_nanos(5);
/// let later = begun + Duration::from_nanos(7);
/// assert_eq!(later.since(begun), Duration::from_nanos(7));
/// assert_eq!(begun.since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);

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

    /// How long ago `earlier` was; nothing if it is still to come.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    /// The point so much later; the end of all time when there is none.
    fn add(self, by: Duration) -> Self {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Tick {
    type Output = Self;

    /// The point so much earlier; the clock's origin when there is none.
    fn sub(self, by: Duration) -> Self {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Duration::from_nanos(self.0).fmt(f)
    }
}
