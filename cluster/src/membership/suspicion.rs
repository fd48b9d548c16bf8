//! How long has a suspect to say that it lives?
//!
//! Role       Lifeguard's suspicion: long while one member alone accuses, shorter with each other one
//!            that confirms.
//! Inputs     When it began, who accuses, how many members there are.
//! Outputs    When the suspect is down.
//! Source     Dadgar, Phillips, Currey: Lifeguard (2017), "Local Health Aware Suspicion"

use std::time::Duration;

use crate::machine::Tick;

use super::config::Config;
use super::logarithm::{log2_milli, log10_milli};
use super::record::Accusers;

#[derive(Debug)]
pub(super) struct Suspicion {
    pub(super) begun: Tick,
    pub(super) accusers: Accusers,
    /// Of others than the first accuser: so many make the time the shortest.
    confirmations: usize,
    min: Duration,
    max: Duration,
}

impl Suspicion {
    /// `live` counts the members, the suspect and this one among them.
    pub(super) fn new(config: &Config, now: Tick, live: usize, accusers: Accusers) -> Self {
        let scale = u32::try_from(log10_milli(live).max(1000)).unwrap_or(u32::MAX);
        let min = config.probe_interval * config.suspicion_factor * scale / 1000;
        // Who could confirm: all but the suspect and its accuser.
        let enough = live.saturating_sub(2) >= config.confirmations;
        Self {
            begun: now,
            accusers,
            confirmations: if enough { config.confirmations } else { 0 },
            min,
            max: min * config.suspicion_max_factor,
        }
    }

    /// Adds accusers. Is there one whose word changes anything?
    pub(super) fn confirm(&mut self, others: &Accusers) -> bool {
        let mut news = false;
        for accuser in others.as_slice() {
            if self.accusers.len() <= self.confirmations {
                news |= self.accusers.add(*accuser);
            }
        }
        news
    }

    pub(super) fn end(&self) -> Tick {
        let confirmed = self.accusers.len().saturating_sub(1);
        let wanted = self.confirmations;
        if wanted == 0 && !self.accusers.is_empty() {
            return self.begun + self.min;
        }
        let span = u64::try_from((self.max - self.min).as_micros()).unwrap_or(u64::MAX);
        let shorter =
            span.saturating_mul(log2_milli(confirmed + 1)) / log2_milli(wanted + 1).max(1);
        self.begun + (self.max - Duration::from_micros(shorter.min(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Accusers, Config, Suspicion, Tick};
    use std::time::Duration;

    fn end(config: &Config, live: usize, accusers: &[u64]) -> Duration {
        let mut all = Accusers::default();
        for accuser in accusers {
            all.add(*accuser);
        }
        let mut suspicion = Suspicion::new(config, Tick::ZERO, live, Accusers::one(accusers[0]));
        suspicion.confirm(&all);
        suspicion.end().since(Tick::ZERO)
    }

    #[test]
    fn times() {
        let config = Config {
            probe_interval: Duration::from_secs(1),
            suspicion_factor: 5,
            suspicion_max_factor: 6,
            confirmations: 3,
            ..Config::default()
        };
        let secs = Duration::from_secs;
        // The paper's curve for three confirmations: 30, 17.5, 10.2, 5 s at up to ten members.
        assert_eq!(end(&config, 10, &[1]), secs(30));
        assert_eq!(end(&config, 10, &[1, 2]), Duration::from_millis(17_500));
        assert_eq!(end(&config, 10, &[1, 2, 3]).as_secs(), 10);
        assert_eq!(end(&config, 10, &[1, 2, 3, 4]), secs(5));
        assert_eq!(end(&config, 10, &[1, 2, 3, 4, 5]), secs(5));
        assert_eq!(end(&config, 1000, &[1, 2, 3, 4]), secs(15));
        // Too few to confirm, or nothing to confirm: the shortest time at once.
        assert_eq!(end(&config, 4, &[1]), secs(5));
        assert_eq!(end(&config.clone().without_lifeguard(), 10, &[1]), secs(5));
    }

    #[test]
    fn hearsay_has_the_longest_time() {
        let config = Config::default();
        let heard = Suspicion::new(&config, Tick::ZERO, 100, Accusers::default());
        let accused = Suspicion::new(&config, Tick::ZERO, 100, Accusers::one(1));
        assert_eq!(heard.end(), accused.end());
        let few = Suspicion::new(&config, Tick::ZERO, 3, Accusers::default());
        assert!(few.end() > Suspicion::new(&config, Tick::ZERO, 3, Accusers::one(1)).end());
    }
}
