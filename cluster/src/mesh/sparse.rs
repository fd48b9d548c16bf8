//! Which few nodes is this one to be connected to?
//!
//! Role       HyParView over the connections of a mesh: what it says waits until there is a connection,
//!            and one is asked for; what it hears names nodes with their addresses.
//! Owns       The addresses of [`MENTIONED_MAX`] nodes that others have named and that are no members.
//! Limit      [`WAITING_MAX`] messages wait for one connection; who would be told more has failed.
//! Invariant  What waits for a connection waits for one that is asked for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use foundation_runtime::Rng;

use super::beacon::{Act, Beacon};
use super::event::Effect;
use super::members::Members;
use super::peer::ConnectionId;
use super::soundings::{Next, Soundings};
use crate::handshake::Who;
use crate::machine::{Effects, Machine as _, Tick};
use crate::overlay::hyparview::{self, Config, ConfigError, HyParView, Input, Message};
use crate::overlay::wire::{self, Introduction, Sounding};
use crate::overlay::{Mark, PeerId};

/// How many nodes are known that others have named and that are no members.
const MENTIONED_MAX: usize = 256;
/// How many nodes try a seed that is no member, of all at each tick.
const TURNS: usize = 4;
/// How many messages wait for one connection.
const WAITING_MAX: usize = 16;
/// A membership cycle of the overlay.
const ROUND: Duration = Duration::from_secs(10);
/// The same while it has less than half of the neighbours that it may have. Who lacks but one may find
/// that nobody has a place for it.
const ROUND_HUNGRY: Duration = Duration::from_secs(1);
/// How often a node looks for a cheaper neighbour.
const OPTIMISATION: Duration = Duration::from_secs(60);

/// The overlay of one node.
#[derive(Debug)]
pub(super) struct Sparse {
    view: HyParView,
    epoch: Mark,
    own: Who,
    active_max: usize,
    mentioned: VecDeque<(PeerId, Who)>,
    /// Who is connected, and is to stay so for now.
    linked: BTreeMap<PeerId, ConnectionId>,
    /// What waits for a connection.
    waiting: BTreeMap<PeerId, Vec<Vec<u8>>>,
    /// Through whom this node is part of the overlay.
    neighbours: BTreeMap<PeerId, Who>,
    beacon: Beacon,
    soundings: Soundings,
    /// How long an answer may take.
    answer_timeout: Duration,
    next_round: Tick,
    /// When it looks for a cheaper neighbour. None if it never does.
    next_optimisation: Option<Tick>,
    rng: Rng,
    /// To whom a connection is wanted, since somebody last asked.
    wants: Vec<Who>,
}

