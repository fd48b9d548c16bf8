//! Do messages reach nodes that are not neighbours, whatever breaks?
//!
//! Role       Walks on graphs by chance whose links break, lose and come back. Planted faults that these
//!            find: a message that is passed on twice, an acknowledged one that is delivered again.

#[path = "common/letters.rs"]
mod letters;

use std::collections::{BTreeMap, BTreeSet};

use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::routing::{
    Config, Effect, Envelope, Input, Kind, Message, Routing,
};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;

use letters::{at, id, letter, seconds};

const NODES: usize = 14;

/// Nodes whose links come and go. A message takes some time, by chance.
struct Walk {
    nodes: Vec<Routing>,
    links: BTreeSet<(usize, usize)>,
    way: Vec<(usize, usize, Message)>,
    wake: Vec<Option<Tick>>,
    now: Tick,
    rng: Rng,
    lost: f64,
    delivered: BTreeMap<u64, usize>,
    acknowledged: BTreeSet<u64>,
    failed: BTreeSet<u64>,
    /// How often a node has sent a message of one attempt over one link.
    passed: BTreeMap<(usize, usize, (PeerId, PeerId), u8, u64, u8), usize>,
}

impl Walk {
    fn new(seed: u64, lost: f64) -> Self {
        let node = |n| Routing::new(id(n), Config::default()).unwrap();
        let mut walk = Self {
            nodes: (0..NODES).map(node).collect(),
            links: BTreeSet::new(),
            way: Vec::new(),
            wake: vec![None; NODES],
            now: Tick::ZERO,
            rng: Rng::new(seed),
            lost,
            delivered: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            failed: BTreeSet::new(),
            passed: BTreeMap::new(),
        };
        for node in 1..NODES {
            let other = walk.rng.below(node);
            walk.link(node, other);
            // Each second walk has an overlay: a tree, beside which there are other connections.
            if seed % 2 == 1 {
                walk.give(node, Input::Flooded(id(other), true));
                walk.give(other, Input::Flooded(id(node), true));
            }
        }
        for _ in 0..6 {
            let (node, other) = (walk.rng.below(NODES), walk.rng.below(NODES));
            walk.link(node, other);
        }
        walk
    }

    fn link(&mut self, node: usize, other: usize) {
        if node != other && self.links.insert((node.min(other), node.max(other))) {
            self.give(node, Input::Up(id(other)));
            self.give(other, Input::Up(id(node)));
        }
    }

    fn cut(&mut self, link: (usize, usize)) {
        if self.links.remove(&link) {
            let pair = |way: &(usize, usize, Message)| (way.0.min(way.1), way.0.max(way.1)) == link;
            self.way.retain(|way| !pair(way));
            self.give(link.0, Input::Down(id(link.1)));
            self.give(link.1, Input::Down(id(link.0)));
        }
    }

    fn give(&mut self, node: usize, input: Input) {
        let from = match &input {
            Input::Received(from, _) => Some(*from),
            _ => None,
        };
        let mut effects = Effects::new();
        self.nodes[node].step(self.now, input, &mut effects);
        self.nodes[node].check();
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => {
                    let fresh = message.0.source == id(node);
                    assert!(fresh || Some(to) != from, "{node} sends it back");
                    self.sent(node, at(to), &message);
                    if !self.rng.chance(self.lost) {
                        self.way.push((node, at(to), message));
                    }
                }
                Effect::Deliver(_, payload) => {
                    let ticket = u64::from_be_bytes(payload[..].try_into().unwrap());
                    *self.delivered.entry(ticket).or_insert(0) += 1;
                }
                Effect::Acknowledged(ticket) => {
                    assert!(self.acknowledged.insert(ticket), "{ticket} twice");
                    assert!(
                        self.delivered.contains_key(&ticket),
                        "{ticket} did not come"
                    );
                }
                Effect::Undelivered(letter, _) => {
                    self.failed.extend(letter.ticket);
                }
                Effect::Wake(at) => self.wake[node] = Some(at),
            }
        }
    }

    fn sent(&mut self, node: usize, to: usize, message: &Message) {
        let Message(envelope, kind) = message;
        let kind = match kind {
            Kind::Plain(_) => 0,
            Kind::Asked { .. } => 1,
            Kind::Had(_) => 2,
        };
        let Envelope {
            source,
            number,
            attempt,
            to: destination,
            ..
        } = *envelope;
        let ends = (source, destination);
        let key = (node, to, ends, kind, number, attempt);
        let count = self.passed.entry(key).or_insert(0);
        *count += 1;
        assert_eq!(*count, 1, "{node} has sent {message:?} to {to} before");
        assert!(envelope.hops <= 16, "{message:?} has come far");
    }

    /// The next message, or the next time at which somebody is woken.
    fn advance(&mut self) -> bool {
        if !self.way.is_empty() {
            let chosen = self.rng.below(self.way.len());
            let (from, to, message) = self.way.swap_remove(chosen);
            self.give(to, Input::Received(id(from), message));
            return true;
        }
        let next = self.wake.iter().flatten().min().copied();
        let Some(next) = next else {
            return false;
        };
        self.now = next.max(self.now);
        for node in 0..NODES {
            if self.wake[node].is_some_and(|at| at <= self.now) {
                self.wake[node] = None;
                self.give(node, Input::Woken);
            }
        }
        true
    }

    fn settle(&mut self) {
        for _ in 0..200_000 {
            if !self.advance() {
                return;
            }
        }
        panic!("messages go on without end");
    }

    fn send(&mut self, ticket: u64) {
        let (node, to) = (self.rng.below(NODES), self.rng.below(NODES));
        self.give(node, Input::Send(letter(to, Some(ticket))));
    }
}

