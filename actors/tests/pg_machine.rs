//! Does the machine of process groups keep pg's rules, with other nodes and without?
//!
//! Role       A table of inputs and effects; then a seeded walk: three nodes that join, leave, die,
//!            lose each other and find each other again, beside a model that only counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foundation_actors::pg::machine::{Change, Effect, Group, Input, Machine, Member, Refusal};

/// The process `1` of the node `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct P(u8, u16);

impl Member for P {
    type Node = u8;

    fn node(self) -> u8 {
        self.0
    }
}

const A: P = P(0, 1);
const B: P = P(0, 2);
const X: P = P(1, 1);
const Y: P = P(1, 2);

fn group(name: &str) -> Group {
    name.into()
}

fn join(name: &str, pids: &[P]) -> Input<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Input::Join { group, pids }
}

fn leave(name: &str, pids: &[P]) -> Input<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Input::Leave { group, pids }
}

fn watch(watcher: P, name: Option<&str>) -> Input<P> {
    let group = name.map(group);
    Input::Monitor { watcher, group }
}

fn sync(node: u8, groups: &[(&str, &[P])]) -> Input<P> {
    let groups = groups
        .iter()
        .map(|(name, pids)| (group(name), pids.to_vec()));
    let groups = groups.collect();
    Input::PeerSync { node, groups }
}

fn joined(node: u8, name: &str, pids: &[P]) -> Input<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Input::PeerJoined { node, group, pids }
}

fn left(node: u8, name: &str, pids: &[P]) -> Input<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Input::PeerLeft { node, group, pids }
}

fn told(id: u64, change: Change, name: &str, pids: &[P]) -> Effect<P> {
    Effect::Notify {
        watcher: B,
        id,
        change,
        group: group(name),
        pids: pids.to_vec(),
    }
}

fn tell_joined(name: &str, pids: &[P]) -> Effect<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Effect::TellPeersJoined { group, pids }
}

fn tell_left(name: &str, pids: &[P]) -> Effect<P> {
    let (group, pids) = (group(name), pids.to_vec());
    Effect::TellPeersLeft { group, pids }
}

fn monitored(id: u64, snapshot: &[(&str, &[P])]) -> Effect<P> {
    let snapshot = snapshot
        .iter()
        .map(|(name, pids)| (group(name), pids.to_vec()));
    let snapshot = snapshot.collect();
    Effect::Monitored { id, snapshot }
}

/// A row: what happens to a node's scope, what follows, and who is in the group `g` then.
#[track_caller]
fn check(machine: &mut Machine<P>, input: Input<P>, expected: &[Effect<P>], members: &[P]) {
    let mut effects = Vec::new();
    machine.step(input, &mut effects);
    machine.check();
    assert_eq!(effects, expected);
    assert_eq!(machine.members("g"), members);
}

