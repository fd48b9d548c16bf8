//! Is what comes what was written, whatever happens on the way?
//!
//! Role       Seeded runs of two and three programs that write and read at once, over lines, rings and
//!            graphs by chance. Planted faults that these find: pieces in the order in which they
//!            came, no credit, the end before the bytes, a busy letter that is not sent again, no
//!            probe, a close that forgets what was written.

use std::time::Duration;

use foundation_cluster::overlay::circuit::{Config, WhyClosed};
use foundation_cluster::overlay::routing;

use super::net::{Faults, Net};
use super::{circuit, seconds};

/// What a node that is gone is noticed in: a probe after 15 s, five letters in 31 s, and as much again for
/// letters that were busy.
const NOTICED: Duration = Duration::from_secs(100);

fn small() -> Config {
    Config {
        window_bytes: 8 * 1024,
        segment_bytes: 1024,
        segments_max: 12,
        letters_max: 32,
        ..Config::default()
    }
}

fn line(count: usize) -> Vec<(usize, usize)> {
    (1..count).map(|node| (node - 1, node)).collect()
}

fn ring(count: usize) -> Vec<(usize, usize)> {
    (0..count).map(|node| (node, (node + 1) % count)).collect()
}

fn net(count: usize, links: &[(usize, usize)], seed: u64) -> Net {
    Net::new(count, links, seed, small(), routing::Config::default())
}

/// Some circuits between these, each to another, with bytes both ways; some end before the other has.
fn talk(net: &mut Net, nodes: &[usize], circuits: usize, bytes: usize) {
    let first = 1 + net.ends.len() as u64;
    for number in (first..).take(circuits) {
        let from = net.rng.below(nodes.len());
        let to = (from + 1 + net.rng.below(nodes.len() - 1)) % nodes.len();
        let (from, to) = (nodes[from], nodes[to]);
        let write = [net.rng.below(bytes), net.rng.below(bytes)];
        net.open(from, to, number, write);
        if net.rng.chance(0.3) {
            let hasty = [from, to][net.rng.below(2)];
            let end = net.ends.get_mut(&(hasty, circuit(from, number)));
            end.unwrap().is_hasty = true;
        }
        let pause = net.rng.below(200) as u64;
        net.run(Duration::from_millis(pause));
    }
}

/// Both ends finished, or one closed it before the other was done.
fn is_good(why: WhyClosed) -> bool {
    matches!(why, WhyClosed::Done | WhyClosed::OtherEnd)
}

#[test]
fn without_faults_all_comes() {
    for seed in 0..40 {
        let mut net = match seed % 2 {
            0 => net(4, &line(4), seed),
            _ => net(8, &ring(8), seed),
        };
        let last = net.routing.len() - 1;
        // Both open at once, and then some more.
        net.open(0, last, 1, [30_000, 20_000]);
        net.open(last, 0, 1, [1, 50_000]);
        net.settle(seconds(60), "the first two");
        talk(&mut net, &[0, 2, last], 6, 40_000);
        net.settle(seconds(60), &format!("seed {seed}"));
        let reasons = net.reasons();
        assert_eq!(reasons.len(), 16, "seed {seed}");
        assert!(reasons.iter().all(|&why| is_good(why)), "seed {seed}");
        for ((node, id), end) in &net.ends {
            let is_told = end.is_finished || end.is_hasty;
            assert!(is_told, "seed {seed}: {id:?} has no end at {node}");
        }
        assert!(net.circuits.iter().all(|node| node.is_empty()));
    }
}

#[test]
fn loss_and_delay_change_nothing_that_comes() {
    let (mut good, mut broken) = (0, 0);
    for seed in 0..60 {
        let mut net = net(6, &ring(6), seed);
        net.faults = Faults {
            lost: [0.02, 0.1, 0.2][seed as usize % 3],
            doubled: 0.05,
            late: 0.05,
        };
        talk(&mut net, &[0, 3, 4], 5, 20_000);
        net.settle(seconds(900), &format!("seed {seed}"));
        for why in net.reasons() {
            good += usize::from(is_good(why));
            broken += usize::from(!is_good(why));
            assert!(is_good(why) || why == WhyClosed::Unreachable, "{why:?}");
            // Where one message of fifty is lost, five attempts are enough.
            assert!(is_good(why) || seed % 3 > 0, "seed {seed}");
        }
    }
    println!("{good} ends were good, {broken} not");
    assert!(good > 10 * broken, "{good} ends were good, {broken} not");
}

#[test]
fn another_way_takes_over() {
    for seed in 0..40 {
        let mut net = net(8, &ring(8), seed);
        talk(&mut net, &[0, 4], 4, 60_000);
        // One link breaks, or one node dies: the other half of the ring remains.
        let broken = 1 + net.rng.below(3);
        match seed % 2 {
            0 => net.cut(broken, broken + 1, seconds(3)),
            _ => net.crash(broken),
        }
        net.settle(seconds(300), &format!("seed {seed}"));
        let reasons = net.reasons();
        assert_eq!(reasons.len(), 8, "seed {seed}");
        assert!(
            reasons.iter().all(|&why| is_good(why)),
            "{seed}: {reasons:?}"
        );
    }
}

