//! What is between the machines of a walk?
//!
//! Role       Connections between meshes, without bytes: dials, admissions, ends, what is said. Somebody cuts
//!            them, and starts nodes anew. In place of a membership each node hears of those that its
//!            peers are connected to.

use std::collections::BTreeSet;
use std::time::Duration;

use foundation_cluster::handshake::{Refusal, Role, Who};
use foundation_cluster::mesh::{ConnectionId, Effect, Input, Loss, Machine, MeshConfig};
use foundation_cluster::overlay::{Epoch, Overlay};
use foundation_cluster::{Effects, Machine as _, Tick};
use foundation_runtime::Rng;

fn who(name: &str, incarnation: u64) -> Who {
    Who {
        name: name.into(),
        incarnation,
        address: format!("{name}:1").into(),
    }
}

fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

fn step(machine: &mut Machine, now: Tick, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(now, input, &mut effects);
    machine.check();
    effects.drain().collect()
}

/// A connection of the model: its two ends, and how far it is.
pub(crate) struct Wire {
    /// Node, and the connection's number there.
    pub(crate) ends: [(usize, ConnectionId); 2],
    pub(crate) up: bool,
    /// Something said over it was lost in a cut: nothing passes any more, until the silence ends it.
    is_dead: bool,
}

pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) machines: Vec<Machine>,
    pub(crate) names: Vec<String>,
    overlay: Overlay,
    /// What the overlay of each has said of its neighbours.
    pub(crate) neighbours: Vec<BTreeSet<Box<str>>>,
    pub(crate) incarnations: Vec<u64>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) cut: BTreeSet<(usize, usize)>,
    /// The number of the next end of a connection.
    pub(crate) next: u64,
    work: Vec<(usize, Effect)>,
}

impl Model {
    /// So many nodes, of which the first is the seed of all.
    pub(crate) fn new(count: usize, overlay: Overlay, seed: u64) -> Self {
        let letters = ('a'..='z').take(count);
        let mut model = Self {
            now: 0,
            rng: Rng::new(seed),
            machines: Vec::new(),
            names: letters.map(String::from).collect(),
            overlay,
            neighbours: vec![BTreeSet::new(); count],
            incarnations: vec![1; count],
            wires: Vec::new(),
            cut: BTreeSet::new(),
            next: 1,
            work: Vec::new(),
        };
        for node in 0..count {
            let machine = model.fresh(node);
            model.machines.push(machine);
            model.step(node, Input::Seed("a:1".into()));
        }
        model
    }

    pub(crate) fn who(&self, node: usize) -> Who {
        who(&self.names[node], self.incarnations[node])
    }

    fn fresh(&mut self, node: usize) -> Machine {
        let own = self.who(node);
        let (config, seed) = (MeshConfig::default(), self.rng.next_u64());
        let epoch = Epoch::first(self.overlay.clone());
        Machine::in_epoch(config, own, epoch, seed).expect("its figures are in bounds")
    }

    pub(crate) fn step(&mut self, node: usize, input: Input) {
        let effects = step(&mut self.machines[node], at(self.now), input);
        self.work
            .extend(effects.into_iter().map(|effect| (node, effect)));
    }