#[test]
fn all_arrive_once_when_nothing_breaks() {
    let (mut sent, mut links) = (0, 0);
    for seed in 0..100 {
        let mut walk = Walk::new(seed, 0.0);
        for ticket in 1..=100 {
            walk.send(ticket);
            walk.settle();
        }
        assert_eq!(walk.acknowledged.len(), 100, "seed {seed}");
        assert!(
            walk.delivered.values().all(|&count| count == 1),
            "seed {seed}"
        );
        // Ways are learned: a flood goes over each link.
        sent += walk.passed.len();
        links += walk.links.len() * 2 * 100;
    }
    println!("{sent} messages; floods would be {links}");
    assert!(sent * 2 < links, "{sent} of {links}");
}

#[test]
fn never_twice_and_never_in_circles_whatever_breaks() {
    let (mut came, mut failed) = (0, 0);
    for seed in 0..150 {
        let lost = [0.0, 0.1, 0.3][seed as usize % 3];
        let mut walk = Walk::new(seed, lost);
        for ticket in 1..=60 {
            walk.send(ticket);
            for _ in 0..walk.rng.below(40) {
                walk.advance();
            }
            let (node, other) = (walk.rng.below(NODES), walk.rng.below(NODES));
            if walk.rng.chance(0.5) {
                walk.cut((node.min(other), node.max(other)));
            } else if walk.links.len() < 25 {
                walk.link(node, other);
            }
        }
        walk.settle();
        for (ticket, count) in &walk.delivered {
            assert_eq!(*count, 1, "{ticket} was delivered again, seed {seed}");
        }
        let ended = walk.acknowledged.len() + walk.failed.len();
        assert_eq!(ended, 60, "each has one end, seed {seed}");
        came += walk.acknowledged.len();
        failed += walk.failed.len();
    }
    println!("{came} were acknowledged, {failed} not");
    assert!(came > failed * 5, "{came} were acknowledged, {failed} not");
}

#[test]
fn what_waits_comes_when_there_is_a_way_again() {
    for seed in 0..100 {
        let mut walk = Walk::new(seed, 0.0);
        for ticket in 1..=20 {
            walk.send(ticket);
        }
        walk.settle();
        // Cut in two, with messages for the other half; then one again, by another link.
        let across = |link: &(usize, usize)| (link.0 < 7) != (link.1 < 7);
        let cut: Vec<_> = walk.links.iter().copied().filter(across).collect();
        for link in cut {
            walk.cut(link);
        }
        for node in 1..7 {
            walk.link(node - 1, node);
            walk.link(node + 6, node + 7);
        }
        for ticket in 21..=40 {
            let (here, there) = (walk.rng.below(7), 7 + walk.rng.below(7));
            walk.give(here, Input::Send(letter(there, Some(ticket))));
        }
        while walk.now < seconds(40) && !walk.way.is_empty() {
            walk.advance();
        }
        let (here, there) = (walk.rng.below(7), 7 + walk.rng.below(7));
        walk.link(here, there);
        walk.settle();
        assert_eq!(
            walk.acknowledged.len(),
            40,
            "seed {seed}: {:?}",
            walk.failed
        );
        assert!(
            walk.delivered.values().all(|&count| count == 1),
            "seed {seed}"
        );
    }
}
