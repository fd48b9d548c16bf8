//! Who runs the membership of a node?
//!
//! Role       The process that owns the machine: gives it what comes over the node's connections, sends
//!            over them what it asks for, and tells the mesh who is a member and who is not any more.
//! Limit      Some messages of each connection at a time: see [`Handed`].
//! Invariant  A message counts only over the connection to the node that it says it is from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use foundation_actors::{Cx, Name as ProcessName, NodeExt, Ref};
use foundation_macros::actor;
use foundation_runtime::{Node, TimerRef, me};

use super::config::{Config, Reach};
use super::event::{Effect, Event, Input, Refusal};
use super::machine::Membership;
use super::name::{Address, Name};
use super::record::{Record, State};
use super::wire::sender_of;
use crate::connection::{Association, Context, Handed, Kind, RoundTrip};
use crate::handshake::Who;
use crate::machine::{Effects, Machine as _, Tick};
use crate::mesh::{Loss, MeshConfig, MeshRef};

const MEMBERSHIP: ProcessName<Driver> = ProcessName::new("foundation_membership");
/// The shortest probe interval that is made of a mesh's times.
const PROBE_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// For each step so many members are checked.
const CHECKED: usize = 8;
/// A suspect has so many probe intervals for each digit of the number of members.
const SPARSE_SUSPICION: u32 = 3;
/// How many messages wait for one connection, and for how many connections some do.
const WAITING_MAX: usize = 64;
/// How long they do.
const WAITING_BOUND: Duration = Duration::from_secs(5);
/// For each node that may be connected, so many members are kept: most of them are gone.
const REMEMBERED: usize = 10;

/// What a membership starts from.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) node: Node,
    pub(crate) own: Who,
    pub(crate) config: Config,
    /// Not everybody is connected to everybody.
    pub(crate) is_sparse: bool,
    /// Where others read how long members take to answer.
    pub(crate) round_trip: Arc<RoundTrip>,
}

impl Plan {
    /// What the membership of this node starts from.
    pub(crate) fn of(context: &Context, config: Config, is_sparse: bool) -> Self {
        Self {
            node: context.node.clone(),
            own: context.own.clone(),
            config,
            is_sparse,
            round_trip: Arc::clone(&context.round_trip),
        }
    }
}

/// One connection.
struct Link {
    who: Who,
    association: Arc<Association>,
}

/// The process that owns the machine.
pub(crate) struct Driver {
    machine: Membership,
    node: Node,
    links: BTreeMap<Box<str>, Link>,
    is_sparse: bool,
    round_trip: Arc<RoundTrip>,
    /// Whom the overlay keeps connected.
    neighbours: BTreeSet<(Name, u64)>,
    /// What waits for a connection to an address, and since when.
    waiting: BTreeMap<Box<str>, (Tick, Vec<Vec<u8>>)>,
    wake: Option<TimerRef>,
    /// How many members could have been checked since they were.
    unchecked: usize,
}

#[actor(crate = foundation_actors)]
impl Driver {
    #[init]
    fn init(plan: Plan, cx: &mut Cx<Self>) -> Self {
        let text = "a handshake allows no longer names than a membership";
        let name = Name::new(&plan.own.name).expect(text);
        let address = Address::new(&plan.own.address).expect(text);
        let seed = plan.node.random();
        let machine = Membership::new(plan.config, name, plan.own.incarnation, address, seed);
        let mut driver = Self {
            machine: machine.expect("the builder has checked the configuration"),
            node: plan.node,
            links: BTreeMap::new(),
            is_sparse: plan.is_sparse,
            round_trip: plan.round_trip,
            neighbours: BTreeSet::new(),
            waiting: BTreeMap::new(),
            wake: None,
            unchecked: 0,
        };
        // The mesh dials the seeds: whoever is connected is met.
        driver.step(Input::Join(Vec::new()), cx);
        driver
    }

    #[cast(local)]
    fn wake(&mut self, cx: &mut Cx<Self>) {
        self.wake = None;
        self.step(Input::Woken, cx);
    }

