//! What does a link to a peer cost?
//!
//! Role       What the driver has measured, for as long as it is to be believed.
//! Limit      [`COSTS_MAX`] peers; the oldest figure makes room.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::Tick;

use super::event::PeerId;

/// The most peers whose cost is remembered.
pub(super) const COSTS_MAX: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Costs {
    known: BTreeMap<PeerId, (u64, Tick)>,
    age_max: Duration,
}

impl Costs {
    pub(super) const fn new(age_max: Duration) -> Self {
        Self {
            known: BTreeMap::new(),
            age_max,
        }
    }

    pub(super) fn set(&mut self, peer: PeerId, cost: u64, now: Tick) {
        if self.known.len() >= COSTS_MAX && !self.known.contains_key(&peer) {
            let oldest = self.known.iter().min_by_key(|(_, (_, at))| *at);
            let oldest = oldest.map(|(&peer, _)| peer).expect("there are some");
            self.known.remove(&oldest);
        }
        self.known.insert(peer, (cost, now));
    }

    /// None when it was not measured, or too long ago.
    pub(super) fn get(&self, peer: PeerId, now: Tick) -> Option<u64> {
        let (cost, at) = self.known.get(&peer)?;
        (now.since(*at) <= self.age_max).then_some(*cost)
    }

    pub(super) fn forget(&mut self, peer: PeerId) {
        self.known.remove(&peer);
    }

    pub(super) fn check(&self) {
        assert!(self.known.len() <= COSTS_MAX, "too many costs are kept");
    }
}
