//! Which few nodes is this one to be connected to?
//!
//! Role       HyParView over the connections of a mesh: what it says waits until there is a connection,
//!            and one is asked for; what it hears names nodes with their addresses.
//! Owns       The addresses of the members, and of [`MENTIONED_MAX`] nodes that others have named.
//! Limit      [`WAITING_MAX`] messages wait for one connection; who would be told more has failed.
//! Invariant  What waits for a connection waits for one that is asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use foundation_runtime::Rng;

use super::event::Effect;
use super::peer::ConnectionId;
use crate::handshake::Who;
use crate::machine::{Effects, Machine as _, Tick};
use crate::overlay::PeerId;
use crate::overlay::hyparview::{self, Config, ConfigError, HyParView, Input, Message};
use crate::overlay::wire::{Introduction, Unreadable};

/// How many nodes are known that others have named and that are no members.
const MENTIONED_MAX: usize = 256;
/// How many nodes try a seed that is no member, of all at each tick.
const TURNS: usize = 4;
/// How many lost members are remembered.
const PARTED_MAX: usize = 4096;
/// How many messages wait for one connection.
const WAITING_MAX: usize = 16;
/// A membership cycle of the overlay.
const ROUND: Duration = Duration::from_secs(10);
/// The same while it has less than half of the neighbours that it may have. Who lacks but one may find
/// that nobody has a place for it.
const ROUND_HUNGRY: Duration = Duration::from_secs(1);

/// The overlay of one node.
#[derive(Debug)]
pub(super) struct Sparse {
    view: HyParView,
    own: Who,
    active_max: usize,
    members: BTreeMap<PeerId, Who>,
    /// How many members have this address.
    addresses: BTreeMap<Box<str>, usize>,
    mentioned: VecDeque<(PeerId, Who)>,
    /// Who was a member once and was lost: who meets it again joins what it is part of.
    parted: BTreeSet<PeerId>,
    /// Who is connected, and is to stay so for now.
    linked: BTreeMap<PeerId, ConnectionId>,
    /// What waits for a connection.
    waiting: BTreeMap<PeerId, Vec<Vec<u8>>>,
    /// Through whom this node is part of the overlay.
    neighbours: BTreeMap<PeerId, Who>,
    next_round: Tick,
    rng: Rng,
    /// To whom a connection is wanted, since somebody last asked.
    wants: Vec<Who>,
}

