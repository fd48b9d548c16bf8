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

const NODES: usize = 12;

/// What may happen to a message. A connection keeps order, and loses what is on it when it breaks;
/// here it may do worse.
#[derive(Debug, Clone, Copy)]
struct Faults {
    lost: f64,
    doubled: f64,
    reordered: bool,
    crashes: bool,
}

const NONE: Faults = Faults {
    lost: 0.0,
    doubled: 0.0,
    reordered: false,
    crashes: false,
};

struct Walk {
    nodes: Vec<HyParView>,
    dead: Vec<bool>,
    way: Vec<(usize, usize, Message)>,
    faults: Faults,
    rng: Rng,
    now: Tick,
    effects: Effects<Effect>,
}

impl Walk {
    fn new(seed: u64, faults: Faults) -> Self {
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

    fn give(&mut self, node: usize, input: Input) {
        if self.dead[node] {
            return;
        }
        self.nodes[node].step(self.now, input, &mut self.effects);
        self.nodes[node].check();
        let mut failed = Vec::new();
        for effect in self.effects.drain() {
            let Effect::Send(to, message) = effect else {
                continue;
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
    }

    /// Delivers any message that is the first of its connection, or any at all.
    fn deliver(&mut self) {
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

    fn happen(&mut self) {
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
            _ if !self.way.is_empty() => self.deliver(),
            _ => {}
        }
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.way.is_empty() {
                return;
            }
            self.deliver();
        }
        panic!("the overlay does not come to rest");
    }

    /// Links that only one of the two has.
    fn one_sided(&self) -> Vec<(usize, usize)> {
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
    for seed in 0..150 {
        let mut walk = Walk::new(seed, NONE);
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
        },
    ];
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
