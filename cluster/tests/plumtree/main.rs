//! Does every message reach every node once, over few connections?
//!
//! Role       Nodes of Plumtree on a graph that does not change by itself, with virtual time. `tables`
//!            has single steps, `walks` networks with faults.

mod tables;
mod walks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::plumtree::{Config, Effect, Input, Message, MessageId, Plumtree};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;

/// What may happen to a message between two nodes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) lost: f64,
    pub(crate) doubled: f64,
    /// Up to so many milliseconds longer on its way, whatever was sent before.
    pub(crate) late: usize,
}

pub(crate) const NONE: Faults = Faults {
    lost: 0.0,
    doubled: 0.0,
    late: 0,
};

#[derive(Debug)]
enum Happening {
    Arrive(usize, usize, Message),
    Wake(usize),
}

pub(crate) struct World {
    pub(crate) nodes: Vec<Plumtree>,
    pub(crate) dead: Vec<bool>,
    pub(crate) links: BTreeSet<(usize, usize)>,
    pub(crate) faults: Faults,
    pub(crate) rng: Rng,
    pub(crate) now: Tick,
    queue: BTreeMap<(Tick, u64), Happening>,
    order: u64,
    wakes: Vec<Tick>,
    effects: Effects<Effect>,
    /// Who was delivered what.
    pub(crate) delivered: BTreeSet<(usize, MessageId)>,
    /// What will not come to whom.
    pub(crate) missed: BTreeSet<(usize, MessageId)>,
    /// How often payloads were received, and the most hops of one that was delivered.
    pub(crate) payloads: usize,
    pub(crate) hops: u16,
}

pub(crate) fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap()
}

pub(crate) fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

impl World {
    /// A ring with as many chords as nodes: four neighbours a node, about.
    pub(crate) fn new(count: usize, seed: u64, config: &Config) -> Self {
        let mut rng = Rng::new(seed);
        let node = |n| Plumtree::new(id(n), config.clone(), seed * 1000 + n as u64).unwrap();
        let mut world = Self {
            nodes: (0..count).map(node).collect(),
            dead: vec![false; count],
            links: BTreeSet::new(),
            faults: NONE,
            rng: rng.clone(),
            now: Tick::ZERO,
            queue: BTreeMap::new(),
            order: 0,
            wakes: vec![Tick::ZERO; count],
            effects: Effects::new(),
            delivered: BTreeSet::new(),
            missed: BTreeSet::new(),
            payloads: 0,
            hops: 0,
        };
        for node in 0..count {
            world.link(node, (node + 1) % count);
            world.link(node, rng.below(count));
        }
        world
    }

    pub(crate) fn link(&mut self, one: usize, other: usize) {
        let pair = (one.min(other), one.max(other));
        if one != other && !self.dead[one] && !self.dead[other] && self.links.insert(pair) {
            self.give(one, Input::Up(id(other)));
            self.give(other, Input::Up(id(one)));
        }
    }

    /// The connection breaks, and what is on it is lost.
    pub(crate) fn unlink(&mut self, one: usize, other: usize) {
        if self.links.remove(&(one.min(other), one.max(other))) {
            self.queue.retain(|_, happening| match happening {
                Happening::Arrive(from, to, _) => {
                    (*from, *to) != (one, other) && (*from, *to) != (other, one)
                }
                Happening::Wake(_) => true,
            });
            self.give(one, Input::Down(id(other)));
            self.give(other, Input::Down(id(one)));
        }
    }

    pub(crate) fn crash(&mut self, node: usize) {
        self.dead[node] = true;
        for other in 0..self.nodes.len() {
            self.unlink(node, other);
        }
    }

    pub(crate) fn broadcast(&mut self, node: usize) {
        self.give(node, Input::Broadcast((*b"some news").into()));
    }

    fn give(&mut self, node: usize, input: Input) {
        if self.dead[node] {
            return;
        }
        self.nodes[node].step(self.now, input, &mut self.effects);
        self.nodes[node].check();
        let effects: Vec<Effect> = self.effects.drain().collect();
        for effect in effects {
            match effect {
                Effect::Send(to, message) => self.carry(node, at(to), message),
                Effect::Wake(due) => {
                    self.wakes[node] = due;
                    self.queue(due, Happening::Wake(node));
                }
                Effect::Deliver(id, hops, _) => {
                    assert!(
                        self.delivered.insert((node, id)),
                        "{node} gets {id:?} twice"
                    );
                    self.hops = self.hops.max(hops);
                }
                Effect::Missed(missed) => {
                    for number in missed.first..=missed.last {
                        let origin = missed.origin;
                        self.missed.insert((node, MessageId { origin, number }));
                    }
                }
                Effect::TooLong(_) => panic!("it was short"),
            }
        }
    }

    fn carry(&mut self, from: usize, to: usize, message: Message) {
        let is_linked = self.links.contains(&(from.min(to), from.max(to)));
        if !is_linked || self.rng.chance(self.faults.lost) {
            return;
        }
        // 5 ms, and no message overtakes another: their order breaks ties.
        let copies = 1 + usize::from(self.rng.chance(self.faults.doubled));
        for _ in 0..copies {
            let late = self.rng.below(self.faults.late + 1) as u64;
            let due = self.now + Duration::from_millis(5 + late);
            self.queue(due, Happening::Arrive(from, to, message.clone()));
        }
    }

    fn queue(&mut self, due: Tick, happening: Happening) {
        self.order += 1;
        self.queue.insert((due, self.order), happening);
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= until) {
            let ((due, _), happening) = entry.remove_entry();
            self.now = due.max(self.now);
            match happening {
                Happening::Arrive(from, to, message) => {
                    let payload = matches!(message, Message::Gossip(..) | Message::Repair(..));
                    self.payloads += usize::from(payload);
                    self.give(to, Input::Received(id(from), message));
                }
                Happening::Wake(node) if self.wakes[node] == due => self.give(node, Input::Woken),
                Happening::Wake(_) => {}
            }
        }
        self.now = until;
    }

    /// How many of those that live have had it.
    pub(crate) fn reached(&self, id: MessageId) -> usize {
        let had = |node: &usize| self.delivered.contains(&(*node, id));
        (0..self.nodes.len())
            .filter(|&n| !self.dead[n])
            .filter(had)
            .count()
    }
}