#[test]
fn members_here() {
    use Change::{Joined, Left};
    let done = Effect::Done;
    let m = &mut Machine::new(0);
    check(
        m,
        leave("g", &[A]),
        &[Effect::Refused(Refusal::NotJoined)],
        &[],
    );
    check(m, join("g", &[]), &[Effect::Done], &[]);
    check(
        m,
        join("g", &[A, A]),
        &[done.clone(), tell_joined("g", &[A, A])],
        &[A, A],
    );
    check(
        m,
        watch(B, Some("g")),
        &[monitored(1, &[("g", &[A, A])])],
        &[A, A],
    );
    check(
        m,
        watch(B, None),
        &[monitored(2, &[("g", &[A, A])])],
        &[A, A],
    );
    check(
        m,
        watch(B, Some("h")),
        &[monitored(3, &[("h", &[])])],
        &[A, A],
    );
    let both = [
        done.clone(),
        told(1, Joined, "g", &[B]),
        told(2, Joined, "g", &[B]),
        tell_joined("g", &[B]),
    ];
    check(m, join("g", &[B]), &both, &[A, A, B]);
    let scope = [
        done.clone(),
        told(2, Joined, "h", &[A]),
        told(3, Joined, "h", &[A]),
        tell_joined("h", &[A]),
    ];
    check(m, join("h", &[A]), &scope, &[A, A, B]);
    // Of three only what was there leaves; otp 25: none of them there is not_joined.
    let two = [
        done.clone(),
        told(1, Left, "g", &[A]),
        told(2, Left, "g", &[A]),
        tell_left("g", &[A]),
    ];
    check(m, leave("g", &[A]), &two, &[A, B]);
    check(
        m,
        join("g", &[A]),
        &[
            done.clone(),
            told(1, Joined, "g", &[A]),
            told(2, Joined, "g", &[A]),
            tell_joined("g", &[A]),
        ],
        &[A, B, A],
    );
    check(m, Input::Demonitor { id: 2 }, &[Effect::Done], &[A, B, A]);
    check(
        m,
        Input::Demonitor { id: 2 },
        &[Effect::Refused(Refusal::NotMonitored)],
        &[A, B, A],
    );
    // otp 25: a member that joined twice leaves in two messages.
    let death = [
        told(1, Left, "g", &[A]),
        tell_left("g", &[A]),
        told(1, Left, "g", &[A]),
        tell_left("g", &[A]),
        told(3, Left, "h", &[A]),
        tell_left("h", &[A]),
    ];
    check(m, Input::Down { pid: A }, &death, &[B]);
    check(m, Input::Down { pid: A }, &[], &[B]);
    assert!(m.knows(B) && !m.knows(A));
    // A watcher that dies is told nothing, not even of itself.
    check(m, Input::Down { pid: B }, &[tell_left("g", &[B])], &[]);
    assert!(m.groups().is_empty() && !m.knows(B));
}

#[test]
fn members_elsewhere() {
    use Change::{Joined, Left};
    let m = &mut Machine::new(0);
    check(
        m,
        join("g", &[A]),
        &[Effect::Done, tell_joined("g", &[A])],
        &[A],
    );
    let ours = vec![(group("g"), vec![A])];
    check(
        m,
        Input::PeerUp { node: 1 },
        &[Effect::Sync {
            to: 1,
            groups: ours,
        }],
        &[A],
    );
    check(m, Input::PeerUp { node: 0 }, &[], &[A]);
    check(m, watch(B, None), &[monitored(1, &[("g", &[A])])], &[A]);
    check(m, joined(1, "g", &[X]), &[], &[A]); // Before its sync.
    check(
        m,
        sync(1, &[("g", &[X, X]), ("h", &[Y])]),
        &[told(1, Joined, "g", &[X, X]), told(1, Joined, "h", &[Y])],
        &[A, X, X],
    );
    check(
        m,
        joined(1, "g", &[Y, A, P(2, 1)]),
        &[told(1, Joined, "g", &[Y])],
        &[A, X, X, Y],
    );
    check(
        m,
        left(1, "g", &[X, P(1, 9), A]),
        &[told(1, Left, "g", &[X])],
        &[A, X, Y],
    );
    assert_eq!(m.local_members("g"), [A]);
    assert_eq!(
        (m.groups(), m.local_groups()),
        (vec![group("g"), group("h")], vec![group("g")])
    );
    // A sync after reconnecting is the whole truth: what is not in it has left.
    let news = [
        told(1, Left, "g", &[X]),
        told(1, Joined, "g", &[Y]),
        told(1, Left, "h", &[Y]),
    ];
    check(m, sync(1, &[("g", &[Y, Y])]), &news, &[A, Y, Y]);
    check(m, sync(0, &[("g", &[B])]), &[], &[A, Y, Y]);
    check(m, left(2, "g", &[P(2, 1)]), &[], &[A, Y, Y]);
    check(
        m,
        Input::PeerDown { node: 1 },
        &[told(1, Left, "g", &[Y, Y])],
        &[A],
    );
    check(m, Input::PeerDown { node: 1 }, &[], &[A]);
}

