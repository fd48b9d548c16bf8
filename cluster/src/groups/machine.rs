//! Which node has to be told of which groups, and what do its words mean here?
//!
//! Role       Between the scopes of this node and the like process on every other: each says what its
//!            own members are, first all, then every change.
//! Inputs     [`Input`]: nodes that come and go, words, changes here, words that found no room.
//! Outputs    [`Effect`]: words, and what a scope is to be told.
//! Owns       Per connected node the names of the scopes that it has members in, at most
//!            [`SCOPES_MAX`], and the parts of the one that it is naming.
//! Invariant  A word counts only from the process that discovered this one last, and nothing of a node
//!            stays in a scope once it is lost. Whoever missed a word is told everything anew.
//! Source     otp: pg, "strong eventual consistency"

use foundation_runtime::planted::{self, Bug};
use std::collections::BTreeMap;
use std::sync::Arc;

use foundation_actors::pg::machine::{self as scope, Change, Group, Member};

use super::word::Word;
use crate::machine::{Effects, Machine, Tick};

/// In how many scopes one node may have members; what it says of more is not taken.
pub const SCOPES_MAX: usize = 16_384;

/// All that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<P: Member> {
    /// A node is connected.
    Up(P::Node),
    /// It is lost.
    Down(P::Node),
    /// A word came.
    Heard(Word<P>),
    /// The process that exchanges groups on another node has ended; its node may live.
    Ended(P),
    /// Members of a scope here have joined or left.
    Changed {
        /// Which scope, by name and number.
        scope: (Arc<str>, u64),
        /// What happened,
        change: Change,
        /// in which group,
        group: Group,
        /// to whom.
        pids: Vec<P>,
    },
    /// All members of a scope here, for one node.
    Whole {
        /// Which node.
        to: P::Node,
        /// Which scope, by name and number.
        scope: (Arc<str>, u64),
        /// The members.
        groups: Vec<(Group, Vec<P>)>,
        /// As asked for by this round.
        round: u64,
    },
    /// All scopes have been named by [`Input::Whole`], as asked for by this round.
    Told {
        /// Which node.
        to: P::Node,
        /// Which round.
        round: u64,
    },
    /// Nobody of that node is in this scope any more.
    Emptied(P::Node, Arc<str>),
    /// Changes here were left out.
    Overrun,
    /// There was no room for a word.
    Unsaid(P),
    /// It is time to try again.
    Retry,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<P: Member> {
    /// A word for whoever exchanges groups on that node, by name.
    Seek(P::Node, Word<P>),
    /// A word for this process.
    Say(P, Word<P>),
    /// The end of this process matters from here on.
    Watch(P),
    /// All scopes are to be given back as [`Input::Whole`] for this node, and then [`Input::Told`] with
    /// this round. Nothing of what happens from here on may be left out.
    TellAll(P::Node, u64),
    /// A scope is to be told this of that node, and kept.
    Feed(P::Node, Arc<str>, scope::Input<P>),
    /// Nothing of that node is in this scope any more.
    Release(P::Node, Arc<str>),
    /// [`Input::Retry`] is wanted after a while.
    RetryLater,
    /// A node has members in more scopes than are taken: this one was left out.
    Beyond(P::Node, String),
}

/// How much another node has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Nothing: nobody there has asked.
    Nothing,
    /// What this round begins with, and every change since.
    Since(u64),
    /// It has missed a word.
    Behind,
}

/// A scope that another node has members in.
#[derive(Debug)]
struct Seen {
    number: u64,
    /// Whether it was named since the last [`Word::Begin`].
    is_fresh: bool,
}

#[derive(Debug)]
struct Peer<P> {
    /// Who speaks for the node.
    speaker: Option<P>,
    told: Told,
    scopes: BTreeMap<Arc<str>, Seen>,
    /// Parts of a scope whose last is still to come.
    parts: Vec<(Group, Vec<P>)>,
}

