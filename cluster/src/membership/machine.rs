//! Who is in the cluster, and who has failed?
//!
//! Role       SWIM with Lifeguard: members probe each other, news travel on the probes and in rounds
//!            of gossip, and views are compared with random members until they agree.
//! Inputs     [`Input`]: seeds, messages, time, and what operators want.
//! Outputs    [`Effect`]: messages to send, when to wake it, and [`Event`]s for those who watch.
//! Limit      `members_max` members, one probe at a time, [`RELAYS_MAX`] probes for others.
//! Invariant  Claims about a member never go back: what is older than what is known has no effect.
//! Source     Das, Gupta, Motivala: SWIM (2002); Dadgar, Phillips, Currey: Lifeguard (2017)

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::Rng;

use crate::machine::{Effects, Machine, Tick};

use super::agenda::{Agenda, Due};
use super::config::{Config, ConfigError};
use super::digest::hash;
use super::event::{Effect, Event, Input, Ousted, Refusal};
use super::health::Health;
use super::members::Members;
use super::name::{Address, Name};
use super::neighbours::Neighbours;
use super::probing::{Probe, Relay};
use super::record::{METADATA_MAX, Record, State};
use super::rumours::{About, Rumours};
use super::wire::{Body, DecodeError, decode};

/// The most probes that are made for others at the same time; more requests are ignored.
pub const RELAYS_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Running,
    Leaving,
    Out,
}

/// One member's view of the cluster.
///
/// ```
/// use foundation_cluster::membership::{Address, Config, Effect, Input, Membership, Name};
/// use foundation_cluster::{Effects, Machine, Tick};
///
/// let (name, address) = (Name::new("a@host")?, Address::new("10.0.0.1:4370")?);
/// let mut member = Membership::new(Config::default(), name, 1, address, 42)?;
/// let mut effects = Effects::new();
/// let seed = Address::new("10.0.0.2:4370")?;
/// member.step(Tick::ZERO, Input::Join(vec![seed.clone()]), &mut effects);
/// let sent = effects.drain().find_map(|effect| match effect {
///     Effect::Send { to, .. } => Some(to),
///     _ => None,
/// });
/// assert_eq!(sent, Some(seed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Membership {
    pub(super) config: Config,
    pub(super) rng: Rng,
    pub(super) phase: Phase,
    pub(super) me: Record,
    pub(super) my_hash: u64,
    pub(super) members: Members,
    pub(super) rumours: Rumours,
    pub(super) agenda: Agenda,
    pub(super) health: Health,
    pub(super) probe: Option<Probe>,
    /// Whom to probe before others: it was heard that they are down.
    pub(super) doubted: VecDeque<usize>,
    /// Was the last one that was probed one of them?
    pub(super) probed_hearsay: bool,
    pub(super) neighbours: Neighbours,
    pub(super) relays: BTreeMap<u32, Relay>,
    pub(super) number: u32,
    /// Where to join, and who was found there.
    pub(super) seeds: Vec<(Address, Option<usize>)>,
    /// When views are compared next, and how long after that again.
    pub(super) exchange: (Tick, Duration),
    /// Was a difference found since the last comparison?
    pub(super) differed: bool,
    /// When a stranger was last asked for its view.
    pub(super) greeted: Option<Tick>,
    pub(super) turned_away: u64,
    /// Are the claims of an exchange being taken?
    pub(super) exchanging: bool,
    /// How long an answer takes, smoothed.
    pub(super) round_trip: Option<Duration>,
    gossiping: bool,
    armed: Option<Tick>,
}

