//! Whom does a member speak to, where it is connected to few?
//!
//! Role       Its neighbours: whom the overlay keeps connected. With [`Reach::Neighbours`] they are probed,
//!            told the news and compared with; so is somebody else now and then: who fails together with all
//!            of its own neighbours is noticed, and what two parts of an overlay know gets to both.
//! Limit      [`NEIGHBOURS_MAX`] of them.

use std::collections::{BTreeMap, VecDeque};

use crate::machine::{Effects, Tick};

use super::config::Reach;
use super::digest::hash;
use super::event::Effect;
use super::machine::Membership;
use super::members::Member;
use super::name::Name;

/// The most neighbours: no overlay has more.
pub(super) const NEIGHBOURS_MAX: usize = 1024;

/// The neighbours of a member.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// The start of each, by the hash of its name.
    by_name: BTreeMap<u64, u64>,
    /// Whom to probe next: places of neighbours, and of those that are none any more.
    next: VecDeque<usize>,
    /// When somebody who is no neighbour is probed.
    audit: Tick,
}

impl Neighbours {
    pub(super) fn count(&self) -> usize {
        self.by_name.len()
    }
}

impl Membership {
    /// The overlay keeps the connection to this one.
    pub(super) fn linked(&mut self, name: &Name, incarnation: u64) {
        let known = &mut self.neighbours.by_name;
        if known.len() < NEIGHBOURS_MAX {
            known.insert(hash(name.as_str()), incarnation);
        }
    }

    /// It does not any more. Overlays change neighbours, and connections break: that alone does not say
    /// that it failed, but it is probed next.
    pub(super) fn unlinked(&mut self, name: &Name, incarnation: u64) {
        let hash = hash(name.as_str());
        if self.neighbours.by_name.get(&hash) == Some(&incarnation) {
            self.neighbours.by_name.remove(&hash);
            if let Some(at) = self.members.find(name.as_str())
                && self.neighbours.next.len() < NEIGHBOURS_MAX
            {
                self.neighbours.next.push_front(at);
            }
        }
    }

    fn is_neighbour(&self, member: &Member) -> bool {
        self.neighbours.by_name.get(&member.hash) == Some(&member.record.incarnation)
    }

    /// The neighbours that are live, in an order that does not change.
    fn live_neighbours(&self) -> Vec<usize> {
        let known = self.neighbours.by_name.keys();
        let places = known.filter_map(|hash| self.members.find_hash(*hash));
        places
            .filter(|at| self.members.is_live(*at) && self.is_neighbour(self.members.at(*at)))
            .collect()
    }

    /// Up to `count` of those that this member speaks to and that may be chosen, at random.
    pub(super) fn choose(&mut self, count: usize, may: impl Fn(&Member) -> bool) -> Vec<usize> {
        let mut near = match self.config.reach {
            Reach::All => Vec::new(),
            Reach::Neighbours => self.live_neighbours(),
        };
        near.retain(|at| may(self.members.at(*at)));
        if near.is_empty() {
            return self.members.choose(count, &mut self.rng, may);
        }
        let mut chosen = Vec::new();
        while chosen.len() < count && !near.is_empty() {
            chosen.push(near.swap_remove(self.rng.below(near.len())));
        }
        chosen
    }

    /// Whom to probe now: each neighbour in turn; now and then anybody, with whom views are compared, too.
    pub(super) fn next_near(&mut self, now: Tick, effects: &mut Effects<Effect>) -> Option<usize> {
        if self.neighbours.audit <= now {
            let pause = self.config.audit_interval;
            let jitter = self.within(pause / 2);
            self.neighbours.audit = now + pause * 3 / 4 + jitter;
            let at = self.members.next_probed(&mut self.rng)?;
            // Neighbours of neighbours may not reach it, nor hear of what it knows.
            let address = self.members.at(at).record.address.clone();
            self.compare(now, &address, Some(at), effects);
            return Some(at);
        }
        let mut is_new = false;
        loop {
            while let Some(at) = self.neighbours.next.pop_front() {
                if self.members.is_live(at) {
                    return Some(at);
                }
            }
            if std::mem::replace(&mut is_new, true) {
                // It has no neighbour: whoever there is.
                return self.members.next_probed(&mut self.rng);
            }
            self.neighbours.next = self.live_neighbours().into();
        }
    }

    /// So many times longer one of many waits, so that all together do something as often as few.
    pub(super) fn share(&self) -> u32 {
        let count = u32::try_from(self.members.live().len()).unwrap_or(u32::MAX);
        match self.config.reach {
            Reach::All => 1,
            Reach::Neighbours => (count / 4).max(1),
        }
    }
}
