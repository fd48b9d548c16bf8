//! What was announced and has not come, and who is asked for it, when?
//!
//! Role       One timer a message, and those who announced it.
//! Limit      [`MISSING_MAX`] messages; of more a comparison has to tell.
//! Invariant  `due` and `waits` have the same messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Tick;
use crate::overlay::PeerId;

use super::event::MessageId;

const MISSING_MAX: usize = 4096;

#[derive(Debug, Clone)]
struct Wait {
    due: Tick,
    /// First come, first asked; with the hops that each would take.
    sources: Vec<(PeerId, u16)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    waits: BTreeMap<MessageId, Wait>,
    due: BTreeSet<(Tick, MessageId)>,
}

impl Missing {
    pub(super) fn add(&mut self, id: MessageId, source: (PeerId, u16), due: Tick) {
        if !self.waits.contains_key(&id) {
            if self.waits.len() >= MISSING_MAX {
                return;
            }
            let sources = Vec::new();
            self.waits.insert(id, Wait { due, sources });
            self.due.insert((due, id));
        }
        let wait = self.waits.get_mut(&id).expect("it is there now");
        if !wait.sources.iter().any(|(peer, _)| *peer == source.0) {
            wait.sources.push(source);
        }
    }

    /// It has come: the shortest way of those announced.
    pub(super) fn came(&mut self, id: MessageId) -> Option<(PeerId, u16)> {
        let wait = self.waits.remove(&id)?;
        self.due.remove(&(wait.due, id));
        wait.sources.into_iter().min_by_key(|(_, hops)| *hops)
    }

    /// Takes a message whose time has come, with the next to be asked, and waits until `again`.
    /// Who has nobody left to ask does not wait any more.
    pub(super) fn next(&mut self, now: Tick, again: Tick) -> Option<(MessageId, Option<PeerId>)> {
        let (due, id) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, id));
        let wait = self.waits.get_mut(&id).expect("what is due is waited for");
        if wait.sources.is_empty() {
            self.waits.remove(&id);
            return Some((id, None));
        }
        wait.due = again;
        self.due.insert((again, id));
        Some((id, Some(wait.sources.remove(0).0)))
    }

    /// A neighbour is gone: it is asked for nothing.
    pub(super) fn forget(&mut self, peer: PeerId) {
        for wait in self.waits.values_mut() {
            wait.sources.retain(|(source, _)| *source != peer);
        }
    }

    pub(super) fn wake(&self) -> Option<Tick> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn check(&self) {
        assert!(self.waits.len() <= MISSING_MAX, "too many are waited for");
        assert!(self.waits.len() == self.due.len(), "some are never due");
        for (id, wait) in &self.waits {
            assert!(self.due.contains(&(wait.due, *id)), "{id:?} is not due");
        }
    }
}
