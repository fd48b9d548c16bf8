//! How much may be under way, and how long is waited?
//!
//! Role       Every figure of the protocol, with its default; checked once, at the start.

use std::fmt;
use std::time::Duration;

use super::receiving::AHEAD_MAX;

/// The figures of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most bytes that have come and that the reader has not consumed, and the most that were
    /// written and have not come, of one circuit: 1 KiB to 16 MiB. Default 256 KiB.
    pub window_bytes: usize,
    /// The most bytes that one letter brings: 1 to 512 KiB, and no more than the window. Default 32 KiB.
    pub segment_bytes: usize,
    /// The most letters from the oldest that has not come to the newest, of one circuit: 1 to
    /// [`AHEAD_MAX`]. What is written in small pieces beyond that is gathered. Default 16.
    pub segments_max: usize,
    /// The most letters of all circuits that are under way, 1 to 1,024; a circuit that has none may
    /// send one all the same. Less than `pending_max` of routing leaves room for letters of others.
    /// Default 128.
    pub letters_max: usize,
    /// The most circuits of this node, those that are being opened or closed too: 1 to 4,096. Default
    /// 256.
    pub circuits_max: usize,
    /// So long the other end has to accept a circuit, 1 ms to 10 min. Default 30 s.
    pub open_timeout: Duration,
    /// So long a circuit lives while routing takes none of its letters, or while the other end takes
    /// nothing of what was written before it was closed, 1 ms to 10 min. Default 60 s.
    pub stall_timeout: Duration,
    /// The other end is asked whether it lives when nothing was heard of it for so long, 1 ms to
    /// 10 min. Default 15 s.
    pub probe_interval: Duration,
    /// So long nothing is sent after routing was busy, 1 ms to 10 min; doubled each time up to
    /// `busy_wait_max`. Default 10 ms.
    pub busy_wait: Duration,
    /// The longest such pause. Default 1 s.
    pub busy_wait_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window_bytes: 256 * 1024,
            segment_bytes: 32 * 1024,
            segments_max: 16,
            letters_max: 128,
            circuits_max: 256,
            open_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            probe_interval: Duration::from_secs(15),
            busy_wait: Duration::from_millis(10),
            busy_wait_max: Duration::from_secs(1),
        }
    }
}

/// Which figure is out of its bounds. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitConfigError {
    /// `window_bytes`.
    Window,
    /// `segment_bytes` or `segments_max`.
    Segments,
    /// `letters_max`.
    Letters,
    /// `circuits_max`.
    Circuits,
    /// One of the times.
    Time,
}

impl fmt::Display for CircuitConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "the window is out of bounds",
            Self::Segments => "the size or number of segments is out of bounds",
            Self::Letters => "the number of letters is out of bounds",
            Self::Circuits => "the number of circuits is out of bounds",
            Self::Time => "a time is out of bounds",
        })
    }
}

impl std::error::Error for CircuitConfigError {}

impl Config {
    pub(super) fn checked(self) -> Result<Self, CircuitConfigError> {
        let times = Duration::from_millis(1)..=Duration::from_secs(600);
        let own = [
            self.open_timeout,
            self.stall_timeout,
            self.probe_interval,
            self.busy_wait,
            self.busy_wait_max,
        ];
        let segment_max = self.window_bytes.min(512 << 10);
        if !(1 << 10..=16 << 20).contains(&self.window_bytes) {
            Err(CircuitConfigError::Window)
        } else if !(1..=segment_max).contains(&self.segment_bytes)
            || !(1..=AHEAD_MAX as usize).contains(&self.segments_max)
        {
            Err(CircuitConfigError::Segments)
        } else if !(1..=1024).contains(&self.letters_max) {
            Err(CircuitConfigError::Letters)
        } else if !(1..=4096).contains(&self.circuits_max) {
            Err(CircuitConfigError::Circuits)
        } else if !own.iter().all(|time| times.contains(time))
            || self.busy_wait_max < self.busy_wait
        {
            Err(CircuitConfigError::Time)
        } else {
            Ok(self)
        }
    }
}
