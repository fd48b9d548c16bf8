//! By which neighbour is a node reached?
//!
//! Role       What was learned from messages that came: their source is behind who brought them.
//! Limit      [`ROUTES_MAX`] nodes; the one that was not heard of for longest makes room.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::Tick;
use crate::overlay::PeerId;

/// The most nodes to which a way is remembered.
pub(super) const ROUTES_MAX: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Route {
    next: PeerId,
    hops: u8,
    at: Tick,
}

#[derive(Debug, Clone)]
pub(super) struct Routes {
    known: BTreeMap<PeerId, Route>,
    age_max: Duration,
}

impl Routes {
    pub(super) const fn new(age_max: Duration) -> Self {
        Self {
            known: BTreeMap::new(),
            age_max,
        }
    }

    /// A message of the node came by this neighbour. A longer way counts only when the other has
    /// not been heard of for long.
    pub(super) fn learn(&mut self, node: PeerId, next: PeerId, hops: u8, now: Tick) {
        let new = Route {
            next,
            hops,
            at: now,
        };
        if let Some(old) = self.known.get_mut(&node) {
            let is_old = now.since(old.at) > self.age_max;
            if next == old.next || hops < old.hops || is_old {
                *old = new;
            }
            return;
        }
        if self.known.len() >= ROUTES_MAX {
            let oldest = self.known.iter().min_by_key(|(_, route)| route.at);
            let oldest = oldest.map(|(&node, _)| node).expect("there are some");
            self.known.remove(&oldest);
        }
        self.known.insert(node, new);
    }

    pub(super) fn next(&self, node: PeerId) -> Option<PeerId> {
        self.known.get(&node).map(|route| route.next)
    }

    pub(super) fn forget(&mut self, node: PeerId) {
        self.known.remove(&node);
    }

    /// A neighbour is gone, with all that is behind it.
    pub(super) fn cut(&mut self, next: PeerId) {
        self.known.retain(|_, route| route.next != next);
    }

    pub(super) fn check(&self) {
        assert!(self.known.len() <= ROUTES_MAX, "too many ways are kept");
    }
}
