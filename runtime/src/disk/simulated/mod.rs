//! A disk that a seed breaks.
//!
//! Role       `machine` is what a disk has and keeps, `station` does it in the time of a world.

mod content;
mod machine;
mod names;
mod station;
#[cfg(test)]
mod tests;

pub(crate) use station::Disks;
pub use station::SimDisk;
pub(super) use station::{SimFile, Station};

use std::time::Duration;

/// How fast a simulated disk is. What is asked of it is done one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpeed {
    /// How long it takes until it begins with something.
    pub each: Duration,
    /// How long a sync takes besides.
    pub sync: Duration,
    /// How many bytes it reads or writes in a second; zero, it takes no time.
    pub bytes_per_second: u64,
}

impl Default for DiskSpeed {
    /// Of a plain solid-state drive: 50 µs, 1 ms, 500 MB/s.
    fn default() -> Self {
        Self {
            each: Duration::from_micros(50),
            sync: Duration::from_millis(1),
            bytes_per_second: 500_000_000,
        }
    }
}

impl DiskSpeed {
    fn time(&self, bytes: u64) -> Duration {
        match self.bytes_per_second {
            0 => self.each,
            rate => self.each + Duration::from_secs_f64(bytes as f64 / rate as f64),
        }
    }
}
