//! To which neighbours does a message go next?
//!
//! Role       Brings messages to nodes that are not neighbours.
//! Inputs     [`Input`]: letters, messages, neighbours that come and go, the time.
//! Outputs    [`Effect`]: messages, and what is delivered, acknowledged or given up.
//! Invariant  A node passes a message on once, and not to who brought it; a message that is
//!            acknowledged is delivered once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::{Config, ConfigError};
use super::event::{Effect, Envelope, Input, Kind, Letter, Message, Undelivered};
use super::passed::{Key, Passed};
use super::pending::Pending;
use super::routes::Routes;
use super::seen::{Seen, Verdict};
use crate::machine::{Effects, Machine, Tick};
use crate::overlay::PeerId;

/// From this attempt on a message is no more left to the neighbours of the overlay: it may be in pieces.
const EVERYWHERE: u8 = 3;

/// One node's part in bringing messages.
///
/// ```
/// use foundation_cluster::overlay::PeerId;
/// use foundation_cluster::overlay::routing::{Config, Effect, Input, Letter, Routing};
/// use foundation_cluster::{Effects, Machine, Tick};
/// let mut node = Routing::new(PeerId(1), Config::default())?;
/// let mut effects = Effects::new();
/// node.step(Tick::ZERO, Input::Up(PeerId(2)), &mut effects);
/// // Node 3 is no neighbour: the message goes to who is.
/// let letter = Letter { to: PeerId(3), payload: (*b"hi").into(), ticket: None };
/// node.step(Tick::ZERO, Input::Send(letter), &mut effects);
/// assert!(matches!(effects.drain().next(), Some(Effect::Send(PeerId(2), _))));
/// # Ok::<(), foundation_cluster::overlay::routing::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Routing {
    me: PeerId,
    config: Config,
    now: Tick,
    neighbours: BTreeSet<PeerId>,
    /// Those of the overlay, which need not be neighbours yet, or any more.
    flooded: BTreeSet<PeerId>,
    routes: Routes,
    passed: Passed,
    seen: Seen,
    pending: Pending,
    /// How many plain messages, and how many acknowledgements, this node has sent.
    plain: u64,
    answers: u64,
    /// For when it asked to be woken.
    wake: Option<Tick>,
}