/// The exchange of one node.
#[derive(Debug)]
pub struct Exchange<P: Member> {
    own: P,
    peers: BTreeMap<P::Node, Peer<P>>,
    rounds: u64,
    retries: bool,
    scopes_max: usize,
    /// It has nothing to say yet, and seeks nobody.
    is_shy: bool,
}

impl<P: Member> Exchange<P> {
    /// This process exchanges the groups of its node; nobody is connected.
    #[must_use]
    pub fn new(own: P) -> Self {
        Self::with_limit(own, SCOPES_MAX)
    }

    /// The same, with another limit than [`SCOPES_MAX`].
    #[must_use]
    pub fn with_limit(own: P, scopes_max: usize) -> Self {
        Self {
            own,
            peers: BTreeMap::new(),
            rounds: 0,
            retries: false,
            scopes_max,
            is_shy: false,
        }
    }

    /// It seeks nobody before it has something to say, or is sought: where a node is connected to few,
    /// it would be to all.
    #[must_use]
    pub fn shy(self) -> Self {
        Self {
            is_shy: true,
            ..self
        }
    }

    fn up(&mut self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        if node == self.own.node() || self.peers.contains_key(&node) {
            return;
        }
        let peer = Peer {
            speaker: None,
            told: Told::Nothing,
            scopes: BTreeMap::new(),
            parts: Vec::new(),
        };
        self.peers.insert(node, peer);
        if !self.is_shy {
            self.seek(node, effects);
        }
    }

    /// There is something to say from here on: who was not sought is.
    fn speak_up(&mut self, effects: &mut Effects<Effect<P>>) {
        if !std::mem::take(&mut self.is_shy) {
            return;
        }
        let unsought = self.peers.iter().filter(|(_, peer)| peer.speaker.is_none());
        for (node, _) in unsought {
            self.seek(*node, effects);
        }
    }

    fn seek(&self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        let (from, is_answer) = (self.own, false);
        effects.push(Effect::Seek(node, Word::Discover { from, is_answer }));
    }

    fn down(&mut self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        let peer = self.peers.remove(&node);
        if planted::is(Bug::GroupOfLost) {
            return;
        }
        for name in peer.into_iter().flat_map(|peer| peer.scopes.into_keys()) {
            release(node, name, effects);
        }
    }

    fn ended(&mut self, pid: P, effects: &mut Effects<Effect<P>>) {
        let Some(peer) = self.peers.get_mut(&pid.node()) else {
            return;
        };
        if peer.speaker == Some(pid) {
            // Its members are still there; another one will speak for them.
            peer.speaker = None;
            peer.told = Told::Nothing;
            self.seek(pid.node(), effects);
        }
    }

    fn heard(&mut self, word: Word<P>, effects: &mut Effects<Effect<P>>) {
        let (from, own, max) = (word.from(), self.own, self.scopes_max);
        let Some(peer) = self.peers.get_mut(&from.node()) else {
            return;
        };
        match word {
            Word::Discover { is_answer, .. } => self.discovered(from, is_answer, effects),
            // From one that was there before, or over a connection that was there before.
            _ if peer.speaker != Some(from) || from == own => {}
            Word::Begin { .. } => {
                peer.parts.clear();
                for seen in peer.scopes.values_mut() {
                    seen.is_fresh = false;
                }
            }
            Word::Part {
                scope,
                number,
                groups,
                is_last,
                ..
            } => {
                if peer.gathered() < scope::MEMBERS_MAX {
                    let named = groups.into_iter();
                    peer.parts
                        .extend(named.map(|(group, pids)| (group.into(), pids)));
                }
                if is_last {
                    let groups = std::mem::take(&mut peer.parts);
                    peer.named(from.node(), &scope, number, groups, max, effects);
                }
            }
            Word::End { .. } => {
                let left = peer.scopes.extract_if(.., |_, seen| !seen.is_fresh);
                for (name, _) in left.collect::<Vec<_>>() {
                    release(from.node(), name, effects);
                }
            }
            Word::Changed {
                scope,
                number,
                is_join,
                group,
                pids,
                ..
            } => {
                let (node, group) = (from.node(), group.into());
                let change = match is_join {
                    true => scope::Input::PeerJoined { node, group, pids },
                    false => scope::Input::PeerLeft { node, group, pids },
                };
                if is_join || !planted::is(Bug::LeaveForgotten) {
                    peer.changed(node, &scope, number, change, max, effects);
                }
            }
        }
    }

