//! What decides in a walk?
//!
//! Role       Choices by a seed.

use foundation_runtime::Rng;

pub(crate) struct Dice(Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }

    /// A number below so many.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0.below(sides)
    }

    /// One of these.
    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}
