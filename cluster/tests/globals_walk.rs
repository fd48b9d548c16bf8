//! Does a global name have one holder, and a lock as well, whatever happens between the nodes?
//!
//! Role       A seeded walk: registries of five nodes over links that come and go, words that find no room
//!            or overtake others, processes that die, registries that begin anew. When a registration is
//!            done, all connected nodes know it; of two that are connected one has a lock. In the end
//!            each name has one holder for all.
//! Sabotages  Seen red: done before all have heard; a held lock is granted; the dead keep locks or names; a
//!            lost node keeps names or its grants; who comes late is not asked; names that were not named
//!            stay; conflicts are left. With 800 seeds: who has not heard everything grants.

#[path = "common/dice.rs"]
mod dice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use foundation_actors::pg::machine::Member;
use foundation_cluster::globals::{
    Claim, Conflict, Effect, Input, Registrar, Request, Trouble, Word,
};
use foundation_cluster::{Effects, Machine as _, Tick};

use dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct P(u8, u16);

impl Member for P {
    type Node = u8;
    fn node(self) -> u8 {
        self.0
    }
}

const NODES: u8 = 5;
const NAMES: [&str; 3] = ["x", "y", "z"];
const LOCKS: [&str; 2] = ["l", "m"];
/// Registries have slots from here on; processes below.
const REGISTRIES: u16 = 1000;

struct Host {
    registry: Registrar<P>,
    own: P,
    /// What the registry has asked to be kept.
    names: BTreeMap<String, Claim<P>>,
    shown: BTreeMap<String, P>,
    locks: BTreeMap<String, P>,
    wake: Option<Tick>,
    watched: BTreeSet<P>,
    alive: BTreeSet<P>,
    slots: u16,
    /// What is wanted of it, by number.
    wanted: BTreeMap<u64, Request<P>>,
}

struct Net {
    hosts: Vec<Host>,
    links: BTreeMap<(u8, u8), VecDeque<(P, Option<P>, Word<P>)>>,
    is_tight: bool,
    full: BTreeSet<(P, P)>,
    now: Tick,
    numbers: u64,
    seed: u64,
    /// What was done, so that the walk is known to do something.
    counts: BTreeMap<&'static str, u64>,
}

fn new_host(node: u8, seed: u64) -> Host {
    let own = P(node, REGISTRIES);
    Host {
        registry: Registrar::new(own, seed + u64::from(node)),
        own,
        names: BTreeMap::new(),
        shown: BTreeMap::new(),
        locks: BTreeMap::new(),
        wake: None,
        watched: BTreeSet::new(),
        alive: BTreeSet::new(),
        slots: 0,
        wanted: BTreeMap::new(),
    }
}

impl Net {
    fn new(seed: u64) -> Self {
        Self {
            hosts: (0..NODES).map(|node| new_host(node, seed)).collect(),
            links: BTreeMap::new(),
            is_tight: true,
            full: BTreeSet::new(),
            now: Tick::ZERO,
            numbers: 0,
            seed,
            counts: BTreeMap::new(),
        }
    }