#[test]
fn links_that_break_by_chance_end_in_all_bytes_or_a_reason() {
    let (mut good, mut broken) = (0, 0);
    for seed in 0..60 {
        let mut net = net(10, &ring(10), seed);
        for _ in 0..5 {
            let (one, other) = (net.rng.below(10), net.rng.below(10));
            net.link(one, other);
        }
        net.faults.lost = 0.02;
        net.faults.late = 0.02;
        for _ in 0..3 {
            talk(&mut net, &[0, 3, 7], 2, 30_000);
            let (one, other) = (net.rng.below(10), net.rng.below(10));
            let known_after = Duration::from_millis(net.rng.below(4_000) as u64);
            net.cut(one, other, known_after);
            if net.rng.chance(0.3) {
                let node = [1, 2, 5, 8][net.rng.below(4)];
                net.crash(node);
            }
        }
        net.settle(seconds(900), &format!("seed {seed}"));
        let reasons = net.reasons();
        for why in reasons {
            let is_lost = matches!(why, WhyClosed::Unreachable | WhyClosed::Stalled);
            assert!(is_good(why) || is_lost, "seed {seed}: {why:?}");
            good += usize::from(is_good(why));
            broken += usize::from(is_lost);
        }
    }
    println!("{good} ends were good, {broken} not");
    assert!(good > 3 * broken, "{good} ends were good, {broken} not");
}

#[test]
fn an_end_that_vanished_is_noticed() {
    for seed in 0..30 {
        let mut net = net(4, &line(4), seed);
        // The first is idle, in the second nobody reads what is written, the third is busy.
        net.open(0, 3, 1, [0, 0]);
        net.open(0, 3, 2, [100_000, 0]);
        net.open(3, 0, 1, [1 << 20, 1 << 20]);
        for (node, number) in [(0, 1), (3, 1), (3, 2)] {
            let end = net.ends.get_mut(&(node, circuit(0, number))).unwrap();
            end.is_idle = true;
        }
        let before = net.rng.below(40_000) as u64;
        net.run(Duration::from_millis(before));
        net.crash(3);
        let died = net.now;
        net.settle(NOTICED, &format!("seed {seed}"));
        for ((_, id), end) in net.ends.iter().filter(|((node, _), _)| *node == 0) {
            let (when, why) = end.closed.unwrap();
            let was_over = when < died;
            let was_opening = why == WhyClosed::Stalled && !end.is_open;
            let is_told = why == WhyClosed::Unreachable || was_opening || was_over;
            assert!(is_told, "{id:?}: {why:?}");
        }
    }
}

#[test]
fn a_network_in_two_parts_ends_circuits_at_both_ends() {
    for seed in 0..30 {
        let mut net = net(4, &line(4), seed);
        talk(&mut net, &[0, 3], 3, 100_000);
        net.cut(1, 2, seconds(5));
        net.settle(NOTICED, &format!("seed {seed}"));
        assert!(
            net.circuits.iter().all(|node| node.is_empty()),
            "seed {seed}"
        );
    }
}

#[test]
fn a_busy_routing_makes_it_slow_and_breaks_nothing() {
    let mut busy = 0;
    for seed in 0..30 {
        let letters = routing::Config {
            pending_max: 3 + seed as usize % 3,
            ..routing::Config::default()
        };
        let mut net = Net::new(4, &line(4), seed, small(), letters);
        talk(&mut net, &[0, 1, 3], 8, 20_000);
        net.settle(seconds(300), &format!("seed {seed}"));
        let reasons = net.reasons();
        assert_eq!(reasons.len(), 16, "seed {seed}");
        assert!(
            reasons.iter().all(|&why| is_good(why)),
            "{seed}: {reasons:?}"
        );
        busy += net.busy;
    }
    println!("routing was busy {busy} times");
    assert!((500..50_000).contains(&busy), "{busy}");
}

/// Letters to each node have numbers of their own: one that nobody answers holds up no others.
#[test]
fn a_node_that_died_keeps_nobody_waiting_and_breaks_nothing() {
    for seed in 0..3 {
        let mut net = net(4, &[(0, 1), (1, 2), (1, 3)], seed);
        net.open(0, 2, 1, [2 << 20, 0]);
        net.open(0, 3, 2, [100_000, 0]);
        net.run(seconds(1) / 3);
        net.crash(3);
        net.settle(seconds(120), &format!("seed {seed}"));
        assert_eq!(net.busy, 0, "seed {seed}");
        let why = |number| net.ends[&(0, circuit(0, number))].closed.unwrap().1;
        assert_eq!(why(1), WhyClosed::Done, "seed {seed}");
        assert_eq!(why(2), WhyClosed::Unreachable, "seed {seed}");
    }
}

#[test]
fn the_default_figures_bring_a_megabyte() {
    let mut net = Net::new(
        4,
        &line(4),
        1,
        Config::default(),
        routing::Config::default(),
    );
    net.open(0, 3, 1, [1 << 20, 300_000]);
    net.settle(seconds(60), "a megabyte");
    assert!(net.held_max > 128 * 1024, "{}", net.held_max);
    assert_eq!(net.reasons(), [WhyClosed::Done; 2]);
}
