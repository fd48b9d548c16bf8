//! Do all nodes see the same groups, whatever happens to the words between them?
//!
//! Role       A seeded walk: the exchanges of four nodes with their scopes, over links that come and go,
//!            with words that find no room, changes that are left out, exchanges that end and begin
//!            anew, and scopes that are given up and opened again. At the end all links are there and
//!            everything is said: all nodes see the members that there are, and keep nothing else.
//! Sabotages  Seen red: `Begin` marks nothing; an old round is said; words count from any speaker; the end
//!            of a speaker, a word without room, or an overrun is forgotten; a lost node, or a scope that
//!            was not named, is kept.

#[path = "common/dice.rs"]
mod dice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use foundation_actors::pg::machine::{self as scope, Change, Group, Member};
use foundation_cluster::groups::{Effect, Exchange, Input, Word};
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

const NODES: u8 = 4;
const SCOPES: [&str; 3] = ["r", "s", "t"];
const GROUPS: [&str; 2] = ["g", "h"];
/// Exchanges have slots from here on; processes below.
const EXCHANGES: u16 = 1000;
/// How many changes wait for an exchange at most.
const UNTAKEN_MAX: usize = 3;

struct Open {
    number: u64,
    machine: scope::Machine<P>,
    /// Nodes for whose sake the exchange keeps it open.
    held: BTreeSet<u8>,
}

struct Host {
    exchange: Exchange<P>,
    own: P,
    scopes: BTreeMap<Arc<str>, Open>,
    count: u64,
    round: u64,
    /// What the exchange has not taken yet.
    feed: VecDeque<Input<P>>,
    is_overrun: bool,
    retries: bool,
    watched: BTreeSet<P>,
    slots: u16,
}

struct Net {
    hosts: Vec<Host>,
    /// By the two nodes; only those that are connected.
    links: BTreeMap<(u8, u8), VecDeque<(Option<P>, Word<P>)>>,
    /// Whether words may find no room.
    is_tight: bool,
    seed: u64,
}

impl Net {
    fn new(seed: u64) -> Self {
        let host = |node| {
            let own = P(node, EXCHANGES);
            Host {
                exchange: Exchange::with_limit(own, SCOPES.len()),
                own,
                scopes: BTreeMap::new(),
                count: 0,
                round: 0,
                feed: VecDeque::new(),
                is_overrun: false,
                retries: false,
                watched: BTreeSet::new(),
                slots: 0,
            }
        };
        Self {
            hosts: (0..NODES).map(host).collect(),
            links: BTreeMap::new(),
            is_tight: true,
            seed,
        }
    }

