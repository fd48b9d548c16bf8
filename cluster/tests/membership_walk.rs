//! Does a cluster come to the right view, whatever happens to it?
//!
//! Role       Seeded walks of members over a model network: loss, repeated and late datagrams,
//!            partitions, crashes, restarts, good-byes, evictions, hosts that stutter.
//! Invariant  After the network has healed, within [`SETTLE`]: each running member takes exactly the
//!            running ones for members. At all times and at each member: events about a member come in
//!            an order that makes sense, what they say never goes back, and whoever failed comes back
//!            with a newer claim only. Nobody floods the network.
//!
//! Seen to fail, each with one line of the machine changed: a refutation keeps its revision; a claim
//! of the same age is adopted; an older claim is adopted; nobody is probed; nobody who is down is tried
//! again; a suspicion is not taken off the list when it is refuted; a departed member passes itself on
//! as alive; an evicted member refutes; who is gone is forgotten at once. Two members that took each
//! other for gone told each other so without end, until this walk ran into it.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::Tick;
use foundation_cluster::membership::{
    Address, Config, Effect, Event, Input, Membership, Name, Ousted, Record, Refusal, State,
};
use foundation_cluster::model::{Network, Stutter};
use foundation_runtime::Rng;

const HOSTS: usize = 9;
/// Ends the longest suspicion (9 s at this size), and leaves time for what follows.
const SETTLE: Duration = Duration::from_secs(40);
/// So many datagrams are sent by a host in a second, at most.
const SENT_MAX: u64 = 60;

fn address(host: usize) -> Address {
    Address::new(&format!("h{host}")).unwrap()
}

fn member(host: usize, incarnation: u64, seed: u64) -> Membership {
    let name = Name::new(&format!("m{host}")).unwrap();
    let seed = seed ^ (host as u64) << 32 ^ incarnation;
    Membership::new(Config::default(), name, incarnation, address(host), seed).unwrap()
}

/// What one member was told of another.
#[derive(Default)]
struct Seen {
    live: bool,
    suspected: bool,
    /// The newest claim, and the one with which it was lost.
    newest: (u64, bool, u32),
    lost: Option<(u64, bool, u32)>,
}

/// What runs on a host.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Run {
    Up,
    Crashed,
    /// It left, or was taken out: it still runs, and does nothing.
    Out,
}

