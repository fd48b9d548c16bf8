//! What has another node said, and what was it told?
//!
//! Role       The words of other registries: who speaks for a node, what it says in full and in
//!            changes, and what it is told in turn.
//! Invariant  A word counts only from the process that discovered this one last. Whoever missed a word
//!            is told everything anew, and then nothing before is counted on.

use foundation_runtime::planted::{self, Bug};
use std::collections::BTreeSet;
use std::time::Duration;

use foundation_actors::pg::machine::Member;

use super::event::Effect;
use super::machine::Registrar;
use super::word::{Claim, NAMES_PER_WORD, Resource, Word};
use crate::machine::{Effects, Tick};

/// After so long it is tried again to say what found no room.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How much another node has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: nobody there has asked.
    Nothing,
    /// Everything, and every change since.
    All,
    /// It has missed a word, and is told everything anew from then on.
    Behind(Tick),
}

#[derive(Debug)]
pub(super) struct Peer<P> {
    /// Who speaks for the node.
    pub(super) speaker: Option<P>,
    pub(super) told: Told,
    /// Up to which version of this node's names it has heard.
    pub(super) acked: u64,
    /// Up to which version of its names it was heard.
    heard: u64,
    /// Whether it has said everything.
    pub(super) is_synced: bool,
    /// Names that it had before it began to say everything, and has not said yet.
    stale: BTreeSet<String>,
}

impl<P> Peer<P> {
    fn new() -> Self {
        Self {
            speaker: None,
            told: Told::Nothing,
            acked: 0,
            heard: 0,
            is_synced: false,
            stale: BTreeSet::new(),
        }
    }
}

impl<P: Member> Registrar<P> {
    pub(super) fn up(&mut self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        if node == self.own.node() || self.peers.contains_key(&node) {
            return;
        }
        self.peers.insert(node, Peer::new());
        if !self.is_shy {
            effects.push(Effect::Seek(node, Word::Discover { is_answer: false }));
        }
    }

    /// There is something to say from here on: who was not sought is.
    pub(super) fn speak_up(&mut self, effects: &mut Effects<Effect<P>>) {
        if !std::mem::take(&mut self.is_shy) {
            return;
        }
        let unsought = self.peers.iter().filter(|(_, peer)| peer.speaker.is_none());
        for (node, _) in unsought {
            effects.push(Effect::Seek(*node, Word::Discover { is_answer: false }));
        }
    }

    pub(super) fn down(&mut self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        if self.peers.remove(&node).is_none() {
            return;
        }
        self.locks.forget(node);
        // What it has granted is gone with it, also if it comes back.
        self.holding.values_mut().for_each(|held| {
            held.told.remove(&node);
        });
        self.ops.values_mut().for_each(|op| op.forget(node));
        for name in self.claims.names_of(node) {
            if planted::is(Bug::NameOfLost) {
                break;
            }
            self.learn(node, &name, None, effects);
        }
    }

    pub(super) fn ended(&mut self, pid: P, effects: &mut Effects<Effect<P>>) {
        let node = pid.node();
        if let Some(peer) = self.peers.get_mut(&node)
            && peer.speaker == Some(pid)
        {
            // Its names are still held; another one will speak for them.
            *peer = Peer::new();
            effects.push(Effect::Seek(node, Word::Discover { is_answer: false }));
        }
    }

    pub(super) fn unsaid(&mut self, now: Tick, to: P) {
        if let Some(peer) = self.peers.get_mut(&to.node())
            && peer.speaker == Some(to)
            && peer.told == Told::All
        {
            peer.told = Told::Behind(now + RETRY_PAUSE);
        }
    }

    pub(super) fn tell_again(&mut self, now: Tick, effects: &mut Effects<Effect<P>>) {
        let behind = self.peers.iter().filter(|(_, peer)| match peer.told {
            Told::Behind(until) => until <= now,
            _ => false,
        });
        for node in behind.map(|(node, _)| *node).collect::<Vec<_>>() {
            self.tell_all(now, node, effects);
        }
    }

    /// A word for whoever speaks for a node. One that is behind hears everything anew instead.
    pub(super) fn say(&self, node: P::Node, word: Word<P>, effects: &mut Effects<Effect<P>>) {
        if let Some(peer) = self.peers.get(&node)
            && let (Some(speaker), Told::All) = (peer.speaker, peer.told)
        {
            effects.push(Effect::Say(speaker, word));
        }
    }