    /// A node is connected.
    #[cast(local)]
    pub(crate) fn linked(&mut self, who: Who, association: Arc<Association>, cx: &mut Cx<Self>) {
        let (name, address) = (Name::new(&who.name), Address::new(&who.address));
        let incarnation = who.incarnation;
        let (_, waiting) = self.waiting.remove(&who.address).unwrap_or_default();
        let link = Link { who, association };
        waiting.iter().for_each(|bytes| send(&link, bytes));
        self.links.insert(link.who.address.clone(), link);
        if let (Ok(name), Ok(address)) = (name, address) {
            self.step(Input::Met(name, incarnation, address), cx);
        }
    }

    /// A node is connected no more.
    #[cast(local)]
    pub(crate) fn unlinked(&mut self, who: Who) {
        let is_it = self
            .links
            .get(&who.address)
            .is_some_and(|link| link.who == who);
        if is_it {
            self.links.remove(&who.address);
        }
    }

    /// The overlay keeps the connection to this one, or does not any more.
    #[cast(local)]
    pub(crate) fn neighbour(&mut self, who: Who, is_up: bool, cx: &mut Cx<Self>) {
        if let Ok(name) = Name::new(&who.name) {
            let neighbour = (name.clone(), who.incarnation);
            let input = match is_up {
                true => {
                    self.neighbours.insert(neighbour);
                    Input::Linked(name, who.incarnation)
                }
                false => {
                    self.neighbours.remove(&neighbour);
                    Input::Unlinked(name, who.incarnation)
                }
            };
            self.step(input, cx);
        }
    }

    /// The overlay is another one: whom it speaks to, and how patient it is.
    #[cast(local)]
    pub(crate) fn reconfigure(&mut self, config: Config, is_sparse: bool, cx: &mut Cx<Self>) {
        self.is_sparse = is_sparse;
        self.step(Input::Configured(Box::new(config)), cx);
    }

    /// A new mesh has begun: nobody is connected, and it has to be told of all members.
    #[cast(local)]
    pub(crate) fn parted(&mut self, cx: &mut Cx<Self>) {
        self.links.clear();
        for (name, incarnation) in std::mem::take(&mut self.neighbours) {
            self.step(Input::Unlinked(name, incarnation), cx);
        }
        let mesh = MeshRef::of(&self.node);
        for record in self.machine.live() {
            // Where the mesh has ended again, the next one asks.
            let _ = mesh.mesh().member(who(record));
        }
    }

    /// What came over the connection to a node. The connection has to end where it is from somebody else, or
    /// nothing that a membership says, or one of the two nodes is a member no more.
    #[cast(local)]
    pub(crate) fn received(&mut self, handed: Handed, bytes: Vec<u8>, cx: &mut Cx<Self>) {
        let from = handed.from();
        let sender = sender_of(&bytes);
        if sender != Ok((&*from.name, from.incarnation)) {
            tracing::error!(
                target: "foundation::cluster",
                name = %from.name, ?sender,
                "a message of the membership is not from the node that sent it"
            );
            return handed.refuse(Loss::Garbage);
        }
        if let Some(Refusal::Malformed(error)) = self.step(Input::Received(bytes), cx) {
            tracing::error!(target: "foundation::cluster", name = %from.name, %error, "no message");
            return handed.refuse(Loss::Garbage);
        }
        // Who has said so closes the connection at once: what is told to the mesh may come later.
        let record = self.machine.member(&from.name);
        let record = record.filter(|record| record.incarnation == from.incarnation);
        match record.map(|record| record.state) {
            Some(State::Left) => handed.refuse(Loss::Left),
            Some(State::Evicted) => handed.refuse(Loss::Evicted),
            Some(State::Alive | State::Suspect | State::Down) | None => {}
        }
    }

    /// Everybody who is known, this node among them, by name.
    #[call(local)]
    pub(crate) fn members(&self) -> Vec<Record> {
        let mut members: Vec<Record> = self.machine.known().cloned().collect();
        members.push(self.machine.me().clone());
        members.sort_by(|one, other| one.name.cmp(&other.name));
        members
    }

    /// Takes a member out; `false` when there is none of this name.
    #[call(local)]
    pub(crate) fn evict(&mut self, name: Box<str>, cx: &mut Cx<Self>) -> bool {
        let Ok(name) = Name::new(&name) else {
            return false;
        };
        !matches!(
            self.step(Input::Evict(name), cx),
            Some(Refusal::NoMember(_))
        )
    }