impl Routing {
    /// A node without neighbours.
    ///
    /// # Errors
    /// When a figure is out of its bounds.
    pub fn new(me: PeerId, config: Config) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        // The sum of all waits, and as much again for copies that are late.
        let life = config.answer_timeout * (2 << config.attempts_max);
        Ok(Self {
            me,
            now: Tick::ZERO,
            neighbours: BTreeSet::new(),
            flooded: BTreeSet::new(),
            routes: Routes::new(config.route_age_max),
            passed: Passed::default(),
            seen: Seen::new(life),
            pending: Pending::new(config.pending_max),
            plain: 0,
            answers: 0,
            wake: None,
            config,
        })
    }

    /// The neighbour by which messages to that node go; none: all of them.
    #[must_use]
    pub fn next(&self, node: PeerId) -> Option<PeerId> {
        if self.neighbours.contains(&node) {
            return Some(node);
        }
        self.routes.next(node)
    }

    /// How many messages wait to be acknowledged.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The same, whose messages have numbers from this one on. A node that begins anew within one
    /// incarnation has to take greater ones than it has given before: others take equal ones for the
    /// same message.
    #[must_use]
    pub fn numbered_from(mut self, first: u64) -> Self {
        (self.plain, self.answers) = (first, first);
        self.pending.number_from(first);
        self
    }

    /// So many connections a letter may pass from here on: the same on all nodes of an overlay, from 1 to
    /// 64; beyond that, the nearest of these.
    pub fn reach(&mut self, hops_max: u8) {
        self.config.hops_max = hops_max.clamp(1, 64);
    }

    fn send(&mut self, letter: Letter, effects: &mut Effects<Effect>) {
        if letter.payload.len() > self.config.payload_bytes_max {
            effects.push(Effect::Undelivered(letter, Undelivered::TooLong));
        } else if letter.to == self.me {
            effects.push(Effect::Deliver(self.me, letter.payload));
            if let Some(ticket) = letter.ticket {
                effects.push(Effect::Acknowledged(ticket));
            }
        } else if letter.ticket.is_some() {
            if self.pending.is_full(letter.to) {
                effects.push(Effect::Undelivered(letter, Undelivered::Busy));
                return;
            }
            let number = self.pending.add(letter.clone(), self.due(0));
            self.dispatch(number, &letter, 0, effects);
        } else if self.neighbours.is_empty() {
            effects.push(Effect::Undelivered(letter, Undelivered::Alone));
        } else {
            self.plain += 1;
            let envelope = self.envelope(letter.to, self.plain, 0);
            self.begin(envelope, Kind::Plain(letter.payload), effects);
        }
    }

    /// Each wait is twice the one before.
    fn due(&self, attempt: u8) -> Tick {
        let wait: Duration = self.config.answer_timeout * (1 << attempt.min(10));
        self.now + wait
    }

    fn envelope(&self, to: PeerId, number: u64, attempt: u8) -> Envelope {
        Envelope {
            source: self.me,
            number,
            attempt,
            to,
            left: self.config.hops_max,
            hops: 0,
            flooded: attempt > 0,
        }
    }

    fn dispatch(
        &mut self,
        number: u64,
        letter: &Letter,
        attempt: u8,
        effects: &mut Effects<Effect>,
    ) {
        let kind = Kind::Asked {
            payload: letter.payload.clone(),
            floor: self.pending.floor(letter.to),
        };
        let envelope = self.envelope(letter.to, number, attempt);
        self.begin(envelope, kind, effects);
    }

    /// Sends what comes from here. What comes back of it is not passed on.
    fn begin(&mut self, envelope: Envelope, kind: Kind, effects: &mut Effects<Effect>) {
        self.passed.first(key(&envelope, &kind));
        self.forward(None, envelope, kind, effects);
    }

    fn forward(
        &self,
        from: Option<PeerId>,
        mut envelope: Envelope,
        kind: Kind,
        effects: &mut Effects<Effect>,
    ) {
        let left = envelope.left.min(self.config.hops_max);
        let Some(left) = left.checked_sub(1) else {
            return;
        };
        envelope.left = left;
        envelope.hops = envelope.hops.saturating_add(1);
        // Who could not pass it on need not have it.
        if left == 0 && !self.neighbours.contains(&envelope.to) {
            return;
        }
        let next = self.next(envelope.to).filter(|&next| Some(next) != from);
        if let Some(next) = next.filter(|_| !envelope.flooded) {
            effects.push(Effect::Send(next, Message(envelope, kind)));
            return;
        }
        for peer in self.all(&envelope).filter(|&peer| Some(peer) != from) {
            effects.push(Effect::Send(peer, Message(envelope, kind.clone())));
        }
    }

    /// Whom a message goes to that looks for a way: the neighbours of the overlay, and where these have
    /// not brought it, all.
    fn all(&self, envelope: &Envelope) -> impl Iterator<Item = PeerId> {
        let (to, is_early) = (envelope.to, envelope.attempt < EVERYWHERE);
        let is_few = is_early && !self.flooded.is_disjoint(&self.neighbours);
        let all = self.neighbours.iter().copied();
        all.filter(move |peer| !is_few || *peer == to || self.flooded.contains(peer))
    }

    fn received(&mut self, from: PeerId, message: Message, effects: &mut Effects<Effect>) {
        let Message(envelope, kind) = message;
        let too_long = match &kind {
            Kind::Plain(payload) | Kind::Asked { payload, .. } => {
                payload.len() > self.config.payload_bytes_max
            }
            Kind::Had(_) => false,
        };
        // What this node has sent has come back; what nobody sends is not passed on.
        if envelope.source == self.me || too_long {
            return;
        }
        if self.neighbours.contains(&from) {
            self.routes
                .learn(envelope.source, from, envelope.hops, self.now);
        }
        if !self.passed.first(key(&envelope, &kind)) {
            return;
        }
        if envelope.to == self.me {
            self.arrived(envelope, kind, effects);
        } else {
            self.forward(Some(from), envelope, kind, effects);
        }
    }

    fn arrived(&mut self, envelope: Envelope, kind: Kind, effects: &mut Effects<Effect>) {
        let source = envelope.source;
        match kind {
            Kind::Plain(payload) => effects.push(Effect::Deliver(source, payload)),
            Kind::Asked { payload, floor } => {
                let id = (source, envelope.number);
                let verdict = self.seen.judge(id, floor, self.now);
                if verdict == Verdict::Deliver {
                    effects.push(Effect::Deliver(source, payload));
                }
                if verdict != Verdict::Ignore {
                    self.answers += 1;
                    // What has come by all ways has shown the best one back.
                    let attempt = envelope.attempt.saturating_sub(1);
                    let answer = self.envelope(source, self.answers, attempt);
                    self.begin(answer, Kind::Had(envelope.number), effects);
                }
            }
            Kind::Had(number) => {
                if let Some(wait) = self.pending.remove((source, number)) {
                    let ticket = wait.letter.ticket.expect("who waits has a ticket");
                    effects.push(Effect::Acknowledged(ticket));
                }
            }
        }
    }

    fn woken(&mut self, effects: &mut Effects<Effect>) {
        self.wake = None;
        while let Some((number, wait)) = self.pending.overdue(self.now) {
            let attempt = wait.attempt + 1;
            if attempt >= self.config.attempts_max {
                self.pending.tidy(wait.letter.to);
                let why = Undelivered::Unanswered;
                effects.push(Effect::Undelivered(wait.letter, why));
                continue;
            }
            // The way that was believed has not brought it.
            self.routes.forget(wait.letter.to);
            let letter = wait.letter.clone();
            self.pending.again(number, wait, self.due(attempt));
            self.dispatch(number.1, &letter, attempt, effects);
        }
    }

    fn ask_to_be_woken(&mut self, effects: &mut Effects<Effect>) {
        let next = self.pending.wake();
        if let Some(at) = next.filter(|_| next != self.wake) {
            effects.push(Effect::Wake(at));
        }
        self.wake = next;
    }
}

const fn key(envelope: &Envelope, kind: &Kind) -> Key {
    let kind = match kind {
        Kind::Plain(_) => 0,
        Kind::Asked { .. } => 1,
        Kind::Had(_) => 2,
    };
    let ends = (envelope.source, envelope.to);
    (ends, kind, envelope.number, envelope.attempt)
}

impl Machine for Routing {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        self.now = now;
        match input {
            Input::Send(letter) => self.send(letter, effects),
            Input::Received(from, message) if from != self.me => {
                self.received(from, message, effects);
            }
            Input::Received(..) => {}
            Input::Up(peer) => {
                if peer != self.me {
                    self.neighbours.insert(peer);
                }
            }
            Input::Down(peer) => {
                self.neighbours.remove(&peer);
                self.routes.cut(peer);
            }
            Input::Flooded(peer, true) => {
                self.flooded.insert(peer);
            }
            Input::Flooded(peer, false) => {
                self.flooded.remove(&peer);
            }
            Input::Woken => self.woken(effects),
        }
        self.ask_to_be_woken(effects);
    }

    fn check(&self) {
        assert!(!self.neighbours.contains(&self.me), "its own neighbour");
        self.routes.check();
        self.passed.check();
        self.seen.check();
        self.pending.check();
    }
}
