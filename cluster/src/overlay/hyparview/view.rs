//! Which peers, without order and without doubles?
//!
//! Role       The active and the passive view.
//! Invariant  No peer twice; never more than `max`.

use foundation_runtime::Rng;

use super::event::PeerId;

#[derive(Debug, Clone)]
pub(super) struct View {
    peers: Vec<PeerId>,
    max: usize,
}

impl View {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            peers: Vec::new(),
            max,
        }
    }

    pub(super) fn peers(&self) -> &[PeerId] {
        &self.peers
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.peers.contains(&peer)
    }

    pub(super) fn is_full(&self) -> bool {
        self.peers.len() >= self.max
    }

    pub(super) fn add(&mut self, peer: PeerId) {
        assert!(!self.is_full(), "no room for {peer:?}");
        assert!(!self.contains(peer), "{peer:?} twice");
        self.peers.push(peer);
    }

    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        let at = self.peers.iter().position(|&known| known == peer);
        at.map(|at| self.peers.swap_remove(at)).is_some()
    }

    /// Any peer but those.
    pub(super) fn any(&self, but: &[PeerId], rng: &mut Rng) -> Option<PeerId> {
        let left = |peer: &&PeerId| !but.contains(peer);
        let count = self.peers.iter().filter(left).count();
        let at = (count > 0).then(|| rng.below(count))?;
        self.peers.iter().filter(left).nth(at).copied()
    }

    /// So many peers, or all.
    pub(super) fn sample(&self, count: usize, rng: &mut Rng) -> Vec<PeerId> {
        let mut chosen = Vec::new();
        while chosen.len() < count {
            let Some(peer) = self.any(&chosen, rng) else {
                break;
            };
            chosen.push(peer);
        }
        chosen
    }

    pub(super) fn check(&self) {
        assert!(self.peers.len() <= self.max, "too many peers");
        for (at, peer) in self.peers.iter().enumerate() {
            assert!(!self.peers[..at].contains(peer), "{peer:?} twice");
        }
    }
}
