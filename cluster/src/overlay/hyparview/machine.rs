//! What happens to the views when a peer joins, fails, asks or shuffles?
//!
//! Role       Decides who is a neighbour.
//! Inputs     [`Input`]: a wish to join, messages, failures, rounds, costs.
//! Outputs    [`Effect`]: messages, and neighbours that come and go.
//! Invariant  This node is in no view, no peer is in both. When no message is on its way, of two
//!            nodes either both are neighbours of each other or none.
//! Source     paper: HyParView, algorithms 1 and 2

use foundation_runtime::Rng;

use super::asked::Asked;
use super::config::{Config, ConfigError};
use super::costs::Costs;
use super::event::{Effect, Input, Message, PeerId};
use super::exchange::Exchange;
use super::view::View;
use crate::machine::{Effects, Machine, Tick};

/// The most peers that are remembered as tried in one round; then no more are tried in it.
const TRIED_MAX: usize = 1024;
/// The most peers that are read from one message.
const NAMED_MAX: usize = 128;

/// One node's part of the overlay.
///
/// ```
/// use foundation_cluster::overlay::hyparview::{Config, Effect, HyParView, Input, Message, PeerId};
/// use foundation_cluster::{Effects, Machine, Tick};
/// let mut node = HyParView::new(PeerId(1), Config::default(), 7)?;
/// let mut effects = Effects::new();
/// node.step(Tick::ZERO, Input::Join(PeerId(2)), &mut effects);
/// let sent = effects.drain().next();
/// assert_eq!(sent, Some(Effect::Send(PeerId(2), Message::Join)));
/// # Ok::<(), foundation_cluster::overlay::hyparview::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HyParView {
    pub(super) me: PeerId,
    pub(super) config: Config,
    pub(super) rng: Rng,
    pub(super) active: View,
    pub(super) passive: View,
    contact: Option<PeerId>,
    /// The time of this step.
    pub(super) now: Tick,
    /// Who was asked to be a neighbour and has not answered.
    pub(super) asked: Asked,
    /// Who was asked since the last round: not to be asked again in it.
    tried: Vec<PeerId>,
    /// When the neighbours were probed.
    probed: Option<Tick>,
    /// Whom the last shuffle named: they make room first for those that the answer names.
    offered: Vec<PeerId>,
    /// What links cost.
    pub(super) costs: Costs,
    /// The change of links that this node takes part in.
    pub(super) exchange: Option<Exchange>,
}

