//! Where does a seed come from when the program gives none?
//!
//! Role       The only draw of entropy; everything else is derived from a seed, but for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that differs from run to run.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that draws entropy"
)]
pub fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Bytes from the operating system's generator, for secrets.
///
/// # Panics
/// When the system has none: nothing that rests on a secret may go on.
#[must_use]
pub fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system has no random numbers: {error}");
    }
    bytes
}

/// A small seeded generator (splitmix64): fast, and equal on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator that starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "there is no number below 0");
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what an f64 holds exactly.
        ((self.next_u64() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }
}
