//! How far does a member trust its own judgement?
//!
//! Role       Lifeguard's local health multiplier: who misses answers that it should have got waits
//!            longer before it accuses others.
//! Limit      Between 0 and `max - 1`; times are multiplied by one more than that.
//! Source     Dadgar, Phillips, Currey: Lifeguard (2017), "Local Health Aware Probe"

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Health {
    score: u32,
    max: u32,
}

impl Health {
    pub(super) fn new(max: u32) -> Self {
        assert!(max > 0, "times are multiplied by 1 at least");
        Self { score: 0, max }
    }

    /// A probe was answered.
    pub(super) fn better(&mut self) {
        self.score = self.score.saturating_sub(1);
    }

    /// So many signs that this node is late, or hears badly.
    pub(super) fn worse(&mut self, signs: usize) {
        let signs = u32::try_from(signs).unwrap_or(u32::MAX);
        self.score = self.score.saturating_add(signs).min(self.max - 1);
    }

    pub(super) fn scale(&self, time: Duration) -> Duration {
        time * (self.score + 1)
    }

    pub(super) const fn score(&self) -> u32 {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::Health;
    use std::time::Duration;

    #[test]
    fn scores() {
        let mut health = Health::new(4);
        health.better();
        assert_eq!(health.score(), 0);
        health.worse(2);
        assert_eq!(health.scale(Duration::from_secs(1)), Duration::from_secs(3));
        health.worse(9);
        assert_eq!(health.score(), 3);
        health.better();
        assert_eq!(health.score(), 2);
        let mut plain = Health::new(1);
        plain.worse(5);
        assert_eq!(plain.score(), 0);
    }
}
