//! Whom does a node of a full mesh dial, admit and give up?
//!
//! Role       The machine by tables, and many of them in a seeded walk over a model network that
//!            loses, cuts and restarts.
//! Sabotages  Seen red: both connections kept when two nodes dial at once, neither kept; a name
//!            given to a second start; a lost node not dialled again; silence not noticed; peers
//!            not told of others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_cluster::handshake::{Refusal, Role, Who};
use foundation_cluster::mesh::{ConnectionId, Effect, Event, Input, Loss, Machine, MeshConfig};
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

fn mesh(name: &str) -> Machine {
    Machine::new(MeshConfig::default(), who(name, 1), 7)
}

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

/// A node `m` that is connected to these, each over the connection of its place.
fn connected(to: &[&str]) -> Machine {
    let mut machine = mesh("m");
    for (at_, name) in to.iter().enumerate() {
        let id = ConnectionId(at_ as u64 + 1);
        let proved = Input::Proved(id, who(name, 1), Role::Listener);
        assert_eq!(
            step(&mut machine, at(0), proved),
            [Effect::Answer(id, Ok(()))]
        );
        step(&mut machine, at(0), Input::Up(id));
    }
    machine
}

#[test]
fn who_may_stay() {
    let rows: &[(&str, Who, Role, Result<(), Refusal>)] = &[
        ("a stranger", who("z", 1), Role::Listener, Ok(())),
        ("itself", who("m", 1), Role::Dialler, Err(Refusal::Oneself)),
        (
            "its twin",
            who("m", 2),
            Role::Listener,
            Err(Refusal::NameTaken),
        ),
        (
            "who is there",
            who("a", 1),
            Role::Listener,
            Err(Refusal::Simultaneous),
        ),
        (
            "another start of it",
            who("a", 2),
            Role::Listener,
            Err(Refusal::NameTaken),
        ),
        (
            "an older start of it",
            who("a", 0),
            Role::Dialler,
            Err(Refusal::NameTaken),
        ),
    ];
    for (what, who, role, answer) in rows {
        let mut machine = connected(&["a"]);
        let effects = step(&mut machine, at(1), Input::Proved(TWO, who.clone(), *role));
        assert_eq!(effects, [Effect::Answer(TWO, *answer)], "{what}");
    }
}

/// Two dial each other at once: both keep the connection that the smaller one dialled.
#[test]
fn of_two_connections_both_ends_keep_the_same() {
    for (own, other) in [("a", "b"), ("b", "a")] {
        for first in [Role::Dialler, Role::Listener] {
            let second = match first {
                Role::Dialler => Role::Listener,
                Role::Listener => Role::Dialler,
            };
            let mut machine = mesh(own);
            let effects = step(
                &mut machine,
                at(0),
                Input::Proved(ONE, who(other, 1), first),
            );
            assert_eq!(effects, [Effect::Answer(ONE, Ok(()))]);
            let effects = step(
                &mut machine,
                at(0),
                Input::Proved(TWO, who(other, 1), second),
            );
            let kept_is_dialled_here = own < other;
            let second_is_kept = (second == Role::Dialler) == kept_is_dialled_here;
            let expected = match second_is_kept {
                true => vec![
                    Effect::Close(ONE, Loss::Replaced),
                    Effect::Answer(TWO, Ok(())),
                ],
                false => vec![Effect::Answer(TWO, Err(Refusal::Simultaneous))],
            };
            assert_eq!(effects, expected, "{own} and {other}, first as {first:?}");
        }
    }
}

#[test]
fn no_more_nodes_than_there_may_be() {
    let config = MeshConfig {
        peers_max: 2,
        ..MeshConfig::default()
    };
    let mut machine = Machine::new(config, who("m", 1), 1);
    for (number, answer) in [(1, Ok(())), (2, Ok(())), (3, Err(Refusal::Full))] {
        let id = ConnectionId(number);
        let who = who(&format!("n{number}"), 1);
        let effects = step(&mut machine, at(0), Input::Proved(id, who, Role::Listener));
        assert_eq!(effects, [Effect::Answer(id, answer)]);
    }
}

