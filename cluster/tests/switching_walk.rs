//! Do all nodes come to one overlay, whatever is ordered while connections come and go?
//!
//! Role       Ten machines in a seeded walk that cuts, heals, restarts, and orders overlays on any of them, at
//!            the same time and in parts that do not hear of each other. In the end all are in the same
//!            epoch, and connected as its overlay wants it.
//! Sabotages  Seen red: whoever is met hears of no epoch; an earlier epoch is taken over; the epoch is not
//!            passed on; a client does not need its servers; nobody joins who hears no beacon; nothing is too
//!            early; what is said of views of another epoch is taken for this one's.

#[path = "common/hearsay.rs"]
mod hearsay;
#[path = "common/wires.rs"]
mod wires;

use std::collections::BTreeSet;

use foundation_cluster::mesh::{Input, Loss};
use foundation_cluster::overlay::hyparview::Message;
use foundation_cluster::overlay::wire::Introduction;
use foundation_cluster::overlay::{Epoch, Mark, Overlay, PeerId, client_server, hyparview};

use hearsay::{Told, lost, pass};
use wires::Model;

const NODES: usize = 10;

fn few() -> Overlay {
    Overlay::HyParView(hyparview::Config {
        active_max: 3,
        ..hyparview::Config::default()
    })
}

fn star() -> Overlay {
    Overlay::ClientServer(client_server::Config::new(["b", "c"]))
}

fn overlays() -> [Overlay; 3] {
    [Overlay::FullMesh, few(), star()]
}

/// The pairs that are connected.
fn connected(model: &Model) -> BTreeSet<(usize, usize)> {
    let up = model.wires.iter().filter(|wire| wire.up);
    up.map(|wire| {
        let [(a, _), (b, _)] = wire.ends;
        (a.min(b), a.max(b))
    })
    .collect()
}

fn agreed(model: &Model, seed: u64) -> Epoch {
    let epoch = model.machines[0].epoch().clone();
    for (machine, name) in model.machines.iter().zip(&model.names) {
        assert_eq!(*machine.epoch(), epoch, "seed {seed}: {name}");
    }
    epoch
}

/// The epoch of a node only grows, for as long as the node lives.
fn grow(model: &Model, marks: &mut Vec<(u64, Mark)>, seed: u64) {
    let now = |node: usize| {
        (
            model.incarnations[node],
            model.machines[node].epoch().mark(),
        )
    };
    let now: Vec<_> = (0..NODES).map(now).collect();
    for (before, after) in marks.iter().zip(&now) {
        assert!(before <= after, "seed {seed}: {before:?} became {after:?}");
    }
    *marks = now;
}

fn check(model: &Model, seed: u64) {
    let (epoch, pairs) = (agreed(model, seed), connected(model));
    let all = (0..NODES).flat_map(|a| (a + 1..NODES).map(move |b| (a, b)));
    match epoch.overlay {
        Overlay::FullMesh => {
            let missing: Vec<_> = all.filter(|pair| !pairs.contains(pair)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?} are missing");
        }
        Overlay::ClientServer(servers) => {
            let is_server = |node: usize| servers.is_server(&model.names[node]);
            for (a, b) in all {
                let needed = is_server(a) || is_server(b);
                let there = pairs.contains(&(a, b));
                assert_eq!(there, needed, "seed {seed}: {a} and {b}");
            }
        }
        _ => {
            let mut reached = BTreeSet::from([0]);
            let mut next = vec![0];
            while let Some(node) = next.pop() {
                let others = (0..NODES).filter(|other| {
                    let name: &str = &model.names[*other];
                    model.neighbours[node].iter().any(|its| **its == *name)
                });
                next.extend(
                    others
                        .filter(|other| reached.insert(*other))
                        .collect::<Vec<_>>(),
                );
            }
            assert_eq!(reached.len(), NODES, "seed {seed}: the graph is in pieces");
            assert!(
                pairs.len() <= 3 * NODES,
                "seed {seed}: {} pairs",
                pairs.len()
            );
        }
    }
}

