//! How do HyParView and Plumtree behave together, in time?
//!
//! Role       Both machines in each node, one queue of happenings in virtual time. A link takes 5 to
//!            15 ms, always the same, and keeps order; what is sent to a node that has failed comes
//!            back as a failure.
//! Invariant  Same seed, same figures.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use foundation::Rng;
use foundation::cluster::overlay::plumtree::{self, Plumtree};
use foundation::cluster::overlay::{PeerId, hyparview};
use foundation::cluster::{Effects, Machine, Tick};

use crate::flood::{Overlay, at, id};

enum Item {
    View(hyparview::Input),
    Tree(plumtree::Input),
    Failed(PeerId),
    Wake,
}

struct Due {
    at: Tick,
    order: u64,
    node: usize,
    item: Item,
}

/// What was sent since it was set to nothing.
#[derive(Default, Clone, Copy)]
pub(crate) struct Sent {
    /// Payloads that arrived.
    pub(crate) payloads: usize,
    /// Other messages of Plumtree.
    pub(crate) control: usize,
}

pub(crate) struct Timed {
    pub(crate) overlay: Overlay,
    trees: Vec<Plumtree>,
    pub(crate) sent: Sent,
    queue: BinaryHeap<Reverse<Due>>,
    order: u64,
    wakes: Vec<Tick>,
    now: Tick,
    /// Deliveries since the last broadcast, and the most hops and the longest time of one.
    pub(crate) delivered: usize,
    pub(crate) hops: u16,
    pub(crate) last: Tick,
    begun: Tick,
    salt: u64,
    view_effects: Effects<hyparview::Effect>,
    tree_effects: Effects<plumtree::Effect>,
}

impl Timed {
    pub(crate) fn new(overlay: Overlay, config: &plumtree::Config, seed: u64) -> Self {
        let nodes = overlay.nodes.len();
        let tree = |n| {
            let seed = seed.wrapping_mul(1_000_033).wrapping_add(n as u64);
            Plumtree::new(id(n), config.clone(), seed).expect("the figures are within bounds")
        };
        let mut timed = Self {
            trees: (0..nodes).map(tree).collect(),
            sent: Sent::default(),
            queue: BinaryHeap::new(),
            order: 0,
            wakes: vec![Tick::ZERO; nodes],
            now: overlay.now,
            delivered: 0,
            hops: 0,
            last: Tick::ZERO,
            begun: Tick::ZERO,
            salt: seed,
            view_effects: Effects::new(),
            tree_effects: Effects::new(),
            overlay,
        };
        // Nodes did not all start at the same time.
        for node in 0..nodes {
            let start = timed.overlay.rng.below(5_000) as u64;
            for peer in timed.overlay.nodes[node].active().to_vec() {
                let at = timed.now + Duration::from_millis(start);
                timed.queue(at, node, Item::Tree(plumtree::Input::Up(peer)));
            }
        }
        timed.run(Duration::from_secs(12));
        timed
    }

    /// One node that lives broadcasts, and so much time goes by. Returns the share, in percent, of
    /// the living that it reached.
    pub(crate) fn broadcast(&mut self, node: usize, then: Duration) -> f64 {
        self.delivered = 0;
        self.hops = 0;
        self.begun = self.now;
        self.last = self.now;
        let payload = (*b"a message").into();
        self.tree(node, plumtree::Input::Broadcast(payload));
        self.run(then);
        self.delivered as f64 * 100.0 / self.overlay.living() as f64
    }

    /// Seconds from the broadcast to the last delivery.
    pub(crate) fn took(&self) -> f64 {
        self.last.since(self.begun).as_secs_f64()
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.queue.peek().is_some_and(|due| due.0.at <= until) {
            let Reverse(due) = self.queue.pop().expect("there is one");
            self.now = due.at;
            if self.overlay.dead[due.node] {
                continue;
            }
            match due.item {
                Item::View(input) => self.view(due.node, input),
                Item::Failed(peer) => self.view(due.node, hyparview::Input::PeerFailed(peer)),
                Item::Tree(input) => self.tree(due.node, input),
                Item::Wake if self.wakes[due.node] == due.at => {
                    self.tree(due.node, plumtree::Input::Woken);
                }
                Item::Wake => {}
            }
        }
        self.now = until;
    }

    fn view(&mut self, node: usize, input: hyparview::Input) {
        let mut effects = std::mem::take(&mut self.view_effects);
        self.overlay.nodes[node].step(self.now, input, &mut effects);
        for effect in effects.drain() {
            match effect {
                hyparview::Effect::Send(to, message) => {
                    let input = hyparview::Input::Received(id(node), message);
                    self.carry(node, to, Item::View(input));
                }
                hyparview::Effect::Up(peer) => self.tree(node, plumtree::Input::Up(peer)),
                hyparview::Effect::Down(peer) => self.tree(node, plumtree::Input::Down(peer)),
                hyparview::Effect::Measure(_) => {}
            }
        }
        self.view_effects = effects;
    }

    fn tree(&mut self, node: usize, input: plumtree::Input) {
        use plumtree::{Effect, Message};
        let mut effects = std::mem::take(&mut self.tree_effects);
        self.trees[node].step(self.now, input, &mut effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => {
                    if matches!(message, Message::Gossip(..) | Message::Repair(..)) {
                        self.sent.payloads += usize::from(!self.overlay.dead[at(to)]);
                    } else {
                        self.sent.control += 1;
                    }
                    let input = plumtree::Input::Received(id(node), message);
                    self.carry(node, to, Item::Tree(input));
                }
                Effect::Deliver(_, hops, _) => {
                    self.delivered += 1;
                    self.hops = self.hops.max(hops);
                    self.last = self.now;
                }
                Effect::Wake(at) => {
                    self.wakes[node] = at;
                    self.queue(at, node, Item::Wake);
                }
                Effect::Missed(_) | Effect::TooLong(_) => {}
            }
        }
        self.tree_effects = effects;
    }

    fn carry(&mut self, from: usize, to: PeerId, item: Item) {
        let due = self.now + delay(self.salt, from, at(to));
        if self.overlay.dead[at(to)] {
            self.queue(due, from, Item::Failed(to));
        } else {
            self.queue(due, at(to), item);
        }
    }

    fn queue(&mut self, at: Tick, node: usize, item: Item) {
        self.order += 1;
        let order = self.order;
        self.queue.push(Reverse(Due {
            at,
            order,
            node,
            item,
        }));
    }
}

/// How long a link takes.
pub(crate) fn delay(salt: u64, from: usize, to: usize) -> Duration {
    let (low, high) = (from.min(to) as u64, from.max(to) as u64);
    let mut link = Rng::new(salt ^ (low << 32 | high));
    Duration::from_micros(5_000 + link.below(10_000) as u64)
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
