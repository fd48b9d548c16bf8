//! Does the overlay hold together when many of its nodes fail at once?
//!
//! Role       Nodes of HyParView on a model network whose connections keep order. Planted faults
//!            that this finds: a `Disconnect` that is not obeyed, and no repair after a failure.
//!            `tables` has single steps, `optimising` the exchanges of links, `walks` networks that are worse.

mod optimising;
mod tables;
mod walks;

use std::collections::{BTreeSet, VecDeque};

use foundation_cluster::overlay::hyparview::{Config, Effect, HyParView, Input, PeerId};
use foundation_cluster::{Effects, Machine, Tick};

const NODES: usize = 500;
/// More than any run of these needs: one that sends more never comes to rest.
const MESSAGES_MAX: usize = 5_000_000;

struct World {
    nodes: Vec<HyParView>,
    dead: Vec<bool>,
    queue: VecDeque<(usize, Input)>,
    effects: Effects<Effect>,
}

pub(crate) fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap()
}

pub(crate) fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

/// Nodes on a circle, one apart.
fn cost(node: usize, other: usize) -> u64 {
    let apart = node.abs_diff(other);
    apart.min(NODES - apart) as u64
}

impl World {
    fn new(seed: u64) -> Self {
        let node = |n| HyParView::new(id(n), Config::default(), seed + n as u64).unwrap();
        let mut world = Self {
            nodes: (0..NODES).map(node).collect(),
            dead: vec![false; NODES],
            queue: VecDeque::new(),
            effects: Effects::new(),
        };
        for new in 1..NODES {
            world.queue.push_back((new, Input::Join(id(0))));
            world.run();
        }
        world.rounds(20);
        world
    }

    fn run(&mut self) {
        for _ in 0..MESSAGES_MAX {
            let Some((node, input)) = self.queue.pop_front() else {
                return;
            };
            if self.dead[node] {
                continue;
            }
            self.nodes[node].step(Tick::ZERO, input, &mut self.effects);
            self.nodes[node].check();
            for effect in self.effects.drain() {
                let item = match effect {
                    Effect::Send(to, message) if !self.dead[at(to)] => {
                        (at(to), Input::Received(id(node), message))
                    }
                    Effect::Measure(peer) if !self.dead[at(peer)] => {
                        (node, Input::Cost(peer, cost(node, at(peer))))
                    }
                    Effect::Send(peer, _) | Effect::Measure(peer) => {
                        (node, Input::PeerFailed(peer))
                    }
                    Effect::Up(_) | Effect::Down(_) => continue,
                };
                self.queue.push_back(item);
            }
        }
        panic!("the overlay does not come to rest");
    }

    fn rounds(&mut self, count: usize) {
        for _ in 0..count {
            self.queue.extend((0..NODES).map(|n| (n, Input::Round)));
            self.run();
        }
    }

    /// Each looks for a cheaper neighbour.
    fn optimise(&mut self) {
        self.queue.extend((0..NODES).map(|n| (n, Input::Optimise)));
        self.run();
    }

    /// The mean cost of a link, in thousandths.
    fn cost(&self) -> usize {
        let links = (0..NODES).flat_map(|node| {
            let peers = self.nodes[node].active().iter();
            peers.map(move |&peer| cost(node, at(peer)))
        });
        let costs: Vec<u64> = links.collect();
        costs.iter().sum::<u64>() as usize * 1000 / costs.len()
    }

    /// Kills so many percent, spread evenly, and tells their neighbours.
    fn kill(&mut self, percent: usize) {
        for node in 0..NODES {
            self.dead[node] = (node * 37) % 100 < percent;
        }
        for node in 0..NODES {
            for &peer in self.nodes[node].active() {
                if self.dead[at(peer)] {
                    self.queue.push_back((node, Input::PeerFailed(peer)));
                }
            }
        }
        self.run();
    }

    fn symmetric(&self) {
        for node in (0..NODES).filter(|&n| !self.dead[n]) {
            for &peer in self.nodes[node].active() {
                let back = self.nodes[at(peer)].active().contains(&id(node));
                assert!(back && !self.dead[at(peer)], "{node} has {peer:?} alone");
            }
        }
    }

    /// The share of the living, in percent, that a flood from one of them reaches.
    fn reached(&self) -> usize {
        let living = self.dead.iter().filter(|&&dead| !dead).count();
        let first = self.dead.iter().position(|&dead| !dead).unwrap();
        let mut seen = BTreeSet::from([first]);
        let mut next = vec![first];
        while let Some(node) = next.pop() {
            for &peer in self.nodes[node].active() {
                if !self.dead[at(peer)] && seen.insert(at(peer)) {
                    next.push(at(peer));
                }
            }
        }
        seen.len() * 100 / living
    }
}

#[test]
fn a_flood_reaches_all_after_many_have_failed() {
    for (percent, least) in [(0, 100), (20, 100), (50, 100), (80, 95)] {
        let mut world = World::new(percent as u64);
        world.kill(percent);
        world.symmetric();
        let reached = world.reached();
        println!("{percent} % failed: {reached} % reached");
        assert!(reached >= least, "{percent} % failed: {reached} % reached");
    }
}