    fn host(&mut self, node: u8) -> &mut Host {
        &mut self.hosts[usize::from(node)]
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn step(&mut self, node: u8, input: Input<P>, dice: &mut Dice) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            if let Input::Unsaid(to) = &input {
                let own = self.host(node).own;
                self.full.remove(&(own, *to));
            }
            let (now, mut effects) = (self.now, Effects::new());
            let host = self.host(node);
            host.registry.step(now, input, &mut effects);
            host.registry.check();
            for effect in effects.drain() {
                inputs.extend(self.perform(node, effect, dice));
            }
        }
    }

    fn perform(&mut self, node: u8, effect: Effect<P>, dice: &mut Dice) -> Option<Input<P>> {
        let is_full = self.is_tight && dice.roll(12) == 0;
        let seed = self.seed;
        let own = self.host(node).own;
        match effect {
            Effect::Seek(to, word) => {
                if let Some(link) = self.links.get_mut(&(node, to)) {
                    link.push_back((own, None, word));
                }
            }
            // What was said with it before that is known is not heard either.
            Effect::Say(to, _) if self.full.contains(&(own, to)) => {}
            Effect::Say(to, _) if is_full => {
                self.full.insert((own, to));
                return Some(Input::Unsaid(to));
            }
            Effect::Say(to, word) => {
                if let Some(link) = self.links.get_mut(&(node, to.0)) {
                    link.push_back((own, Some(to), word));
                }
            }
            Effect::Watch(pid) => {
                self.host(node).watched.insert(pid);
            }
            Effect::Show(name, pid) => {
                let shown = &mut self.host(node).shown;
                match pid {
                    Some(pid) => shown.insert(name, pid),
                    None => shown.remove(&name),
                };
            }
            Effect::Keep(name, claim) => {
                let names = &mut self.host(node).names;
                match claim {
                    Some(claim) => names.insert(name, claim),
                    None => names.remove(&name),
                };
            }
            Effect::KeepLock(name, holder) => {
                self.keep_lock(node, name, holder);
            }
            Effect::Answer(number, answer) => self.answered(node, number, answer),
            Effect::Punish(_, pid, ..) => {
                self.count("lost");
                assert_eq!(pid.0, node, "seed {seed}: it is of this node");
                if self.host(node).alive.remove(&pid) {
                    return Some(Input::Died(pid));
                }
            }
            Effect::Decide(..) => panic!("seed {seed}: chance decides"),
            Effect::Wake(at) => self.host(node).wake = Some(at),
        }
        None
    }

    fn keep_lock(&mut self, node: u8, name: String, holder: Option<P>) {
        let Some(holder) = holder else {
            self.host(node).locks.remove(&name);
            return;
        };
        self.count("locked");
        for other in (0..NODES).filter(|other| *other != node) {
            if self.links.contains_key(&(node, other)) {
                let held = self.host(other).locks.get(&name).copied();
                let seed = self.seed;
                assert_eq!(held, None, "seed {seed}: {holder:?} has {name} as well");
            }
        }
        self.host(node).locks.insert(name, holder);
    }

    /// Something that was wanted is done, or not.
    fn answered(&mut self, node: u8, number: u64, answer: Result<(), Trouble<P>>) {
        let seed = self.seed;
        let request = self.host(node).wanted.remove(&number);
        let request = request.unwrap_or_else(|| panic!("seed {seed}: nobody asked"));
        let peers: Vec<u8> = self.peers(node);
        match (request, answer) {
            (Request::Register { name, claim, .. }, Ok(())) => {
                self.count("registered");
                for peer in peers {
                    // One that has begun anew, which is not known here yet, knows it soon.
                    let speaker = self.host(peer).own;
                    if !self.host(node).watched.contains(&speaker) {
                        continue;
                    }
                    let there = self.host(peer).registry.claimants(&name);
                    let knows = there.contains(&claim.pid);
                    assert!(
                        knows,
                        "seed {seed}: {peer} knows nothing of {name} at {node}"
                    );
                }
            }
            (Request::Unregister(name), Ok(())) => {
                self.count("unregistered");
                let own = self.host(node).registry.claimants(&name);
                if own.iter().any(|pid| pid.0 == node) {
                    return;
                }
                for peer in peers {
                    let there = self.host(peer).registry.claimants(&name);
                    let forgot = there.iter().all(|pid| pid.0 != node);
                    assert!(forgot, "seed {seed}: {peer} has {name} at {node}");
                }
            }
            (_, Err(Trouble::Taken(_))) => self.count("taken"),
            (_, Err(Trouble::Late)) => self.count("late"),
            _ => {}
        }
    }

    fn peers(&self, node: u8) -> Vec<u8> {
        let links = self.links.keys().filter(|(from, _)| *from == node);
        links.map(|(_, to)| *to).collect()
    }

    fn ask(&mut self, node: u8, request: Request<P>, bound: u64, dice: &mut Dice) {
        self.numbers += 1;
        let number = self.numbers;
        self.host(node).wanted.insert(number, request.clone());
        let bound = Duration::from_millis(bound);
        self.step(node, Input::Asked(number, request, bound), dice);
    }

    fn toggle(&mut self, a: u8, b: u8, dice: &mut Dice) {
        let is_up = self.links.remove(&(a, b)).is_some();
        self.links.remove(&(b, a));
        if !is_up {
            self.links.insert((a, b), VecDeque::new());
            self.links.insert((b, a), VecDeque::new());
        }
        for (node, other) in [(a, b), (b, a)] {
            match is_up {
                true => self.step(node, Input::Down(other), dice),
                false => self.step(node, Input::Up(other), dice),
            }
        }
    }

    fn deliver(&mut self, from: u8, to: u8, dice: &mut Dice) {
        let Some(link) = self.links.get_mut(&(from, to)) else {
            return;
        };
        let senders: BTreeSet<P> = link.iter().map(|(sender, ..)| *sender).collect();
        if senders.is_empty() {
            return;
        }
        // What one process sends keeps its order, and what two send does not.
        let sender = dice.one(&senders.into_iter().collect::<Vec<_>>());
        let first = link.iter().position(|(from, ..)| *from == sender);
        let (_, target, word) = link
            .remove(first.expect("it is there"))
            .expect("it is there");
        if target.is_none_or(|pid| pid == self.host(to).own) {
            self.step(to, Input::Heard(sender, word), dice);
        }
    }

    fn tell_ends(&mut self, node: u8, dice: &mut Dice) {
        for pid in self.host(node).watched.clone() {
            if self.host(pid.0).own != pid {
                self.host(node).watched.remove(&pid);
                if self.links.contains_key(&(node, pid.0)) {
                    self.step(node, Input::Ended(pid), dice);
                }
            }
        }
    }

    /// A registry ends, and another one begins; whoever held a lock ends with it.
    fn begin_anew(&mut self, node: u8, dice: &mut Dice) {
        let seed = dice.roll(1 << 32) as u64;
        let host = self.host(node);
        host.own = P(node, host.own.1 + 1);
        host.registry = Registrar::new(host.own, seed);
        host.watched.clear();
        host.wanted.clear();
        host.wake = None;
        for pid in std::mem::take(&mut host.locks).into_values() {
            host.alive.remove(&pid);
            host.names.retain(|_, claim| claim.pid != pid);
        }
        host.shown.clear();
        for (name, claim) in host.names.clone() {
            host.registry.restore(&name, claim);
            host.shown.insert(name, claim.pid);
        }
        for peer in self.peers(node) {
            self.step(node, Input::Up(peer), dice);
        }
    }

    fn some_process(&mut self, node: u8, dice: &mut Dice) -> P {
        let host = self.host(node);
        let alive: Vec<P> = host.alive.iter().copied().collect();
        if alive.len() < 2 || dice.roll(4) == 0 {
            host.slots += 1;
            host.alive.insert(P(node, host.slots));
            return P(node, host.slots);
        }
        dice.one(&alive)
    }

    fn act(&mut self, dice: &mut Dice) {
        let node = dice.roll(usize::from(NODES)) as u8;
        let other = dice.roll(usize::from(NODES)) as u8;
        let bound = dice.one(&[5, 50, 500]);
        match dice.roll(200) {
            0..10 => {
                let pid = self.some_process(node, dice);
                let conflict = dice.one(&[Conflict::RandomExit, Conflict::RandomNotify]);
                let request = Request::Register {
                    name: dice.one(&NAMES).to_owned(),
                    claim: Claim { pid, conflict },
                    is_forced: dice.roll(6) == 0,
                };
                self.ask(node, request, bound, dice);
            }
            10..14 => {
                let name = dice.one(&NAMES).to_owned();
                self.ask(node, Request::Unregister(name), bound, dice);
            }
            14..20 => {
                let request = Request::Lock {
                    resource: dice.one(&LOCKS).to_owned(),
                    requester: self.some_process(node, dice),
                    tries: dice.one(&[1, 3, 100]),
                };
                self.ask(node, request, bound, dice);
            }
            20..26 => {
                let held = self.host(node).locks.clone();
                if let Some((resource, requester)) = held.into_iter().next() {
                    let request = Request::Unlock {
                        resource,
                        requester,
                    };
                    self.ask(node, request, bound, dice);
                }
            }
            26..28 => {
                let pid = self.some_process(node, dice);
                self.host(node).alive.remove(&pid);
                self.step(node, Input::Died(pid), dice);
            }
            28..31 if node != other => self.toggle(node, other, dice),
            31 => self.begin_anew(node, dice),
            32..36 => self.tell_ends(node, dice),
            36..44 => self.pass(Duration::from_micros(500), dice),
            _ => self.deliver(node, other, dice),
        }
    }

    /// Time passes, and whoever wants to be woken is.
    fn pass(&mut self, by: Duration, dice: &mut Dice) {
        self.now = self.now + by;
        for node in 0..NODES {
            if self.host(node).wake.is_some_and(|at| at <= self.now) {
                self.host(node).wake = None;
                self.step(node, Input::Woken, dice);
            }
        }
    }

    fn settle(&mut self, dice: &mut Dice) {
        self.is_tight = false;
        for a in 0..NODES {
            for b in 0..a {
                if !self.links.contains_key(&(a, b)) {
                    self.toggle(a, b, dice);
                }
            }
        }
        for _ in 0..20_000 {
            for node in 0..NODES {
                self.tell_ends(node, dice);
                for other in 0..NODES {
                    self.deliver(other, node, dice);
                }
            }
            self.pass(Duration::from_millis(1), dice);
            let is_quiet = self.links.values().all(VecDeque::is_empty);
            let wanted = self.hosts.iter().any(|host| !host.wanted.is_empty());
            let behind = self.hosts.iter().any(|host| host.wake.is_some());
            if is_quiet && !wanted && !behind {
                return;
            }
        }
        panic!("seed {}: they never fall silent", self.seed);
    }

    fn compare(&self) {
        let seed = self.seed;
        for name in NAMES {
            let claims = self.hosts.iter().filter_map(|host| host.names.get(name));
            let holders: Vec<P> = claims.map(|claim| claim.pid).collect();
            assert!(holders.len() < 2, "seed {seed}: {holders:?} have {name}");
            for (node, host) in self.hosts.iter().enumerate() {
                let seen = host.registry.whereis(name);
                assert_eq!(
                    seen,
                    holders.first().copied(),
                    "seed {seed}: {name} at {node}"
                );
                let shown = host.shown.get(name).copied();
                assert_eq!(shown, seen, "seed {seed}: {name} is shown at {node}");
                let lives =
                    seen.is_none_or(|pid| self.hosts[usize::from(pid.0)].alive.contains(&pid));
                assert!(lives, "seed {seed}: {name} is nobody's");
            }
        }
    }

    /// Nothing stays locked once nobody holds anything.
    fn give_back(&mut self, dice: &mut Dice) {
        for node in 0..NODES {
            for (resource, requester) in self.host(node).locks.clone() {
                if !self.host(node).alive.contains(&requester) {
                    continue;
                }
                assert!(self.host(node).registry.holds(&resource, requester));
                self.host(node).alive.remove(&requester);
                self.step(node, Input::Died(requester), dice);
            }
        }
        self.settle(dice);
        for (node, host) in self.hosts.iter().enumerate() {
            let is_idle = host.registry.is_idle();
            assert!(is_idle, "seed {}: something is locked at {node}", self.seed);
        }
    }
}

#[test]
fn a_name_has_one_holder_in_the_end() {
    let mut counts = BTreeMap::new();
    for seed in 1..=100 {
        let mut dice = Dice::new(seed);
        let mut net = Net::new(seed);
        for _ in 0..3 {
            net.settle(&mut dice);
            net.is_tight = seed % 3 == 0;
            for _ in 0..1_000 {
                net.act(&mut dice);
            }
            net.settle(&mut dice);
            net.compare();
            net.give_back(&mut dice);
            net.compare();
        }
        for (what, count) in net.counts {
            *counts.entry(what).or_insert(0) += count;
        }
    }
    for what in [
        "registered",
        "unregistered",
        "locked",
        "lost",
        "taken",
        "late",
    ] {
        assert!(
            counts.contains_key(what),
            "the walk never came to it: {what}"
        );
    }
}
