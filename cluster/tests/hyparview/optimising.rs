//! Do exchanges of links leave everybody as many neighbours, and cheaper ones, whatever fails in
//! them?
//!
//! Role       Tables for each of the four nodes, walks in which nothing but exchanges happens, and
//!            exchanges of which one of the messages meets a fault. Planted faults that these find:
//!            a candidate that keeps who was disconnected, an old neighbour that does not part, one
//!            who takes what costs more, and two who ask each other and both give up a neighbour.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::overlay::hyparview::{Config, Effect, HyParView, Input, Message, PeerId};
use foundation_cluster::{Effects, Machine, Tick};

use super::walks::{NODES, NONE, Walk, cost};
use super::{World, at, id};

fn step(node: &mut HyParView, seconds: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    node.step(
        Tick::ZERO + Duration::from_secs(seconds),
        input,
        &mut effects,
    );
    node.check();
    effects.drain().collect()
}

fn received(from: usize, message: Message) -> Input {
    Input::Received(id(from), message)
}

fn send(to: usize, message: Message) -> Effect {
    Effect::Send(id(to), message)
}

/// Node 0 with the neighbours 1 to 3, which cost 10, 20 and 30, and 9 in reserve.
fn full() -> HyParView {
    let config = Config {
        active_max: 3,
        ..Config::default()
    };
    let mut node = HyParView::new(id(0), config, 1).unwrap();
    for peer in 1..=3 {
        let ask = Message::Neighbour { priority: false };
        step(&mut node, 0, received(peer, ask));
        step(&mut node, 0, Input::Cost(id(peer), 10 * peer as u64));
    }
    step(
        &mut node,
        0,
        received(
            1,
            Message::ShuffleReply {
                path: vec![],
                peers: vec![id(9)],
            },
        ),
    );
    node
}

const SWITCH: Message = Message::Switch {
    initiator: PeerId(7),
};

fn optimise(old: usize) -> Message {
    Message::Optimise { old: id(old) }
}

fn replace(initiator: usize, old: usize) -> Message {
    let (initiator, old) = (id(initiator), id(old));
    Message::Replace { initiator, old }
}

#[test]
fn the_initiator_asks_a_cheaper_peer_and_gives_up_its_costliest_but_one() {
    let mut node = full();
    assert_eq!(
        step(&mut node, 0, Input::Optimise),
        [Effect::Measure(id(9))]
    );
    assert_eq!(step(&mut node, 0, Input::Optimise), [], "one at a time");
    let asked = step(&mut node, 0, Input::Cost(id(9), 15));
    assert_eq!(asked, [send(9, optimise(2))]);
    let done = [
        Effect::Down(id(2)),
        send(2, Message::Disconnect),
        Effect::Up(id(9)),
    ];
    assert_eq!(step(&mut node, 0, received(9, Message::Accept)), done);

    let mut node = full();
    step(&mut node, 0, Input::Optimise);
    let dear = step(&mut node, 0, Input::Cost(id(9), 20));
    assert_eq!(dear, [], "what costs as much is no gain");
}

#[test]
fn the_old_neighbour_may_leave_before_the_candidate_comes() {
    let mut node = full();
    step(&mut node, 0, Input::Optimise);
    step(&mut node, 0, Input::Cost(id(9), 15));
    let parted = step(&mut node, 0, received(2, Message::Disconnect));
    assert_eq!(parted, [Effect::Down(id(2))], "its place is kept");
    let came = step(&mut node, 0, received(9, Message::Accept));
    assert_eq!(came, [Effect::Up(id(9))]);
}

#[test]
fn the_candidate_asks_a_neighbour_to_give_it_up() {
    let answers = [
        (
            Message::Replaced(true),
            vec![
                Effect::Down(id(2)),
                Effect::Up(id(7)),
                send(7, Message::Accept),
            ],
        ),
        (Message::Replaced(false), vec![send(7, Message::Refuse)]),
        (
            Message::Disconnect,
            vec![
                Effect::Down(id(2)),
                Effect::Up(id(7)),
                send(7, Message::Accept),
            ],
        ),
    ];
    for (answer, expected) in answers {
        let mut node = full();
        let asked = step(&mut node, 0, received(7, optimise(8)));
        assert_eq!(asked, [send(2, replace(7, 8))]);
        let busy = step(&mut node, 0, received(6, optimise(8)));
        assert_eq!(busy, [send(6, Message::Refuse)]);
        assert_eq!(step(&mut node, 0, received(2, answer)), expected);
    }
}

