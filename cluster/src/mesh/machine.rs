//! Whom does a node dial, admit, give up?
//!
//! Role       Decides for all connections of one node.
//! Inputs     Nodes that have proved who they are, connections that came and went, what the membership
//!            says of others, ticks.
//! Outputs    Dials, admissions, closings, heartbeats, news of nodes.
//! Invariant  At most one connection to a node of one name; when two nodes dial each other at once,
//!            both keep the one that the smaller of them dialled.
//! Limit      `peers_max` connections, and twice as many addresses.

use foundation_runtime::planted::{self, Bug};
use std::collections::BTreeMap;

use foundation_runtime::Rng;

use super::MeshConfig;
use super::event::{Effect, Event, Input};
use super::graph::Graph;
use super::members::Members;
use super::peer::{ConnectionId, Link, Loss};
use super::targets::{Cause, Targets};
use super::unreached::Unreached;
use super::watch::Watch;
use crate::handshake::{Refusal, Role, Who};
use crate::machine::{self, Effects, Tick};
use crate::overlay::{Epoch, Overlay, OverlayError, PeerId, Policy};

/// How many evicted incarnations are remembered.
const EVICTED_MAX: usize = 1024;

/// The connections of one node.
#[derive(Debug)]
pub struct Machine {
    pub(super) config: MeshConfig,
    pub(super) own: Who,
    pub(super) links: BTreeMap<ConnectionId, Link>,
    /// Which connection keeps a name.
    pub(super) names: BTreeMap<Box<str>, ConnectionId>,
    pub(super) targets: Targets,
    pub(super) members: Members,
    /// Members that cannot be dialled.
    pub(super) unreached: Unreached,
    evicted: Vec<(Box<str>, u64)>,
    pub(super) is_leaving: bool,
    pub(super) epoch: Epoch,
    /// The overlay of this epoch.
    pub(super) graph: Graph,
    /// When this epoch began here.
    pub(super) switched: Tick,
    pub(super) rng: Rng,
    /// By which rules the overlay changes, if by any.
    pub(super) watch: Option<Watch>,
    /// Whether seeds are tried now at which no member is.
    pub(super) takes_turn: bool,
}

impl Machine {
    /// The full mesh of this node. The seed decides only how long it waits between dials.
    ///
    /// # Panics
    /// When the configuration does not pass [`MeshConfig::check`].
    #[must_use]
    pub fn new(config: MeshConfig, own: Who, seed: u64) -> Self {
        assert_eq!(config.check(), Ok(()), "the configuration cannot be so");
        let epoch = Epoch::first(Overlay::FullMesh);
        Self::of(config, own, epoch, Graph::Full, seed)
    }

    /// The same for a node that takes part in the overlay of this epoch.
    ///
    /// # Errors
    /// When a figure of the overlay is out of its bounds.
    ///
    /// # Panics
    /// When the configuration does not pass [`MeshConfig::check`].
    pub fn in_epoch(
        config: MeshConfig,
        own: Who,
        epoch: Epoch,
        seed: u64,
    ) -> Result<Self, OverlayError> {
        assert_eq!(config.check(), Ok(()), "the configuration cannot be so");
        let graph = Graph::new(&epoch, &own, seed)?;
        Ok(Self::of(config, own, epoch, graph, seed))
    }