#[test]
fn all_come_to_one_overlay_in_the_end() {
    let mut seen = BTreeSet::new();
    for seed in 0..12 {
        let first = overlays()[(seed % 3) as usize].clone();
        let (mut model, mut told) = (Model::new(NODES, first, seed), Told::new());
        model.perform();
        pass(&mut model, &mut told, 30_000);
        let mut marks = Vec::new();
        for _ in 0..20 {
            grow(&model, &mut marks, seed);
            let (a, b) = (model.rng.below(NODES), model.rng.below(NODES));
            match model.rng.below(7) {
                0 if a != b => {
                    model.cut.insert((a.min(b), a.max(b)));
                }
                1 => model.cut.clear(),
                2 => lost(&mut model, a),
                3 if !model.wires.is_empty() => {
                    let at = model.rng.below(model.wires.len());
                    model.end(at, a, Loss::Closed);
                }
                4 | 5 => {
                    let overlay = overlays()[model.rng.below(3)].clone();
                    model.step(a, Input::Switch(overlay));
                }
                _ if a != b => {
                    let who = model.who(b);
                    model.step(a, Input::Wanted(who));
                }
                _ => {}
            }
            model.perform();
            let pause = 500 * (1 + model.rng.below(24) as u64);
            pass(&mut model, &mut told, pause);
        }
        model.cut.clear();
        pass(&mut model, &mut told, 120_000);
        check(&model, seed);
        seen.insert(agreed(&model, seed).overlay.to_string());
    }
    assert_eq!(seen.len(), 3, "each overlay was the last one of some walk");
}

#[test]
fn no_connection_breaks_for_a_switch() {
    for (from, to) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        let overlays = overlays();
        let (mut model, mut told) = (Model::new(NODES, overlays[from].clone(), 7), Told::new());
        model.perform();
        pass(&mut model, &mut told, 60_000);
        let before = connected(&model);
        model.step(3, Input::Switch(overlays[to].clone()));
        model.perform();
        agreed(&model, 7);
        let after = connected(&model);
        assert!(before.is_subset(&after), "from {from} to {to} at once");
        let (mut there, servers) = (after, client_server::Config::new(["b", "c"]));
        for _ in 0..180 {
            pass(&mut model, &mut told, 500);
            let now = connected(&model);
            for (a, b) in there.difference(&now) {
                let is_server = |node: &usize| servers.is_server(&model.names[*node]);
                let may = to == 1 || to == 2 && !is_server(a) && !is_server(b);
                assert!(may, "from {from} to {to}: {a} and {b} have parted");
            }
            there = now;
        }
        check(&model, 7);
    }
}

#[test]
fn views_of_another_epoch_are_nobodys() {
    let (mut model, mut told) = (Model::new(2, few(), 3), Told::new());
    model.perform();
    pass(&mut model, &mut told, 5_000);
    let [from, to] = model.wires[0].ends;
    let from = model.who(from.0);
    for (epoch, stays) in [(Mark(1, PeerId(9)), true), (Mark(0, PeerId(0)), false)] {
        assert!(model.machines[to.0].is_neighbour(&from));
        let (people, message) = (Vec::new(), Message::Disconnect);
        let said = Introduction {
            epoch,
            people,
            message,
        };
        model.step(to.0, Input::Said(to.1, said.encode()));
        let is_left = model.machines[to.0].is_neighbour(&from);
        assert_eq!(is_left, stays, "{epoch:?}");
    }
}

#[test]
fn two_orders_at_once_come_to_one() {
    let (mut model, mut told) = (Model::new(NODES, Overlay::FullMesh, 3), Told::new());
    model.perform();
    pass(&mut model, &mut told, 30_000);
    model.step(2, Input::Switch(few()));
    model.step(7, Input::Switch(star()));
    model.perform();
    let epoch = agreed(&model, 3);
    assert_eq!(epoch.number, 1);
    let later = epoch
        .by
        .max(model.who(2).peer_id())
        .max(model.who(7).peer_id());
    assert_eq!(
        epoch.by, later,
        "the greater of the two is what all come to"
    );
    pass(&mut model, &mut told, 60_000);
    check(&model, 3);
}

#[test]
fn another_order_has_to_wait() {
    let (mut model, mut told) = (Model::new(NODES, Overlay::FullMesh, 3), Told::new());
    model.perform();
    pass(&mut model, &mut told, 30_000);
    model.step(2, Input::Switch(few()));
    model.step(2, Input::Switch(star()));
    model.perform();
    assert_eq!(
        agreed(&model, 3).overlay,
        few(),
        "it was too early for the second"
    );
    pass(&mut model, &mut told, 29_500);
    model.step(5, Input::Switch(star()));
    assert_eq!(model.machines[5].epoch().number, 1, "nor on any other node");
    pass(&mut model, &mut told, 500);
    model.step(5, Input::Switch(star()));
    model.perform();
    assert_eq!(agreed(&model, 3).overlay, star());
    assert_eq!(agreed(&model, 3).number, 2);
}
