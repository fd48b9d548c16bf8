//! Are the links symmetric in the end, whatever happened before?
//!
//! Role       Few nodes with small views on a network that chooses the next happening by chance, so
//!            that requests cross all the time. Planted faults that these find: a refusal of who is
//!            asked itself, an answer that nobody waits for and that counts, a shuffle of a
//!            stranger that is not answered.

use foundation_cluster::overlay::hyparview::{Config, Effect, HyParView, Input, Message};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;
use std::time::Duration;

use super::{at, id};

pub(crate) const NODES: usize = 12;

/// What may happen to a message. A connection keeps order, and loses what is on it when it breaks;
/// here it may do worse.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    lost: f64,
    doubled: f64,
    reordered: bool,
    crashes: bool,
    /// Are links optimised too?
    optimised: bool,
}

pub(crate) const NONE: Faults = Faults {
    lost: 0.0,
    doubled: 0.0,
    reordered: false,
    crashes: false,
    optimised: false,
};

pub(crate) struct Walk {
    pub(crate) nodes: Vec<HyParView>,
    pub(crate) dead: Vec<bool>,
    pub(crate) way: Vec<(usize, usize, Message)>,
    faults: Faults,
    pub(crate) rng: Rng,
    pub(crate) now: Tick,
    effects: Effects<Effect>,
}

/// Nodes on a circle, one apart.
pub(crate) fn cost(node: usize, other: usize) -> u64 {
    let apart = node.abs_diff(other);
    apart.min(NODES - apart) as u64
}

impl Walk {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let config = Config {
            active_max: 3,
            passive_max: 6,
            shuffle_passive: 3,
            ..Config::default()
        };
        let node = |n| HyParView::new(id(n), config.clone(), seed * 100 + n as u64).unwrap();
        Self {
            nodes: (0..NODES).map(node).collect(),
            dead: vec![false; NODES],
            way: Vec::new(),
            faults,
            rng: Rng::new(seed),
            now: Tick::ZERO,
            effects: Effects::new(),
        }
    }

    pub(crate) fn give(&mut self, node: usize, input: Input) {
        if self.dead[node] {
            return;
        }
        self.nodes[node].step(self.now, input, &mut self.effects);
        self.nodes[node].check();
        let mut failed = Vec::new();
        let mut measured = Vec::new();
        for effect in self.effects.drain() {
            let (to, message) = match effect {
                Effect::Send(to, message) => (to, message),
                Effect::Measure(peer) => {
                    measured.push(peer);
                    continue;
                }
                Effect::Up(_) | Effect::Down(_) => continue,
            };
            if self.dead[at(to)] {
                failed.push(to);
            } else if !self.rng.chance(self.faults.lost) {
                if self.rng.chance(self.faults.doubled) {
                    self.way.push((node, at(to), message.clone()));
                }
                self.way.push((node, at(to), message));
            }
        }
        for peer in failed {
            self.give(node, Input::PeerFailed(peer));
        }
        for peer in measured {
            if self.dead[at(peer)] {
                self.give(node, Input::PeerFailed(peer));
            } else if !self.rng.chance(self.faults.lost) {
                self.give(node, Input::Cost(peer, cost(node, at(peer))));
            }
        }
    }

    /// Delivers any message that is the first of its connection, or any at all.
    pub(crate) fn deliver(&mut self) {
        let mut chosen = self.rng.below(self.way.len());
        let (from, to, _) = self.way[chosen];
        if !self.faults.reordered {
            let same = |way: &(usize, usize, Message)| (way.0, way.1) == (from, to);
            chosen = self.way.iter().position(same).unwrap();
        }
        let (_, _, message) = self.way.remove(chosen);
        if !self.dead[from] {
            self.give(to, Input::Received(id(from), message));
        }
    }

    pub(crate) fn happen(&mut self) {
        let node = self.rng.below(NODES);
        let other = self.rng.below(NODES);
        match self.rng.below(40) {
            0 => self.give(node, Input::Join(id(other))),
            1 | 2 => self.give(node, Input::Round),
            3 if self.faults.crashes && self.dead.iter().filter(|d| **d).count() < NODES / 3 => {
                self.dead[node] = true;
                self.way.retain(|way| way.0 != node && way.1 != node);
                for other in 0..NODES {
                    self.give(other, Input::PeerFailed(id(node)));
                }
            }
            4 => self.now = self.now + Duration::from_secs(1),
            5..=8 if self.faults.optimised => self.give(node, Input::Optimise),
            _ if !self.way.is_empty() => self.deliver(),
            _ => {}
        }
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.way.is_empty() {
                return;
            }
            self.deliver();
        }
        panic!("the overlay does not come to rest");
    }

    /// Links that only one of the two has.
    pub(crate) fn one_sided(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for node in (0..NODES).filter(|&n| !self.dead[n]) {
            for &peer in self.nodes[node].active() {
                if !self.nodes[at(peer)].active().contains(&id(node)) || self.dead[at(peer)] {
                    found.push((node, at(peer)));
                }
            }
        }
        found
    }
}

#[test]
fn requests_that_cross_leave_no_link_one_sided() {
    for seed in 0..200 {
        let optimised = seed % 2 == 1;
        let mut walk = Walk::new(seed, Faults { optimised, ..NONE });
        for _ in 0..20 {
            for _ in 0..100 {
                walk.happen();
            }
            walk.settle();
            assert_eq!(walk.one_sided(), [], "seed {seed}");
        }
    }
}

#[test]
fn links_are_symmetric_again_after_faults() {
    let table = [
        Faults {
            crashes: true,
            ..NONE
        },
        Faults { lost: 0.2, ..NONE },
        Faults {
            doubled: 0.2,
            ..NONE
        },
        Faults {
            reordered: true,
            ..NONE
        },
        Faults {
            lost: 0.1,
            doubled: 0.1,
            reordered: true,
            crashes: true,
            optimised: false,
        },
    ];
    let more = table.map(|faults| Faults {
        optimised: true,
        ..faults
    });
    let table = table.into_iter().chain(more);
    for faults in table {
        for seed in 0..25 {
            let mut walk = Walk::new(seed, faults);
            for _ in 0..2000 {
                walk.happen();
            }
            walk.settle();
            walk.faults = NONE;
            // Who lost all that it knew has to be told somebody, as at its start.
            let living: Vec<usize> = (0..NODES).filter(|&n| !walk.dead[n]).collect();
            for pair in living.windows(2) {
                for (node, contact) in [(pair[0], pair[1]), (pair[1], pair[0])] {
                    if walk.nodes[node].active().is_empty() {
                        walk.give(node, Input::Join(id(contact)));
                    }
                }
            }
            walk.settle();
            // A round shows one link of a node to the other end.
            for _ in 0..80 {
                walk.now = walk.now + Duration::from_secs(10);
                for node in 0..NODES {
                    walk.give(node, Input::Round);
                }
                walk.settle();
            }
            assert_eq!(walk.one_sided(), [], "{faults:?}, seed {seed}");
            for node in (0..NODES).filter(|&n| !walk.dead[n]) {
                let active = walk.nodes[node].active();
                assert!(
                    !active.is_empty(),
                    "{node} is alone: {faults:?}, seed {seed}"
                );
            }
        }
    }
}
