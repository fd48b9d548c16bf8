//! What do many machines do together?
//!
//! Role       Runs machines against each other: one queue of happenings, virtual time, one seed.
//! Inputs     Hosts, what happens to them, and the [`Links`] between them.
//! Outputs    What they told, when: [`Network::told`]; what they sent: [`Traffic`].
//! Invariant  Same seed, same calls, same happenings in the same order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use foundation_runtime::Rng;

use crate::machine::{Effects, Machine, Tick};

use super::links::Links;

/// What a machine asks of its surroundings.
#[derive(Debug)]
pub enum Ask<E> {
    /// Send a datagram.
    Send(String, Vec<u8>),
    /// Send over a connection.
    Stream(String, Vec<u8>),
    /// Wake it then, instead of when it asked for before.
    Wake(Tick),
    /// Nothing of the network.
    Other(E),
}

/// A machine that sends bytes to addresses and has one timer.
pub trait Sending: Machine {
    /// What it is given when bytes arrive.
    fn received(bytes: Vec<u8>) -> Self::Input;
    /// What it is given when its time has come.
    fn woken() -> Self::Input;
    /// What an effect asks for.
    fn ask(effect: Self::Effect) -> Ask<Self::Effect>;
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many datagrams.
    pub datagrams: u64,
    /// The bytes in them.
    pub datagram_bytes: u64,
    /// How many messages over connections.
    pub streams: u64,
    /// The bytes in them.
    pub stream_bytes: u64,
}

#[derive(Debug)]
struct Host<M> {
    /// None: it has crashed.
    machine: Option<M>,
    /// Which wake is the last that was asked for.
    wakes: u64,
}

#[derive(Debug)]
enum Happening {
    Arrive(usize, Vec<u8>),
    Wake(usize, u64),
}

#[derive(Debug)]
struct Due {
    at: Tick,
    order: u64,
    what: Happening,
}

/// Machines, and a network between them.
#[derive(Debug)]
pub struct Network<M: Sending> {
    /// What happens to messages: to be changed at any time.
    pub links: Links,
    now: Tick,
    rng: Rng,
    order: u64,
    queue: BinaryHeap<Due>,
    hosts: Vec<Host<M>>,
    addresses: BTreeMap<String, usize>,
    effects: Effects<M::Effect>,
    told: Vec<(Tick, usize, M::Effect)>,
    traffic: Traffic,
    /// Every so many steps a machine checks itself; 0: never.
    check_every: u64,
    steps: u64,
}

impl<M: Sending> Network<M> {
    /// A network without hosts. Each `check_every`th step is followed by the machine's check.
    #[must_use]
    pub fn new(seed: u64, check_every: u64) -> Self {
        Self {
            links: Links::new(),
            now: Tick::ZERO,
            rng: Rng::new(seed),
            order: 0,
            queue: BinaryHeap::new(),
            hosts: Vec::new(),
            addresses: BTreeMap::new(),
            effects: Effects::new(),
            told: Vec::new(),
            traffic: Traffic::default(),
            check_every,
            steps: 0,
        }
    }

    /// Adds a host that is reached at `address`.
    pub fn add(&mut self, address: &str, machine: M) -> usize {
        let host = self.hosts.len();
        let machine = Some(machine);
        self.hosts.push(Host { machine, wakes: 0 });
        self.links.add();
        let before = self.addresses.insert(address.to_owned(), host);
        assert!(before.is_none(), "{address} is taken");
        host
    }

    /// The host stops at once, and what is on its way to it is lost.
    pub fn crash(&mut self, host: usize) {
        self.hosts[host].machine = None;
        self.hosts[host].wakes += 1;
    }

    /// The host runs this machine from now on.
    pub fn restart(&mut self, host: usize, machine: M) {
        self.hosts[host].machine = Some(machine);
        self.hosts[host].wakes += 1;
    }

    /// The machine of a host that has not crashed.
    #[must_use]
    pub fn machine(&self, host: usize) -> Option<&M> {
        self.hosts[host].machine.as_ref()
    }

    /// How many hosts there are, crashed ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Are there no hosts?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Virtual time.
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// What was sent so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// How many inputs machines took so far.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes what the machines told since the last time: when, who, what.
    pub fn told(&mut self) -> Vec<(Tick, usize, M::Effect)> {
        std::mem::take(&mut self.told)
    }

    /// Gives a host an input, now.
    pub fn input(&mut self, host: usize, input: M::Input) {
        let Some(machine) = self.hosts[host].machine.as_mut() else {
            return;
        };
        machine.step(self.now, input, &mut self.effects);
        self.steps += 1;
        if self.check_every > 0 && self.steps.is_multiple_of(self.check_every) {
            machine.check();
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain() {
            match M::ask(effect) {
                Ask::Send(to, bytes) => {
                    self.traffic.datagrams += 1;
                    self.traffic.datagram_bytes += bytes.len() as u64;
                    self.carry(host, &to, bytes, true);
                }
                Ask::Stream(to, bytes) => {
                    self.traffic.streams += 1;
                    self.traffic.stream_bytes += bytes.len() as u64;
                    self.carry(host, &to, bytes, false);
                }
                Ask::Wake(at) => {
                    self.hosts[host].wakes += 1;
                    let at = self.links.wake(host, at.max(self.now));
                    self.queue(at, Happening::Wake(host, self.hosts[host].wakes));
                }
                Ask::Other(effect) => self.told.push((self.now, host, effect)),
            }
        }
        self.effects = effects;
    }

    /// Lets everything happen up to `until`.
    pub fn run_until(&mut self, until: Tick) {
        while self.queue.peek().is_some_and(|due| due.at <= until) {
            let due = self.queue.pop().expect("there is one");
            assert!(due.at >= self.now, "time ran backwards");
            self.now = due.at;
            match due.what {
                Happening::Arrive(host, bytes) => self.input(host, M::received(bytes)),
                Happening::Wake(host, wake) => {
                    if self.hosts[host].wakes == wake {
                        self.input(host, M::woken());
                    }
                }
            }
        }
        self.now = until;
    }

    fn carry(&mut self, source: usize, to: &str, bytes: Vec<u8>, datagram: bool) {
        let Some(target) = self.addresses.get(to).copied() else {
            return;
        };
        let way = (source, target);
        if let Some(at) = self.links.arrival(&mut self.rng, way, self.now, datagram) {
            if let Some(again) = self
                .links
                .again(&mut self.rng, target, at)
                .filter(|_| datagram)
            {
                self.queue(again, Happening::Arrive(target, bytes.clone()));
            }
            self.queue(at, Happening::Arrive(target, bytes));
        }
    }

    fn queue(&mut self, at: Tick, what: Happening) {
        self.order += 1;
        let order = self.order;
        self.queue.push(Due { at, order, what });
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    /// The heap gives the greatest first: that is the earliest, and of those the first queued.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}
