//! How far does a message go, and how often is it sent?
//!
//! Role       Every figure of the protocol, with its default; checked once, at the start.

use std::fmt;
use std::time::Duration;

/// The figures of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most connections that a message passes (TTL), 1 to 64. The same on all nodes: less is left
    /// of what has more. Default 16.
    pub hops_max: u8,
    /// How long an acknowledgement is waited for before the message is sent again, to all, 1 ms to
    /// 10 min; doubled each time. Default 1 s.
    pub answer_timeout: Duration,
    /// How often a message is sent that is to be acknowledged, 1 to 10. Default 5.
    pub attempts_max: u8,
    /// The most messages of this node that wait for an acknowledgement, 1 to 1,024. Default 256.
    pub pending_max: usize,
    /// The longest payload. Default 1 MiB.
    pub payload_bytes_max: usize,
    /// So long a way is believed that is longer than another, 1 ms to 1 h. Default 30 s.
    pub route_age_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hops_max: 16,
            answer_timeout: Duration::from_secs(1),
            attempts_max: 5,
            pending_max: 256,
            payload_bytes_max: 1 << 20,
            route_age_max: Duration::from_secs(30),
        }
    }
}

/// Which figure is out of its bounds. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `hops_max`.
    Hops,
    /// `answer_timeout` or `route_age_max`.
    Time,
    /// `attempts_max`.
    Attempts,
    /// `pending_max`.
    Pending,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hops => "the number of hops is out of bounds",
            Self::Time => "a time is out of bounds",
            Self::Attempts => "the number of attempts is out of bounds",
            Self::Pending => "the number of messages that may wait is out of bounds",
        })
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        let least = Duration::from_millis(1);
        let minutes = Duration::from_secs(600);
        if !(1..=64).contains(&self.hops_max) {
            Err(ConfigError::Hops)
        } else if !(least..=minutes).contains(&self.answer_timeout)
            || !(least..=6 * minutes).contains(&self.route_age_max)
        {
            Err(ConfigError::Time)
        } else if !(1..=10).contains(&self.attempts_max) {
            Err(ConfigError::Attempts)
        } else if !(1..=1024).contains(&self.pending_max) {
            Err(ConfigError::Pending)
        } else {
            Ok(self)
        }
    }
}
