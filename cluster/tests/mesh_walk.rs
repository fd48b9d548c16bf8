//! Do the nodes of a full mesh find together, whatever happens to their connections?
//!
//! Role       Five machines in a seeded walk over a model network that loses, cuts and restarts.
//! Sabotages  Seen red: both connections kept when two nodes dial at once, neither kept; a lost node
//!            not dialled again; members not dialled.

#[path = "common/wires.rs"]
mod wires;

use std::collections::BTreeMap;

use foundation_cluster::mesh::Loss;
use foundation_cluster::overlay::Overlay;

use wires::Model;

fn seen(model: &Model, node: usize) -> BTreeMap<&str, u64> {
    let peers = model.machines[node].peers();
    peers.map(|who| (&*who.name, who.incarnation)).collect()
}

fn check(model: &Model, seed: u64) {
    for (node, name) in model.names.iter().enumerate() {
        let others = (0..model.names.len()).filter(|other| *other != node);
        let others = others.map(|other| (&*model.names[other], model.incarnations[other]));
        let others: BTreeMap<&str, u64> = others.collect();
        assert_eq!(seen(model, node), others, "seed {seed}, node {name}");
    }
    let up = model.wires.iter().filter(|wire| wire.up).count();
    assert_eq!(up, 10, "seed {seed}: one connection between any two");
}

#[test]
fn all_are_together_in_the_end_whatever_happened() {
    for seed in 0..80 {
        let mut model = Model::new(5, Overlay::FullMesh, seed);
        model.perform();
        model.pass(15_000);
        check(&model, seed);
        for _ in 0..20 {
            let (a, b) = (
                model.rng.below(model.names.len()),
                model.rng.below(model.names.len()),
            );
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
        check(&model, seed);
    }
}