    fn discovered(&mut self, from: P, is_answer: bool, effects: &mut Effects<Effect<P>>) {
        let Some(peer) = self.peers.get_mut(&from.node()) else {
            return;
        };
        let is_new = peer.speaker != Some(from);
        if is_new {
            peer.speaker = Some(from);
            peer.parts.clear();
            effects.push(Effect::Watch(from));
        }
        // Who seeks this one again has not taken what it was told before.
        if is_new || !is_answer {
            self.tell_all(from.node(), effects);
        }
    }

    fn answer(&self, to: P, effects: &mut Effects<Effect<P>>) {
        let (from, is_answer) = (self.own, true);
        effects.push(Effect::Say(to, Word::Discover { from, is_answer }));
    }

    /// Begins a round: whoever speaks for the node is told everything.
    fn tell_all(&mut self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        let (from, round) = (self.own, self.rounds + 1);
        if let Some(peer) = self.peers.get_mut(&node)
            && let Some(speaker) = peer.speaker
        {
            self.rounds = round;
            peer.told = Told::Since(round);
            // An answer may have found no room before.
            self.answer(speaker, effects);
            effects.push(Effect::Say(speaker, Word::Begin { from }));
            effects.push(Effect::TellAll(node, round));
        }
    }

    fn tell_again(&mut self, whom: impl Fn(Told) -> bool, effects: &mut Effects<Effect<P>>) {
        let those = self.peers.iter().filter(|(_, peer)| whom(peer.told));
        for node in those.map(|(node, _)| *node).collect::<Vec<_>>() {
            self.tell_all(node, effects);
        }
    }

    /// Who has been told of everything so far, and is told of what comes.
    fn listeners(&self) -> impl Iterator<Item = P> {
        let those = self.peers.values();
        let those = those.filter(|peer| matches!(peer.told, Told::Since(_)));
        those.filter_map(|peer| peer.speaker)
    }

    /// Whom this round tells. What an earlier one brings is from before changes that were left out.
    fn listener(&self, node: P::Node, round: u64) -> Option<P> {
        let peer = self.peers.get(&node)?;
        peer.speaker.filter(|_| peer.told == Told::Since(round))
    }

    fn unsaid(&mut self, to: P, effects: &mut Effects<Effect<P>>) {
        let Some(peer) = self.peers.get_mut(&to.node()) else {
            return;
        };
        if peer.speaker == Some(to) && peer.told != Told::Nothing {
            peer.told = Told::Behind;
            if !std::mem::replace(&mut self.retries, true) {
                effects.push(Effect::RetryLater);
            }
        }
    }
}

impl<P: Member> Machine for Exchange<P> {
    type Input = Input<P>;
    type Effect = Effect<P>;