impl Membership {
    /// A member called `name`, started as `incarnation` (greater at each start), that others reach at
    /// `address`. All its choices follow from `seed`. It does nothing before [`Input::Join`].
    ///
    /// # Errors
    /// When the configuration cannot be.
    pub fn new(
        config: Config,
        name: Name,
        incarnation: u64,
        address: Address,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let my_hash = hash(name.as_str());
        let me = Record {
            name,
            incarnation,
            revision: 0,
            address,
            metadata: Arc::from([]),
            state: State::Alive,
        };
        let mut members = Members::new();
        members.digest.add(my_hash, incarnation, 0);
        Ok(Self {
            rng: Rng::new(seed),
            phase: Phase::Idle,
            me,
            my_hash,
            members,
            rumours: Rumours::default(),
            agenda: Agenda::default(),
            health: Health::new(config.health_max),
            probe: None,
            doubted: VecDeque::new(),
            probed_hearsay: false,
            neighbours: Neighbours::default(),
            relays: BTreeMap::new(),
            number: 0,
            seeds: Vec::new(),
            exchange: (Tick::ZERO, config.exchange_interval_min),
            differed: false,
            greeted: None,
            turned_away: 0,
            exchanging: false,
            round_trip: None,
            gossiping: false,
            armed: None,
            config,
        })
    }

    /// How long a member takes to answer a probe, there and back: of eight or so the mean. Unknown until
    /// one has answered by itself.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What this member says of itself.
    #[must_use]
    pub const fn me(&self) -> &Record {
        &self.me
    }

    /// The others that count as members, always in the same order.
    pub fn live(&self) -> impl Iterator<Item = &Record> {
        let records = self.members.iter().map(|(_, member)| &member.record);
        records.filter(|record| record.state.is_live())
    }

    /// All others that are known, also those that are gone and not yet forgotten, always in the same
    /// order.
    pub fn known(&self) -> impl Iterator<Item = &Record> {
        self.members.iter().map(|(_, member)| &member.record)
    }

    /// How many others are known, also those that are gone and not yet forgotten.
    #[must_use]
    pub fn known_count(&self) -> usize {
        self.members.len()
    }

