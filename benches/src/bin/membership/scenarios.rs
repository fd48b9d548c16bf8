//! What happens to the cluster, and how well does it bear it?
//!
//! Role       One function a scenario: makes a network, lets it happen, and returns the figures.
//! Invariant  All time is virtual: a figure is the same on every machine for the same seed.

use std::time::Duration;

use foundation::Rng;
use foundation::cluster::Tick;
use foundation::cluster::model::{Network, Stutter};

use crate::protocol::{Make, Protocol, network};

const STEP: Duration = Duration::from_millis(50);

/// For so long a host that stutters neither hears nor says anything, and then it does.
pub(crate) const BLOCKED: Duration = Duration::from_secs(8);
pub(crate) const OPEN: Duration = Duration::from_millis(500);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How many others are missing from the views, over all hosts that run.
pub(crate) fn holes<P: Protocol>(network: &Network<P>) -> usize {
    let running: Vec<&P> = (0..network.len())
        .filter_map(|host| network.machine(host))
        .collect();
    let others = running.len() - 1;
    running
        .iter()
        .map(|machine| others.saturating_sub(machine.live()))
        .sum()
}

/// Are all views exactly those that run?
fn complete<P: Protocol>(network: &Network<P>) -> bool {
    let running = (0..network.len()).filter_map(|host| network.machine(host));
    let others = running.clone().count() - 1;
    running.into_iter().all(|machine| machine.live() == others)
}

/// Runs until all views are complete: how long it took, if it was within the bound.
fn until_complete<P: Protocol>(network: &mut Network<P>, bound: Duration) -> Option<f64> {
    let begun = network.now();
    while network.now().since(begun) < bound {
        let next = network.now() + STEP;
        network.run_until(next);
        if complete(network) {
            return Some(network.now().since(begun).as_secs_f64());
        }
    }
    None
}

fn joined<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>) -> (Network<P>, Option<f64>) {
    let mut network = network(nodes, seed, make);
    for host in 0..nodes {
        network.input(host, P::join());
    }
    let took = until_complete(&mut network, secs(60));
    (network, took)
}

/// A settled network: views are complete, and no news are on their way any more.
fn settled<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>) -> Network<P> {
    let (mut network, _) = joined(nodes, seed, make);
    let next = network.now() + secs(40);
    network.run_until(next);
    network.told();
    network
}

pub(crate) struct Join {
    /// Until all views were complete.
    pub(crate) took: Option<f64>,
    /// How many entries were missing in all views, 60 s after the start.
    pub(crate) holes: usize,
    /// Bytes that each host sent until views were complete.
    pub(crate) bytes: f64,
    /// Bytes that each host sends in a second when nothing happens.
    pub(crate) idle_bytes: f64,
}

/// All start at once and know one host.
pub(crate) fn join<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>) -> Join {
    let (mut network, took) = joined(nodes, seed, make);
    let sum = |network: &Network<P>| {
        let traffic = network.traffic();
        (traffic.datagram_bytes + traffic.stream_bytes) as f64 / nodes as f64
    };
    let bytes = sum(&network);
    let minute = Tick::ZERO + secs(60);
    if network.now() < minute {
        network.run_until(minute);
    }
    let holes = holes(&network);
    let next = network.now() + secs(60);
    network.run_until(next);
    let before = sum(&network);
    let next = network.now() + secs(30);
    network.run_until(next);
    let idle_bytes = (sum(&network) - before) / 30.0;
    Join {
        took,
        holes,
        bytes,
        idle_bytes,
    }
}

#[derive(Default)]
pub(crate) struct Crashes {
    /// For each crash: until the first host suspected it, where hosts tell that.
    pub(crate) suspected: Vec<f64>,
    /// Until the first host knew of it.
    pub(crate) first: Vec<f64>,
    /// And until all knew of it; none if some did not within two minutes.
    pub(crate) all: Vec<Option<f64>>,
}