    fn step(&mut self, _: Tick, input: Self::Input, effects: &mut Effects<Self::Effect>) {
        match input {
            Input::Up(node) => self.up(node, effects),
            Input::Down(node) => self.down(node, effects),
            Input::Heard(word) => self.heard(word, effects),
            Input::Ended(pid) => self.ended(pid, effects),
            Input::Changed {
                scope,
                change,
                group,
                pids,
            } => {
                self.speak_up(effects);
                for to in self.listeners() {
                    for word in Word::changed(self.own, &scope, change, &group, &pids) {
                        effects.push(Effect::Say(to, word));
                    }
                }
            }
            Input::Whole {
                to,
                scope,
                groups,
                round,
            } => {
                if let Some(speaker) = self.listener(to, round) {
                    for word in Word::whole(self.own, &scope, &groups) {
                        effects.push(Effect::Say(speaker, word));
                    }
                }
            }
            Input::Told { to, round } => {
                if let Some(speaker) = self.listener(to, round) {
                    let from = self.own;
                    effects.push(Effect::Say(speaker, Word::End { from }));
                }
            }
            Input::Emptied(node, name) => {
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.forget(node, &name, effects);
                }
            }
            Input::Overrun => {
                self.speak_up(effects);
                self.tell_again(|told| told != Told::Nothing, effects);
            }
            Input::Unsaid(to) => self.unsaid(to, effects),
            Input::Retry => {
                self.retries = false;
                self.tell_again(|told| told == Told::Behind, effects);
            }
        }
    }

    fn check(&self) {
        for (node, peer) in &self.peers {
            assert!(*node != self.own.node(), "a node is no peer of its own");
            let speaks = peer.speaker.is_none_or(|pid| pid.node() == *node);
            assert!(speaks, "somebody of {node:?} speaks for it");
            let is_heard = peer.speaker.is_some() || peer.told == Told::Nothing;
            assert!(is_heard, "nobody at {node:?} is told of anything");
            assert!(peer.scopes.len() <= self.scopes_max, "too many scopes");
            if peer.told == Told::Behind {
                assert!(self.retries, "{node:?} is told again");
            }
        }
    }
}

impl<P: Member> Peer<P> {
    /// How many memberships wait for the last part.
    fn gathered(&self) -> usize {
        self.parts.iter().map(|(_, pids)| pids.len()).sum()
    }

    /// The scope of this name and number is one that counts.
    fn sees(&mut self, scope: &str, number: u64, max: usize) -> Option<(Arc<str>, bool)> {
        if let Some((name, seen)) = self.scopes.get_key_value(scope) {
            let (name, is_new) = (Arc::clone(name), seen.number != number);
            return Some((name, is_new));
        }
        (self.scopes.len() < max).then(|| (Arc::from(scope), true))
    }

    /// The node has named all members of a scope.
    fn named(
        &mut self,
        node: P::Node,
        scope: &str,
        number: u64,
        groups: Vec<(Group, Vec<P>)>,
        max: usize,
        effects: &mut Effects<Effect<P>>,
    ) {
        let Some((name, _)) = self.sees(scope, number, max) else {
            return effects.push(Effect::Beyond(node, scope.to_owned()));
        };
        if groups.is_empty() {
            return self.forget(node, &name, effects);
        }
        let is_fresh = true;
        self.scopes
            .insert(Arc::clone(&name), Seen { number, is_fresh });
        let sync = scope::Input::PeerSync { node, groups };
        effects.push(Effect::Feed(node, name, sync));
    }

    /// Members of a scope have joined or left.
    fn changed(
        &mut self,
        node: P::Node,
        scope: &str,
        number: u64,
        change: scope::Input<P>,
        max: usize,
        effects: &mut Effects<Effect<P>>,
    ) {
        let Some((name, is_new)) = self.sees(scope, number, max) else {
            return effects.push(Effect::Beyond(node, scope.to_owned()));
        };
        if is_new {
            // It has no members but those that join from here on.
            let (groups, is_fresh) = (Vec::new(), true);
            self.scopes
                .insert(Arc::clone(&name), Seen { number, is_fresh });
            let sync = scope::Input::PeerSync { node, groups };
            effects.push(Effect::Feed(node, Arc::clone(&name), sync));
        }
        effects.push(Effect::Feed(node, name, change));
    }

    fn forget(&mut self, node: P::Node, name: &Arc<str>, effects: &mut Effects<Effect<P>>) {
        if let Some((name, _)) = self.scopes.remove_entry(name) {
            release(node, name, effects);
        }
    }
}

fn release<P: Member>(node: P::Node, name: Arc<str>, effects: &mut Effects<Effect<P>>) {
    let down = scope::Input::PeerDown { node };
    effects.push(Effect::Feed(node, Arc::clone(&name), down));
    effects.push(Effect::Release(node, name));
}