impl HyParView {
    /// A node that knows nobody.
    ///
    /// # Errors
    /// When a figure is out of its bounds.
    pub fn new(me: PeerId, config: Config, seed: u64) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        Ok(Self {
            me,
            rng: Rng::new(seed),
            active: View::new(config.active_max),
            passive: View::new(config.passive_max),
            contact: None,
            now: Tick::ZERO,
            asked: Asked::default(),
            tried: Vec::new(),
            probed: None,
            offered: Vec::new(),
            costs: Costs::new(config.cost_age_max),
            exchange: None,
            config,
        })
    }

    /// The neighbours, in no order.
    #[must_use]
    pub fn active(&self) -> &[PeerId] {
        self.active.peers()
    }

    /// The peers in reserve, in no order.
    #[must_use]
    pub fn passive(&self) -> &[PeerId] {
        self.passive.peers()
    }

    fn received(&mut self, from: PeerId, message: Message, effects: &mut Effects<Effect>) {
        match message {
            Message::Join => self.joined(from, effects),
            Message::ForwardJoin(new, hops) => self.walked(from, new, hops, effects),
            Message::Neighbour { priority } => {
                // Who is asked by this node may ask too: were it refused, it would take that for a
                // parting, and this node would take its acceptance for a beginning.
                if priority || self.is_wanted(from) || self.has_place() {
                    self.enter(from, effects);
                    effects.push(Effect::Send(from, Message::Accept));
                } else {
                    self.reserve(from);
                    effects.push(Effect::Send(from, Message::Refuse));
                }
                self.probe(effects);
            }
            Message::Probe => self.expect_neighbour(from, effects),
            Message::Accept => {
                if self.asked.remove(from) {
                    self.enter(from, effects);
                } else if !self.active.contains(from) {
                    effects.push(Effect::Send(from, Message::Disconnect));
                }
            }
            // When requests cross, an acceptance can be older than a parting. The last word counts:
            // at this moment the other does not have this node.
            Message::Refuse => {
                let asked = self.asked.remove(from);
                if self.leave(from, effects) || asked {
                    self.reserve(from);
                    self.parted(from, effects);
                    self.repair(effects);
                }
            }
            // Who is asked stays so: its answer comes behind this.
            Message::Disconnect => {
                if self.leave(from, effects) {
                    self.reserve(from);
                    self.parted(from, effects);
                    self.repair(effects);
                }
            }
            Message::Shuffle { hops, path, peers } => {
                self.shuffled(from, (hops, path), peers, effects);
            }
            Message::ShuffleReply { path, peers } if !path.is_empty() => {
                self.answer_walk(path, peers, effects);
            }
            Message::ShuffleReply { peers, .. } => {
                let offered = std::mem::take(&mut self.offered);
                self.learn(&peers, offered);
            }
            Message::Optimise { old } => self.optimised(from, old, effects),
            Message::Replace { initiator, old } => {
                self.replaced_by(from, (initiator, old), effects);
            }
            Message::Switch { initiator } => self.switched(from, initiator, effects),
            Message::Replaced(gone) => self.given_up(from, gone, effects),
        }
    }

    fn joined(&mut self, new: PeerId, effects: &mut Effects<Effect>) {
        self.enter(new, effects);
        effects.push(Effect::Send(new, Message::Accept));
        for &peer in self.active.peers().iter().filter(|&&peer| peer != new) {
            let message = Message::ForwardJoin(new, self.config.active_walk);
            effects.push(Effect::Send(peer, message));
        }
    }

    fn walked(&mut self, from: PeerId, new: PeerId, hops: u8, effects: &mut Effects<Effect>) {
        self.expect_neighbour(from, effects);
        let hops = hops.min(self.config.active_walk);
        let next = self.active.any(&[from, new], &mut self.rng);
        match next.filter(|_| hops > 0) {
            Some(next) => {
                if hops == self.config.passive_walk {
                    self.reserve(new);
                }
                let message = Message::ForwardJoin(new, hops - 1);
                effects.push(Effect::Send(next, message));
            }
            // Who has asked for more than it has places for gives up those it has just taken.
            None if self.is_taking() => self.reserve(new),
            None => self.ask(new, true, effects),
        }
    }

    /// Will those that were asked fill the active view, and has one of them not answered?
    fn is_taking(&self) -> bool {
        let taking = self.asked.len();
        0 < taking && self.config.active_max <= self.active.peers().len() + taking
    }

    fn shuffled(
        &mut self,
        from: PeerId,
        (hops, mut path): (u8, Vec<PeerId>),
        mut peers: Vec<PeerId>,
        effects: &mut Effects<Effect>,
    ) {
        self.expect_neighbour(from, effects);
        peers.truncate(NAMED_MAX);
        path.truncate(usize::from(self.config.active_walk));
        path.push(from);
        let origin = path[0];
        let hops = hops.min(self.config.active_walk);
        let next = self.active.any(&[from, origin], &mut self.rng);
        if let Some(next) = next.filter(|_| hops > 0) {
            let hops = hops - 1;
            let message = Message::Shuffle { hops, path, peers };
            effects.push(Effect::Send(next, message));
        } else if origin != self.me {
            let known = self.passive.sample(peers.len(), &mut self.rng);
            self.learn(&peers, known.clone());
            self.answer_walk(path, known, effects);
        }
    }

    /// The answer to a walk goes back over those who passed it on: they are connected, and the ends of the walk
    /// are not. It goes to the origin itself where the next one is no neighbour any more.
    fn answer_walk(
        &mut self,
        mut path: Vec<PeerId>,
        peers: Vec<PeerId>,
        effects: &mut Effects<Effect>,
    ) {
        path.truncate(usize::from(self.config.active_walk) + 1);
        let (Some(origin), Some(mut next)) = (path.first().copied(), path.pop()) else {
            return;
        };
        if !self.active.contains(next) {
            (next, path) = (origin, Vec::new());
        }
        if next != self.me {
            let message = Message::ShuffleReply { path, peers };
            effects.push(Effect::Send(next, message));
        }
    }

    fn round(&mut self, effects: &mut Effects<Effect>) {
        self.tried.clear();
        self.repair(effects);
        let Some(peer) = self.active.any(&[], &mut self.rng) else {
            let contact = self.contact.filter(|_| self.asked.len() == 0);
            if let Some(contact) = contact {
                self.join(contact, effects);
            }
            return;
        };
        let mut peers = vec![self.me];
        peers.extend(
            self.active
                .sample(self.config.shuffle_active, &mut self.rng),
        );
        peers.extend(
            self.passive
                .sample(self.config.shuffle_passive, &mut self.rng),
        );
        self.offered.clone_from(&peers);
        let message = Message::Shuffle {
            hops: self.config.active_walk,
            path: Vec::new(),
            peers,
        };
        effects.push(Effect::Send(peer, message));
    }

    fn join(&mut self, contact: PeerId, effects: &mut Effects<Effect>) {
        if contact != self.me && !self.active.contains(contact) {
            self.contact = Some(contact);
            self.asked.add(contact, self.until());
            effects.push(Effect::Send(contact, Message::Join));
        }
    }

    fn until(&self) -> Tick {
        self.now + self.config.answer_timeout
    }

    fn ask(&mut self, peer: PeerId, priority: bool, effects: &mut Effects<Effect>) {
        let known = peer == self.me || self.active.contains(peer);
        if !known && self.asked.add(peer, self.until()) {
            effects.push(Effect::Send(peer, Message::Neighbour { priority }));
        }
    }

    /// Who has been asked and does not answer is no good as a neighbour, nor in reserve.
    fn expire(&mut self, effects: &mut Effects<Effect>) {
        let mut any = false;
        while let Some(peer) = self.asked.expired(self.now) {
            self.passive.remove(peer);
            self.parted(peer, effects);
            any = true;
        }
        self.give_up(effects);
        if any {
            self.repair(effects);
        }
    }

    /// Fills the active view from the reserve.
    pub(super) fn repair(&mut self, effects: &mut Effects<Effect>) {
        while self.active.peers().len() + self.asked.len() < self.config.active_max
            && self.tried.len() < TRIED_MAX
        {
            let Some(peer) = self.passive.any(&self.tried, &mut self.rng) else {
                return;
            };
            self.tried.push(peer);
            // The paper's nodes do so with no neighbour left. Then one whose other neighbours are gone
            // can stay so, with all others full.
            let is_poor = 2 * self.active.peers().len() < self.config.active_max;
            self.ask(peer, is_poor, effects);
        }
    }

    /// Who asks, or has just failed, shows that something has happened. Are the neighbours still
    /// there? A node that is full of dead ones would refuse all who ask. So the news of many
    /// failures goes through the overlay without waiting for a message to pass.
    fn probe(&mut self, effects: &mut Effects<Effect>) {
        let again = |probed: Tick| probed + self.config.answer_timeout <= self.now;
        if self.probed.is_none_or(again) {
            self.probed = Some(self.now);
            for &peer in self.active.peers() {
                effects.push(Effect::Send(peer, Message::Probe));
            }
        }
    }

    /// What neighbours alone say shows that the sender takes this node for one: if it is none, the
    /// sender has to know.
    pub(super) fn expect_neighbour(&self, from: PeerId, effects: &mut Effects<Effect>) {
        if !self.is_wanted(from) {
            effects.push(Effect::Send(from, Message::Disconnect));
        }
    }

    /// Is it a neighbour, or asked to be one?
    #[must_use]
    pub fn is_wanted(&self, peer: PeerId) -> bool {
        self.active.contains(peer) || self.asked.contains(peer)
    }

    /// Makes a peer a neighbour, in the place of another if there is no room.
    pub(super) fn enter(&mut self, peer: PeerId, effects: &mut Effects<Effect>) {
        if peer == self.me || self.active.contains(peer) {
            return;
        }
        let mut parting = None;
        if self.active.is_full() {
            let place = self.place_for(peer).or_else(|| {
                let other = self.active.any(&[], &mut self.rng)?;
                Some((other, Message::Disconnect))
            });
            let (other, message) = place.expect("who is full has neighbours");
            self.leave(other, effects);
            effects.push(Effect::Send(other, message));
            self.reserve(other);
            parting = Some(other);
        }
        self.asked.remove(peer);
        self.passive.remove(peer);
        self.active.add(peer);
        effects.push(Effect::Up(peer));
        self.entered(peer, effects);
        if let Some(other) = parting {
            self.parted(other, effects);
        }
    }

    pub(super) fn leave(&mut self, peer: PeerId, effects: &mut Effects<Effect>) -> bool {
        let left = self.active.remove(peer);
        if left {
            effects.push(Effect::Down(peer));
        }
        left
    }

    pub(super) fn reserve(&mut self, peer: PeerId) {
        if self.is_new(peer) {
            if self.passive.is_full()
                && let Some(other) = self.passive.any(&[], &mut self.rng)
            {
                self.passive.remove(other);
            }
            self.passive.add(peer);
        }
    }

    fn is_new(&self, peer: PeerId) -> bool {
        peer != self.me && !self.active.contains(peer) && !self.passive.contains(peer)
    }

    /// Puts peers in reserve. Those that were given away for them make room first.
    fn learn(&mut self, peers: &[PeerId], mut given: Vec<PeerId>) {
        for &peer in peers.iter().take(NAMED_MAX) {
            while self.is_new(peer) && self.passive.is_full() {
                let Some(other) = given.pop() else {
                    break;
                };
                self.passive.remove(other);
            }
            self.reserve(peer);
        }
    }
}

