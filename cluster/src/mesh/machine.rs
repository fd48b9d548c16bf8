//! Whom does a node dial, admit, give up?
//!
//! Role       Decides for all connections of one node.
//! Inputs     Nodes that have proved who they are, connections that came and went, what the membership
//!            says of others, ticks.
//! Outputs    Dials, admissions, closings, heartbeats, news of nodes.
//! Invariant  At most one connection to a node of one name; when two nodes dial each other at once,
//!            both keep the one that the smaller of them dialled.
//! Limit      `peers_max` connections, and twice as many addresses.

use std::collections::BTreeMap;

use foundation_runtime::Rng;

use super::MeshConfig;
use super::event::{Effect, Event, Input};
use super::peer::{ConnectionId, Link, Loss};
use super::sparse::Sparse;
use super::targets::{Cause, Target, Targets};
use crate::handshake::{Refusal, Role, Who};
use crate::machine::{self, Effects, Tick};
use crate::overlay::hyparview::ConfigError;
use crate::overlay::{Overlay, PeerId};

/// How many evicted incarnations are remembered.
const EVICTED_MAX: usize = 1024;

/// The connections of one node.
#[derive(Debug)]
pub struct Machine {
    config: MeshConfig,
    own: Who,
    links: BTreeMap<ConnectionId, Link>,
    /// Which connection keeps a name.
    names: BTreeMap<Box<str>, ConnectionId>,
    targets: Targets,
    evicted: Vec<(Box<str>, u64)>,
    is_leaving: bool,
    /// Not everybody is connected to everybody.
    sparse: Option<Sparse>,
    /// Whether seeds are tried now at which no member is.
    takes_turn: bool,
}

impl Machine {
    /// The full mesh of this node. The seed decides only how long it waits between dials.
    ///
    /// # Panics
    /// When the configuration does not pass [`MeshConfig::check`].
    #[must_use]
    pub fn new(config: MeshConfig, own: Who, seed: u64) -> Self {
        assert_eq!(config.check(), Ok(()), "the configuration cannot be so");
        let rng = Rng::new(seed);
        Self {
            targets: Targets::new(config.clone(), own.address.clone(), rng),
            config,
            own,
            links: BTreeMap::new(),
            names: BTreeMap::new(),
            evicted: Vec::new(),
            is_leaving: false,
            sparse: None,
            takes_turn: false,
        }
    }

    /// The same for a node that is part of this overlay.
    ///
    /// # Errors
    /// When a figure of the overlay is out of its bounds.
    ///
    /// # Panics
    /// When the configuration does not pass [`MeshConfig::check`].
    pub fn with_overlay(
        config: MeshConfig,
        own: Who,
        overlay: &Overlay,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        let sparse = match overlay {
            Overlay::FullMesh => None,
            Overlay::HyParView(view) => Some(Sparse::new(view.clone(), own.clone(), seed)?),
        };
        let mesh = Self::new(config, own, seed);
        Ok(Self { sparse, ..mesh })
    }

    /// The nodes that are connected, by name.
    pub fn peers(&self) -> impl Iterator<Item = &Who> {
        let links = self.names.values().filter_map(|id| self.links.get(id));
        links.filter(|link| link.is_up).map(|link| &link.who)
    }

    /// Through whom it is part of the overlay, where not all are connected to all.
    pub fn neighbours(&self) -> impl Iterator<Item = &Who> {
        self.sparse.iter().flat_map(Sparse::neighbours)
    }

    /// The addresses that are dialled, and why the last dial of each came to nothing.
    pub fn dialled(&self) -> impl Iterator<Item = (&str, Option<Refusal>)> {
        self.targets.all()
    }

