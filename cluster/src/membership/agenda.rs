//! What is due next?
//!
//! Role       All that a membership does by the clock, in one list: a driver needs one timer.
//! Owns       At most one entry for each running task, suspect, departed member and relay.

use std::collections::BTreeSet;

use crate::machine::Tick;

/// What happens by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The probe is judged, and the next begins.
    Probe,
    /// The probe of this number was not answered directly.
    Help(u32),
    /// News are passed on.
    Gossip,
    /// Views are compared.
    Exchange,
    /// Somebody who is not live is tried again.
    Reconnect,
    /// Enough good-byes were said.
    Departed,
    /// The suspicion of the member in this place ends.
    Suspicion(usize),
    /// The member in this place is forgotten.
    Forget(usize),
    /// A probe for somebody else was not answered: it is told so, later it is forgotten.
    Relay(u32),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeSet<(Tick, Due)>,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Tick, what: Due) {
        self.due.insert((at, what));
    }

    pub(super) fn remove(&mut self, at: Tick, what: Due) {
        let there = self.due.remove(&(at, what));
        assert!(there, "{what:?} was not due at {at:?}");
    }

    /// Takes it out, if it is there.
    pub(super) fn cancel(&mut self, at: Tick, what: Due) {
        self.due.remove(&(at, what));
    }

    pub(super) fn first(&self) -> Option<Tick> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the first thing that is due.
    pub(super) fn take(&mut self, now: Tick) -> Option<Due> {
        let (at, what) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        Some(what)
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    pub(super) fn has(&self, at: Tick, what: Due) -> bool {
        self.due.contains(&(at, what))
    }
}