impl Sparse {
    /// The overlay of a node that knows nobody.
    pub(super) fn new(config: Config, own: Who, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            active_max: config.active_max,
            view: HyParView::new(own.peer_id(), config, seed)?,
            own,
            members: BTreeMap::new(),
            addresses: BTreeMap::new(),
            mentioned: VecDeque::new(),
            parted: BTreeSet::new(),
            linked: BTreeMap::new(),
            waiting: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            next_round: Tick::ZERO,
            rng: Rng::new(!seed),
            wants: Vec::new(),
        })
    }

    /// To whom a connection is wanted that was not asked for before.
    pub(super) fn wants(&mut self) -> Vec<Who> {
        std::mem::take(&mut self.wants)
    }

    /// Is there nobody through whom this node is part of the overlay?
    pub(super) fn is_isolated(&self) -> bool {
        self.view.active().is_empty()
    }

    /// Is an address of a seed to be tried now at which no member is? Nodes of one part of a cluster that
    /// was cut in two take turns.
    pub(super) fn takes_turn(&mut self) -> bool {
        self.is_isolated() || self.rng.below(self.members.len().max(1)) < TURNS
    }

    /// Does the overlay need the connection to this one?
    pub(super) fn needs(&self, peer: PeerId) -> bool {
        self.view.is_wanted(peer) || self.waiting.contains_key(&peer)
    }

    /// Is this the address of a member?
    pub(super) fn has_member_at(&self, address: &str) -> bool {
        self.addresses.contains_key(address)
    }

    /// Through whom this node is part of the overlay.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = &Who> {
        self.neighbours.values()
    }

    /// Nobody was reached at this address: those who were to be there, if they are members.
    pub(super) fn unreached(
        &mut self,
        now: Tick,
        address: &str,
        out: &mut Effects<Effect>,
    ) -> Vec<Who> {
        let is_there = |who: &&Who| *who.address == *address;
        let members: Vec<Who> = self.members.values().filter(is_there).cloned().collect();
        let mentioned = self.mentioned.iter().map(|(_, who)| who).filter(is_there);
        let all: Vec<PeerId> = members.iter().chain(mentioned).map(Who::peer_id).collect();
        for peer in all {
            if !self.linked.contains_key(&peer) {
                self.failed(now, peer, out);
            }
        }
        members
    }

    pub(super) fn member_of(&self, peer: PeerId) -> Option<&Who> {
        self.members.get(&peer)
    }

    /// This one is a member, at this address.
    pub(super) fn member(&mut self, who: Who) {
        let peer = who.peer_id();
        self.forget_member(peer);
        self.mentioned.retain(|(other, _)| *other != peer);
        *self.addresses.entry(who.address.clone()).or_default() += 1;
        self.members.insert(peer, who);
    }

    fn forget_member(&mut self, peer: PeerId) {
        let Some(who) = self.members.remove(&peer) else {
            return;
        };
        if let Some(count) = self.addresses.get_mut(&who.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&who.address);
            }
        }
    }

    /// This one is a member no more.
    pub(super) fn lost(&mut self, now: Tick, peer: PeerId, out: &mut Effects<Effect>) {
        self.forget_member(peer);
        if PARTED_MAX <= self.parted.len() {
            self.parted.pop_first();
        }
        self.parted.insert(peer);
        self.failed(now, peer, out);
    }

    /// There is no connection to this one, or it broke.
    pub(super) fn failed(&mut self, now: Tick, peer: PeerId, out: &mut Effects<Effect>) {
        self.linked.remove(&peer);
        self.waiting.remove(&peer);
        self.step(now, Input::PeerFailed(peer), out);
    }

    /// The connection to this one is to end, as both have agreed: no more is said over it.
    pub(super) fn parting(&mut self, peer: PeerId) {
        self.linked.remove(&peer);
    }

    /// This one is connected, and is to stay so for now.
    pub(super) fn up(&mut self, now: Tick, who: &Who, id: ConnectionId, out: &mut Effects<Effect>) {
        let peer = who.peer_id();
        self.mention(who.clone());
        self.linked.insert(peer, id);
        for bytes in self.waiting.remove(&peer).unwrap_or_default() {
            out.push(Effect::Say(id, bytes));
        }
        // Whoever it is: through it the others are met. One that was lost may have been cut off together
        // with others, whom no neighbour of this node knows.
        let is_back = self.parted.remove(&peer);
        if (self.is_isolated() || is_back) && !self.view.is_wanted(peer) {
            self.step(now, Input::Join(peer), out);
        }
    }

    /// Bytes came from a node that is connected.
    pub(super) fn heard(
        &mut self,
        now: Tick,
        from: &Who,
        bytes: &[u8],
        out: &mut Effects<Effect>,
    ) -> Result<(), Unreadable> {
        let Introduction { people, message } = Introduction::decode(bytes)?;
        people.into_iter().for_each(|who| self.mention(who));
        self.step(now, Input::Received(from.peer_id(), message), out);
        Ok(())
    }

    pub(super) fn ticked(&mut self, now: Tick, out: &mut Effects<Effect>) {
        if now < self.next_round {
            return;
        }
        let is_hungry = 2 * self.view.active().len() < self.active_max;
        let round = if is_hungry { ROUND_HUNGRY } else { ROUND };
        // Not all nodes at the same time: each round makes connections.
        self.next_round = now + round.mul_f64(0.5 + self.rng.below(1000) as f64 / 1000.0);
        self.step(now, Input::Round, out);
    }

    fn mention(&mut self, who: Who) {
        let peer = who.peer_id();
        if who.name == self.own.name || self.members.contains_key(&peer) {
            return;
        }
        self.mentioned.retain(|(other, _)| *other != peer);
        if self.mentioned.len() == MENTIONED_MAX {
            self.mentioned.pop_front();
        }
        self.mentioned.push_back((peer, who));
    }

    fn who(&self, peer: PeerId) -> Option<&Who> {
        if peer == self.own.peer_id() {
            return Some(&self.own);
        }
        let mentioned = || {
            let mut mentioned = self.mentioned.iter();
            let found = mentioned.find(|(other, _)| *other == peer);
            found.map(|(_, who)| who)
        };
        self.members.get(&peer).or_else(mentioned)
    }

    /// One step of the view, and those that follow from what it wants and cannot have.
    fn step(&mut self, now: Tick, input: Input, out: &mut Effects<Effect>) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::new();
            self.view.step(now, input, &mut effects);
            for effect in effects.drain() {
                match effect {
                    hyparview::Effect::Send(peer, message) => {
                        if !self.say(peer, message, out) {
                            inputs.push(Input::PeerFailed(peer));
                        }
                    }
                    hyparview::Effect::Up(peer) => {
                        if let Some(who) = self.who(peer).cloned() {
                            self.neighbours.insert(peer, who.clone());
                            out.push(Effect::Neighbour(who, true));
                        }
                    }
                    hyparview::Effect::Down(peer) => {
                        let who = self.neighbours.remove(&peer);
                        if let Some(who) = who {
                            out.push(Effect::Neighbour(who, false));
                        }
                    }
                    // No optimisation is asked for.
                    hyparview::Effect::Measure(_) => {}
                }
            }
        }
    }

    /// Says it, now or when there is a connection; `false` when there can be none.
    fn say(&mut self, peer: PeerId, message: Message, out: &mut Effects<Effect>) -> bool {
        let about = about(&message).into_iter();
        let people = about.filter_map(|peer| self.who(peer).cloned()).collect();
        let bytes = Introduction { people, message }.encode();
        if let Some(id) = self.linked.get(&peer) {
            out.push(Effect::Say(*id, bytes));
            return true;
        }
        let Some(who) = self.who(peer).cloned() else {
            return false;
        };
        let waiting = self.waiting.entry(peer).or_default();
        if waiting.is_empty() {
            self.wants.push(who);
        }
        let room = waiting.len() < WAITING_MAX;
        if room {
            waiting.push(bytes);
        }
        room
    }

    pub(super) fn check(&self) {
        self.view.check();
        assert!(self.mentioned.len() <= MENTIONED_MAX, "too many are known");
        for (peer, waiting) in &self.waiting {
            assert!(!self.linked.contains_key(peer), "{peer:?} is connected");
            assert!(waiting.len() <= WAITING_MAX, "too much waits for {peer:?}");
        }
    }
}

/// Of whom does it speak?
fn about(message: &Message) -> Vec<PeerId> {
    match message {
        Message::ForwardJoin(new, _) => vec![*new],
        Message::Shuffle(origin, _, peers) => {
            let mut about = peers.clone();
            about.push(*origin);
            about.sort_unstable();
            about.dedup();
            about
        }
        Message::ShuffleReply(peers) => peers.clone(),
        Message::Optimise { old } => vec![*old],
        Message::Replace { initiator, old } => vec![*initiator, *old],
        Message::Switch { initiator } => vec![*initiator],
        Message::Join
        | Message::Neighbour { .. }
        | Message::Probe
        | Message::Accept
        | Message::Refuse
        | Message::Disconnect
        | Message::Replaced(_) => Vec::new(),
    }
}