    fn of(config: MeshConfig, own: Who, epoch: Epoch, graph: Graph, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            targets: Targets::new(config.clone(), own.address.clone(), rng.clone()),
            members: Members::default(),
            unreached: Unreached::default(),
            config,
            own,
            links: BTreeMap::new(),
            names: BTreeMap::new(),
            evicted: Vec::new(),
            is_leaving: false,
            epoch,
            graph,
            switched: Tick::ZERO,
            rng: Rng::new(rng.next_u64()),
            watch: None,
            takes_turn: false,
        }
    }

    /// The overlay changes by these rules.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        let watch = Some(Watch::new(policy));
        Self { watch, ..self }
    }

    /// The nodes that are connected, by name.
    pub fn peers(&self) -> impl Iterator<Item = &Who> {
        let links = self.names.values().filter_map(|id| self.links.get(id));
        links.filter(|link| link.is_up).map(|link| &link.who)
    }

    /// Those of them through which the node is part of the overlay.
    pub(super) fn near(&self) -> Vec<&Who> {
        let is_up = |who: &&Who| self.named(&who.name).is_some_and(|(_, link)| link.is_up);
        match &self.graph {
            Graph::View(sparse) => sparse.neighbours().filter(is_up).collect(),
            Graph::Full | Graph::Star { .. } => {
                let peers = self.peers();
                peers.filter(|who| self.is_neighbour(who)).collect()
            }
        }
    }

    /// Is it through this one that the node is part of the overlay?
    #[must_use]
    pub fn is_neighbour(&self, who: &Who) -> bool {
        self.graph.is_neighbour(who)
    }

    /// The overlay, and since which switch it is.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
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

    pub(super) fn named(&self, name: &str) -> Option<(ConnectionId, &Link)> {
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
        if self.graph.dials(&who.name) {
            let name = Some(who.name.clone());
            self.targets
                .add(now, who.address.clone(), name, Cause::Member);
        }
        self.targets.found(now, &who);
        self.unreached.forget(who.peer_id());
        out.push(Effect::Told(Event::Up(who.clone())));
        self.tell_epoch(id, out);
        self.join(now, id, &who, out);
    }

    /// A connection is there for the overlay, or there again.
    pub(super) fn join(&mut self, now: Tick, id: ConnectionId, who: &Who, out: &mut Out<'_>) {
        match &mut self.graph {
            Graph::Full => {}
            Graph::Star { .. } => {
                if self.graph.needs(who) {
                    out.push(Effect::Neighbour(who.clone(), true));
                }
            }
            Graph::View(sparse) => {
                let is_back = self.members.is_back(who.peer_id());
                sparse.up(now, (who, id), is_back, &self.members, out);
            }
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
        // Elsewhere the overlay looks for those that were lost.
        let is_silent =
            self.graph.is_full() && link.is_up && matches!(loss, Loss::Silent | Loss::Failed);
        self.targets.parted(now, &link.who.address, is_silent);
        if (gone || planted::is(Bug::RedialForgotten)) && held {
            self.targets.gone(&link.who.address);
        }
        if !(link.is_up && held) {
            return;
        }
        let who = link.who.clone();
        out.push(Effect::Told(Event::Down(link.who, loss)));
        if loss == Loss::Unneeded {
            self.targets.hurry(now, &who.address);
            if let Some(sparse) = self.graph.view() {
                sparse.parting(who.peer_id());
            }
            return;
        }
        // Who says goodbye is no loss.
        if !gone {
            self.watch.iter_mut().for_each(Watch::lost);
        }
        self.graph.failed(now, &who, &self.members, out);
        let member = self.members.get(who.peer_id()).cloned();
        if let Some(member) = member.filter(|_| !self.graph.is_full() && !gone) {
            self.seek(now, member, self.config.redial);
        }
    }

    fn ticked(&mut self, now: Tick, out: &mut Out<'_>) {
        for (id, link) in &mut self.links {
            if self.config.silence <= now.since(link.heard) {
                out.push(Effect::Close(*id, Loss::Silent));
                continue;
            }
            if link.is_up && self.config.silence / 4 <= now.since(link.sent) {
                link.sent = now;
                out.push(Effect::Heartbeat(*id));
            }
        }
        if !self.is_leaving {
            self.part_idle(now, out);
            if let Graph::View(sparse) = &mut self.graph {
                sparse.ticked(now, &self.members, out);
            }
            self.takes_turn = self.graph.takes_turn(&self.members);
            self.look(now, out);
        }
        self.dial(now, out);
        self.takes_turn = false;
    }

    fn heard(&mut self, now: Tick, id: ConnectionId, bytes: &[u8], out: &mut Out<'_>) {
        let Some(link) = self.links.get(&id).filter(|link| link.is_up) else {
            return;
        };
        let who = link.who.clone();
        if self.said(now, id, &who, bytes, out).is_err() {
            out.push(Effect::Close(id, Loss::Garbage));
        }
    }

    fn member(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        if who.name == self.own.name {
            return;
        }
        self.members.add(who.clone());
        if let Some(sparse) = self.graph.view() {
            sparse.member(who.peer_id());
        }
        if !self.graph.is_full() && !self.unreached.is_lost(who.peer_id()) {
            out.push(Effect::Reach(who.clone()));
        }
        if self.graph.dials(&who.name) && !self.names.contains_key(&who.name) {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Member);
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
            // It is dialled on, where all are connected: it may come back.
            None if loss == Loss::Failed && self.graph.is_full() => {}
            None if loss == Loss::Failed => self.targets.unwanted(name),
            None => self.targets.lost(name),
        }
        let peer = PeerId::of(name, *incarnation);
        let member = self.members.lose(peer);
        self.unreached.forget(peer);
        if let Graph::View(sparse) = &mut self.graph {
            sparse.failed(now, peer, &self.members, out);
        }
        if let Some(member) = member {
            out.push(Effect::Lose(member));
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

pub(super) type Out<'a> = Effects<Effect>;

impl machine::Machine for Machine {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        // What is only noted changes nothing about who is dialled.
        let is_noted = matches!(
            input,
            Input::Heard(_) | Input::Sent(_) | Input::Used(_) | Input::Loaded(..)
        );
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
            Input::Unthrough(who, _) => self.unthrough(now, &who, effects),
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
            Input::Loaded(is_busy, round_trip) => {
                if let Some(watch) = &mut self.watch {
                    watch.loaded(is_busy, round_trip);
                }
            }
            Input::Switch(overlay) => self.switch(now, overlay, effects),
            Input::Leave => self.leave(effects),
        }
        if !is_noted && !self.graph.is_full() {
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
        self.graph.check();
    }
}
