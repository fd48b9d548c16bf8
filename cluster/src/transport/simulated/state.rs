//! What is there in a simulated network?
//!
//! Role       Hosts, the ways between them, listeners, and both directions of every stream.
//! Invariant  A direction is forgotten when both of its ends are gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Waker;
use std::time::Duration;

use foundation_runtime::Rng;

use super::Traffic;
use super::directory::SimName;
use super::link::Link;
use super::pipe::{End, Pipe};
use crate::machine::Tick;

/// The most connections that wait to be accepted.
const BACKLOG_MAX: usize = 1024;

pub(super) type HostId = usize;
pub(super) type PipeId = u64;

/// One direction of a stream.
pub(super) struct Way {
    pub(super) from: HostId,
    pub(super) to: HostId,
    pub(super) pipe: Pipe,
    /// An end has lost its power: nothing passes any more, whatever becomes of its host.
    is_dead: bool,
    /// Until when it is busy with what was sent before over it.
    busy: Tick,
    /// How many ends still hold it.
    ends: u8,
}

/// Where connections wait to be accepted.
#[derive(Default)]
pub(super) struct Door {
    pub(super) waiting: VecDeque<(PipeId, PipeId, Box<str>)>,
    pub(super) acceptor: Option<Waker>,
    host: HostId,
    /// Which life of the host it belongs to.
    life: u32,
}

pub(super) struct State {
    rng: Rng,
    /// Each with how often its programs were killed: what was started before that reaches nobody.
    hosts: Vec<(Box<str>, u32)>,
    silent: BTreeSet<HostId>,
    pub(super) default_link: Link,
    pub(super) links: BTreeMap<(HostId, HostId), Link>,
    cut: BTreeSet<(HostId, HostId)>,
    /// Until when a way is busy with what was sent before.
    busy: BTreeMap<(HostId, HostId), Tick>,
    pub(super) doors: BTreeMap<Box<str>, Door>,
    pub(super) ways: BTreeMap<PipeId, Way>,
    next: PipeId,
    pub(super) traffic: Traffic,
    /// What is said of names.
    pub(super) names: BTreeMap<Box<str>, SimName>,
    /// How many of the next portions are changed on their way.
    garbled: BTreeMap<(HostId, HostId), u32>,
}

