//! Whom does a node of a full mesh dial, admit, give up?
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
use super::peer::{ConnectionId, Link, Loss, Target};
use crate::handshake::{Refusal, Role, Who};
use crate::machine::{self, Effects, Tick};

/// How many evicted incarnations are remembered.
const EVICTED_MAX: usize = 1024;

/// What can happen to a mesh.
#[derive(Clone, Debug)]
pub enum Input {
    /// This address is to be dialled until somebody there is connected.
    Seed(Box<str>),
    /// A finder has found this address: it is dialled as a seed is, for as long as it is found.
    Candidate(Box<str>),
    /// No finder finds this address any more. Who is connected stays so.
    Forgotten(Box<str>),
    /// The finders begin anew: so far they have found nobody.
    AllForgotten,
    /// On this connection a node has proved who it is: may it stay?
    Proved(ConnectionId, Who, Role),
    /// Both ends have agreed.
    Up(ConnectionId),
    /// A connection is gone.
    Down(ConnectionId, Loss),
    /// The dial of this address has led to this connection, which is up.
    Reached(Box<str>, ConnectionId),
    /// A dial came to nothing.
    Undialled(Box<str>, Refusal),
    /// Something was heard on this connection since the last tick.
    Heard(ConnectionId),
    /// Something was sent on this connection since the last tick.
    Sent(ConnectionId),
    /// This one is a member of the cluster: it is dialled until it is connected.
    Member(Who),
    /// This incarnation of a node is a member no more, for this reason. Who was evicted is refused.
    Lost(Box<str>, u64, Loss),
    /// So much time has passed: [`MeshConfig::tick`].
    Ticked,
    /// This node leaves.
    Leave,
}

/// What a mesh wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Dial this address; say when it came to nothing.
    Dial(Box<str>),
    /// The answer to [`Input::Proved`].
    Answer(ConnectionId, Result<(), Refusal>),
    /// Close this connection; say when it is gone.
    Close(ConnectionId, Loss),
    /// Tell a peer that this node lives.
    Heartbeat(ConnectionId),
    /// News for whoever watches the nodes.
    Told(Event),
}

/// News of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It is connected.
    Up(Who),
    /// It is connected no more.
    Down(Who, Loss),
}

/// A full mesh, seen from one node.
#[derive(Debug)]
pub struct Machine {
    config: MeshConfig,
    own: Who,
    rng: Rng,
    links: BTreeMap<ConnectionId, Link>,
    /// Which connection keeps a name.
    names: BTreeMap<Box<str>, ConnectionId>,
    targets: BTreeMap<Box<str>, Target>,
    evicted: Vec<(Box<str>, u64)>,
    is_leaving: bool,
}

impl Machine {
    /// The mesh of this node. The seed decides only how long it waits between dials.
    ///
    /// # Panics
    /// When the configuration does not pass [`MeshConfig::check`].
    #[must_use]
    pub fn new(config: MeshConfig, own: Who, seed: u64) -> Self {
        assert_eq!(config.check(), Ok(()), "the configuration cannot be so");
        Self {
            config,
            own,
            rng: Rng::new(seed),
            links: BTreeMap::new(),
            names: BTreeMap::new(),
            targets: BTreeMap::new(),
            evicted: Vec::new(),
            is_leaving: false,
        }
    }

    /// The nodes that are connected, by name.
    pub fn peers(&self) -> impl Iterator<Item = &Who> {
        let links = self.names.values().filter_map(|id| self.links.get(id));
        links.filter(|link| link.is_up).map(|link| &link.who)
    }

    /// The addresses that are dialled, and why the last dial of each came to nothing.
    pub fn dialled(&self) -> impl Iterator<Item = (&str, Option<Refusal>)> {
        let targets = self.targets.iter();
        targets.map(|(address, target)| (&**address, target.last))
    }

    fn target(&mut self, now: Tick, address: Box<str>, name: Option<Box<str>>, is_seed: bool) {
        let full = 2 * self.config.peers_max <= self.targets.len();
        let own = address.is_empty() || address == self.own.address;
        if own || (full && !self.targets.contains_key(&address)) {
            return;
        }
        let pause = self.config.redial;
        let target = self.targets.entry(address).or_insert_with(|| Target {
            name: None,
            is_seed,
            is_candidate: false,
            is_over: false,
            is_dialling: false,
            next: now,
            pause,
            since: now,
            last: None,
        });
        target.is_seed |= is_seed;
        if name.is_some() {
            target.name = name;
        }
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
        (link.is_up, link.heard, link.sent) = (true, now, now);
        let who = link.who.clone();
        self.target(now, who.address.clone(), Some(who.name.clone()), false);
        self.found(now, &who);
        out.push(Effect::Told(Event::Up(who)));
    }

