//! How long is waited, and how much is kept?
//!
//! Role       Every figure of the protocol, with its default; checked once, at the start.

use std::fmt;
use std::time::Duration;

/// The figures of the protocol. The same on all nodes of an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a message that was announced is waited for before it is asked for, 1 ms to 10 min.
    /// More than the tree usually takes. Default 500 ms.
    pub graft_timeout: Duration,
    /// Up to so much longer, by chance, up to 10 min: when a branch breaks, the first who asks feeds
    /// the others behind it before they ask too. Default 500 ms.
    pub graft_spread: Duration,
    /// How long it is waited for once it was asked for, before the next is asked, 1 ms to 10 min.
    /// Default 200 ms.
    pub graft_again: Duration,
    /// How long announcements are gathered, up to 10 s. Default 50 ms.
    pub lazy_interval: Duration,
    /// A branch that is so many hops longer than what was announced is given up for the shorter
    /// one, 1 or more; none: never. Default 7.
    pub threshold: Option<u16>,
    /// How often a neighbour, by chance, is asked what it has had, 1 ms to 1 h. Default 5 s.
    pub compare_interval: Duration,
    /// What came so recently is announced to a new neighbour, up to 10 min. Default 10 s.
    pub recent: Duration,
    /// The most messages kept for others, 1 to 1,000,000. Default 1,024.
    pub store_max: usize,
    /// The most bytes kept for others, up to 16 GiB. Default 16 MiB.
    pub store_bytes_max: usize,
    /// The longest message, at most `store_bytes_max`. Default 1 MiB.
    pub payload_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            graft_timeout: Duration::from_millis(500),
            graft_spread: Duration::from_millis(500),
            graft_again: Duration::from_millis(200),
            lazy_interval: Duration::from_millis(50),
            threshold: Some(7),
            compare_interval: Duration::from_secs(5),
            recent: Duration::from_secs(10),
            store_max: 1024,
            store_bytes_max: 16 << 20,
            payload_bytes_max: 1 << 20,
        }
    }
}

/// Which figure is out of its bounds. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `graft_timeout`, `graft_spread`, `graft_again`, `lazy_interval`, `compare_interval` or `recent`.
    Time,
    /// `threshold`.
    Threshold,
    /// `store_max`, `store_bytes_max` or `payload_bytes_max`.
    Store,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "a time is out of bounds",
            Self::Threshold => "a threshold of no hops would change the tree without end",
            Self::Store => "what is kept is out of bounds",
        })
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        let least = Duration::from_millis(1);
        let minutes = Duration::from_secs(600);
        let grafts = [self.graft_timeout, self.graft_again];
        let times = grafts.iter().all(|t| (least..=minutes).contains(t))
            && (least..=6 * minutes).contains(&self.compare_interval)
            && self.lazy_interval <= Duration::from_secs(10)
            && self.graft_spread <= minutes
            && self.recent <= minutes;
        let store = (1..=1_000_000).contains(&self.store_max)
            && self.store_bytes_max <= 16 << 30
            && self.payload_bytes_max <= self.store_bytes_max;
        if !times {
            Err(ConfigError::Time)
        } else if self.threshold == Some(0) {
            Err(ConfigError::Threshold)
        } else if !store {
            Err(ConfigError::Store)
        } else {
            Ok(self)
        }
    }
}