#[test]
fn limits() {
    let m = &mut Machine::with_limits(0, 2, 1);
    check(
        m,
        join("g", &[A, A, A]),
        &[Effect::Refused(Refusal::Full(2))],
        &[],
    );
    check(
        m,
        join("g", &[A, A]),
        &[Effect::Done, tell_joined("g", &[A, A])],
        &[A, A],
    );
    check(
        m,
        join("h", &[A]),
        &[Effect::Refused(Refusal::Full(2))],
        &[A, A],
    );
    check(
        m,
        sync(1, &[("g", &[X, X]), ("h", &[X])]),
        &[],
        &[A, A, X, X],
    );
    check(m, joined(1, "g", &[Y]), &[], &[A, A, X, X]);
    check(
        m,
        watch(B, None),
        &[monitored(1, &[("g", &[A, A, X, X])])],
        &[A, A, X, X],
    );
    check(
        m,
        watch(A, None),
        &[Effect::Refused(Refusal::Full(1))],
        &[A, A, X, X],
    );
}

#[test]
#[should_panic(expected = "joins where it lives")]
fn a_process_of_another_node_does_not_join_here() {
    Machine::new(0).step(join("g", &[X]), &mut Vec::new());
}

/// A generator of the test's own: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)) % sides
    }
}

const NODES: u8 = 3;
const NAMES: [&str; 3] = ["g", "h", "i"];

/// Memberships by group and process.
type Counts = BTreeMap<(Group, P), usize>;

/// Three nodes, what is on its way between them, and what is true.
struct Cluster {
    nodes: Vec<Machine<P>>,
    /// What one node has sent to another, oldest first.
    wires: BTreeMap<(u8, u8), VecDeque<Input<P>>>,
    connected: BTreeMap<(u8, u8), bool>,
    /// What is true of the members of each node.
    truth: Vec<Counts>,
    /// What the watcher of each node believes, from its snapshot and its events.
    believed: Vec<Counts>,
}

impl Cluster {
    fn new() -> Self {
        let mut this = Self {
            nodes: (0..NODES).map(Machine::new).collect(),
            wires: BTreeMap::new(),
            connected: BTreeMap::new(),
            truth: vec![Counts::new(); usize::from(NODES)],
            believed: vec![Counts::new(); usize::from(NODES)],
        };
        for node in 0..NODES {
            this.feed(node, watch(P(node, 0), None));
        }
        this
    }

    fn feed(&mut self, node: u8, input: Input<P>) {
        let mut effects = Vec::new();
        let machine = &mut self.nodes[usize::from(node)];
        machine.step(input, &mut effects);
        machine.check();
        for effect in effects {
            self.perform(node, effect);
        }
        let mut seen = Counts::new();
        let machine = &self.nodes[usize::from(node)];
        for name in machine.groups() {
            for pid in machine.members(&name) {
                *seen.entry((Arc::clone(&name), pid)).or_default() += 1;
            }
        }
        assert_eq!(
            seen,
            self.believed[usize::from(node)],
            "the watcher of {node} knows all"
        );
    }

    fn perform(&mut self, node: u8, effect: Effect<P>) {
        match effect {
            Effect::Notify {
                change,
                group,
                pids,
                ..
            } => {
                for pid in pids {
                    add(&mut self.believed[usize::from(node)], &group, pid, change);
                }
            }
            Effect::Sync { to, groups } => self.send(node, to, Input::PeerSync { node, groups }),
            Effect::TellPeersJoined { group, pids } => {
                self.send_all(node, &Input::PeerJoined { node, group, pids });
            }
            Effect::TellPeersLeft { group, pids } => {
                self.send_all(node, &Input::PeerLeft { node, group, pids });
            }
            Effect::Done | Effect::Refused(_) | Effect::Monitored { .. } => {}
        }
    }