struct Walk {
    seed: u64,
    rng: Rng,
    network: Network<Membership>,
    runs: Vec<Run>,
    incarnations: Vec<u64>,
    seen: Vec<BTreeMap<String, Seen>>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut network = Network::new(seed, 1);
        for host in 0..HOSTS {
            network.add(address(host).as_str(), member(host, 1, seed));
        }
        let mut walk = Self {
            seed,
            rng: Rng::new(seed),
            network,
            runs: vec![Run::Up; HOSTS],
            incarnations: vec![1; HOSTS],
            seen: (0..HOSTS).map(|_| BTreeMap::new()).collect(),
        };
        (0..HOSTS).for_each(|host| walk.join(host));
        walk
    }

    fn join(&mut self, host: usize) {
        // Three know each other; the others know them, or whoever runs when none of them does.
        let mut seeds: Vec<usize> = (0..3).collect();
        if seeds.iter().all(|seed| self.runs[*seed] != Run::Up) {
            seeds = (3..HOSTS).collect();
        }
        let seeds = seeds.into_iter().map(address).collect();
        self.network.input(host, Input::Join(seeds));
    }

    fn restart(&mut self, host: usize) {
        self.incarnations[host] += 1;
        self.network
            .restart(host, member(host, self.incarnations[host], self.seed));
        self.seen[host].clear();
        self.runs[host] = Run::Up;
        self.join(host);
    }

    /// Something happens.
    fn disturb(&mut self) {
        let host = self.rng.below(HOSTS);
        let other = self.rng.below(HOSTS);
        let links = &mut self.network.links;
        match self.rng.below(12) {
            0 => links.loss = [0.0, 0.05, 0.3][self.rng.below(3)],
            1 => links.repeated = (0.1, Duration::from_secs(self.rng.below(30) as u64)),
            2 => links.delay.1 = Duration::from_millis(2 + self.rng.below(300) as u64),
            3 | 4 => {
                let sides = self.rng.below(1 << HOSTS);
                for host in 0..HOSTS {
                    links.set_side(host, (sides >> host & 1) as u8);
                }
            }
            5 => links.heal(),
            6 => {
                let stutter = self.rng.chance(0.7).then(|| Stutter {
                    blocked: Duration::from_millis(500 + self.rng.below(6000) as u64),
                    open: Duration::from_millis(200),
                    timers: self.rng.chance(0.5),
                });
                links.set_stutter(host, stutter, Duration::ZERO);
            }
            7 if self.runs[host] == Run::Up => {
                self.network.crash(host);
                self.runs[host] = Run::Crashed;
            }
            8 | 9 if self.runs[host] != Run::Up => self.restart(host),
            10 if self.runs[host] == Run::Up => {
                let text = format!("role {}", self.rng.below(9));
                self.network.input(host, Input::Describe(text.into_bytes()));
            }
            11 if self.runs[host] == Run::Up && self.rng.chance(0.3) => {
                if self.rng.chance(0.5) || host == other {
                    self.network.input(host, Input::Leave);
                } else {
                    let name = Name::new(&format!("m{other}")).unwrap();
                    self.network.input(host, Input::Evict(name));
                }
            }
            _ => {}
        }
    }

    fn run(&mut self, span: Duration) {
        let before = self.network.traffic().datagrams;
        self.run_and_watch(span);
        let sent = self.network.traffic().datagrams - before;
        let most = SENT_MAX * HOSTS as u64 * (span.as_secs() + 2);
        assert!(
            sent < most,
            "seed {}: {sent} datagrams in {span:?}",
            self.seed
        );
    }

    fn run_and_watch(&mut self, span: Duration) {
        let end = self.network.now() + span;
        while self.network.now() < end {
            let next = (self.network.now() + Duration::from_millis(100)).min(end);
            self.network.run_until(next);
            for (at, host, effect) in self.network.told() {
                match effect {
                    Effect::Tell(Event::Departed) => self.runs[host] = Run::Out,
                    Effect::Tell(Event::Ousted(why)) => {
                        assert_eq!(why, Ousted::Evicted, "seed {}", self.seed);
                        self.runs[host] = Run::Out;
                    }
                    Effect::Tell(event) => self.watch(at, host, event),
                    Effect::Refused(Refusal::NotRunning | Refusal::NoMember(_)) => {}
                    other => panic!("seed {}: {other:?} at {at:?}", self.seed),
                }
            }
        }
    }

    /// Do the events at one member make sense?
    fn watch(&mut self, at: Tick, host: usize, event: Event) {
        let said = format!("seed {}, {at:?}, at m{host}: {event:?}", self.seed);
        let (Event::Joined(record)
        | Event::Updated(record)
        | Event::Suspected(record)
        | Event::Recovered(record)
        | Event::Failed(record)
        | Event::Left(record)) = &event
        else {
            return;
        };
        let key = record.name.as_str().to_owned();
        let seen = self.seen[host].entry(key).or_default();
        // Who is evicted cannot say anything newer.
        let evicted = record.state == State::Evicted;
        let claim = (record.incarnation, evicted, record.revision);
        assert!(claim >= seen.newest, "it went back: {said}");
        seen.newest = claim;
        match event {
            Event::Joined(_) => {
                assert!(!seen.live, "joined twice: {said}");
                assert!(
                    seen.lost < Some(claim),
                    "came back with an old claim: {said}"
                );
                (seen.live, seen.suspected) = (true, false);
            }
            Event::Failed(_) | Event::Left(_) => {
                assert!(seen.live, "lost twice: {said}");
                (seen.live, seen.lost) = (false, Some(claim));
            }
            Event::Suspected(_) => {
                assert!(seen.live && !seen.suspected, "suspected twice: {said}");
                seen.suspected = true;
            }
            Event::Recovered(_) => {
                assert!(seen.live && seen.suspected, "was no suspect: {said}");
                seen.suspected = false;
            }
            _ => assert!(seen.live, "is no member: {said}"),
        }
    }

    fn heal(&mut self) {
        let links = &mut self.network.links;
        links.heal();
        links.loss = 0.0;
        links.delay.1 = Duration::from_millis(2);
        (0..HOSTS).for_each(|host| links.set_stutter(host, None, Duration::ZERO));
        // Who was started while its seeds were gone is told of others.
        for host in 0..HOSTS {
            let alone = |machine: &Membership| machine.live_count() == 0;
            if self.runs[host] == Run::Up && self.network.machine(host).is_some_and(alone) {
                self.join(host);
            }
        }
    }

    fn check_settled(&self) {
        let up: Vec<String> = (0..HOSTS)
            .filter(|host| self.runs[*host] == Run::Up)
            .map(|host| format!("m{host}"))
            .collect();
        for host in (0..HOSTS).filter(|host| self.runs[*host] == Run::Up) {
            let machine = self.network.machine(host).expect("it runs");
            let others: Vec<&String> = up
                .iter()
                .filter(|name| **name != format!("m{host}"))
                .collect();
            let mut live: Vec<&str> = machine.live().map(|record| record.name.as_str()).collect();
            live.sort_unstable();
            assert_eq!(live, others, "seed {}: the view of m{host}", self.seed);
            let told = self.seen[host].iter().filter(|(_, seen)| seen.live);
            let told: Vec<&str> = told.map(|(name, _)| name.as_str()).collect();
            assert_eq!(told, others, "seed {}: what m{host} was told", self.seed);
            let current = |record: &Record| {
                let host: usize = record.name.as_str()[1..].parse().unwrap();
                let other = self.network.machine(host).expect("it runs").me();
                (record.incarnation, record.revision, &record.metadata)
                    == (other.incarnation, other.revision, &other.metadata)
            };
            assert!(
                machine.live().all(current),
                "seed {}: m{host} is behind",
                self.seed
            );
        }
    }
}

fn walk(seed: u64) {
    let mut walk = Walk::new(seed);
    for _ in 0..4 {
        for _ in 0..12 {
            walk.disturb();
            let pause = Duration::from_millis(walk.rng.below(4000) as u64);
            walk.run(pause);
        }
        walk.heal();
        walk.run(SETTLE);
        walk.check_settled();
    }
}

#[test]
fn walks() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    (0..seeds.unwrap_or(30)).for_each(walk);
}

#[test]
fn same_seed_same_events() {
    let events = |seed| {
        let mut walk = Walk::new(seed);
        let mut all = Vec::new();
        for _ in 0..30 {
            walk.disturb();
            let next = walk.network.now() + Duration::from_secs(2);
            walk.network.run_until(next);
            all.extend(walk.network.told());
        }
        (all, walk.network.traffic())
    };
    assert_eq!(events(7), events(7));
    assert_ne!(events(7), events(8));
}