    /// May this node stay?
    fn admit(&mut self, who: &Who, role: Role) -> Result<Option<ConnectionId>, Refusal> {
        if self.is_leaving {
            return Err(Refusal::Leaving);
        }
        if who.name == self.own.name {
            return Err(match who.incarnation == self.own.incarnation {
                true => Refusal::Oneself,
                false => Refusal::NameTaken,
            });
        }
        let is = |(name, incarnation): &(Box<str>, u64)| {
            *name == who.name && *incarnation == who.incarnation
        };
        if self.evicted.iter().any(is) {
            return Err(Refusal::Evicted);
        }
        let Some((id, other)) = self.named(&who.name) else {
            let full = self.config.peers_max <= self.names.len();
            return if full { Err(Refusal::Full) } else { Ok(None) };
        };
        if other.who.incarnation != who.incarnation {
            return Err(Refusal::NameTaken);
        }
        // Both dialled: the one that the smaller of the two dialled stays.
        let ours_is_smaller = self.own.name < who.name;
        let we_dialled = role == Role::Dialler;
        match !other.is_up && other.role != role && we_dialled == ours_is_smaller {
            true => Ok(Some(id)),
            false => Err(Refusal::Simultaneous),
        }
    }

    fn named(&self, name: &str) -> Option<(ConnectionId, &Link)> {
        let id = *self.names.get(name)?;
        self.links.get(&id).map(|link| (id, link))
    }

    fn proved(&mut self, now: Tick, id: ConnectionId, who: Who, role: Role, out: &mut Out<'_>) {
        assert!(
            !self.links.contains_key(&id),
            "{id:?} has proved itself twice"
        );
        match self.admit(&who, role) {
            Err(refusal) => out.push(Effect::Answer(id, Err(refusal))),
            Ok(instead_of) => {
                if let Some(old) = instead_of {
                    out.push(Effect::Close(old, Loss::Replaced));
                }
                self.names.insert(who.name.clone(), id);
                let is_up = false;
                self.links.insert(
                    id,
                    Link {
                        who,
                        role,
                        is_up,
                        heard: now,
                        sent: now,
                        used: now,
                        was_used: false,
                        is_parting: false,
                    },
                );
                out.push(Effect::Answer(id, Ok(())));
            }
        }
    }

