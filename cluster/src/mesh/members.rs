//! Who is a member, and at which address?
//!
//! Role       What the membership has said, for whatever overlay there is.
//! Limit      [`PARTED_MAX`] lost members are remembered; of members as many as the membership has.

use std::collections::{BTreeMap, BTreeSet};

use crate::handshake::Who;
use crate::overlay::PeerId;

/// How many lost members are remembered.
const PARTED_MAX: usize = 4096;

/// The members of a cluster but this one.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<PeerId, Who>,
    /// How many members have this address.
    addresses: BTreeMap<Box<str>, usize>,
    /// Who was a member once and was lost.
    parted: BTreeSet<PeerId>,
}

impl Members {
    pub(super) fn all(&self) -> impl Iterator<Item = &Who> {
        self.by_id.values()
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, peer: PeerId) -> Option<&Who> {
        self.by_id.get(&peer)
    }

    /// The one with the smallest number.
    pub(super) fn smallest(&self) -> Option<PeerId> {
        self.by_id.keys().next().copied()
    }

    /// Is this the address of a member?
    pub(super) fn has_address(&self, address: &str) -> bool {
        self.addresses.contains_key(address)
    }

    /// Those at this address.
    pub(super) fn at(&self, address: &str) -> Vec<Who> {
        let is_there = |who: &&Who| *who.address == *address;
        self.by_id.values().filter(is_there).cloned().collect()
    }

    pub(super) fn add(&mut self, who: Who) {
        let peer = who.peer_id();
        self.remove(peer);
        *self.addresses.entry(who.address.clone()).or_default() += 1;
        self.by_id.insert(peer, who);
    }

    /// This one is a member no more: who it was.
    pub(super) fn lose(&mut self, peer: PeerId) -> Option<Who> {
        if PARTED_MAX <= self.parted.len() {
            self.parted.pop_first();
        }
        self.parted.insert(peer);
        self.remove(peer)
    }

    /// Was this one lost once? It is asked for when it is met again. One that is back stands for all that
    /// were lost: they may have been cut off together, and many are met at once.
    pub(super) fn is_back(&mut self, peer: PeerId) -> bool {
        let is_back = self.parted.contains(&peer);
        if is_back {
            self.parted.clear();
        }
        is_back
    }

    fn remove(&mut self, peer: PeerId) -> Option<Who> {
        let who = self.by_id.remove(&peer)?;
        if let Some(count) = self.addresses.get_mut(&who.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&who.address);
            }
        }
        Some(who)
    }
}