    /// How many others count as members.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.members.live().len()
    }

    /// What is known of a member, also of one that is gone and not yet forgotten.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Record> {
        let at = self.members.find(name)?;
        Some(&self.members.at(at).record)
    }

    /// How far it mistrusts its own judgement: 0 is not at all; its probes take so many times longer.
    #[must_use]
    pub const fn doubt(&self) -> u32 {
        self.health.score()
    }

    /// Of how many members there are news to be passed on.
    #[must_use]
    pub fn news(&self) -> usize {
        self.rumours.len()
    }

    /// How many members were refused because the table was full.
    #[must_use]
    pub const fn turned_away(&self) -> u64 {
        self.turned_away
    }

    fn join(&mut self, now: Tick, seeds: Vec<Address>, effects: &mut Effects<Effect>) {
        if seeds.len() > self.config.seeds_max {
            return effects.push(Effect::Refused(Refusal::TooManySeeds));
        }
        let others = seeds.into_iter().filter(|seed| *seed != self.me.address);
        self.seeds = others.map(|seed| (seed, None)).collect();
        match self.phase {
            Phase::Idle => {
                self.phase = Phase::Running;
                self.rumours.tell(About::Own);
                let first = self.within(self.config.probe_interval);
                self.agenda.add(now + first, Due::Probe);
                let first = self.within(self.config.reconnect_interval);
                self.agenda.add(now + first, Due::Reconnect);
                self.exchange.0 = now;
                self.agenda.add(now, Due::Exchange);
                self.exchange_due(now, effects);
            }
            Phase::Running => self.hurry(now),
            Phase::Leaving | Phase::Out => effects.push(Effect::Refused(Refusal::NotRunning)),
        }
    }

    fn received(&mut self, now: Tick, bytes: &[u8], effects: &mut Effects<Effect>) {
        let refused = |error| Effect::Refused(Refusal::Malformed(error));
        let message = match decode(bytes) {
            Ok(message) => message,
            Err(error) => return effects.push(refused(error)),
        };
        if message.cluster != self.config.cluster {
            return effects.push(refused(DecodeError::Cluster(message.cluster)));
        }
        let sender = message.sender;
        if sender.name == self.me.name.as_str() && sender.incarnation == self.me.incarnation {
            return effects.push(refused(DecodeError::Echo));
        }
        // What is learned by comparing spreads by comparing, which is going to be done more often.
        self.exchanging = matches!(message.body, Body::Differ { .. });
        for claim in &message.claims {
            let news = self.learn(now, claim, effects);
            self.differed |= news && self.exchanging;
        }
        self.exchanging = false;
        if self.phase == Phase::Out || !self.answers(now, &sender, effects) {
            return;
        }
        match message.body {
            Body::Ping(ping) => self.pinged(now, &sender, &ping, effects),
            Body::Ack { number, .. } => self.acked(now, number, effects),
            Body::Help {
                number,
                name,
                incarnation,
                address,
            } => {
                let target = (name, incarnation, address);
                self.asked(now, &sender, number, target, effects);
            }
            Body::Nack { number } => self.nacked(number),
            Body::Gossip => {}
            Body::Compare { digest } => self.compared(now, &sender, &digest, effects),
            Body::Differ { mask } => self.answer(now, &sender, mask, &message.claims, effects),
        }
        if self.differed {
            self.hurry(now);
        }
    }

    fn woken(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        self.armed = None;
        let late = self
            .agenda
            .first()
            .map_or(Duration::ZERO, |due| now.since(due));
        if late > self.config.probe_timeout {
            self.overslept(late);
        }
        while let Some(due) = self.agenda.take(now) {
            match due {
                Due::Probe => self.probe_due(now, effects),
                Due::Help(number) => self.help_due(now, number, effects),
                Due::Gossip => self.gossip_due(now, effects),
                Due::Exchange => self.exchange_due(now, effects),
                Due::Reconnect => self.reconnect_due(now, effects),
                Due::Departed => {
                    self.stop();
                    effects.push(Effect::Tell(Event::Departed));
                }
                Due::Suspicion(at) => self.suspicion_due(now, at, effects),
                Due::Forget(at) => self.forget(at),
                Due::Relay(number) => self.relay_due(now, number, effects),
            }
        }
    }

    /// This member was not woken when it should have been. Others may have answered meanwhile: it
    /// judges nobody by the time that it missed.
    fn overslept(&mut self, late: Duration) {
        self.health.worse(1);
        self.probe = None;
        let suspects = self.members.iter();
        let suspects: Vec<usize> = suspects
            .filter(|(_, member)| member.suspicion.is_some())
            .map(|(at, _)| at)
            .collect();
        for at in suspects {
            let (due, suspicion) = self
                .members
                .at_mut(at)
                .suspicion
                .as_mut()
                .expect("a suspect");
            let before = *due;
            suspicion.begun = suspicion.begun + late;
            *due = suspicion.end();
            let after = *due;
            self.agenda.remove(before, Due::Suspicion(at));
            self.agenda.add(after, Due::Suspicion(at));
        }
    }

    fn describe(&mut self, metadata: &[u8], effects: &mut Effects<Effect>) {
        if metadata.len() > METADATA_MAX {
            return effects.push(Effect::Refused(Refusal::MetadataTooLong));
        }
        if matches!(self.phase, Phase::Leaving | Phase::Out) {
            return effects.push(Effect::Refused(Refusal::NotRunning));
        }
        self.me.metadata = Arc::from(metadata);
        self.revise(self.me.revision.saturating_add(1));
    }

    fn leave(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        match self.phase {
            Phase::Running => {}
            Phase::Idle => return self.stop(),
            Phase::Leaving | Phase::Out => {
                return effects.push(Effect::Refused(Refusal::NotRunning));
            }
        }
        self.phase = Phase::Leaving;
        let (hash, me) = (self.my_hash, &mut self.me);
        self.members
            .digest
            .remove(hash, me.incarnation, me.revision);
        me.state = State::Left;
        self.rumours.tell(About::Own);
        self.agenda.add(now + self.config.linger, Due::Departed);
        self.gossip(now, effects);
    }

    fn evict(&mut self, now: Tick, name: Name, effects: &mut Effects<Effect>) {
        if self.phase != Phase::Running {
            return effects.push(Effect::Refused(Refusal::NotRunning));
        }
        let Some(at) = self.members.find(name.as_str()) else {
            return effects.push(Effect::Refused(Refusal::NoMember(name)));
        };
        if self.members.at(at).record.state != State::Evicted {
            self.declare(now, at, State::Evicted, effects);
            self.inform(now, at, effects);
        }
    }

    /// It says something newer of itself.
    pub(super) fn revise(&mut self, revision: u32) {
        assert!(revision >= self.me.revision, "a revision went back");
        let (hash, me) = (self.my_hash, &mut self.me);
        self.members
            .digest
            .remove(hash, me.incarnation, me.revision);
        me.revision = revision;
        self.members.digest.add(hash, me.incarnation, me.revision);
        self.rumours.tell(About::Own);
    }

    pub(super) fn oust(&mut self, why: Ousted, effects: &mut Effects<Effect>) {
        self.stop();
        effects.push(Effect::Tell(Event::Ousted(why)));
    }

    fn stop(&mut self) {
        self.phase = Phase::Out;
        self.agenda.clear();
        self.rumours = Rumours::default();
        self.probe = None;
        self.relays.clear();
    }

    /// A time between nothing and `span`, so that members that start together do not act together.
    pub(super) fn within(&mut self, span: Duration) -> Duration {
        let micros = usize::try_from(span.as_micros()).unwrap_or(usize::MAX);
        Duration::from_micros(self.rng.below(micros.max(1)) as u64)
    }

    fn gossip_due(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        self.gossiping = false;
        self.gossip(now, effects);
    }

    /// Rounds of gossip go on for as long as there are news.
    fn keep_gossiping(&mut self, now: Tick) {
        if self.phase != Phase::Out && !self.gossiping && !self.rumours.is_empty() {
            self.gossiping = true;
            self.agenda
                .add(now + self.config.gossip_interval, Due::Gossip);
        }
    }

    fn arm(&mut self, effects: &mut Effects<Effect>) {
        let first = self.agenda.first();
        if let Some(at) = first.filter(|_| first != self.armed) {
            effects.push(Effect::Wake(at));
        }
        self.armed = first;
    }
}