impl Sparse {
    /// The overlay of a node that knows nobody.
    pub(super) fn new(
        config: Config,
        own: Who,
        epoch: Mark,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            epoch,
            beacon: Beacon::new(own.peer_id()),
            soundings: Soundings::default(),
            answer_timeout: config.answer_timeout,
            // At zero nothing is done but to choose the first time.
            next_optimisation: (0 < config.optimise_scan).then_some(Tick::ZERO),
            active_max: config.active_max,
            view: HyParView::new(own.peer_id(), config, seed)?,
            own,
            mentioned: VecDeque::new(),
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
    pub(super) fn takes_turn(&mut self, members: &Members) -> bool {
        self.is_isolated() || self.rng.below(members.count().max(1)) < TURNS
    }

    /// Does the overlay need the connection to this one?
    pub(super) fn needs(&self, peer: PeerId) -> bool {
        self.view.is_wanted(peer) || self.waiting.contains_key(&peer)
    }

    pub(super) fn neighbours(&self) -> impl Iterator<Item = &Who> {
        self.neighbours.values()
    }

    pub(super) fn is_neighbour(&self, peer: PeerId) -> bool {
        self.neighbours.contains_key(&peer)
    }

    /// Nobody was reached at this address.
    pub(super) fn unreached(
        &mut self,
        now: Tick,
        address: &str,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        let there = members.at(address).into_iter().map(|who| who.peer_id());
        let mentioned = self.mentioned.iter();
        let mentioned = mentioned.filter(|(_, who)| *who.address == *address);
        let all: Vec<PeerId> = there.chain(mentioned.map(|(peer, _)| *peer)).collect();
        for peer in all {
            if !self.linked.contains_key(&peer) {
                self.failed(now, peer, members, out);
            }
        }
    }

    /// This one is a member: its address is known for as long as it is one.
    pub(super) fn member(&mut self, peer: PeerId) {
        self.mentioned.retain(|(other, _)| *other != peer);
    }

    /// There is no connection to this one, or it broke.
    pub(super) fn failed(
        &mut self,
        now: Tick,
        peer: PeerId,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        self.linked.remove(&peer);
        self.waiting.remove(&peer);
        self.soundings.failed(peer);
        self.step(now, Input::PeerFailed(peer), members, out);
    }

    /// The connection to this one is to end, as both have agreed: no more is said over it.
    pub(super) fn parting(&mut self, peer: PeerId) {
        self.linked.remove(&peer);
    }

    /// These are connected, since before there was this overlay: through one of them the others are met.
    pub(super) fn begin(
        &mut self,
        now: Tick,
        linked: &[(Who, ConnectionId)],
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        for (who, id) in linked {
            self.mention(who.clone(), members);
            self.linked.insert(who.peer_id(), *id);
        }
        if !linked.is_empty() {
            let (who, _) = &linked[self.rng.below(linked.len())];
            self.step(now, Input::Join(who.peer_id()), members, out);
        }
    }

    /// This one is connected, and is to stay so for now. One that was lost once may have been cut off
    /// together with others, whom no neighbour of this node knows.
    pub(super) fn up(
        &mut self,
        now: Tick,
        (who, id): (&Who, ConnectionId),
        is_back: bool,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        let peer = who.peer_id();
        self.mention(who.clone(), members);
        self.linked.insert(peer, id);
        for bytes in self.waiting.remove(&peer).unwrap_or_default() {
            out.push(Effect::Say(id, bytes));
        }
        self.sound(now, peer, out);
        // Whoever it is: through it the others are met.
        if (self.is_isolated() || is_back) && !self.view.is_wanted(peer) {
            self.step(now, Input::Join(peer), members, out);
        }
    }

    /// Bytes came from a node that is connected.
    pub(super) fn heard(
        &mut self,
        now: Tick,
        from: &Who,
        said: Introduction,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        // What was said in another epoch is about other views.
        if said.epoch == self.epoch {
            let people = said.people.into_iter();
            people.for_each(|who| self.mention(who, members));
            let received = Input::Received(from.peer_id(), said.message);
            self.step(now, received, members, out);
        }
    }

    pub(super) fn ticked(&mut self, now: Tick, members: &Members, out: &mut Effects<Effect>) {
        self.look_for_beacon(now, members, out);
        self.soundings.ticked(now);
        if self.next_round <= now {
            let is_hungry = 2 * self.view.active().len() < self.active_max;
            let round = if is_hungry { ROUND_HUNGRY } else { ROUND };
            self.next_round = self.about(now, round);
            self.step(now, Input::Round, members, out);
        }
        if let Some(next) = self.next_optimisation.filter(|next| *next <= now) {
            self.next_optimisation = Some(self.about(now, OPTIMISATION));
            if next != Tick::ZERO {
                self.step(now, Input::Optimise, members, out);
            }
        }
    }

    /// Then, more or less: not all nodes at the same time, for it makes connections.
    fn about(&mut self, now: Tick, after: Duration) -> Tick {
        now + after.mul_f64(0.5 + self.rng.below(1000) as f64 / 1000.0)
    }

    /// Measures what the way to this one costs, when there is a connection.
    fn measure(&mut self, now: Tick, peer: PeerId, members: &Members, out: &mut Effects<Effect>) {
        let Some(who) = self.who(peer, members).cloned() else {
            return;
        };
        if self.soundings.begin(peer, now + self.answer_timeout) {
            match self.linked.contains_key(&peer) {
                true => self.sound(now, peer, out),
                false => self.wants.push(who),
            }
        }
    }

    /// Asks this one, which is connected, if it is to be measured.
    fn sound(&mut self, now: Tick, peer: PeerId, out: &mut Effects<Effect>) {
        let asked = self.linked.get(&peer).zip(self.soundings.ask(now, peer));
        if let Some((id, number)) = asked {
            self.say_sounding(*id, number, false, out);
        }
    }

    fn say_sounding(
        &self,
        id: ConnectionId,
        number: u64,
        is_echo: bool,
        out: &mut Effects<Effect>,
    ) {
        let sounding = Sounding {
            epoch: self.epoch,
            number,
            is_echo,
        };
        out.push(Effect::Say(id, sounding.encode()));
    }

    /// A node asks, to measure how long the answer takes, or it has answered.
    pub(super) fn sounded(
        &mut self,
        now: Tick,
        (from, id): (&Who, ConnectionId),
        sounding: Sounding,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        let peer = from.peer_id();
        if sounding.epoch != self.epoch {
            return;
        }
        if !sounding.is_echo {
            self.say_sounding(id, sounding.number, true, out);
            return;
        }
        match self.soundings.answered(now, peer, sounding.number) {
            Some(Next::Ask(number)) => self.say_sounding(id, number, false, out),
            Some(Next::Cost(cost)) => self.step(now, Input::Cost(peer, cost), members, out),
            None => {}
        }
    }

    fn look_for_beacon(&mut self, now: Tick, members: &Members, out: &mut Effects<Effect>) {
        match self.beacon.ticked(now, members.smallest(), &mut self.rng) {
            Some(Act::Send(_)) => self.spread_beacon(None, out),
            Some(Act::Join(root)) => self.step(now, Input::Join(root), members, out),
            None => {}
        }
    }

    /// Tells all neighbours but this one of the beacon.
    fn spread_beacon(&self, from: Option<PeerId>, out: &mut Effects<Effect>) {
        let others = self.neighbours.keys().filter(|peer| Some(**peer) != from);
        others.for_each(|peer| self.tell_beacon(*peer, out));
    }

    fn tell_beacon(&self, peer: PeerId, out: &mut Effects<Effect>) {
        if let (Some((root, number)), Some(id)) = (self.beacon.last(), self.linked.get(&peer)) {
            let epoch = self.epoch;
            let beacon = wire::Beacon {
                epoch,
                root,
                number,
            };
            out.push(Effect::Say(*id, beacon.encode()));
        }
    }

    /// A neighbour tells of the beacon.
    pub(super) fn heard_beacon(
        &mut self,
        now: Tick,
        from: PeerId,
        beacon: wire::Beacon,
        out: &mut Effects<Effect>,
    ) {
        let is_near = beacon.epoch == self.epoch && self.neighbours.contains_key(&from);
        if is_near && self.beacon.heard(now, beacon.root, beacon.number) {
            self.spread_beacon(Some(from), out);
        }
    }

    fn mention(&mut self, who: Who, members: &Members) {
        let peer = who.peer_id();
        if who.name == self.own.name || members.get(peer).is_some() {
            return;
        }
        self.mentioned.retain(|(other, _)| *other != peer);
        if self.mentioned.len() == MENTIONED_MAX {
            self.mentioned.pop_front();
        }
        self.mentioned.push_back((peer, who));
    }

    fn who<'a>(&'a self, peer: PeerId, members: &'a Members) -> Option<&'a Who> {
        if peer == self.own.peer_id() {
            return Some(&self.own);
        }
        let mentioned = || {
            let mut mentioned = self.mentioned.iter();
            let found = mentioned.find(|(other, _)| *other == peer);
            found.map(|(_, who)| who)
        };
        members.get(peer).or_else(mentioned)
    }

    /// One step of the view, and those that follow from what it wants and cannot have.
    fn step(&mut self, now: Tick, input: Input, members: &Members, out: &mut Effects<Effect>) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::new();
            self.view.step(now, input, &mut effects);
            for effect in effects.drain() {
                match effect {
                    hyparview::Effect::Send(peer, message) => {
                        if !self.say(peer, message, members, out) {
                            inputs.push(Input::PeerFailed(peer));
                        }
                    }
                    hyparview::Effect::Up(peer) => {
                        if let Some(who) = self.who(peer, members).cloned() {
                            self.neighbours.insert(peer, who.clone());
                            self.tell_beacon(peer, out);
                            out.push(Effect::Neighbour(who, true));
                        }
                    }
                    hyparview::Effect::Down(peer) => {
                        let who = self.neighbours.remove(&peer);
                        if let Some(who) = who {
                            out.push(Effect::Neighbour(who, false));
                        }
                    }
                    hyparview::Effect::Measure(peer) => self.measure(now, peer, members, out),
                }
            }
        }
    }

    /// Says it, now or when there is a connection; `false` when there can be none.
    fn say(
        &mut self,
        peer: PeerId,
        message: Message,
        members: &Members,
        out: &mut Effects<Effect>,
    ) -> bool {
        let about = of_whom(&message).into_iter();
        let people = about.filter_map(|peer| self.who(peer, members).cloned());
        let said = Introduction {
            epoch: self.epoch,
            people: people.collect(),
            message,
        };
        let bytes = said.encode();
        if let Some(id) = self.linked.get(&peer) {
            out.push(Effect::Say(*id, bytes));
            return true;
        }
        let Some(who) = self.who(peer, members).cloned() else {
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
fn of_whom(message: &Message) -> Vec<PeerId> {
    match message {
        Message::ForwardJoin(new, _) => vec![*new],
        // Who cannot pass the answer on sends it to the origin.
        Message::Shuffle { path, peers, .. } | Message::ShuffleReply { path, peers } => {
            let mut about = peers.clone();
            about.extend(path.first());
            about.sort_unstable();
            about.dedup();
            about
        }
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
