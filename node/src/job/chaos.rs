//! Does chaos strike at this line?
//!
//! Role       Decides, line by line, whether the process that counts it is killed.
//! Inputs     A seed, a probability, the number of a line.
//! Outputs    A verdict that these alone decide: whoever counts the line, whenever, gets the same.
//! Owns       The probability, which the operator may change while the job runs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::work::Mark;

/// The probability that the key `c` turns on when none was asked for.
pub(crate) const DEFAULT_CHANCE: f64 = 0.01;

/// The source of crashes.
#[derive(Debug)]
pub(crate) struct Chaos {
    seed: u64,
    /// The probability, as bits.
    chance: AtomicU64,
}

/// The verdict on lines, as of one moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Dice {
    seed: u64,
    /// One more than the largest number that strikes, of 2^53.
    threshold: u64,
}

const FACES: f64 = (1_u64 << 53) as f64;

impl Chaos {
    pub(crate) fn new(seed: u64, chance: f64) -> Self {
        let chance = AtomicU64::new(chance.to_bits());
        Self { seed, chance }
    }

    /// The probability now.
    pub(crate) fn chance(&self) -> f64 {
        f64::from_bits(self.chance.load(Ordering::Relaxed))
    }

    pub(crate) fn set_chance(&self, chance: f64) {
        self.chance.store(chance.to_bits(), Ordering::Relaxed);
    }

    /// What decides about a batch of lines; nothing when chaos is off.
    pub(crate) fn dice(&self) -> Option<Dice> {
        let threshold = (self.chance() * FACES) as u64;
        (threshold > 0).then_some(Dice {
            seed: self.seed,
            threshold,
        })
    }
}

impl Dice {
    /// Whether the line's process is to die of it.
    pub(crate) fn strike(self, mark: Mark) -> bool {
        let line = mark.line ^ u64::from(mark.pass).rotate_right(24);
        mix(mix(self.seed) ^ line) >> 11 < self.threshold
    }
}

/// SplitMix64's output function.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