#[test]
fn a_candidate_that_gets_no_answer_refuses() {
    let mut node = full();
    step(&mut node, 0, received(7, optimise(8)));
    let late = step(&mut node, 10, Input::Cost(id(1), 10));
    assert_eq!(late, [send(7, Message::Refuse)]);
}

#[test]
fn the_disconnected_changes_only_for_a_cheaper_one() {
    for (price, gains) in [(19, true), (20, false)] {
        let mut node = full();
        let asked = step(&mut node, 0, received(2, replace(7, 8)));
        assert_eq!(asked, [Effect::Measure(id(8))]);
        let weighed = step(&mut node, 0, Input::Cost(id(8), price));
        if gains {
            assert_eq!(weighed, [send(8, SWITCH)]);
            let done = [
                Effect::Down(id(2)),
                send(2, Message::Replaced(true)),
                Effect::Up(id(8)),
            ];
            assert_eq!(step(&mut node, 0, received(8, Message::Accept)), done);
        } else {
            assert_eq!(weighed, [send(2, Message::Replaced(false))]);
        }
    }
}

#[test]
fn the_old_neighbour_changes_the_initiator_for_who_asks() {
    let mut node = full();
    let switch = Message::Switch { initiator: id(3) };
    let done = [
        Effect::Down(id(3)),
        send(3, Message::Disconnect),
        Effect::Up(id(8)),
        send(8, Message::Accept),
    ];
    assert_eq!(step(&mut node, 0, received(8, switch)), done);
    let stranger = step(&mut full(), 0, received(8, SWITCH));
    assert_eq!(stranger, [send(8, Message::Refuse)]);
}

fn degrees(walk: &Walk) -> Vec<usize> {
    walk.nodes.iter().map(|node| node.active().len()).collect()
}

fn costs(walk: &Walk) -> u64 {
    let of = |node: usize| {
        let peers = walk.nodes[node].active().iter();
        peers.map(|&peer| cost(node, at(peer))).sum::<u64>()
    };
    (0..NODES).map(of).sum()
}

fn settled(seed: u64) -> Walk {
    let mut walk = Walk::new(seed, NONE);
    for node in 1..NODES {
        walk.give(node, Input::Join(id(0)));
        walk.settle();
    }
    for _ in 0..10 {
        for node in 0..NODES {
            walk.give(node, Input::Round);
        }
        walk.settle();
    }
    walk
}

#[test]
fn exchanges_keep_every_degree_and_make_links_cheaper() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..60 {
        let mut walk = settled(seed);
        let had = degrees(&walk);
        before += costs(&walk);
        for _ in 0..60 {
            let least = costs(&walk);
            for _ in 0..3 {
                let node = walk.rng.below(NODES);
                walk.give(node, Input::Optimise);
                if !walk.way.is_empty() {
                    walk.deliver();
                }
            }
            walk.settle();
            assert_eq!(walk.one_sided(), [], "seed {seed}");
            let now = degrees(&walk);
            // Who has a place free may find somebody for it, and takes the initiator.
            let count = |degrees: &[usize]| degrees.iter().sum::<usize>();
            assert!(
                count(&now) >= count(&had),
                "{had:?}, then {now:?}, seed {seed}"
            );
            let full = had.iter().all(|degree| *degree == 3);
            assert!(!full || now == had, "{had:?}, then {now:?}, seed {seed}");
            assert!(!full || costs(&walk) <= least, "seed {seed}");
        }
        after += costs(&walk);
    }
    println!("cost of all links: {before}, then {after}");
    assert!(after * 10 < before * 9, "{before}, then {after}");
}

/// What happens when a message of an exchange is on its way.
#[derive(Debug, Clone, Copy)]
enum Fault {
    SenderFails,
    ReceiverFails,
    /// The connection breaks, with what is on it.
    Breaks,
}

