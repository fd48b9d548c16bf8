//! Do nodes stay one graph of few connections, whatever happens to these?
//!
//! Role       Twelve machines over HyParView in a seeded walk that cuts, heals, restarts, and speaks between
//!            nodes that are no neighbours. In the end only neighbours are connected, all through each
//!            other.
//! Sabotages  Each one that is back is joined through: `halves_that_meet_again_make_few_connections`. Others were
//!            tried on whole nodes: those of `few_links.rs`.

#[path = "common/hearsay.rs"]
mod hearsay;
#[path = "common/wires.rs"]
mod wires;

use std::collections::BTreeSet;

use foundation_cluster::mesh::{Input, Loss};
use foundation_cluster::overlay::{Overlay, hyparview};

use hearsay::{Told, lost, pass};
use wires::Model;

const NODES: usize = 12;
const ACTIVE: usize = 3;

fn model(nodes: usize, seed: u64) -> Model {
    let few = hyparview::Config {
        active_max: ACTIVE,
        ..hyparview::Config::default()
    };
    Model::new(nodes, Overlay::HyParView(few), seed)
}

/// The graph is one, and at some moment of ten seconds hardly anybody is connected but neighbours: each
/// change of neighbours takes connections that end a second later.
fn check(model: &mut Model, told: &mut Told, seed: u64) {
    let mut others = Vec::new();
    while !look(model, seed, &mut others) {
        assert!(
            others.len() < 20,
            "seed {seed}: {others:?} that nobody needs"
        );
        pass(model, told, 500);
    }
}

fn look(model: &Model, seed: u64, seen: &mut Vec<usize>) -> bool {
    let number = |name: &str| model.names.iter().position(|other| other == name);
    let of = |node: usize| -> BTreeSet<usize> {
        let names = model.neighbours[node].iter();
        names.filter_map(|name| number(name)).collect()
    };
    let all: Vec<BTreeSet<usize>> = (0..NODES).map(of).collect();
    for (node, neighbours) in all.iter().enumerate() {
        assert!(
            neighbours.len() <= ACTIVE,
            "seed {seed}: {node} has too many"
        );
        for other in neighbours {
            assert!(
                all[*other].contains(&node),
                "seed {seed}: {other} does not know that it is a neighbour of {node}"
            );
        }
    }
    let mut reached = BTreeSet::from([0]);
    let mut next = vec![0];
    while let Some(node) = next.pop() {
        next.extend(all[node].iter().filter(|other| reached.insert(**other)));
    }
    assert_eq!(
        reached.len(),
        NODES,
        "seed {seed}: the graph is in pieces, {all:?}"
    );
    let pairs = all.iter().map(BTreeSet::len).sum::<usize>() / 2;
    let others = model.wires.len().checked_sub(pairs);
    let others = others.expect("neighbours are connected");
    seen.push(others);
    // Some shuffle, and who lacks a neighbour asks all others for a place.
    let lacking = all.iter().filter(|its| its.len() < ACTIVE).count();
    others <= NODES / 2 + NODES * lacking
}

#[test]
fn nodes_are_one_graph_of_few_connections_in_the_end() {
    for seed in 0..12 {
        let (mut model, mut told) = (model(NODES, seed), Told::new());
        model.perform();
        pass(&mut model, &mut told, 60_000);
        check(&mut model, &mut told, seed);
        for _ in 0..20 {
            let (a, b) = (model.rng.below(NODES), model.rng.below(NODES));
            match model.rng.below(6) {
                0 if a != b => {
                    model.cut.insert((a.min(b), a.max(b)));
                }
                1 => model.cut.clear(),
                2 => lost(&mut model, a),
                3 if !model.wires.is_empty() => {
                    let at = model.rng.below(model.wires.len());
                    model.end(at, a, Loss::Closed);
                }
                _ if a != b => {
                    let who = model.who(b);
                    model.step(a, Input::Wanted(who));
                }
                _ => {}
            }
            model.perform();
            let pause = 500 * (1 + model.rng.below(12) as u64);
            pass(&mut model, &mut told, pause);
        }
        model.cut.clear();
        pass(&mut model, &mut told, 90_000);
        check(&mut model, &mut told, seed);
    }
}

/// Each of one half loses all of the other.
fn part(model: &mut Model, half: usize, count: usize) {
    for node in 0..half {
        for other in half..count {
            model.cut.insert((node, other));
        }
    }
    for (node, other) in model.cut.clone() {
        for (node, other) in [(node, other), (other, node)] {
            let who = model.who(other);
            let lost = Input::Lost(who.name, who.incarnation, Loss::Failed);
            model.step(node, lost);
        }
    }
    model.perform();
}

#[test]
fn halves_that_meet_again_make_few_connections() {
    let (count, seeds) = (26, 10);
    let mut made = 0;
    for seed in 0..seeds {
        let (mut model, mut told) = (model(count, seed), Told::new());
        model.perform();
        pass(&mut model, &mut told, 30_000);
        part(&mut model, count / 2, count);
        model.pass(30_000);
        model.cut.clear();
        let before = model.next;
        pass(&mut model, &mut Told::new(), 20_000);
        made += (model.next - before) / 2;
    }
    // Twice as many where each one that is back is joined through.
    let most = 13 * count as u64 * seeds;
    assert!(
        made < most,
        "{made} connections, at most {most} of {count} nodes"
    );
}