    /// A node is connected: it need not be dialled.
    fn found(&mut self, now: Tick, who: &Who) {
        for (address, target) in &mut self.targets {
            if *address == who.address || target.name.as_ref() == Some(&who.name) {
                (target.pause, target.last) = (self.config.redial, None);
                (target.since, target.next) = (now, now);
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
        for (address, target) in &mut self.targets {
            if *address == link.who.address {
                (target.since, target.pause) = (now, self.config.redial);
                // Not at once: both would dial.
                target.next = now + target.pause.mul_f64(share(&mut self.rng));
            }
        }
        if gone && held {
            self.targets
                .retain(|address, target| *address != link.who.address || target.is_kept());
        }
        if link.is_up && held {
            out.push(Effect::Told(Event::Down(link.who, loss)));
        }
    }

    fn reached(&mut self, address: &str, id: ConnectionId) {
        let name = self.links.get(&id).map(|link| link.who.name.clone());
        if let Some(target) = self.targets.get_mut(address) {
            target.is_dialling = false;
            target.name = name;
        }
    }

    fn undialled(&mut self, now: Tick, address: &str, refusal: Refusal) {
        let (most, forget) = (self.config.redial_max, self.config.forget);
        let Some(target) = self.targets.get_mut(address) else {
            return;
        };
        target.is_dialling = false;
        target.last = Some(refusal);
        let jitter = 0.5 + share(&mut self.rng) / 2.0;
        target.next = now + target.pause.mul_f64(jitter);
        target.pause = (target.pause * 2).min(most);
        let hopeless = !refusal.may_pass() || forget <= now.since(target.since);
        let is_over = target.is_over && target.name.is_none();
        if !target.is_kept() && (hopeless || is_over) || refusal == Refusal::Oneself {
            self.targets.remove(address);
        }
    }

    fn ticked(&mut self, now: Tick, out: &mut Out<'_>) {
        for (id, link) in &mut self.links {
            if self.config.silence <= now.since(link.heard) {
                out.push(Effect::Close(*id, Loss::Silent));
            } else if link.is_up && self.config.tick <= now.since(link.sent) {
                link.sent = now;
                out.push(Effect::Heartbeat(*id));
            }
        }
        self.dial(now, out);
    }

    fn dial(&mut self, now: Tick, out: &mut Out<'_>) {
        if self.is_leaving {
            return;
        }
        let links = &self.links;
        for (address, target) in &mut self.targets {
            let name = target.name.as_ref();
            // Nearly all are: the connections are not gone through for them.
            if target.is_dialling || name.is_some_and(|name| self.names.contains_key(name)) {
                continue;
            }
            let there = |link: &Link| link.who.address == *address || name == Some(&link.who.name);
            if now < target.next || links.values().any(there) {
                continue;
            }
            target.is_dialling = true;
            out.push(Effect::Dial(address.clone()));
        }
    }

    fn member(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        let known = self.names.contains_key(&who.name) || who.name == self.own.name;
        if !known {
            self.target(now, who.address, Some(who.name), false);
            self.dial(now, out);
        }
    }

    fn candidate(&mut self, now: Tick, address: Box<str>, out: &mut Out<'_>) {
        if self.is_leaving {
            return;
        }
        self.target(now, address.clone(), None, false);
        if let Some(target) = self.targets.get_mut(&address) {
            (target.is_candidate, target.is_over) = (true, false);
        }
        self.dial(now, out);
    }

    /// Who was met there is dialled as any member is; an address where nobody was met, no more.
    fn forgotten(&mut self, address: &str) {
        let Some(target) = self.targets.get_mut(address) else {
            return;
        };
        (target.is_candidate, target.is_over) = (false, true);
        if target.name.is_none() && !target.is_seed && !target.is_dialling {
            self.targets.remove(address);
        }
    }

    fn all_forgotten(&mut self) {
        let targets = self.targets.iter();
        let found = targets.filter(|(_, target)| target.is_candidate);
        let found: Vec<Box<str>> = found.map(|(address, _)| address.clone()).collect();
        for address in found {
            self.forgotten(&address);
        }
    }

    fn lost(&mut self, name: Box<str>, incarnation: u64, loss: Loss, out: &mut Out<'_>) {
        let link = self
            .named(&name)
            .map(|(id, link)| (id, link.who.incarnation));
        match link {
            Some((id, connected)) if connected == incarnation => {
                out.push(Effect::Close(id, loss));
            }
            Some(_) => {}
            None if loss == Loss::Failed => {}
            None => {
                let is_it = |target: &Target| target.name.as_ref() == Some(&name);
                self.targets
                    .retain(|_, target| target.is_kept() || target.is_dialling || !is_it(target));
            }
        }
        let news = (name, incarnation);
        if loss == Loss::Evicted && !self.evicted.contains(&news) {
            if self.evicted.len() == EVICTED_MAX {
                self.evicted.remove(0);
            }
            self.evicted.push(news);
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
                self.target(now, address, None, true);
                self.dial(now, effects);
            }
            Input::Candidate(address) => self.candidate(now, address, effects),
            Input::Forgotten(address) => self.forgotten(&address),
            Input::AllForgotten => self.all_forgotten(),
            Input::Proved(id, who, role) => self.proved(now, id, who, role, effects),
            Input::Up(id) => self.up(now, id, effects),
            Input::Down(id, loss) => self.down(now, id, loss, effects),
            Input::Reached(address, id) => self.reached(&address, id),
            Input::Undialled(address, refusal) => self.undialled(now, &address, refusal),
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
            Input::Lost(name, incarnation, loss) => self.lost(name, incarnation, loss, effects),
            Input::Ticked => self.ticked(now, effects),
            Input::Leave => self.leave(effects),
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
    }
}

/// A share of one, at random.
fn share(rng: &mut Rng) -> f64 {
    rng.below(1000) as f64 / 1000.0
}