fn kind(message: &Message) -> Option<&'static str> {
    Some(match message {
        Message::Optimise { .. } => "optimise",
        Message::Replace { .. } => "replace",
        Message::Switch { .. } => "switch",
        Message::Replaced(true) => "replaced",
        Message::Replaced(false) => "not replaced",
        Message::Accept => "accept",
        Message::Refuse => "refuse",
        Message::Disconnect => "disconnect",
        _ => return None,
    })
}

fn fail(walk: &mut Walk, from: usize, to: usize, fault: Fault) {
    let pair = |way: &(usize, usize, Message)| {
        (way.0, way.1) == (from, to) || (way.0, way.1) == (to, from)
    };
    let dead = match fault {
        Fault::SenderFails => from,
        Fault::ReceiverFails => to,
        Fault::Breaks => {
            walk.way.retain(|way| !pair(way));
            walk.give(from, Input::PeerFailed(id(to)));
            walk.give(to, Input::PeerFailed(id(from)));
            return;
        }
    };
    walk.dead[dead] = true;
    walk.way.retain(|way| way.0 != dead && way.1 != dead);
    for other in 0..NODES {
        walk.give(other, Input::PeerFailed(id(dead)));
    }
}

/// Everybody optimises until such a message is on its way, and meets the fault.
fn meet(walk: &mut Walk, wanted: &str, fault: Fault) -> bool {
    for _ in 0..20 {
        for node in 0..NODES {
            walk.give(node, Input::Optimise);
        }
        while let Some((from, to, message)) = walk.way.first().cloned() {
            if kind(&message) == Some(wanted) {
                fail(walk, from, to, fault);
                return true;
            }
            walk.deliver();
        }
        for node in 0..NODES {
            walk.give(node, Input::Round);
        }
        walk.settle();
    }
    false
}

const KINDS: [&str; 8] = [
    "optimise",
    "replace",
    "switch",
    "replaced",
    "not replaced",
    "accept",
    "refuse",
    "disconnect",
];

#[test]
fn an_exchange_that_meets_a_fault_leaves_links_whole() {
    let mut met = BTreeMap::new();
    for fault in [Fault::SenderFails, Fault::ReceiverFails, Fault::Breaks] {
        for seed in 0..120 {
            let mut walk = settled(seed);
            let wanted = KINDS[seed as usize % KINDS.len()];
            if meet(&mut walk, wanted, fault) {
                *met.entry(wanted).or_insert(0) += 1;
            }
            walk.settle();
            assert_eq!(walk.one_sided(), [], "{fault:?}, seed {seed}");
            // Nobody is left waiting: exchanges go on.
            for _ in 0..20 {
                walk.now = walk.now + Duration::from_secs(20);
                for node in 0..NODES {
                    walk.give(node, Input::Round);
                    walk.give(node, Input::Optimise);
                }
                walk.settle();
            }
            assert_eq!(walk.one_sided(), [], "{fault:?}, seed {seed}");
            let living = (0..NODES).filter(|&node| !walk.dead[node]);
            for node in living {
                let count = walk.nodes[node].active().len();
                assert!(count >= 1, "{node} has {count}: {fault:?}, seed {seed}");
            }
        }
    }
    println!("{met:?}");
    for kind in KINDS {
        assert!(met.get(kind).is_some_and(|&count| count >= 20), "{met:?}");
    }
}

#[test]
fn five_hundred_nodes_stay_connected_while_their_links_get_cheaper() {
    let mut world = World::new(3);
    let before = world.cost();
    let count: usize = world.nodes.iter().map(|node| node.active().len()).sum();
    for _ in 0..40 {
        let least = world.cost();
        world.optimise();
        assert!(world.cost() <= least, "links cost more than {least}");
        world.rounds(1);
    }
    world.symmetric();
    let after: usize = world.nodes.iter().map(|node| node.active().len()).sum();
    assert_eq!(world.reached(), 100);
    assert!(after >= count, "{count} links, then {after}");
    let costs = (before, world.cost());
    println!("mean cost: {costs:?}");
    assert!(costs.1 * 4 < costs.0 * 3, "{costs:?}");
    world.kill(50);
    world.symmetric();
    assert!(world.reached() >= 99, "{} %", world.reached());
}
