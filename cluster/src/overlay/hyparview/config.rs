//! How many peers does a node know, and how far do its requests walk?
//!
//! Role       Every figure of the protocol, with its default; checked once, at the start.

use std::fmt;
use std::time::Duration;

const TIMEOUT_MIN: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// The figures of the protocol. The same on all nodes of an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most peers that a node is connected to, 3 to 64. Two make rings, of which two that are cut off
    /// from each other are both complete. Default 5.
    pub active_max: usize,
    /// The most peers in reserve, 1 to 1000. Default 30.
    pub passive_max: usize,
    /// Hops that the news of a joining node walk (ARWL), 1 to 64. Default 6.
    pub active_walk: u8,
    /// Hops left of that walk where the node is put in reserve (PRWL), at most `active_walk`.
    /// Default 3.
    pub passive_walk: u8,
    /// Active peers named in a shuffle (ka), at most `active_max`. Default 3.
    pub shuffle_active: usize,
    /// Passive peers named in a shuffle (kp), at most `passive_max`. Default 4.
    pub shuffle_passive: usize,
    /// How long an answer to a request is waited for, 1 ms to 10 min. Who does not answer is taken
    /// out of the reserve. Default 5 s.
    pub answer_timeout: Duration,
    /// The costliest neighbours that are not changed for cheaper ones (UN), less than `active_max`.
    /// They keep the graph from falling apart into near ones. Default 1.
    pub unbiased: usize,
    /// Peers in reserve that are looked at in one optimisation (PSL), at most 64. With 0 nobody is
    /// changed for a cheaper one. Default 2.
    pub optimise_scan: usize,
    /// How long a cost that was measured is believed, 1 ms to 1 h. Default 1 min.
    pub cost_age_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            active_max: 5,
            passive_max: 30,
            active_walk: 6,
            passive_walk: 3,
            shuffle_active: 3,
            shuffle_passive: 4,
            answer_timeout: Duration::from_secs(5),
            unbiased: 1,
            optimise_scan: 2,
            cost_age_max: Duration::from_secs(60),
        }
    }
}

/// Which figure is out of its bounds. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `active_max` or `passive_max`.
    View,
    /// `active_walk` or `passive_walk`.
    Walk,
    /// `shuffle_active` or `shuffle_passive`.
    Shuffle,
    /// `answer_timeout`.
    Timeout,
    /// `unbiased`, `optimise_scan` or `cost_age_max`.
    Optimisation,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "the size of a view is out of bounds",
            Self::Walk => "the length of a walk is out of bounds",
            Self::Shuffle => "a shuffle names more peers than a view holds",
            Self::Timeout => "the time to wait for an answer is out of bounds",
            Self::Optimisation => "a figure of the optimisation is out of bounds",
        })
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Whether all figures are in their bounds.
    ///
    /// # Errors
    /// [`ConfigError`] names the first that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.clone().checked().map(drop)
    }

    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        let views = (3..=64).contains(&self.active_max) && (1..=1000).contains(&self.passive_max);
        let walks = (1..=64).contains(&self.active_walk) && self.passive_walk <= self.active_walk;
        let shuffles = self.shuffle_active <= self.active_max;
        let optimisation = self.unbiased < self.active_max
            && self.optimise_scan <= 64
            && (TIMEOUT_MIN..=6 * TIMEOUT_MAX).contains(&self.cost_age_max);
        if !views {
            Err(ConfigError::View)
        } else if !walks {
            Err(ConfigError::Walk)
        } else if !shuffles || self.shuffle_passive > self.passive_max {
            Err(ConfigError::Shuffle)
        } else if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&self.answer_timeout) {
            Err(ConfigError::Timeout)
        } else if !optimisation {
            Err(ConfigError::Optimisation)
        } else {
            Ok(self)
        }
    }
}