    fn up(&mut self, now: Tick, id: ConnectionId, out: &mut Out<'_>) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if self.names.get(&link.who.name) != Some(&id) {
            return; // Another one was preferred meanwhile, and this one is being closed.
        }
        (link.is_up, link.heard, link.sent, link.used) = (true, now, now, now);
        let who = link.who.clone();
        if self.sparse.is_none() {
            let name = Some(who.name.clone());
            self.targets
                .add(now, who.address.clone(), name, Cause::Member);
        }
        self.targets.found(now, &who);
        out.push(Effect::Told(Event::Up(who.clone())));
        if let Some(sparse) = &mut self.sparse {
            sparse.up(now, &who, id, out);
        }
    }

    fn down(&mut self, now: Tick, id: ConnectionId, loss: Loss, out: &mut Out<'_>) {
        let Some(link) = self.links.remove(&id) else {
            return;
        };
        let held = self.names.get(&link.who.name) == Some(&id);
        if held {
            self.names.remove(&link.who.name);
        }
        let gone = matches!(loss, Loss::Left | Loss::Evicted | Loss::Leaving);
        self.targets.parted(now, &link.who.address);
        if gone && held {
            self.targets.gone(&link.who.address);
        }
        if !(link.is_up && held) {
            return;
        }
        let who = link.who.clone();
        out.push(Effect::Told(Event::Down(link.who, loss)));
        let Some(sparse) = &mut self.sparse else {
            return;
        };
        if loss == Loss::Unneeded {
            sparse.parting(who.peer_id());
            self.targets.hurry(now, &who.address);
            return;
        }
        sparse.failed(now, who.peer_id(), out);
        if let Some(member) = sparse.member_of(who.peer_id()) {
            out.push(Effect::Reach(member.clone()));
        }
    }

    fn undialled(&mut self, now: Tick, address: &str, refusal: Refusal, out: &mut Out<'_>) {
        let is_failed = self.targets.undialled(now, address, refusal);
        let Some(sparse) = self.sparse.as_mut().filter(|_| is_failed) else {
            return;
        };
        self.targets.gone(address);
        for who in sparse.unreached(now, address, out) {
            if !self.names.contains_key(&who.name) {
                // What waited for it is lost; what comes later tries again.
                out.push(Effect::Lose(who.clone()));
                out.push(Effect::Reach(who));
            }
        }
    }

    fn ticked(&mut self, now: Tick, out: &mut Out<'_>) {
        for (id, link) in &mut self.links {
            if self.config.silence <= now.since(link.heard) {
                out.push(Effect::Close(*id, Loss::Silent));
                continue;
            }
            if link.is_up && self.config.tick <= now.since(link.sent) {
                link.sent = now;
                out.push(Effect::Heartbeat(*id));
            }
            let Some(sparse) = &mut self.sparse else {
                continue;
            };
            let peer = link.who.peer_id();
            let is_idle = link.idle_bound(&self.config) <= now.since(link.used);
            if link.is_up && is_idle && !sparse.needs(peer) && !link.is_parting && !self.is_leaving
            {
                link.is_parting = true;
                sparse.parting(peer);
                out.push(Effect::Part(*id));
            }
        }
        if let Some(sparse) = self.sparse.as_mut().filter(|_| !self.is_leaving) {
            sparse.ticked(now, out);
            self.takes_turn = sparse.takes_turn();
        }
        self.dial(now, out);
        self.takes_turn = false;
    }

    /// The other end wants to end this connection.
    fn may_part(&mut self, now: Tick, id: ConnectionId, out: &mut Out<'_>) {
        let mut may = false;
        if let (Some(sparse), Some(link)) = (&mut self.sparse, self.links.get_mut(&id)) {
            let peer = link.who.peer_id();
            let is_idle = link.idle_bound(&self.config) / 2 <= now.since(link.used);
            may = link.is_up && (link.is_parting || is_idle && !sparse.needs(peer));
            if may {
                link.is_parting = true;
                sparse.parting(peer);
            }
        }
        let answer = if may { Ok(()) } else { Err(Refusal::NoLink) };
        out.push(Effect::Answer(id, answer));
    }

    /// A connection that was to end is needed after all, by one of its ends.
    fn kept(&mut self, now: Tick, id: ConnectionId, out: &mut Out<'_>) {
        if let (Some(sparse), Some(link)) = (&mut self.sparse, self.links.get_mut(&id)) {
            (link.is_parting, link.used) = (false, now);
            self.targets.found(now, &link.who);
            if link.is_up {
                sparse.up(now, &link.who, id, out);
            }
        }
    }

    fn heard(&mut self, now: Tick, id: ConnectionId, bytes: &[u8], out: &mut Out<'_>) {
        let Some(link) = self.links.get(&id).filter(|link| link.is_up) else {
            return;
        };
        let is_read = match &mut self.sparse {
            Some(sparse) => sparse.heard(now, &link.who, bytes, out),
            // It takes part in no overlay: whoever thinks so learns it from the silence.
            None => Ok(()),
        };
        if is_read.is_err() {
            out.push(Effect::Close(id, Loss::Garbage));
        }
    }

    /// Asks for the connections that the overlay wants.
    fn want(&mut self, now: Tick) {
        let wants = self.sparse.as_mut().map(Sparse::wants);
        for who in wants.into_iter().flatten() {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Wanted);
        }
    }

    fn dial(&mut self, now: Tick, out: &mut Out<'_>) {
        self.want(now);
        if self.is_leaving {
            return;
        }
        let (links, names, sparse) = (&self.links, &self.names, &self.sparse);
        let turn = self.takes_turn;
        let is_needed = |address: &str, target: &Target| {
            let name = target.name.as_ref();
            // Nearly all are connected: the connections are not gone through for them.
            if name.is_some_and(|name| names.contains_key(name)) {
                return false;
            }
            let is_wanted = sparse.as_ref().is_none_or(|sparse| {
                let is_new = sparse.is_isolated() || turn && !sparse.has_member_at(address);
                target.is_wanted() || target.is_kept() && is_new
            });
            let there = |link: &Link| *link.who.address == *address || name == Some(&link.who.name);
            is_wanted && !links.values().any(there)
        };
        for address in self.targets.due(now, is_needed) {
            out.push(Effect::Dial(address));
        }
    }

    fn member(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        if who.name == self.own.name {
            return;
        }
        if let Some(sparse) = &mut self.sparse {
            sparse.member(who.clone());
            out.push(Effect::Reach(who));
        } else if !self.names.contains_key(&who.name) {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Member);
            self.dial(now, out);
        }
    }

    /// Somebody has something to say to this one.
    fn wanted(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        let link = self.named(&who.name).map(|(_, link)| link.is_parting);
        if link != Some(false) && who.name != self.own.name {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Wanted);
            self.dial(now, out);
        }
    }

    fn candidate(&mut self, now: Tick, address: Box<str>, out: &mut Out<'_>) {
        if !self.is_leaving {
            self.targets.add(now, address, None, Cause::Candidate);
            self.dial(now, out);
        }
    }

    fn lost(&mut self, now: Tick, who: (Box<str>, u64), loss: Loss, out: &mut Out<'_>) {
        let (name, incarnation) = &who;
        let link = self
            .named(name)
            .map(|(id, link)| (id, link.who.incarnation));
        match link {
            Some((id, connected)) if connected == *incarnation => {
                out.push(Effect::Close(id, loss));
            }
            Some(_) => {}
            None if loss == Loss::Failed => {}
            None => self.targets.lost(name),
        }
        if let Some(sparse) = &mut self.sparse {
            let peer = PeerId::of(name, *incarnation);
            let member = sparse.member_of(peer).cloned();
            sparse.lost(now, peer, out);
            if let Some(member) = member {
                out.push(Effect::Lose(member));
            }
        }
        if loss == Loss::Evicted && !self.evicted.contains(&who) {
            if self.evicted.len() == EVICTED_MAX {
                self.evicted.remove(0);
            }
            self.evicted.push(who);
        }
    }

    fn leave(&mut self, out: &mut Out<'_>) {
        self.is_leaving = true;
        self.targets.clear();
        for id in self.links.keys() {
            out.push(Effect::Close(*id, Loss::Leaving));
        }
    }
}

