//! Do the nodes of a full mesh find together, whatever happens to their connections?
//!
//! Role       Five machines in a seeded walk over a model network that loses, cuts and restarts.
//! Sabotages  Seen red: both connections kept when two nodes dial at once, neither kept; a lost node
//!            not dialled again; members not dialled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_cluster::handshake::{Refusal, Role, Who};
use foundation_cluster::mesh::{ConnectionId, Effect, Input, Loss, Machine, MeshConfig};
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
struct Wire {
    /// Node, and the connection's number there.
    ends: [(usize, ConnectionId); 2],
    up: bool,
}

struct Model {
    now: u64,
    rng: Rng,
    machines: Vec<Machine>,
    incarnations: Vec<u64>,
    wires: Vec<Wire>,
    cut: BTreeSet<(usize, usize)>,
    next: u64,
    work: Vec<(usize, Effect)>,
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

impl Model {
    fn new(seed: u64) -> Self {
        let mut model = Self {
            now: 0,
            rng: Rng::new(seed),
            machines: Vec::new(),
            incarnations: vec![1; NAMES.len()],
            wires: Vec::new(),
            cut: BTreeSet::new(),
            next: 1,
            work: Vec::new(),
        };
        for node in 0..NAMES.len() {
            let machine = model.fresh(node);
            model.machines.push(machine);
            model.step(node, Input::Seed("a:1".into()));
        }
        model
    }

    fn fresh(&mut self, node: usize) -> Machine {
        let own = who(NAMES[node], self.incarnations[node]);
        Machine::new(MeshConfig::default(), own, self.rng.next_u64())
    }

    fn step(&mut self, node: usize, input: Input) {
        let effects = step(&mut self.machines[node], at(self.now), input);
        self.work
            .extend(effects.into_iter().map(|effect| (node, effect)));
    }

    fn passes(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a.min(b), a.max(b)))
    }

    fn wire(&self, node: usize, id: ConnectionId) -> Option<usize> {
        self.wires
            .iter()
            .position(|wire| wire.ends.contains(&(node, id)))
    }

    /// A connection ends: both ends learn it, each for its reason.
    fn end(&mut self, at: usize, by: usize, loss: Loss) {
        let wire = self.wires.swap_remove(at);
        let [dialler, listener] = wire.ends;
        let address = format!("{}:1", NAMES[listener.0]);
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
        let to = NAMES.iter().position(|name| address == format!("{name}:1"));
        let to = to.expect("only nodes are dialled");
        if !self.passes(node, to) {
            return self.step(node, Input::Undialled(address.into(), Refusal::Deadline));
        }
        let ids = [ConnectionId(self.next), ConnectionId(self.next + 1)];
        self.next += 2;
        let wire = Wire {
            ends: [(node, ids[0]), (to, ids[1])],
            up: false,
        };
        self.wires.push(wire);
        let there = who(NAMES[to], self.incarnations[to]);
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
                let here = who(NAMES[node], self.incarnations[node]);
                self.step(listener.0, Input::Proved(listener.1, here, Role::Listener));
            }
            Ok(()) => {
                self.wires[at].up = true;
                self.step(listener.0, Input::Up(listener.1));
                self.step(dialler.0, Input::Up(dialler.1));
                let address = format!("{}:1", NAMES[listener.0]);
                self.step(dialler.0, Input::Reached(address.into(), dialler.1));
            }
        }
    }

    fn perform(&mut self) {
        while !self.work.is_empty() {
            let nth = self.rng.below(self.work.len().min(4));
            let (node, effect) = self.work.remove(nth);
            match effect {
                Effect::Dial(address) => self.dial(node, &address),
                Effect::Answer(id, answer) => self.answer(node, id, answer),
                Effect::Close(id, loss) => {
                    if let Some(at) = self.wire(node, id) {
                        self.end(at, node, loss);
                    }
                }
                Effect::Heartbeat(id) => self.tell(node, id, Input::Heard),
                Effect::Told(_) => {}
            }
        }
    }

    fn tell(&mut self, node: usize, id: ConnectionId, input: impl FnOnce(ConnectionId) -> Input) {
        let Some(at) = self.wire(node, id).filter(|at| self.wires[*at].up) else {
            return;
        };
        let ends = self.wires[at].ends;
        let other = if ends[0] == (node, id) {
            ends[1]
        } else {
            ends[0]
        };
        if self.passes(node, other.0) {
            self.step(other.0, Input::Heard(other.1));
            self.step(other.0, input(other.1));
        }
    }

    fn pass(&mut self, millis: u64) {
        for _ in 0..millis / 500 {
            self.now += 500;
            for node in 0..NAMES.len() {
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

    fn restart(&mut self, node: usize) {
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
                let address = format!("{}:1", NAMES[node]).into();
                self.step(x.0, Input::Undialled(address, Refusal::Closed));
            }
        }
        self.work.retain(|(at, _)| *at != node);
        self.incarnations[node] += 1;
        self.machines[node] = self.fresh(node);
        self.step(node, Input::Seed("a:1".into()));
    }

    fn seen(&self, node: usize) -> BTreeMap<&str, u64> {
        let peers = self.machines[node].peers();
        peers.map(|who| (&*who.name, who.incarnation)).collect()
    }

    fn check(&self, seed: u64) {
        for (node, name) in NAMES.iter().enumerate() {
            let others = (0..NAMES.len()).filter(|other| *other != node);
            let others = others.map(|other| (NAMES[other], self.incarnations[other]));
            let others: BTreeMap<&str, u64> = others.collect();
            assert_eq!(self.seen(node), others, "seed {seed}, node {name}");
        }
        let up = self.wires.iter().filter(|wire| wire.up).count();
        assert_eq!(up, 10, "seed {seed}: one connection between any two");
    }
}

#[test]
fn all_are_together_in_the_end_whatever_happened() {
    for seed in 0..80 {
        let mut model = Model::new(seed);
        model.perform();
        model.pass(15_000);
        model.check(seed);
        for _ in 0..20 {
            let (a, b) = (model.rng.below(NAMES.len()), model.rng.below(NAMES.len()));
            match model.rng.below(5) {
                0 if a != b => {
                    model.cut.insert((a.min(b), a.max(b)));
                }
                1 => {
                    model.cut.remove(&(a.min(b), a.max(b)));
                }
                2 => model.restart(a),
                3 if !model.wires.is_empty() => {
                    let at = model.rng.below(model.wires.len());
                    model.end(at, a, Loss::Closed);
                }
                _ => {}
            }
            model.perform();
            let pause = 500 * (1 + model.rng.below(12) as u64);
            model.pass(pause);
        }
        model.cut.clear();
        model.pass(40_000);
        model.check(seed);
    }
}
