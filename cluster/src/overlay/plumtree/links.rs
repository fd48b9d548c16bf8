//! Which neighbours are sent payloads, and which are told of them?
//!
//! Role       The links of this node, and the announcements that wait on them.
//! Limit      [`ANNOUNCED_MAX`] announcements wait; with one more they are all sent.

use std::collections::BTreeMap;

use foundation_runtime::Rng;

use crate::machine::Effects;
use crate::overlay::PeerId;

use super::event::{Effect, Message, MessageId};

/// The most announcements in one message.
pub(super) const ANNOUNCED_MAX: usize = 256;

#[derive(Debug, Clone)]
struct Link {
    eager: bool,
    announced: Vec<(MessageId, u16)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Links(BTreeMap<PeerId, Link>);

impl Links {
    /// A new link is a branch of the tree until something comes twice.
    pub(super) fn add(&mut self, peer: PeerId) {
        let link = Link {
            eager: true,
            announced: Vec::new(),
        };
        self.0.insert(peer, link);
    }

    pub(super) fn remove(&mut self, peer: PeerId) {
        self.0.remove(&peer);
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.0.contains_key(&peer)
    }

    /// Says nothing about who is no neighbour.
    pub(super) fn set_eager(&mut self, peer: PeerId, eager: bool) {
        if let Some(link) = self.0.get_mut(&peer) {
            link.eager = eager;
        }
    }

    pub(super) fn of_kind(&self, eager: bool) -> impl Iterator<Item = PeerId> {
        let links = self.0.iter().filter(move |(_, link)| link.eager == eager);
        links.map(|(&peer, _)| peer)
    }

    pub(super) fn any(&self, rng: &mut Rng) -> Option<PeerId> {
        let at = (!self.0.is_empty()).then(|| rng.below(self.0.len()))?;
        self.0.keys().nth(at).copied()
    }

    pub(super) fn announce(
        &mut self,
        peer: PeerId,
        what: (MessageId, u16),
        effects: &mut Effects<Effect>,
    ) {
        if let Some(link) = self.0.get_mut(&peer) {
            link.announced.push(what);
            if link.announced.len() >= ANNOUNCED_MAX {
                flush(peer, link, effects);
            }
        }
    }

    /// Sends all announcements that wait.
    pub(super) fn flush(&mut self, effects: &mut Effects<Effect>) {
        for (&peer, link) in &mut self.0 {
            if !link.announced.is_empty() {
                flush(peer, link, effects);
            }
        }
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.0.values().all(|link| link.announced.is_empty())
    }

    pub(super) fn check(&self) {
        for (peer, link) in &self.0 {
            let count = link.announced.len();
            assert!(count < ANNOUNCED_MAX, "{count} wait for {peer:?}");
        }
    }
}

fn flush(peer: PeerId, link: &mut Link, effects: &mut Effects<Effect>) {
    let announced = std::mem::take(&mut link.announced);
    effects.push(Effect::Send(peer, Message::IHave(announced)));
}