    /// Says good-bye to everybody who is connected.
    #[call(local)]
    pub(crate) fn leave(&mut self, cx: &mut Cx<Self>) {
        self.step(Input::Leave, cx);
        // There may be no time to pass it on.
        let bytes = self.machine.introduction();
        self.links.values().for_each(|link| send(link, &bytes));
    }
}

impl Driver {
    /// One step of the machine, and what it asks for; why it refused the input, if it did.
    fn step(&mut self, input: Input, cx: &mut Cx<Self>) -> Option<Refusal> {
        let mut effects = Effects::new();
        let now = Tick::ZERO + self.node.now();
        self.machine.step(now, input, &mut effects);
        if let Some(time) = self.machine.round_trip() {
            self.round_trip.set(time);
        }
        // All members are looked at: now and then, so that a step costs the same however many there are.
        self.unchecked += CHECKED;
        if self.machine.known_count() <= self.unchecked {
            self.unchecked = 0;
            self.machine.check();
        }
        let mut refused = None;
        for effect in effects.drain() {
            match effect {
                Effect::Send { to, bytes } | Effect::Stream { to, bytes } => {
                    match self.links.get(to.as_str()) {
                        Some(link) => send(link, &bytes),
                        None if self.is_sparse => self.put_off(now, &to, bytes),
                        // It is lost, as a datagram is.
                        None => {}
                    }
                }
                Effect::Wake(at) => {
                    if let (Some(timer), Some(me)) = (self.wake.take(), me()) {
                        me.cancel_timer(timer);
                    }
                    self.wake = Some(cx.msg_after(at.since(now), DriverMsg::Wake));
                }
                Effect::Tell(event) => self.tell(&event),
                Effect::Refused(refusal) => refused = Some(refusal),
            }
        }
        refused
    }

    /// Asks for a connection to a member, and sends it this when there is one.
    fn put_off(&mut self, now: Tick, to: &Address, bytes: Vec<u8>) {
        let Some(record) = self.machine.known().find(|record| record.address == *to) else {
            return;
        };
        self.waiting
            .retain(|_, (since, _)| now.since(*since) < WAITING_BOUND);
        let is_new = !self.waiting.contains_key(to.as_str());
        if is_new && self.waiting.len() == WAITING_MAX {
            return;
        }
        if is_new {
            // Where the mesh has ended, it is lost.
            let _ = MeshRef::of(&self.node).mesh().wanted(who(record));
        }
        let (_, waiting) = self
            .waiting
            .entry(to.as_str().into())
            .or_insert((now, Vec::new()));
        if waiting.len() < WAITING_MAX {
            waiting.push(bytes);
        }
    }

    /// Tells the mesh and the log what has become of a member.
    fn tell(&self, event: &Event) {
        let mesh = MeshRef::of(&self.node);
        let lost = |record: &Record, loss| {
            let name = record.name.as_str();
            let _ = mesh.mesh().lost(name.into(), record.incarnation, loss);
            tracing::info!(target: "foundation::cluster", name, %loss, "member lost");
        };
        // Where the mesh has ended, the next one asks.
        match event {
            Event::Joined(record) | Event::Updated(record) => {
                let _ = mesh.mesh().member(who(record));
                tracing::info!(target: "foundation::cluster", name = %record.name, "member");
            }
            Event::Suspected(record) => {
                tracing::warn!(target: "foundation::cluster", name = %record.name, "member suspected");
            }
            Event::Recovered(record) => {
                tracing::info!(target: "foundation::cluster", name = %record.name, "member recovered");
            }
            Event::Failed(record) => lost(record, Loss::Failed),
            Event::Left(record) if record.state == State::Evicted => lost(record, Loss::Evicted),
            Event::Left(record) => lost(record, Loss::Left),
            Event::Departed => {}
            Event::Ousted(why) => {
                let _ = mesh.mesh().out();
                tracing::error!(target: "foundation::cluster", ?why, "this node is out of its cluster");
            }
        }
    }
}

fn send(link: &Link, bytes: &[u8]) {
    // A connection that is gone loses it.
    link.association.outgoing.say(Kind::Membership, bytes);
}

fn who(record: &Record) -> Who {
    Who {
        name: record.name.as_str().into(),
        incarnation: record.incarnation,
        address: record.address.as_str().into(),
    }
}