impl Machine for Membership {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        match input {
            Input::Join(seeds) => self.join(now, seeds, effects),
            Input::Received(bytes) => match self.phase {
                Phase::Running | Phase::Leaving => self.received(now, &bytes, effects),
                Phase::Idle | Phase::Out => effects.push(Effect::Refused(Refusal::NotRunning)),
            },
            Input::Met(name, incarnation, address) => {
                self.met(now, &name, incarnation, &address, effects);
            }
            Input::Linked(name, incarnation) => self.linked(&name, incarnation),
            Input::Unlinked(name, incarnation) => self.unlinked(&name, incarnation),
            Input::Configured(config) => {
                if config.check().is_ok() {
                    self.config = *config;
                }
            }
            Input::Woken => self.woken(now, effects),
            Input::Describe(metadata) => self.describe(&metadata, effects),
            Input::Leave => self.leave(now, effects),
            Input::Evict(name) => self.evict(now, name, effects),
        }
        if self.phase != Phase::Idle {
            self.keep_gossiping(now);
            self.arm(effects);
        }
    }

    fn check(&self) {
        let count = self.members.len();
        assert!(
            count <= self.config.members_max,
            "{count} members are too many"
        );
        assert!(self.relays.len() <= RELAYS_MAX, "too many relays");
        assert!(self.rumours.len() <= count + 1, "rumours of nobody");
        if self.phase == Phase::Out {
            return;
        }
        if self.me.state.is_live() {
            let mut others = self.members.digest.clone();
            others.remove(self.my_hash, self.me.incarnation, self.me.revision);
            self.members.check(&others);
        } else {
            self.members.check(&self.members.digest);
        }
        for (at, member) in self.members.iter() {
            assert!(member.record.name != self.me.name, "it is its own member");
            let suspicion = member.suspicion.as_ref().map(|(due, _)| *due);
            let suspicion = suspicion.is_none_or(|due| self.agenda.has(due, Due::Suspicion(at)));
            assert!(
                suspicion,
                "nothing ends the suspicion of {:?}",
                member.record
            );
            let gone = member
                .gone
                .is_none_or(|due| self.agenda.has(due, Due::Forget(at)));
            assert!(gone, "nothing forgets {:?}", member.record);
        }
    }
}
