//! What is to hold at every moment of a run?
//!
//! Role       Conditions that a test gives once, and that are looked at for it.
//! Invariant  A condition is looked at when nothing more happens without time passing: never in the
//!            middle of what belongs together.

use std::sync::{Mutex, PoisonError};

use super::World;

/// A condition, and what it is called.
struct Condition {
    name: String,
    holds: Box<dyn FnMut() -> bool + Send>,
}

/// The conditions of one world.
#[derive(Default)]
pub(super) struct Conditions(Mutex<Vec<Condition>>);

impl Conditions {
    pub(super) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl World {
    /// From here on `holds` has to be true whenever nothing more happens without time passing, to the
    /// end of the body: in a simulated world before each step of the clock, however short; in a
    /// real one whenever the body waits in the world's time, about each millisecond in
    /// [`World::eventually`].
    ///
    /// It sees what a test can see without waiting: what processes keep for it behind an `Arc`, who
    /// is connected, which process lives. It must not hold the world, and it changes nothing: a
    /// run with it has the same trace as one without.
    ///
    /// ```should_panic
    /// use foundation_runtime::World;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::Duration;
    /// let _ = World::simulate(1, |world| async move {
    ///     let taken = Arc::new(AtomicU32::new(0));
    ///     let seen = Arc::clone(&taken);
    ///     world.always("at most two are taken", move || seen.load(Ordering::Relaxed) <= 2);
    ///     for _ in 0..3 {
    ///         taken.fetch_add(1, Ordering::Relaxed);
    ///         world.sleep(Duration::from_secs(1)).await;
    ///     }
    /// });
    /// ```
    ///
    /// # Panics
    /// The run does, when it does not hold, with its name and the world's time.
    pub fn always(&self, name: impl Into<String>, holds: impl FnMut() -> bool + Send + 'static) {
        let conditions = self.0.always.0.lock();
        let mut conditions = conditions.unwrap_or_else(PoisonError::into_inner);
        conditions.push(Condition {
            name: name.into(),
            holds: Box::new(holds),
        });
    }

    /// The body is done.
    pub(super) fn forget_conditions(&self) {
        self.0.always.clear();
    }

    /// Looks at all of them.
    pub(super) fn check_always(&self) {
        let broken = {
            let conditions = self.0.always.0.lock();
            let mut conditions = conditions.unwrap_or_else(PoisonError::into_inner);
            let mut all = conditions.iter_mut();
            let broken = all.find_map(|it| (!(it.holds)()).then_some(&it.name));
            broken.cloned()
        };
        if let Some(name) = broken {
            panic!("{:?}: it does not hold that {name}", self.now());
        }
    }
}
