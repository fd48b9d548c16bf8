//! Who is sent what when a message, an announcement or a neighbour comes?
//!
//! Role       Decides which links are the tree, and mends it.
//! Inputs     [`Input`]: broadcasts, messages, neighbours that come and go, the time.
//! Outputs    [`Effect`]: messages, and what is delivered, once each.
//! Invariant  What is delivered has not been delivered before, within the bounds of the ledger.
//! Source     paper: Epidemic Broadcast Trees, algorithms 1 to 3

use std::time::Duration;

use foundation_runtime::Rng;

use super::config::{Config, ConfigError};
use super::event::{Effect, Input, Message, MessageId, Payload};
use super::ledger::{Ledger, Missed};
use super::links::Links;
use super::missing::Missing;
use super::store::{Kept, Store};
use crate::machine::{Effects, Machine, Tick};
use crate::overlay::PeerId;

/// The most announcements that are read from one message.
const READ_MAX: usize = 1024;
/// The most messages that a new neighbour is told of.
const RECENT_MAX: usize = 64;

/// One node's part of the broadcast.
///
/// ```
/// use foundation_cluster::overlay::PeerId;
/// use foundation_cluster::overlay::plumtree::{Config, Effect, Input, Message, Plumtree};
/// use foundation_cluster::{Effects, Machine, Tick};
/// let mut node = Plumtree::new(PeerId(1), Config::default(), 7)?;
/// let mut effects = Effects::new();
/// node.step(Tick::ZERO, Input::Up(PeerId(2)), &mut effects);
/// node.step(Tick::ZERO, Input::Broadcast((*b"news").into()), &mut effects);
/// let sent = |e: &Effect| matches!(e, Effect::Send(PeerId(2), Message::Gossip(..)));
/// assert!(effects.drain().any(|effect| sent(&effect)));
/// # Ok::<(), foundation_cluster::overlay::plumtree::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plumtree {
    pub(super) me: PeerId,
    pub(super) config: Config,
    pub(super) rng: Rng,
    /// The time of this step.
    pub(super) now: Tick,
    /// How many this node has broadcast.
    count: u64,
    pub(super) links: Links,
    pub(super) ledger: Ledger,
    pub(super) store: Store,
    missing: Missing,
    /// When the announcements that wait are sent.
    flush_at: Option<Tick>,
    /// When a neighbour is asked what it has had.
    pub(super) compare_at: Option<Tick>,
    /// For when it asked to be woken.
    wake: Option<Tick>,
}

