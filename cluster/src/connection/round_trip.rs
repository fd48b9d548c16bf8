//! How long does a member take to answer?
//!
//! Role       What the membership of a node measures, for others of that node to read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time of a probe and its answer, as it was last measured.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip(AtomicU64);

impl RoundTrip {
    /// `None` until there is one.
    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) fn set(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos.max(1), Ordering::Relaxed);
    }
}
