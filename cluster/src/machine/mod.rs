//! What do all protocols of this crate have in common?
//!
//! Role       Lets one driver and one simulator run any of them.
//! Inputs     One [`Machine::Input`] at one [`Tick`].
//! Outputs    Effects, appended to a buffer that the caller owns and drains.
//! Absent     I/O, clocks, locks, tasks. Randomness is a seeded generator that the machine owns.

mod effects;
mod tick;

pub use effects::{EFFECTS_MAX, Effects};
pub use tick::Tick;

/// A protocol as a pure function of what happened: same seed, same inputs, same effects.
pub trait Machine {
    /// All that can happen to it.
    type Input;
    /// All that it can ask for.
    type Effect;

    /// Takes one input. What is to be done for it is appended to `effects`.
    fn step(&mut self, now: Tick, input: Self::Input, effects: &mut Effects<Self::Effect>);

    /// Looks at everything that has to hold between two steps.
    ///
    /// # Panics
    /// When the state is impossible: the machine has a fault.
    fn check(&self);
}
