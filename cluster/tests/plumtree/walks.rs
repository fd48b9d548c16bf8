//! Does every message come once to everybody in the end, whatever happened on the way?
//!
//! Role       Seeded runs. Planted faults that these find: a graft that is not asked for, doubles
//!            that are not pruned, a comparison that sends nothing, an origin whose end is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use foundation_cluster::overlay::plumtree::{Config, MessageId};

use super::{Faults, NONE, World, id};

const NODES: usize = 40;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl World {
    /// So many broadcasts of nodes by chance that live, and something in between.
    fn broadcasts(&mut self, count: usize, mut between: impl FnMut(&mut World)) -> Vec<MessageId> {
        let mut numbers = vec![0; self.nodes.len()];
        for (node, id) in &self.delivered {
            if *node == super::at(id.origin) {
                numbers[*node] = id.number.max(numbers[*node]);
            }
        }
        let mut sent = Vec::new();
        while sent.len() < count {
            let node = self.rng.below(self.nodes.len());
            if !self.dead[node] {
                numbers[node] += 1;
                sent.push(MessageId {
                    origin: id(node),
                    number: numbers[node],
                });
                self.broadcast(node);
            }
            between(self);
            let pause = self.rng.below(400) as u64;
            self.run(Duration::from_millis(pause));
        }
        sent
    }

    /// Messages that some have had, and that did not come to one that lives, nor were missed by it.
    fn lost(&self) -> Vec<(usize, MessageId)> {
        let had: BTreeSet<(usize, MessageId)> = self.delivered.clone();
        let ids: BTreeSet<MessageId> = had
            .iter()
            .filter(|(node, _)| !self.dead[*node])
            .map(|(_, id)| *id)
            .collect();
        let living = (0..self.nodes.len()).filter(|&node| !self.dead[node]);
        living
            .flat_map(|node| ids.iter().map(move |id| (node, *id)))
            .filter(|one| !self.delivered.contains(one) && !self.missed.contains(one))
            .collect()
    }
}

#[test]
fn a_settled_tree_carries_each_message_once() {
    // Many senders have one tree: none of them is worth changing it for the others.
    let config = Config {
        threshold: None,
        ..Config::default()
    };
    for seed in 0..3 {
        let mut world = World::new(NODES, seed, &config);
        world.run(secs(6));
        world.broadcasts(60, |_| {});
        world.run(secs(2));
        let before = world.payloads;
        let sent = world.broadcasts(100, |_| {});
        world.run(secs(2));
        for id in &sent {
            assert_eq!(world.reached(*id), NODES, "seed {seed}, {id:?}");
        }
        let received = (world.payloads - before) as f64;
        let redundancy = received / (100 * (NODES - 1)) as f64 - 1.0;
        println!("seed {seed}: redundancy {redundancy}, {} hops", world.hops);
        assert!(redundancy < 0.02, "seed {seed}: {redundancy}");
    }
}

#[test]
fn every_message_comes_once_after_faults() {
    let table = [
        Faults { lost: 0.1, ..NONE },
        Faults {
            doubled: 0.2,
            ..NONE
        },
        Faults { late: 200, ..NONE },
        Faults {
            lost: 0.2,
            doubled: 0.1,
            late: 100,
        },
    ];
    for faults in table {
        for seed in 0..4 {
            let mut world = World::new(NODES, seed, &Config::default());
            world.run(secs(6));
            world.faults = faults;
            world.broadcasts(100, |_| {});
            world.run(secs(5));
            world.faults = NONE;
            world.run(secs(60));
            assert_eq!(world.lost(), [], "{faults:?}, seed {seed}");
            assert_eq!(world.missed.len(), 0, "{faults:?}, seed {seed}");
        }
    }
}

#[test]
fn every_message_comes_once_while_links_and_nodes_go() {
    for seed in 0..8 {
        let mut world = World::new(NODES, seed, &Config::default());
        world.run(secs(6));
        let between = |world: &mut World| {
            let one = world.rng.below(NODES);
            let other = world.rng.below(NODES);
            match world.rng.below(12) {
                0..3 => {
                    let link = world.links.iter().nth(one % world.links.len()).copied();
                    let (one, other) = link.unwrap();
                    world.unlink(one, other);
                }
                3..6 => world.link(one, other),
                6 if world.dead.iter().filter(|dead| **dead).count() < NODES / 4 => {
                    world.crash(one)
                }
                _ => {}
            }
        };
        world.broadcasts(200, between);
        let living: Vec<usize> = (0..NODES).filter(|&node| !world.dead[node]).collect();
        for pair in living.windows(2) {
            world.link(pair[0], pair[1]);
        }
        world.run(secs(90));
        assert_eq!(world.lost(), [], "seed {seed}");
    }
}

/// Halves that do not see each other for a minute.
fn parted(seed: u64, config: &Config) -> World {
    let mut world = World::new(NODES, seed, config);
    world.run(secs(6));
    let across: Vec<(usize, usize)> = world.links.iter().copied().collect();
    let across: Vec<_> = across.into_iter().filter(|(a, b)| a % 2 != b % 2).collect();
    for &(one, other) in &across {
        world.unlink(one, other);
    }
    for node in 0..NODES {
        world.link(node, (node + 2) % NODES);
    }
    world.broadcasts(100, |_| {});
    world.run(secs(60));
    for (one, other) in across {
        world.link(one, other);
    }
    world
}

#[test]
fn halves_catch_up_after_a_partition() {
    for seed in 0..3 {
        let mut world = parted(seed, &Config::default());
        assert!(
            !world.lost().is_empty(),
            "seed {seed}: there was no partition"
        );
        world.run(secs(60));
        assert_eq!(world.lost(), [], "seed {seed}");
        assert_eq!(world.missed.len(), 0, "seed {seed}");
    }
}

#[test]
fn what_nobody_keeps_is_told_and_not_lost_in_silence() {
    for seed in 0..3 {
        let config = Config {
            store_max: 20,
            ..Config::default()
        };
        let mut world = parted(seed, &config);
        world.run(secs(600));
        assert_eq!(world.lost(), [], "seed {seed}");
        assert!(
            !world.missed.is_empty(),
            "seed {seed}: the store was large enough"
        );
        let both = world.missed.intersection(&world.delivered).count();
        assert_eq!(both, 0, "seed {seed}: missed, and yet delivered");
    }
}

#[test]
fn newcomers_get_what_is_sent_after_they_came() {
    for seed in 0..3 {
        let mut world = World::new(NODES, seed, &Config::default());
        let new = NODES - 1;
        for other in 0..NODES {
            world.unlink(new, other);
        }
        world.run(secs(6));
        world.broadcasts(50, |_| {});
        world.run(secs(20));
        let before: BTreeSet<MessageId> = world.delivered.iter().map(|(_, id)| *id).collect();
        for other in [0, 5, 9] {
            world.link(new, other);
        }
        world.run(secs(1));
        world.broadcasts(50, |_| {});
        world.run(secs(60));
        let late: Vec<_> = world
            .lost()
            .into_iter()
            .filter(|(_, id)| !before.contains(id))
            .collect();
        assert_eq!(late, [], "seed {seed}");
        assert_eq!(world.missed.len(), 0, "seed {seed}");
    }
}
