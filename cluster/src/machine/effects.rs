//! What does a machine want done?
//!
//! Role       The buffer between a machine, which fills it, and its driver, which drains it.
//! Limit      [`EFFECTS_MAX`] effects for one step: more is a fault of the machine.

/// The most effects of one step.
pub const EFFECTS_MAX: usize = 100_000;

/// What is to be done, oldest first.
///
/// ```
/// let mut effects = foundation_cluster::Effects::new();
/// effects.push("send");
/// effects.push("arm");
/// assert_eq!(effects.drain().collect::<Vec<_>>(), ["send", "arm"]);
/// assert!(effects.is_empty());
/// ```
#[derive(Debug)]
pub struct Effects<E>(Vec<E>);

impl<E> Effects<E> {
    /// Nothing yet; allocates when something comes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One thing more.
    ///
    /// # Panics
    /// When there are [`EFFECTS_MAX`] already.
    pub fn push(&mut self, effect: E) {
        assert!(self.0.len() < EFFECTS_MAX, "a machine asks for too much");
        self.0.push(effect);
    }

    /// Takes all of them, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = E> {
        self.0.drain(..)
    }

    /// Is there nothing to do?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<E> Default for Effects<E> {
    fn default() -> Self {
        Self::new()
    }
}