#[test]
fn heartbeats_are_sent_where_nothing_else_is_and_silence_is_noticed() {
    let mut machine = connected(&["a", "b"]);
    // Something is sent to `a`, something is heard of `b`.
    for tick in 1..=8 {
        let now = at(tick * 500);
        step(&mut machine, now, Input::Sent(ONE));
        step(&mut machine, now, Input::Heard(TWO));
        let effects = step(&mut machine, now, Input::Ticked);
        let has = |effect: Effect| effects.contains(&effect);
        assert!(!has(Effect::Heartbeat(ONE)), "at tick {tick}");
        assert!(has(Effect::Heartbeat(TWO)), "at tick {tick}");
        assert!(!has(Effect::Close(TWO, Loss::Silent)), "at tick {tick}");
        assert_eq!(
            has(Effect::Close(ONE, Loss::Silent)),
            tick == 8,
            "at tick {tick}"
        );
    }
}

#[test]
fn an_address_is_dialled_until_somebody_is_there() {
    let mut machine = mesh("m");
    let dial = Effect::Dial("s:1".into());
    assert_eq!(
        step(&mut machine, at(0), Input::Seed("s:1".into())),
        std::slice::from_ref(&dial)
    );
    let mut dials = Vec::new();
    for tick in 1..200 {
        let now = at(tick * 500);
        if step(&mut machine, now, Input::Ticked).contains(&dial) {
            dials.push(tick);
            step(
                &mut machine,
                now,
                Input::Undialled("s:1".into(), Refusal::Closed),
            );
        } else if tick == 1 {
            step(
                &mut machine,
                now,
                Input::Undialled("s:1".into(), Refusal::Closed),
            );
        }
    }
    assert!(
        (10..30).contains(&dials.len()),
        "it backs off, and goes on: {dials:?}"
    );
    let pauses: Vec<u64> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        pauses.iter().all(|pause| *pause <= 21),
        "at most 10 s: {pauses:?}"
    );
    assert_eq!(
        machine.dialled().next(),
        Some(("s:1", Some(Refusal::Closed)))
    );
    // Its own address is no address to dial.
    assert_eq!(step(&mut machine, at(0), Input::Seed("m:1".into())), []);
}

#[test]
fn who_is_evicted_is_closed_told_of_and_refused() {
    let mut machine = connected(&["a", "b"]);
    let effects = step(&mut machine, at(1), Input::Evicted("a".into(), 1));
    let told = Effect::TellEvicted(TWO, "a".into(), 1);
    assert_eq!(effects, [Effect::Close(ONE, Loss::Evicted), told]);
    let effects = step(&mut machine, at(1), Input::Down(ONE, Loss::Evicted));
    assert_eq!(
        effects,
        [Effect::Told(Event::Down(who("a", 1), Loss::Evicted))]
    );
    assert_eq!(
        step(&mut machine, at(2), Input::Evicted("a".into(), 1)),
        [],
        "said once"
    );
    for (incarnation, answer) in [(1, Err(Refusal::Evicted)), (2, Ok(()))] {
        let id = ConnectionId(10 + incarnation);
        let proved = Input::Proved(id, who("a", incarnation), Role::Listener);
        assert_eq!(
            step(&mut machine, at(3), proved),
            [Effect::Answer(id, answer)]
        );
    }
}

#[test]
fn who_leaves_says_so_and_takes_nobody_more() {
    let mut machine = connected(&["a"]);
    let effects = step(&mut machine, at(1), Input::Leave);
    assert_eq!(
        effects,
        [Effect::Goodbye(ONE), Effect::Close(ONE, Loss::Leaving)]
    );
    let proved = Input::Proved(TWO, who("z", 1), Role::Listener);
    let effects = step(&mut machine, at(1), proved);
    assert_eq!(effects, [Effect::Answer(TWO, Err(Refusal::Leaving))]);
    step(&mut machine, at(1), Input::Down(ONE, Loss::Leaving));
    assert_eq!(
        step(&mut machine, at(5_000), Input::Ticked),
        [],
        "and dials nobody"
    );
}

// ---- a model network ----

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
                Effect::TellPeers(id, peers) => self.tell(node, id, |id| Input::Peers(id, peers)),
                Effect::Heartbeat(id) => self.tell(node, id, Input::Heard),
                Effect::Goodbye(id) => self.tell(node, id, Input::Goodbye),
                Effect::TellEvicted(id, name, incarnation) => {
                    self.tell(node, id, |_| Input::Evicted(name, incarnation));
                }
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
            }
            self.perform();
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
