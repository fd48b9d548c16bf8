//! Who was asked to be a neighbour, and has not answered yet?
//!
//! Role       Bounds how many are asked at a time, and how long each may think about it.
//! Limit      [`ASKED_MAX`]; who would be one more is not asked.
//! Invariant  No peer twice.

use crate::machine::Tick;

use super::event::PeerId;

/// The most requests without an answer.
pub(super) const ASKED_MAX: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// With the time at which its answer is not waited for any more.
    peers: Vec<(PeerId, Tick)>,
}

impl Asked {
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.peers.iter().any(|&(asked, _)| asked == peer)
    }

    /// May it be asked? Not twice, and not when there is no room.
    pub(super) fn add(&mut self, peer: PeerId, until: Tick) -> bool {
        let may = self.len() < ASKED_MAX && !self.contains(peer);
        if may {
            self.peers.push((peer, until));
        }
        may
    }

    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        let at = self.peers.iter().position(|&(asked, _)| asked == peer);
        at.map(|at| self.peers.swap_remove(at)).is_some()
    }

    /// Takes out one that has thought for too long.
    pub(super) fn expired(&mut self, now: Tick) -> Option<PeerId> {
        let at = self.peers.iter().position(|&(_, until)| until <= now)?;
        Some(self.peers.swap_remove(at).0)
    }

    pub(super) fn check(&self) {
        assert!(self.len() <= ASKED_MAX, "too many are asked");
        for (at, (peer, _)) in self.peers.iter().enumerate() {
            let twice = self.peers[..at].iter().any(|(other, _)| other == peer);
            assert!(!twice, "{peer:?} is asked twice");
        }
    }
}