    pub(super) fn tell_change(
        &self,
        name: &str,
        claim: Option<Claim<P>>,
        effects: &mut Effects<Effect<P>>,
    ) {
        for node in self.peers.keys() {
            let word = Word::Changed(self.version, name.to_owned(), claim);
            self.say(*node, word, effects);
        }
    }

    fn discovered(
        &mut self,
        now: Tick,
        from: P,
        is_answer: bool,
        effects: &mut Effects<Effect<P>>,
    ) {
        let Some(peer) = self.peers.get_mut(&from.node()) else {
            return;
        };
        let is_new = peer.speaker != Some(from);
        if is_new {
            *peer = Peer::new();
            peer.speaker = Some(from);
            effects.push(Effect::Watch(from));
        }
        // Who seeks this one again has not taken what it was told before.
        if is_new || !is_answer {
            self.tell_all(now, from.node(), effects);
        }
    }

    /// Whoever speaks for the node is told everything.
    fn tell_all(&mut self, now: Tick, node: P::Node, effects: &mut Effects<Effect<P>>) {
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        peer.told = Told::All;
        let heard = peer.heard;
        // What it has granted to a try is not counted on.
        self.try_again(now, node, effects);
        let mut locks = Vec::new();
        for (name, held) in &mut self.holding {
            held.told.insert(node);
            locks.push((Resource::Lock(name.clone()), held.number));
        }
        for op in self.ops.values_mut().filter(|op| op.has_lock()) {
            op.told.insert(node);
            locks.extend(op.resource().map(|resource| (resource, op.attempt)));
        }
        self.say(node, Word::Discover { is_answer: true }, effects);
        self.say(node, Word::Begin { locks, heard }, effects);
        let own = self.own.node();
        let names: Vec<String> = self.claims.names_of(own).into_iter().collect();
        for names in names.chunks(NAMES_PER_WORD) {
            let claims = names.iter().filter_map(|name| {
                let claim = self.claims.of(own, name)?;
                Some((name.clone(), claim))
            });
            self.say(node, Word::Names(claims.collect()), effects);
        }
        self.say(node, Word::End(self.version), effects);
        self.ask_to_withdraw(node, effects);
        for name in self.claims.names_of(node) {
            self.compare(node, &name, effects);
        }
    }

    pub(super) fn heard(
        &mut self,
        now: Tick,
        from: P,
        word: Word<P>,
        effects: &mut Effects<Effect<P>>,
    ) {
        if let Word::Discover { is_answer } = word {
            return self.discovered(now, from, is_answer, effects);
        }
        let (node, version) = (from.node(), self.version);
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        if peer.speaker != Some(from) {
            return;
        }
        match word {
            Word::Begin { locks, heard } => {
                peer.is_synced = false;
                peer.acked = heard.min(version);
                peer.stale = self.claims.names_of(node);
                self.locks.forget(node);
                for (resource, number) in locks {
                    self.locks.admit(&resource, (node, number));
                }
                // It has missed what it was asked, perhaps, or what it said is missing.
                self.try_again(now, node, effects);
            }
            Word::Names(claims) => {
                for (name, claim) in claims {
                    self.named(node, &name, Some(claim), effects);
                }
            }
            Word::End(version) => {
                peer.is_synced = true;
                peer.heard = version;
                for name in std::mem::take(&mut peer.stale) {
                    self.learn(node, &name, None, effects);
                }
                self.say(node, Word::Heard(version), effects);
            }
            Word::Changed(version, name, claim) => {
                peer.heard = version;
                self.named(node, &name, claim, effects);
                self.say(node, Word::Heard(version), effects);
            }
            Word::Heard(acked) => peer.acked = peer.acked.max(acked.min(version)),
            other => self.asked_by(now, node, other, effects),
        }
    }

    /// What a node says of a name.
    fn named(
        &mut self,
        node: P::Node,
        name: &str,
        claim: Option<Claim<P>>,
        effects: &mut Effects<Effect<P>>,
    ) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.stale.remove(name);
        }
        // Of other nodes' processes it says nothing that counts.
        let claim = claim.filter(|claim| claim.pid.node() == node);
        self.learn(node, name, claim, effects);
    }
}
