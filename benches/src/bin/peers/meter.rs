//! What did a piece of work cost?
//!
//! Role       Turns "before" and "after" into one [`Sample`].
//! Inputs     The monotonic clock, `getrusage`, `/proc/self/statm`.
//! Outputs    [`Sample`]: operations, wall time, processor time, resident bytes.
//! Owns       Nothing that outlives one measurement.
//! Invariant  Processor time is that of the whole operating-system process, all threads together.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

/// One timed run of a workload, as a child prints it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Operations that were timed.
    pub(crate) ops: u64,
    /// Wall time of all of them, in nanoseconds.
    pub(crate) wall_ns: u64,
    /// Processor time of all of them, in nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Resident growth for each process spawned, where the workload weighs processes.
    pub(crate) bytes_per_process: Option<f64>,
    /// The same after each of them has handled one message.
    pub(crate) bytes_per_process_after_message: Option<f64>,
}

/// A running measurement.
pub(crate) struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    /// Starts to measure.
    pub(crate) fn start() -> Self {
        Self {
            cpu: cpu_time(),
            wall: Instant::now(),
        }
    }

    /// Ends the measurement of `ops` operations.
    pub(crate) fn stop(&self, ops: u64) -> Sample {
        let wall = self.wall.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        Sample {
            ops,
            wall_ns: nanos(wall),
            cpu_ns: nanos(cpu),
            bytes_per_process: None,
            bytes_per_process_after_message: None,
        }
    }
}

/// Resident bytes of this operating-system process, once its threads have come to rest.
pub(crate) fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    std::thread::sleep(Duration::from_millis(50));
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc/self/statm");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|field| field.parse::<u64>().ok());
    pages.expect("the second field of statm is a count of pages") * PAGE_BYTES
}

fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("getrusage of oneself cannot fail");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a run is shorter than 500 years")
}