/// The membership of a node.
pub(crate) fn of(node: &Node) -> Ref<Driver> {
    node.at(MEMBERSHIP)
}

/// The figures of a membership whose nodes are silent for as long as a mesh allows.
pub(crate) fn config_of(mesh: &MeshConfig, is_sparse: bool) -> Config {
    let interval = mesh.tick.max(PROBE_INTERVAL_MIN);
    // A silent member is probed within two intervals; then it is suspected.
    let suspicion = mesh.silence.saturating_sub(2 * interval).as_micros() / interval.as_micros();
    if is_sparse {
        // The time grows with the number of members, and news go from neighbour to neighbour: for those
        // of a thousand, six or seven times.
        return Config {
            suspicion_factor: SPARSE_SUSPICION,
            suspicion_max_factor: 2,
            reach: Reach::Neighbours,
            ..config_of(mesh, false)
        };
    }
    Config {
        probe_interval: interval,
        probe_timeout: interval * 2 / 5,
        gossip_interval: interval * 2 / 5,
        suspicion_factor: u32::try_from(suspicion).unwrap_or(u32::MAX).max(1),
        remember: mesh.forget,
        members_max: mesh.peers_max.saturating_mul(REMEMBERED),
        ..Config::default()
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(plan: Plan) -> foundation_actors::supervisor::Child<Driver> {
    foundation_actors::child_with::<Driver>(plan).name(MEMBERSHIP)
}

#[cfg(test)]
mod tests {
    use super::super::wire::DecodeError;
    use super::*;
    use crate::{BuilderExt, NodeClusterExt, SimNetwork};
    use foundation_runtime::World;

    /// A message of `c`, as its own machine writes it.
    fn message(name: &str, incarnation: u64) -> Vec<u8> {
        let text = |text| (Name::new(text).unwrap(), Address::new("c:7000").unwrap());
        let (name, address) = text(name);
        let machine = Membership::new(Config::default(), name, incarnation, address, 1);
        machine.unwrap().introduction()
    }

    #[test]
    fn a_message_counts_over_the_connection_of_its_sender_only() {
        let run = |world: World| async move {
            let network = SimNetwork::new(&world);
            let plan = Node::builder().name("a").listen("a:7000");
            let a = plan.start_in(&world, &network).await.expect("it starts");
            let c = |incarnation| Who {
                name: "c".into(),
                incarnation,
                address: "c:7000".into(),
            };
            let good = message("c", 7);
            let mut spoilt = good.clone();
            spoilt.push(0);
            let rows = [
                (c(8), good.clone(), Some(Loss::Garbage), 1),
                (
                    Who {
                        name: "b".into(),
                        ..c(7)
                    },
                    good.clone(),
                    Some(Loss::Garbage),
                    1,
                ),
                (c(7), b"x".to_vec(), Some(Loss::Garbage), 1),
                (c(7), spoilt, Some(Loss::Garbage), 1),
                (c(7), good, None, 2),
            ];
            for (from, bytes, loss, known) in rows {
                let handed = Handed::from_peer(&a, from.clone()).await;
                let association = handed.association();
                of(&a).received(handed, bytes).expect("it runs");
                world.settle().await;
                assert_eq!(association.outgoing.closed(), loss, "{from:?}");
                let members = a.cluster().members().await.expect("it has a cluster");
                assert_eq!(members.len(), known, "{from:?}");
            }
        };
        World::simulate(1, run).expect("it ends");
        let error = sender_of(b"x").expect_err("it is none");
        assert_eq!(error, DecodeError::Version(b'x'));
    }

    #[test]
    fn a_membership_is_as_patient_as_its_mesh() {
        let of = |tick, silence| {
            let mesh = MeshConfig {
                tick: Duration::from_millis(tick),
                silence: Duration::from_millis(silence),
                ..MeshConfig::default()
            };
            let config = config_of(&mesh, false);
            assert_eq!(config.check(), Ok(()), "{mesh:?}");
            (config.probe_interval, config.suspicion_factor)
        };
        assert_eq!(of(500, 4_000), (Duration::from_millis(500), 6));
        assert_eq!(of(500, 60_000), (Duration::from_millis(500), 118));
        assert_eq!(of(100, 400), (Duration::from_millis(100), 2));
        assert_eq!(of(1, 4), (PROBE_INTERVAL_MIN, 1));
    }
}