    fn send_all(&mut self, from: u8, input: &Input<P>) {
        (0..NODES).for_each(|to| self.send(from, to, input.clone()));
    }

    fn send(&mut self, from: u8, to: u8, input: Input<P>) {
        if self
            .connected
            .get(&pair(from, to))
            .copied()
            .unwrap_or(false)
        {
            self.wires.entry((from, to)).or_default().push_back(input);
        }
    }

    /// A connection comes, and both sides say all; or it is lost, with what was on its way.
    fn toggle(&mut self, a: u8, b: u8) {
        let up = !self.connected.insert(pair(a, b), true).unwrap_or(false);
        for (node, other) in [(a, b), (b, a)] {
            if up {
                self.feed(node, Input::PeerUp { node: other });
            } else {
                self.connected.insert(pair(a, b), false);
                self.wires.remove(&(other, node));
                self.feed(node, Input::PeerDown { node: other });
            }
        }
    }

    fn deliver(&mut self, from: u8, to: u8) -> bool {
        let next = self
            .wires
            .get_mut(&(from, to))
            .and_then(VecDeque::pop_front);
        match next {
            Some(input) => {
                self.feed(to, input);
                true
            }
            None => false,
        }
    }

    /// All that is on its way arrives; then each node sees what it is connected with, and no more.
    fn settle(&mut self) {
        for from in 0..NODES {
            for to in 0..NODES {
                while self.deliver(from, to) {}
            }
        }
        for node in 0..NODES {
            let mut expected = self.truth[usize::from(node)].clone();
            for other in (0..NODES).filter(|other| *other != node) {
                if self
                    .connected
                    .get(&pair(node, other))
                    .copied()
                    .unwrap_or(false)
                {
                    expected.extend(self.truth[usize::from(other)].clone());
                }
            }
            assert_eq!(
                self.believed[usize::from(node)],
                expected,
                "node {node} sees what is"
            );
        }
    }

    fn walk(&mut self, dice: &mut Dice) {
        let node = dice.roll(u64::from(NODES)) as u8;
        let other = (node + 1 + dice.roll(2) as u8) % NODES;
        let name = group(NAMES[dice.roll(3) as usize]);
        let pid = P(node, 1 + dice.roll(3) as u16);
        let times = 1 + dice.roll(2) as usize;
        let truth = &mut self.truth[usize::from(node)];
        match dice.roll(12) {
            0..4 => {
                *truth.entry((Arc::clone(&name), pid)).or_default() += times;
                self.feed(node, join(&name, &vec![pid; times]));
            }
            4..6 => {
                for _ in 0..times {
                    let there = truth.contains_key(&(Arc::clone(&name), pid));
                    if there {
                        add(truth, &name, pid, Change::Left);
                    }
                }
                self.feed(node, leave(&name, &vec![pid; times]));
            }
            6 => {
                truth.retain(|(_, member), _| *member != pid);
                self.feed(node, Input::Down { pid });
            }
            7 => self.toggle(node, other),
            8 => self.settle(),
            _ => {
                self.deliver(other, node);
            }
        }
    }
}

fn pair(a: u8, b: u8) -> (u8, u8) {
    (a.min(b), a.max(b))
}

fn add(counts: &mut Counts, group: &Group, pid: P, change: Change) {
    let key = (Arc::clone(group), pid);
    match change {
        Change::Joined => *counts.entry(key).or_default() += 1,
        Change::Left => {
            let count = counts.get_mut(&key).expect("only a member leaves");
            *count -= 1;
            if *count == 0 {
                counts.remove(&key);
            }
        }
    }
}

#[test]
fn a_walk_over_three_nodes() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut cluster = Cluster::new();
        let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..400 {
                cluster.walk(&mut dice);
            }
            cluster.settle();
        }));
        assert!(walked.is_ok(), "seed {seed}");
    }
}