/// What becomes of an attempt to dial.
pub(super) enum Dialled {
    /// Out and in, and how long it took.
    Connected(PipeId, PipeId, Duration),
    /// Nobody listens: known after this time.
    Refused(Duration),
    /// No answer comes.
    Silence,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            hosts: Vec::new(),
            silent: BTreeSet::new(),
            default_link: Link::default(),
            links: BTreeMap::new(),
            cut: BTreeSet::new(),
            busy: BTreeMap::new(),
            doors: BTreeMap::new(),
            ways: BTreeMap::new(),
            next: 0,
            traffic: Traffic::default(),
            names: BTreeMap::new(),
            garbled: BTreeMap::new(),
        }
    }

    pub(super) fn host(&mut self, name: &str) -> HostId {
        let known = self.hosts.iter().position(|(host, _)| &**host == name);
        known.unwrap_or_else(|| {
            self.hosts.push((name.into(), 0));
            self.hosts.len() - 1
        })
    }

    /// How often the programs of a host were killed.
    pub(super) fn life(&self, host: HostId) -> u32 {
        self.hosts[host].1
    }

    pub(super) fn is_cut(&self, ends: (HostId, HostId)) -> bool {
        let silent = self.silent.contains(&ends.0) || self.silent.contains(&ends.1);
        silent || self.cut.contains(&ends)
    }

    /// How long the next portion takes; `None` when nothing passes.
    pub(super) fn passage(&mut self, ends: (HostId, HostId)) -> Option<Duration> {
        if self.is_cut(ends) {
            return None;
        }
        let link = self.links.get(&ends).unwrap_or(&self.default_link);
        let (takes, lost) = link.passage(&mut self.rng);
        self.traffic.lost += u64::from(lost);
        Some(takes)
    }

    pub(super) fn open(&mut self, address: &str, host: HostId) -> bool {
        self.silent.remove(&host);
        let taken = self.doors.contains_key(address);
        if !taken {
            let door = Door {
                host,
                life: self.life(host),
                ..Door::default()
            };
            self.doors.insert(address.into(), door);
        }
        !taken
    }

    pub(super) fn dial(&mut self, from: HostId, address: &str) -> Dialled {
        let Some(to) = self.doors.get(address).map(|door| door.host) else {
            return Dialled::Refused(Duration::from_millis(1));
        };
        let (Some(there), Some(back)) = (self.passage((from, to)), self.passage((to, from))) else {
            return Dialled::Silence;
        };
        let waiting = self.doors.get(address).map_or(0, |door| door.waiting.len());
        if BACKLOG_MAX <= waiting {
            return Dialled::Silence;
        }
        let (out, back_in) = (self.way(from, to), self.way(to, from));
        Dialled::Connected(out, back_in, there + back)
    }

    /// The dialled end gets its stream.
    pub(super) fn arrive(&mut self, address: &str, out: PipeId, back: PipeId) -> bool {
        let Some(way) = self.ways.get(&out) else {
            return false;
        };
        let from = self.hosts[way.from].0.clone();
        let Some(door) = self.doors.get_mut(address) else {
            return false;
        };
        door.waiting.push_back((back, out, from));
        if let Some(acceptor) = door.acceptor.take() {
            acceptor.wake();
        }
        self.traffic.connections += 1;
        true
    }

    fn way(&mut self, from: HostId, to: HostId) -> PipeId {
        self.next += 1;
        let pipe = Pipe::default();
        self.ways.insert(
            self.next,
            Way {
                from,
                to,
                pipe,
                is_dead: false,
                busy: Tick::ZERO,
                ends: 2,
            },
        );
        self.next
    }

    /// How long the next portion takes on a way of a stream, or back on it.
    fn passage_on(&mut self, id: PipeId, is_back: bool) -> Option<Duration> {
        let way = self.ways.get(&id).filter(|way| !way.is_dead)?;
        let ends = match is_back {
            true => (way.to, way.from),
            false => (way.from, way.to),
        };
        self.passage(ends)
    }

    /// Who is to be woken when, if anybody is.
    pub(super) fn send(&mut self, now: Tick, id: PipeId, bytes: &[u8]) -> Option<(Tick, Waker)> {
        let queued = self.queued(now, id, bytes.len());
        let takes = self.passage_on(id, false).map(|takes| takes + queued);
        self.traffic.portions += 1;
        self.traffic.bytes += bytes.len() as u64;
        let ends = self.ways.get(&id).map(|way| (way.from, way.to))?;
        let mut bytes = bytes.to_vec();
        if let Some(left) = self.garbled.get_mut(&ends).filter(|left| **left > 0) {
            *left -= 1;
            let bit = self.rng.below(bytes.len().max(1) * 8);
            bytes
                .iter_mut()
                .skip(bit / 8)
                .take(1)
                .for_each(|byte| *byte ^= 1 << (bit % 8));
        }
        let way = self.ways.get_mut(&id)?;
        way.pipe.send(now, bytes, takes)
    }

    /// So many of the next portions are changed on their way.
    pub(super) fn garble(&mut self, ends: (HostId, HostId), portions: u32) {
        self.garbled.insert(ends, portions);
    }

    /// How long bytes wait for those before them, and take to get into the way.
    fn queued(&mut self, now: Tick, id: PipeId, bytes: usize) -> Duration {
        let Some(way) = self.ways.get_mut(&id) else {
            return Duration::ZERO;
        };
        let ends = (way.from, way.to);
        let link = self.links.get(&ends).unwrap_or(&self.default_link);
        let [takes, takes_alone] = link.takes(bytes);
        if takes.is_zero() && takes_alone.is_zero() {
            return takes;
        }
        let shared = self.busy.entry(ends).or_default();
        let after = |busy: Tick, takes| busy.max(now) + takes;
        *shared = after(*shared, takes);
        way.busy = after(way.busy, takes_alone);
        shared.since(now).max(way.busy.since(now))
    }

    /// The writing end says no more.
    pub(super) fn finish(&mut self, now: Tick, id: PipeId, end: End) {
        let takes = self.passage_on(id, false);
        if let Some(way) = self.ways.get_mut(&id) {
            way.pipe.finish(now, end, takes);
        }
    }

    /// The reading end is gone.
    pub(super) fn abandon(&mut self, now: Tick, id: PipeId) {
        let takes = self.passage_on(id, true);
        if let Some(way) = self.ways.get_mut(&id) {
            way.pipe.abandon(now, takes);
        }
    }

    /// Nobody listens at this address any more: who waited to be accepted is turned away.
    pub(super) fn close(&mut self, now: Tick, address: &str, owner: (HostId, u32)) {
        let is_own = |door: &Door| (door.host, door.life) == owner;
        if !self.doors.get(address).is_some_and(is_own) {
            return;
        }
        let waiting = self.doors.remove(address).map(|door| door.waiting);
        for (out, back, _) in waiting.into_iter().flatten() {
            self.finish(now, out, End::Reset);
            self.abandon(now, back);
            self.let_go(out);
            self.let_go(back);
        }
    }

    pub(super) fn let_go(&mut self, id: PipeId) {
        if let Some(way) = self.ways.get_mut(&id) {
            way.ends -= 1;
            if way.ends == 0 {
                self.ways.remove(&id);
            }
        }
    }

    pub(super) fn cut(&mut self, now: Tick, ends: (HostId, HostId)) {
        if self.cut.insert(ends) {
            let along = self
                .ways
                .values_mut()
                .filter(|way| (way.from, way.to) == ends);
            along.for_each(|way| way.pipe.stall(now));
        }
    }

    pub(super) fn join(&mut self, now: Tick, ends: (HostId, HostId)) {
        if !self.cut.remove(&ends) || self.is_cut(ends) {
            return;
        }
        let along = self
            .ways
            .iter()
            .filter(|(_, way)| (way.from, way.to) == ends);
        let along: Vec<PipeId> = along.map(|(id, _)| *id).collect();
        for id in along {
            let Some(takes) = self.passage_on(id, false) else {
                continue;
            };
            if let Some(way) = self.ways.get_mut(&id) {
                way.pipe.resume(now, takes);
            }
        }
    }

    pub(super) fn join_all(&mut self, now: Tick) {
        for ends in self.cut.clone() {
            self.join(now, ends);
        }
    }

    /// Ends every connection between two hosts.
    pub(super) fn reset(&mut self, now: Tick, ends: (HostId, HostId)) {
        for id in self.between(ends) {
            self.finish(now, id, End::Reset);
        }
    }

    /// Both directions of the newest stream end.
    pub(super) fn reset_last(&mut self, now: Tick, ends: (HostId, HostId)) {
        for id in self.between(ends).into_iter().rev().take(2) {
            self.finish(now, id, End::Reset);
        }
    }

    fn between(&self, (a, b): (HostId, HostId)) -> Vec<PipeId> {
        let between = |way: &Way| (way.from, way.to) == (a, b) || (way.from, way.to) == (b, a);
        let ways = self.ways.iter().filter(|(_, way)| between(way));
        ways.map(|(id, _)| *id).collect()
    }

    /// Nothing of a host is left; whether the others are told.
    pub(super) fn kill(&mut self, now: Tick, host: HostId, told: bool) {
        self.hosts[host].1 += 1;
        self.doors.retain(|_, door| door.host != host);
        let touched = self
            .ways
            .iter()
            .filter(|(_, way)| way.from == host || way.to == host);
        let touched: Vec<(PipeId, bool)> =
            touched.map(|(id, way)| (*id, way.from == host)).collect();
        if !told {
            self.silent.insert(host);
        }
        for (id, outgoing) in touched {
            match (told, outgoing) {
                (true, true) => self.finish(now, id, End::Reset),
                (true, false) => self.abandon(now, id),
                (false, _) => {
                    if let Some(way) = self.ways.get_mut(&id) {
                        way.pipe.stall(now);
                        way.is_dead = true;
                    }
                }
            }
        }
    }
}