    pub(crate) fn passes(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a.min(b), a.max(b)))
    }

    fn wire(&self, node: usize, id: ConnectionId) -> Option<usize> {
        self.wires
            .iter()
            .position(|wire| wire.ends.contains(&(node, id)))
    }

    /// A connection ends: both ends learn it, each for its reason.
    pub(crate) fn end(&mut self, at: usize, by: usize, loss: Loss) {
        let wire = self.wires.swap_remove(at);
        let [dialler, listener] = wire.ends;
        let address = format!("{}:1", self.names[listener.0]);
        for (node, id) in wire.ends {
            let loss = match node == by {
                true => loss,
                false => Loss::Closed,
            };
            self.step(node, Input::Down(id, loss));
        }
        if !wire.up {
            self.step(dialler.0, Input::Undialled(address.into(), Refusal::Closed));
        }
    }

    fn dial(&mut self, node: usize, address: &str) {
        let to = self
            .names
            .iter()
            .position(|name| address == format!("{name}:1"));
        let to = to.expect("only nodes are dialled");
        if !self.passes(node, to) {
            return self.step(node, Input::Undialled(address.into(), Refusal::Deadline));
        }
        let ids = [ConnectionId(self.next), ConnectionId(self.next + 1)];
        self.next += 2;
        let wire = Wire {
            ends: [(node, ids[0]), (to, ids[1])],
            up: false,
            is_dead: false,
        };
        self.wires.push(wire);
        let there = self.who(to);
        self.step(node, Input::Proved(ids[0], there, Role::Dialler));
    }

    fn answer(&mut self, node: usize, id: ConnectionId, answer: Result<(), Refusal>) {
        let Some(at) = self.wire(node, id) else {
            return;
        };
        let [dialler, listener] = self.wires[at].ends;
        let is_dialler = dialler == (node, id);
        match answer {
            Err(_) => self.end(at, node, Loss::Closed),
            Ok(()) if is_dialler => {
                let here = self.who(node);
                self.step(listener.0, Input::Proved(listener.1, here, Role::Listener));
            }
            Ok(()) => {
                self.wires[at].up = true;
                self.step(listener.0, Input::Up(listener.1));
                self.step(dialler.0, Input::Up(dialler.1));
                let address = format!("{}:1", self.names[listener.0]);
                self.step(dialler.0, Input::Reached(address.into(), dialler.1));
            }
        }
    }

    pub(crate) fn perform(&mut self) {
        while !self.work.is_empty() {
            // Each node does what is to be done in order.
            let nth = self.rng.below(self.work.len().min(4));
            let node = self.work[nth].0;
            let first = self.work.iter().position(|(at, _)| *at == node);
            let (node, effect) = self.work.remove(first.unwrap_or(nth));
            match effect {
                Effect::Dial(address) | Effect::Knock(address) => self.dial(node, &address),
                Effect::Answer(id, answer) => self.answer(node, id, answer),
                Effect::Close(id, loss) => {
                    if let Some(at) = self.wire(node, id) {
                        self.end(at, node, loss);
                    }
                }
                Effect::Heartbeat(id) => self.tell(node, id, Input::Heard),
                Effect::Say(id, bytes) => self.tell(node, id, |id| Input::Said(id, bytes)),
                Effect::Part(id) => self.part(node, id),
                Effect::Neighbour(who, true) => {
                    self.neighbours[node].insert(who.name);
                }
                Effect::Neighbour(who, false) => {
                    self.neighbours[node].remove(&who.name);
                }
                Effect::DialThrough(who) => {
                    self.step(node, Input::Unthrough(who, Refusal::Closed));
                }
                Effect::Told(_) | Effect::Reach(_) | Effect::Lose(_) => {}
                Effect::Switched(_) | Effect::Differs(..) => {}
            }
        }
    }

    /// One end does not need a connection: it ends, if the other one agrees.
    fn part(&mut self, node: usize, id: ConnectionId) {
        let Some((at, other)) = self.other(node, id) else {
            return;
        };
        if !self.passes(node, other.0) || self.wires[at].is_dead {
            return;
        }
        let before = self.work.len();
        self.step(other.0, Input::MayPart(other.1));
        let answers = self.work.drain(before..).collect::<Vec<_>>();
        let may = answers
            .iter()
            .any(|(_, effect)| *effect == Effect::Answer(other.1, Ok(())));
        let rest = answers
            .into_iter()
            .filter(|(_, effect)| !matches!(effect, Effect::Answer(..)));
        self.work.extend(rest);
        if may {
            let wire = self.wires.swap_remove(at);
            for (node, id) in wire.ends {
                self.step(node, Input::Down(id, Loss::Unneeded));
            }
        } else {
            self.step(node, Input::Kept(id));
        }
    }

    /// A connection that is up, and its other end.
    fn other(&self, node: usize, id: ConnectionId) -> Option<(usize, (usize, ConnectionId))> {
        let at = self.wire(node, id).filter(|at| self.wires[*at].up)?;
        let ends = self.wires[at].ends;
        let is_first = ends[0] == (node, id);
        Some((at, if is_first { ends[1] } else { ends[0] }))
    }

    fn tell(&mut self, node: usize, id: ConnectionId, input: impl FnOnce(ConnectionId) -> Input) {
        let Some((at, other)) = self.other(node, id) else {
            return;
        };
        let passes = self.passes(node, other.0);
        self.wires[at].is_dead |= !passes;
        if !self.wires[at].is_dead {
            self.step(other.0, Input::Heard(other.1));
            self.step(other.0, input(other.1));
        }
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis / 500 {
            self.now += 500;
            for node in 0..self.names.len() {
                self.step(node, Input::Ticked);
                self.gossip(node);
            }
            self.perform();
        }
    }

    /// In place of a membership: each hears of those that its peers are connected to.
    fn gossip(&mut self, node: usize) {
        let up = self.wires.iter().filter(|wire| wire.up);
        let up = up.filter(|wire| wire.ends.iter().any(|(end, _)| *end == node));
        let others: Vec<usize> = up.flat_map(|wire| wire.ends.map(|(end, _)| end)).collect();
        for other in others.into_iter().filter(|other| *other != node) {
            let peers: Vec<Who> = match self.passes(node, other) {
                true => self.machines[other].peers().cloned().collect(),
                false => Vec::new(),
            };
            peers
                .into_iter()
                .for_each(|who| self.step(node, Input::Member(who)));
        }
    }

    pub(crate) fn restart(&mut self, node: usize) {
        while let Some(at) = self
            .wires
            .iter()
            .position(|wire| wire.ends.iter().any(|(end, _)| *end == node))
        {
            let wire = self.wires.swap_remove(at);
            let [x, y] = wire.ends;
            let other = if x.0 == node { y } else { x };
            self.step(other.0, Input::Down(other.1, Loss::Closed));
            if !wire.up && x.0 != node {
                let address = format!("{}:1", self.names[node]).into();
                self.step(x.0, Input::Undialled(address, Refusal::Closed));
            }
        }
        self.work.retain(|(at, _)| *at != node);
        self.incarnations[node] += 1;
        self.machines[node] = self.fresh(node);
        self.neighbours[node].clear();
        self.step(node, Input::Seed("a:1".into()));
    }
}