/// Hosts crash one after the other, each when the one before is settled.
pub(crate) fn crash<P: Protocol>(
    network: &mut Network<P>,
    count: usize,
    slow: usize,
    seed: u64,
) -> Crashes {
    let mut rng = Rng::new(seed);
    let mut crashes = Crashes::default();
    for _ in 0..count {
        let running: Vec<usize> = (1..network.len())
            .filter(|host| network.machine(*host).is_some())
            .collect();
        let well = running.partition_point(|host| *host < network.len() - slow);
        let victim = running[rng.below(well)];
        let next = network.now() + Duration::from_millis(rng.below(5000) as u64);
        network.run_until(next);
        let at = network.now();
        network.told();
        network.crash(victim);
        let mut knows = vec![None; network.len()];
        let mut suspected = None;
        while network.now().since(at) < secs(120) && knows.iter().flatten().count() < running.len()
        {
            let next = network.now() + secs(1);
            network.run_until(next);
            for (when, host, effect) in network.told() {
                if P::suspected(&effect) == Some(victim) {
                    suspected.get_or_insert(when.since(at).as_secs_f64());
                }
                if P::failed(&effect) == Some(victim) {
                    knows[host].get_or_insert(when.since(at).as_secs_f64());
                }
            }
        }
        crashes.suspected.extend(suspected);
        let known: Vec<f64> = knows.into_iter().flatten().collect();
        crashes
            .first
            .push(known.iter().copied().fold(f64::NAN, f64::min));
        let all = known.len() == running.len();
        crashes
            .all
            .push(all.then(|| known.iter().copied().fold(0.0, f64::max)));
        let next = network.now() + secs(10);
        network.run_until(next);
    }
    crashes
}

/// What is wrong with the network, and with hosts.
#[derive(Clone, Copy)]
pub(crate) struct Trouble {
    /// The share of datagrams that are lost.
    pub(crate) loss: f64,
    /// How many hosts stutter: the last ones.
    pub(crate) slow: usize,
}

impl Trouble {
    pub(crate) fn begin<P: Protocol>(self, network: &mut Network<P>, seed: u64) {
        network.links.loss = self.loss;
        let mut rng = Rng::new(seed ^ 1);
        for host in 0..self.slow {
            // As in the paper on Lifeguard: sending and receiving stand, time goes on.
            let stutter = Stutter {
                blocked: BLOCKED,
                open: OPEN,
                timers: false,
            };
            let period = (BLOCKED + OPEN).as_millis() as usize;
            let offset = Duration::from_millis(rng.below(period) as u64);
            let host = network.len() - 1 - host;
            network.links.set_stutter(host, Some(stutter), offset);
        }
    }
}

/// So many crashes of hosts that are well, in trouble that has lasted for a while.
pub(crate) fn crash_settled<P: Protocol>(
    nodes: usize,
    seed: u64,
    trouble: Trouble,
    count: usize,
    make: &Make<P>,
) -> Crashes {
    let mut network = settled(nodes, seed, make);
    trouble.begin(&mut network, seed);
    crash(&mut network, count, trouble.slow, seed)
}

/// Two halves that took each other for failed find together: how long that takes.
pub(crate) fn merge<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>) -> Option<f64> {
    let mut network = settled(nodes, seed, make);
    for host in nodes / 2..nodes {
        network.links.set_side(host, 1);
    }
    let next = network.now() + secs(120);
    network.run_until(next);
    network.links.heal();
    until_complete(&mut network, secs(300))
}

pub(crate) struct Wrong {
    /// Events that took a host for failed that ran and was well.
    pub(crate) all: usize,
    /// Those of them at hosts that were well themselves.
    pub(crate) at_well: usize,
    /// How many hosts that were well were taken for failed by anybody.
    pub(crate) hosts: usize,
}

/// Datagrams are lost and some hosts stutter: who is wrongly taken for failed in `span`?
pub(crate) fn wrong<P: Protocol>(
    nodes: usize,
    seed: u64,
    trouble: Trouble,
    span: Duration,
    make: &Make<P>,
) -> Wrong {
    let mut network = settled(nodes, seed, make);
    trouble.begin(&mut network, seed);
    let is_well = |host: usize| host < nodes - trouble.slow;
    let mut wrong = Wrong {
        all: 0,
        at_well: 0,
        hosts: 0,
    };
    let mut taken = vec![false; nodes];
    let end = network.now() + span;
    while network.now() < end {
        let next = network.now() + secs(1);
        network.run_until(next);
        for (_, host, effect) in network.told() {
            let Some(failed) = P::failed(&effect).filter(|failed| is_well(*failed)) else {
                continue;
            };
            wrong.all += 1;
            wrong.at_well += usize::from(is_well(host));
            taken[failed] = true;
        }
    }
    wrong.hosts = taken.iter().filter(|taken| **taken).count();
    wrong
}