impl Plumtree {
    /// A node without neighbours.
    ///
    /// # Errors
    /// When a figure is out of its bounds.
    pub fn new(me: PeerId, config: Config, seed: u64) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        Ok(Self {
            me,
            rng: Rng::new(seed),
            now: Tick::ZERO,
            count: 0,
            links: Links::default(),
            ledger: Ledger::default(),
            store: Store::new(config.store_max, config.store_bytes_max),
            missing: Missing::default(),
            flush_at: None,
            compare_at: None,
            wake: None,
            config,
        })
    }

    /// The neighbours that are sent payloads.
    pub fn eager(&self) -> impl Iterator<Item = PeerId> {
        self.links.of_kind(true)
    }

    /// The neighbours that are only told of them.
    pub fn lazy(&self) -> impl Iterator<Item = PeerId> {
        self.links.of_kind(false)
    }

    fn broadcast(&mut self, payload: Payload, effects: &mut Effects<Effect>) {
        if payload.len() > self.config.payload_bytes_max {
            effects.push(Effect::TooLong(payload));
            return;
        }
        self.count += 1;
        let id = MessageId {
            origin: self.me,
            number: self.count,
        };
        // Its own numbers have no gap, whoever greets it.
        self.ledger.begin(self.me, 0);
        let new = self.take(id, 0, &payload, effects);
        assert!(new, "{id:?} was there before it was made");
        self.forward(None, id, 0, &payload, effects);
    }

    fn received(&mut self, from: PeerId, message: Message, effects: &mut Effects<Effect>) {
        match message {
            Message::Gossip(id, hops, payload) => self.gossip(from, id, hops, &payload, effects),
            Message::IHave(announced) => self.announced(from, &announced),
            Message::Graft(wanted) => {
                self.links.set_eager(from, true);
                if let Some((id, kept)) = wanted.and_then(|id| Some((id, self.store.get(id)?))) {
                    let hops = kept.hops.saturating_add(1);
                    let message = Message::Gossip(id, hops, kept.payload.clone());
                    effects.push(Effect::Send(from, message));
                }
            }
            Message::Prune => self.links.set_eager(from, false),
            Message::Greet => self.greeted_by(from, effects),
            Message::Baseline(origins, last) => self.baseline(&origins, last),
            Message::Compare(had) => {
                self.compare(from, &had, effects);
                let own = self.ledger.had();
                effects.push(Effect::Send(from, Message::Compared(own)));
            }
            Message::Compared(had) => {
                self.compare(from, &had, effects);
                self.tried(effects);
            }
            Message::Repair(id, hops, payload) => self.repaired(from, id, hops, &payload, effects),
        }
    }

    fn gossip(
        &mut self,
        from: PeerId,
        id: MessageId,
        hops: u16,
        payload: &Payload,
        effects: &mut Effects<Effect>,
    ) {
        if !self.take(id, hops, payload, effects) {
            self.links.set_eager(from, false);
            effects.push(Effect::Send(from, Message::Prune));
            return;
        }
        let shortest = self.missing.came(id);
        self.links.set_eager(from, true);
        self.forward(Some(from), id, hops, payload, effects);
        self.optimise(from, hops, shortest, effects);
    }

    /// Changes a branch for another that is shorter by the threshold.
    fn optimise(
        &mut self,
        from: PeerId,
        hops: u16,
        shortest: Option<(PeerId, u16)>,
        effects: &mut Effects<Effect>,
    ) {
        let Some((threshold, (other, less))) = self.config.threshold.zip(shortest) else {
            return;
        };
        let is_far = other != from && hops.saturating_sub(less) >= threshold;
        if is_far && self.links.contains(other) {
            self.links.set_eager(other, true);
            effects.push(Effect::Send(other, Message::Graft(None)));
            self.links.set_eager(from, false);
            effects.push(Effect::Send(from, Message::Prune));
        }
    }

    fn announced(&mut self, from: PeerId, announced: &[(MessageId, u16)]) {
        if !self.links.contains(from) {
            return;
        }
        let spread = u64::try_from(self.config.graft_spread.as_nanos()).unwrap_or(u64::MAX);
        let more = self.rng.next_u64() % spread.saturating_add(1);
        let due = self.now + self.config.graft_timeout + Duration::from_nanos(more);
        for &(id, hops) in announced.iter().take(READ_MAX) {
            if !self.ledger.has(id) {
                self.missing.add(id, (from, hops), due);
            }
        }
    }

    /// Came by a comparison, not by the tree: it says nothing about the tree.
    fn repaired(
        &mut self,
        from: PeerId,
        id: MessageId,
        hops: u16,
        payload: &Payload,
        effects: &mut Effects<Effect>,
    ) {
        if self.take(id, hops, payload, effects) {
            self.missing.came(id);
            let others: Vec<PeerId> = self.eager().chain(self.lazy()).collect();
            for peer in others.into_iter().filter(|&peer| peer != from) {
                self.announce(peer, id, hops, effects);
            }
        }
    }

    /// Delivers and keeps what is new.
    fn take(
        &mut self,
        id: MessageId,
        hops: u16,
        payload: &Payload,
        effects: &mut Effects<Effect>,
    ) -> bool {
        // What no node that keeps to the limits has sent is not passed on.
        if payload.len() > self.config.payload_bytes_max {
            return false;
        }
        // What is still kept was delivered, also if its origin was forgotten for want of room.
        let mut missed = Vec::new();
        let new = self.store.get(id).is_none() && self.ledger.record(id, &mut missed);
        tell(&missed, effects);
        if new {
            let kept = Kept {
                hops,
                payload: payload.clone(),
                at: self.now,
            };
            self.store.add(id, kept);
            effects.push(Effect::Deliver(id, hops, payload.clone()));
        }
        new
    }

    fn forward(
        &mut self,
        from: Option<PeerId>,
        id: MessageId,
        hops: u16,
        payload: &Payload,
        effects: &mut Effects<Effect>,
    ) {
        let next = hops.saturating_add(1);
        for peer in self.eager().filter(|&peer| Some(peer) != from) {
            let message = Message::Gossip(id, next, payload.clone());
            effects.push(Effect::Send(peer, message));
        }
        let lazy: Vec<PeerId> = self.lazy().filter(|&peer| Some(peer) != from).collect();
        for peer in lazy {
            self.announce(peer, id, hops, effects);
        }
    }

    fn announce(&mut self, to: PeerId, id: MessageId, hops: u16, effects: &mut Effects<Effect>) {
        let what = (id, hops.saturating_add(1));
        self.links.announce(to, what, effects);
        let soon = self.now + self.config.lazy_interval;
        self.flush_at.get_or_insert(soon);
    }

    fn up(&mut self, peer: PeerId, effects: &mut Effects<Effect>) {
        if peer == self.me || self.links.contains(peer) {
            return;
        }
        self.links.add(peer);
        if !self.ledger.greeted {
            effects.push(Effect::Send(peer, Message::Greet));
        }
        let begin = self.now - self.config.recent;
        let recent: Vec<_> = self.store.since(begin).take(RECENT_MAX).collect();
        for (id, hops) in recent.into_iter().rev() {
            self.announce(peer, id, hops, effects);
        }
        let soon = self.now + self.config.compare_interval;
        self.compare_at.get_or_insert(soon);
    }

    fn woken(&mut self, effects: &mut Effects<Effect>) {
        self.wake = None;
        if self.flush_at.is_some_and(|at| at <= self.now) {
            self.flush_at = None;
            self.links.flush(effects);
        }
        let again = self.now + self.config.graft_again;
        while let Some((id, source)) = self.missing.next(self.now, again) {
            if self.ledger.has(id) {
                self.missing.came(id);
            } else if let Some(peer) = source {
                self.links.set_eager(peer, true);
                effects.push(Effect::Send(peer, Message::Graft(Some(id))));
            }
        }
        if self.compare_at.is_some_and(|at| at <= self.now) {
            self.begin_comparison(effects);
        }
    }

    fn ask_to_be_woken(&mut self, effects: &mut Effects<Effect>) {
        let times = [self.flush_at, self.compare_at, self.missing.wake()];
        let next = times.into_iter().flatten().min();
        if let Some(at) = next.filter(|_| next != self.wake) {
            effects.push(Effect::Wake(at));
        }
        self.wake = next;
    }
}

pub(super) fn tell(missed: &[Missed], effects: &mut Effects<Effect>) {
    for &missed in missed {
        effects.push(Effect::Missed(missed));
    }
}

impl Machine for Plumtree {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        self.now = now;
        match input {
            Input::Broadcast(payload) => self.broadcast(payload, effects),
            Input::Received(from, message) if from != self.me => {
                self.received(from, message, effects);
            }
            Input::Received(..) => {}
            Input::Up(peer) => self.up(peer, effects),
            Input::Down(peer) => {
                self.links.remove(peer);
                self.missing.forget(peer);
            }
            Input::Woken => self.woken(effects),
        }
        self.ask_to_be_woken(effects);
    }

    fn check(&self) {
        self.links.check();
        self.ledger.check();
        self.store.check();
        self.missing.check();
        assert!(!self.links.contains(self.me), "a node is its own neighbour");
        let waits = !self.links.is_flushed();
        assert!(!waits || self.flush_at.is_some(), "nobody sends what waits");
    }
}