impl Machine for HyParView {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        self.now = now;
        self.expire(effects);
        match input {
            Input::Join(contact) => self.join(contact, effects),
            Input::Received(from, message) if from != self.me => {
                self.received(from, message, effects);
            }
            Input::Received(..) => {}
            Input::PeerFailed(peer) => {
                self.asked.remove(peer);
                let left = self.leave(peer, effects);
                self.passive.remove(peer);
                self.costs.forget(peer);
                self.parted(peer, effects);
                self.repair(effects);
                if left {
                    self.probe(effects);
                }
            }
            Input::Round => self.round(effects),
            Input::Optimise => self.optimise(effects),
            Input::Cost(peer, cost) => self.measured(peer, cost, effects),
        }
    }

    fn check(&self) {
        self.active.check();
        self.passive.check();
        self.asked.check();
        assert!(self.tried.len() <= TRIED_MAX, "too many were tried");
        for &peer in self.active.peers() {
            assert!(peer != self.me, "a node is its own neighbour");
            assert!(!self.passive.contains(peer), "{peer:?} is in both views");
            assert!(
                !self.asked.contains(peer),
                "{peer:?} is asked for what it is"
            );
        }
        assert!(!self.passive.contains(self.me), "a node reserves itself");
        self.check_exchange();
    }
}