type Out<'a> = Effects<Effect>;

impl machine::Machine for Machine {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        match input {
            Input::Seed(address) => {
                self.targets.add(now, address, None, Cause::Seed);
                self.dial(now, effects);
            }
            Input::Candidate(address) => self.candidate(now, address, effects),
            Input::Forgotten(address) => self.targets.forgotten(&address),
            Input::AllForgotten => self.targets.all_forgotten(),
            Input::Proved(id, who, role) => self.proved(now, id, who, role, effects),
            Input::Up(id) => self.up(now, id, effects),
            Input::Down(id, loss) => self.down(now, id, loss, effects),
            Input::Reached(address, id) => {
                let name = self.links.get(&id).map(|link| link.who.name.clone());
                self.targets.reached(&address, name);
            }
            Input::Undialled(address, refusal) => self.undialled(now, &address, refusal, effects),
            Input::Heard(id) => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.heard = now;
                }
            }
            Input::Sent(id) => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.sent = now;
                }
            }
            Input::Member(who) => self.member(now, who, effects),
            Input::Lost(name, incarnation, loss) => {
                self.lost(now, (name, incarnation), loss, effects);
            }
            Input::Wanted(who) => self.wanted(now, who, effects),
            Input::Used(id) => {
                if let Some(link) = self.links.get_mut(&id) {
                    (link.used, link.was_used) = (now, true);
                }
            }
            Input::Said(id, bytes) => self.heard(now, id, &bytes, effects),
            Input::MayPart(id) => self.may_part(now, id, effects),
            Input::Kept(id) => self.kept(now, id, effects),
            Input::Ticked => self.ticked(now, effects),
            Input::Leave => self.leave(effects),
        }
        if self.sparse.is_some() {
            self.dial(now, effects);
        }
    }

    fn check(&self) {
        for (name, id) in &self.names {
            let link = self.links.get(id);
            assert!(
                link.is_some_and(|link| link.who.name == *name),
                "{name} is kept by nobody"
            );
        }
        let up = self.links.iter().filter(|(_, link)| link.is_up);
        for (id, link) in up {
            assert!(
                link.who.name != self.own.name,
                "a node is connected to itself"
            );
            assert!(
                self.names.contains_key(&link.who.name),
                "{id:?} is up without its name"
            );
        }
        assert!(self.names.len() <= self.config.peers_max, "too many nodes");
        self.sparse.iter().for_each(Sparse::check);
    }
}