    fn step(&mut self, node: u8, input: Input<P>, dice: &mut Dice) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::new();
            let host = &mut self.hosts[usize::from(node)];
            host.exchange.step(Tick::ZERO, input, &mut effects);
            host.exchange.check();
            for effect in effects.drain() {
                inputs.extend(self.perform(node, effect, dice));
            }
        }
    }

    fn perform(&mut self, node: u8, effect: Effect<P>, dice: &mut Dice) -> Option<Input<P>> {
        let is_full = self.is_tight && dice.roll(8) == 0;
        let host = &mut self.hosts[usize::from(node)];
        match effect {
            Effect::Seek(to, word) => {
                if let Some(link) = self.links.get_mut(&(node, to)) {
                    link.push_back((None, word));
                }
            }
            Effect::Say(to, _) if is_full => return Some(Input::Unsaid(to)),
            Effect::Say(to, word) => {
                if let Some(link) = self.links.get_mut(&(node, to.0)) {
                    link.push_back((Some(to), word));
                }
            }
            Effect::Watch(pid) => {
                host.watched.insert(pid);
            }
            Effect::TellAll(to, round) => {
                let names: Vec<Arc<str>> = host.scopes.keys().cloned().collect();
                host.round = round;
                for name in names {
                    host.feed_scope(&name, scope::Input::PeerUp { node: to });
                }
                host.feed.push_back(Input::Told { to, round });
            }
            Effect::Feed(of, name, input) => {
                let is_leave = matches!(input, scope::Input::PeerLeft { .. });
                host.open(&name).held.insert(of);
                host.feed_scope(&name, input);
                let machine = &host.scopes[&name].machine;
                if is_leave && !machine.has_members_of(of) {
                    return Some(Input::Emptied(of, name));
                }
            }
            Effect::Release(of, name) => {
                let open = host.scopes.get_mut(&name).expect("it is held");
                assert!(open.held.remove(&of), "it is held for {of}");
                host.close(&name);
            }
            Effect::RetryLater => host.retries = true,
            Effect::Beyond(..) => panic!("seed {}: there are few scopes", self.seed),
        }
        None
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
        // What one process sends keeps its order, and what two send does not.
        let senders: BTreeSet<P> = link.iter().map(|(_, word)| word.from()).collect();
        let Some(sender) =
            (!senders.is_empty()).then(|| dice.one(&senders.into_iter().collect::<Vec<_>>()))
        else {
            return;
        };
        let first = link.iter().position(|(_, word)| word.from() == sender);
        let (target, word) = link
            .remove(first.expect("it is there"))
            .expect("it is there");
        let host = &mut self.hosts[usize::from(to)];
        if target.is_none_or(|pid| pid == host.own) {
            self.step(to, Input::Heard(word), dice);
        }
        // Whoever is watched, and has ended before, is said to have ended at once.
        let current = self.hosts[usize::from(from)].own;
        let host = &mut self.hosts[usize::from(to)];
        let ended = host
            .watched
            .iter()
            .find(|pid| pid.0 == from && **pid != current);
        if let Some(pid) = ended.copied().filter(|_| dice.roll(2) == 0) {
            host.watched.remove(&pid);
            self.step(to, Input::Ended(pid), dice);
        }
    }

    fn take(&mut self, node: u8, dice: &mut Dice) {
        let host = &mut self.hosts[usize::from(node)];
        if let Some(input) = host.feed.pop_front() {
            host.is_overrun &= input != Input::Overrun;
            self.step(node, input, dice);
        }
    }

    fn retry(&mut self, node: u8, dice: &mut Dice) {
        if std::mem::take(&mut self.hosts[usize::from(node)].retries) {
            self.step(node, Input::Retry, dice);
        }
    }

    /// An exchange ends, another one begins, and whoever watches is told before or after it is heard.
    fn begin_anew(&mut self, node: u8, dice: &mut Dice) {
        let host = &mut self.hosts[usize::from(node)];
        let old = host.own;
        host.own = P(node, old.1 + 1);
        host.exchange = Exchange::with_limit(host.own, SCOPES.len());
        (host.is_overrun, host.retries) = (false, false);
        host.feed.clear();
        host.watched.clear();
        let names: Vec<Arc<str>> = host.scopes.keys().cloned().collect();
        for name in names {
            for peer in host.scopes[&name].machine.peers() {
                host.feed_scope(&name, scope::Input::PeerDown { node: peer });
            }
            host.open(&name).held.clear();
            host.close(&name);
        }
        let ups = self.links.keys().filter(|(from, _)| *from == node);
        let ups: Vec<u8> = ups.map(|(_, to)| *to).collect();
        let told_first = dice.roll(2) == 0;
        for turn in [told_first, !told_first] {
            for peer in &ups {
                match turn {
                    true if self.hosts[usize::from(*peer)].watched.remove(&old) => {
                        self.step(*peer, Input::Ended(old), dice);
                    }
                    true => {}
                    false => self.step(node, Input::Up(*peer), dice),
                }
            }
        }
    }

    fn act(&mut self, dice: &mut Dice) {
        let (a, b) = (
            dice.roll(usize::from(NODES)) as u8,
            dice.roll(usize::from(NODES)) as u8,
        );
        let host = &mut self.hosts[usize::from(a)];
        let (name, group) = (Arc::from(dice.one(&SCOPES)), Group::from(dice.one(&GROUPS)));
        match dice.roll(100) {
            0..15 => {
                host.slots += 1;
                let pid = P(a, dice.one(&[host.slots, 0]));
                let pids = vec![pid; 1 + dice.roll(2)];
                host.open(&name);
                host.feed_scope(&name, scope::Input::Join { group, pids });
            }
            15..30 => {
                if let Some(open) = host.scopes.get(&name) {
                    let mut pids = open.machine.local_members(&group);
                    pids.truncate(1 + dice.roll(3));
                    host.feed_scope(&name, scope::Input::Leave { group, pids });
                    host.close(&name);
                }
            }
            30..33 => {
                for name in SCOPES {
                    let pid = P(a, 0);
                    if host.scopes.contains_key(name) {
                        host.feed_scope(&name.into(), scope::Input::Down { pid });
                        host.close(&name.into());
                    }
                }
            }
            33..36 if a != b => self.toggle(a, b, dice),
            36..38 => self.begin_anew(a, dice),
            38..41 => self.retry(a, dice),
            41..65 => self.take(a, dice),
            _ => self.deliver(a, b, dice),
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
        for _ in 0..100_000 {
            for node in 0..NODES {
                self.retry(node, dice);
                self.take(node, dice);
                for other in 0..NODES {
                    self.deliver(other, node, dice);
                }
            }
            for node in 0..NODES {
                let watched = self.hosts[usize::from(node)].watched.clone();
                for pid in watched {
                    if self.hosts[usize::from(pid.0)].own != pid {
                        self.hosts[usize::from(node)].watched.remove(&pid);
                        self.step(node, Input::Ended(pid), dice);
                    }
                }
            }
            let is_quiet = self.links.values().all(VecDeque::is_empty);
            if is_quiet
                && self
                    .hosts
                    .iter()
                    .all(|host| host.feed.is_empty() && !host.retries)
            {
                return;
            }
        }
        panic!("seed {}: they never fall silent", self.seed);
    }

    fn compare(&self) {
        for name in SCOPES {
            for group in GROUPS {
                let mut there: Vec<P> = Vec::new();
                for open in self.hosts.iter().filter_map(|host| host.scopes.get(name)) {
                    there.extend(open.machine.local_members(group));
                }
                there.sort_unstable();
                for (node, host) in self.hosts.iter().enumerate() {
                    let seen = host
                        .scopes
                        .get(name)
                        .map(|open| open.machine.members(group));
                    let mut seen = seen.unwrap_or_default();
                    seen.sort_unstable();
                    assert_eq!(
                        seen, there,
                        "seed {}: {group} of {name} at {node}",
                        self.seed
                    );
                }
            }
        }
        for host in &self.hosts {
            for (name, open) in &host.scopes {
                let peers: BTreeSet<u8> = open.machine.peers().into_iter().collect();
                assert_eq!(
                    peers, open.held,
                    "seed {}: {name} is kept for these",
                    self.seed
                );
                let is_empty = |peer: &u8| !open.machine.has_members_of(*peer);
                assert!(
                    !peers.iter().any(is_empty),
                    "seed {}: {name} is kept",
                    self.seed
                );
            }
        }
    }
}

