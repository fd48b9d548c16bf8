//! How does HyParView behave when a message is flooded over it?
//!
//! Role       The machines without time: one queue, first in, first out. A message to a node that has
//!            failed comes back as a failure, as a connection tells it.
//! Invariant  Same seed, same figures.

use std::collections::VecDeque;
use std::time::Duration;

use foundation::Rng;
use foundation::cluster::overlay::PeerId;
use foundation::cluster::overlay::hyparview::{Config, Effect, HyParView, Input};
use foundation::cluster::{Effects, Machine, Tick};

/// Cycles after the last node has joined.
pub(crate) const CYCLES: usize = 50;
const CYCLE: Duration = Duration::from_secs(10);
const SIDE: usize = 10_000;

#[derive(Clone)]
enum Item {
    View(Input),
    Payload,
}

/// Nodes of HyParView.
#[derive(Clone)]
pub(crate) struct Overlay {
    pub(crate) nodes: Vec<HyParView>,
    pub(crate) dead: Vec<bool>,
    pub(crate) rng: Rng,
    /// A cycle takes 10 s, and so long after the last one nodes fail; messages take no time.
    pub(crate) now: Tick,
    /// Does a node send what it has just had to a neighbour that has just come?
    pub(crate) again: bool,
    queue: VecDeque<(usize, Item)>,
    had: Vec<bool>,
    /// How often the payload was sent to nodes that live, and how many hops it took.
    pub(crate) payloads: usize,
}

pub(crate) fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).expect("nodes are counted")
}

pub(crate) fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

/// Where a node is, by chance, on a square of 10,000 microseconds that has no border.
fn place(node: usize) -> (u64, u64) {
    let mut rng = Rng::new(node as u64);
    (rng.below(SIDE) as u64, rng.below(SIDE) as u64)
}

/// The distance of two nodes, in microseconds.
pub(crate) fn cost(node: usize, other: usize) -> u64 {
    let (here, there) = (place(node), place(other));
    let apart = |a: u64, b: u64| a.abs_diff(b).min(SIDE as u64 - a.abs_diff(b)) as f64;
    apart(here.0, there.0).hypot(apart(here.1, there.1)) as u64
}

/// All have joined, one after the other, through the first; then come [`CYCLES`] cycles.
pub(crate) fn settled(nodes: usize, seed: u64) -> Overlay {
    let config = Config::default();
    let node = |n| {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(n as u64);
        HyParView::new(id(n), config.clone(), seed).expect("the defaults are within bounds")
    };
    let mut overlay = Overlay {
        nodes: (0..nodes).map(node).collect(),
        dead: vec![false; nodes],
        rng: Rng::new(seed),
        now: Tick::ZERO,
        again: false,
        queue: VecDeque::new(),
        had: vec![false; nodes],
        payloads: 0,
    };
    let mut effects = Effects::new();
    for new in 1..nodes {
        overlay
            .queue
            .push_back((new, Item::View(Input::Join(id(0)))));
        overlay.run(&mut effects);
    }
    for _ in 0..CYCLES {
        overlay.cycle();
    }
    overlay
}

impl Overlay {
    /// A round at each node that lives, in an order by chance.
    pub(crate) fn cycle(&mut self) {
        self.now = self.now + CYCLE;
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        shuffle(&mut order, &mut self.rng);
        let mut effects = Effects::new();
        for node in order {
            self.queue.push_back((node, Item::View(Input::Round)));
            self.run(&mut effects);
        }
    }

    /// Each that lives looks for a cheaper neighbour, in an order by chance; messages of several
    /// exchanges mix.
    pub(crate) fn optimise(&mut self) {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        shuffle(&mut order, &mut self.rng);
        let mut effects = Effects::new();
        for some in order.chunks(100) {
            let items = some.iter().map(|&node| (node, Item::View(Input::Optimise)));
            self.queue.extend(items);
            self.run(&mut effects);
        }
    }

    /// So many percent fail at once, chosen by chance, and nobody is told.
    pub(crate) fn fail(&mut self, percent: usize) {
        self.now = self.now + CYCLE;
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        shuffle(&mut order, &mut self.rng);
        for &node in &order[..self.nodes.len() * percent / 100] {
            self.dead[node] = true;
        }
    }

    pub(crate) fn living(&self) -> usize {
        self.dead.iter().filter(|dead| !**dead).count()
    }

    pub(crate) fn any_living(&mut self) -> usize {
        loop {
            let node = self.rng.below(self.nodes.len());
            if !self.dead[node] {
                return node;
            }
        }
    }

    /// The share, in percent, of the living that a broadcast by one of them reaches.
    pub(crate) fn broadcast(&mut self) -> f64 {
        self.had.fill(false);
        let first = self.any_living();
        self.queue.push_back((first, Item::Payload));
        self.run(&mut Effects::new());
        let had = self.had.iter().filter(|had| **had).count();
        had as f64 * 100.0 / self.living() as f64
    }

    fn run(&mut self, effects: &mut Effects<Effect>) {
        while let Some((node, item)) = self.queue.pop_front() {
            if self.dead[node] {
                continue;
            }
            match item {
                Item::View(input) => self.step(node, input, effects),
                Item::Payload if self.had[node] => {}
                Item::Payload => {
                    self.had[node] = true;
                    for at_peer in 0..self.nodes[node].active().len() {
                        let peer = self.nodes[node].active()[at_peer];
                        self.pass(node, peer);
                    }
                }
            }
        }
    }

    fn pass(&mut self, from: usize, to: PeerId) {
        if self.dead[at(to)] {
            let failed = Item::View(Input::PeerFailed(to));
            self.queue.push_back((from, failed));
        } else {
            self.payloads += 1;
            self.queue.push_back((at(to), Item::Payload));
        }
    }

    fn step(&mut self, node: usize, input: Input, effects: &mut Effects<Effect>) {
        self.nodes[node].step(self.now, input, effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => {
                    let item = if self.dead[at(to)] {
                        (node, Item::View(Input::PeerFailed(to)))
                    } else {
                        (at(to), Item::View(Input::Received(id(node), message)))
                    };
                    self.queue.push_back(item);
                }
                Effect::Up(peer) if self.again && self.had[node] => self.pass(node, peer),
                Effect::Measure(peer) => {
                    let input = if self.dead[at(peer)] {
                        Input::PeerFailed(peer)
                    } else {
                        Input::Cost(peer, cost(node, at(peer)))
                    };
                    self.queue.push_back((node, Item::View(input)));
                }
                _ => {}
            }
        }
    }
}

pub(crate) fn shuffle(order: &mut [usize], rng: &mut Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.below(last + 1));
    }
}