impl Host {
    fn open(&mut self, name: &Arc<str>) -> &mut Open {
        let (node, count) = (self.own.0, &mut self.count);
        self.scopes.entry(Arc::clone(name)).or_insert_with(|| {
            *count += 1;
            Open {
                number: *count,
                machine: scope::Machine::new(node),
                held: BTreeSet::new(),
            }
        })
    }

    /// A scope is given up once nobody needs it.
    fn close(&mut self, name: &Arc<str>) {
        let open = &self.scopes[name];
        if open.held.is_empty() && open.machine.local_groups().is_empty() {
            self.scopes.remove(name);
        }
    }

    fn feed_scope(&mut self, name: &Arc<str>, input: scope::Input<P>) {
        let open = self.scopes.get_mut(name).expect("it is open");
        let scope = (Arc::clone(name), open.number);
        let mut effects = Vec::new();
        open.machine.step(input, &mut effects);
        open.machine.check();
        for effect in effects {
            let scope = scope.clone();
            let (change, group, pids) = match effect {
                scope::Effect::TellPeersJoined { group, pids } => (Change::Joined, group, pids),
                scope::Effect::TellPeersLeft { group, pids } => (Change::Left, group, pids),
                scope::Effect::Sync { to, groups } => {
                    let round = self.round;
                    let whole = Input::Whole {
                        to,
                        scope,
                        groups,
                        round,
                    };
                    self.feed.push_back(whole);
                    continue;
                }
                _ => continue,
            };
            let changes = |input: &&Input<P>| matches!(input, Input::Changed { .. });
            if self.is_overrun {
                continue;
            }
            if UNTAKEN_MAX <= self.feed.iter().filter(changes).count() {
                self.is_overrun = true;
                self.feed.push_back(Input::Overrun);
                continue;
            }
            let changed = Input::Changed {
                scope,
                change,
                group,
                pids,
            };
            self.feed.push_back(changed);
        }
    }
}

#[test]
fn all_nodes_see_the_same_in_the_end() {
    for seed in 1..=400 {
        let mut dice = Dice::new(seed);
        let mut net = Net::new(seed);
        for _ in 0..3 {
            net.is_tight = true;
            for _ in 0..150 {
                net.act(&mut dice);
            }
            net.settle(&mut dice);
            net.compare();
        }
    }
}
