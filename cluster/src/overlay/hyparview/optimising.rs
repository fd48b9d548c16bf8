//! Which neighbour is given up for a cheaper one, so that four nodes keep as many links as they had?
//!
//! Role       The optimisation of X-BOT on the views of this overlay: four nodes i, o, c and d with
//!            the links i-o and c-d have the links i-c and d-o afterwards, if i and d both gain.
//! Invariant  Requests are answered as those for neighbourhood are: who says that it accepts has the
//!            other as a neighbour at that moment, and who refuses has not.
//! Source     paper: X-BOT (Leitao, Marques, Pereira, Rodrigues 2009), algorithms 1 and 2

use super::event::{Effect, Message, PeerId};
use super::exchange::{Exchange, Part};
use super::machine::HyParView;
use crate::machine::{Effects, Tick};

impl HyParView {
    /// Looks for a cheaper neighbour, if no exchange is under way and no place is free.
    pub(super) fn optimise(&mut self, effects: &mut Effects<Effect>) {
        if self.exchange.is_some() || !self.active.is_full() {
            return;
        }
        let count = self.config.optimise_scan;
        let candidates = self.passive.sample(count, &mut self.rng);
        for &peer in self.active.peers().iter().chain(&candidates) {
            self.measure(peer, effects);
        }
        self.begin(Part::Scanning { candidates }, 1);
        self.weigh(effects);
    }

    /// A cost has become known: it may be what an exchange waits for.
    pub(super) fn measured(&mut self, peer: PeerId, cost: u64, effects: &mut Effects<Effect>) {
        if peer != self.me {
            self.costs.set(peer, cost, self.now);
            self.weigh(effects);
        }
    }

    fn measure(&self, peer: PeerId, effects: &mut Effects<Effect>) {
        if self.cost(peer).is_none() {
            effects.push(Effect::Measure(peer));
        }
    }

    fn cost(&self, peer: PeerId) -> Option<u64> {
        self.costs.get(peer, self.now)
    }

    /// The part is given up after so many answers could have come.
    fn begin(&mut self, part: Part, answers: u32) {
        let until = self.waited(answers);
        self.exchange = Some(Exchange { part, until });
    }

    fn waited(&self, answers: u32) -> Tick {
        self.now + self.config.answer_timeout * answers
    }

    /// The costliest neighbour but those, and but the costliest of all, which are not touched. None
    /// while a cost is not known.
    fn costliest(&self, but: &[PeerId]) -> Option<PeerId> {
        let cost = |&peer: &PeerId| Some((self.cost(peer)?, peer));
        let mut costs: Vec<_> = self
            .active
            .peers()
            .iter()
            .map(cost)
            .collect::<Option<_>>()?;
        costs.sort_unstable_by(|a, b| b.cmp(a));
        let mut biased = costs.into_iter().skip(self.config.unbiased);
        biased
            .find(|(_, peer)| !but.contains(peer))
            .map(|(_, peer)| peer)
    }

    /// Is there what the exchange waits for? Then it goes on.
    fn weigh(&mut self, effects: &mut Effects<Effect>) {
        match self.exchange.as_ref().map(|exchange| &exchange.part) {
            Some(Part::Scanning { candidates }) => {
                let candidates = candidates.clone();
                let mut peers = candidates.iter().chain(self.active.peers());
                if peers.all(|&peer| self.cost(peer).is_some()) {
                    self.exchange = None;
                    self.choose(&candidates, effects);
                }
            }
            Some(&Part::Weighing {
                candidate,
                initiator,
                old,
            }) => {
                if let Some((new, present)) = self.cost(old).zip(self.cost(candidate)) {
                    self.exchange = None;
                    self.switch(candidate, initiator, old, new < present, effects);
                }
            }
            _ => {}
        }
    }

    fn choose(&mut self, candidates: &[PeerId], effects: &mut Effects<Effect>) {
        let known = candidates
            .iter()
            .filter(|&&peer| self.passive.contains(peer));
        let best = known.min_by_key(|&&peer| self.cost(peer)).copied();
        let Some((candidate, old)) = best.zip(self.costliest(&[])) else {
            return;
        };
        let gains = self.cost(candidate) < self.cost(old);
        let until = self.waited(3);
        if gains && self.active.is_full() && self.asked.add(candidate, until) {
            self.begin(Part::Asking { candidate, old }, 3);
            effects.push(Effect::Send(candidate, Message::Optimise { old }));
        }
    }

    /// The candidate is asked to be a neighbour. Who has a place takes it at once.
    pub(super) fn optimised(&mut self, from: PeerId, old: PeerId, effects: &mut Effects<Effect>) {
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        if matches!(part, Some(Part::Asking { candidate, .. }) if *candidate == from) {
            // Both ask each other, and would give up two neighbours for one link: neither does.
            self.exchange = None;
            self.asked.remove(from);
            effects.push(Effect::Send(from, Message::Refuse));
            self.repair(effects);
            return;
        }
        let may = self.exchange.is_none() && self.active.is_full() && !self.is_wanted(from);
        let disconnected = self.costliest(&[from, old]).filter(|_| may);
        if let Some(disconnected) = disconnected {
            let initiator = from;
            let part = Part::Replacing {
                initiator,
                disconnected,
            };
            self.begin(part, 2);
            let message = Message::Replace { initiator, old };
            effects.push(Effect::Send(disconnected, message));
        } else {
            for &peer in self.active.peers() {
                self.measure(peer, effects);
            }
            self.answer(from, effects);
        }
    }

    /// The last word on a request: a place, if there is one.
    fn answer(&mut self, initiator: PeerId, effects: &mut Effects<Effect>) {
        if self.is_wanted(initiator) || self.has_place() {
            self.enter(initiator, effects);
            effects.push(Effect::Send(initiator, Message::Accept));
        } else {
            self.reserve(initiator);
            effects.push(Effect::Send(initiator, Message::Refuse));
        }
    }

    /// A neighbour would give this node up, if it would have the old neighbour instead.
    pub(super) fn replaced_by(
        &mut self,
        candidate: PeerId,
        (initiator, old): (PeerId, PeerId),
        effects: &mut Effects<Effect>,
    ) {
        self.expect_neighbour(candidate, effects);
        let stranger = old != self.me && !self.is_wanted(old);
        if self.exchange.is_some() || !stranger || !self.active.contains(candidate) {
            effects.push(Effect::Send(candidate, Message::Replaced(false)));
            return;
        }
        let part = Part::Weighing {
            candidate,
            initiator,
            old,
        };
        self.begin(part, 1);
        self.measure(old, effects);
        self.measure(candidate, effects);
        self.weigh(effects);
    }

    fn switch(
        &mut self,
        candidate: PeerId,
        initiator: PeerId,
        old: PeerId,
        gains: bool,
        effects: &mut Effects<Effect>,
    ) {
        let may = gains && self.active.contains(candidate) && !self.is_wanted(old);
        if may && self.asked.add(old, self.waited(1)) {
            self.begin(Part::Switching { candidate, old }, 1);
            effects.push(Effect::Send(old, Message::Switch { initiator }));
        } else {
            effects.push(Effect::Send(candidate, Message::Replaced(false)));
        }
    }

    /// The old neighbour is asked to have the sender for the initiator.
    pub(super) fn switched(
        &mut self,
        from: PeerId,
        initiator: PeerId,
        effects: &mut Effects<Effect>,
    ) {
        let may = self.exchange.is_none() && initiator != from && !self.is_wanted(from);
        if may && self.leave(initiator, effects) {
            effects.push(Effect::Send(initiator, Message::Disconnect));
            self.reserve(initiator);
            self.enter(from, effects);
            effects.push(Effect::Send(from, Message::Accept));
        } else if self.is_wanted(from) {
            self.enter(from, effects);
            effects.push(Effect::Send(from, Message::Accept));
        } else {
            self.reserve(from);
            effects.push(Effect::Send(from, Message::Refuse));
        }
    }

    /// The disconnected has given this node up, or not.
    pub(super) fn given_up(&mut self, from: PeerId, gone: bool, effects: &mut Effects<Effect>) {
        let left = gone && self.leave(from, effects);
        if left {
            self.reserve(from);
        }
        self.replaced(from, effects);
        if left {
            self.repair(effects);
        }
    }

    /// What becomes of a request when the disconnected has said its word, or is gone.
    fn replaced(&mut self, from: PeerId, effects: &mut Effects<Effect>) {
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        if let Some(&Part::Replacing {
            initiator,
            disconnected,
        }) = part
            && disconnected == from
        {
            self.exchange = None;
            self.answer(initiator, effects);
        }
    }

    /// Is there a place for one who asks? The one that an old neighbour has left is the candidate's.
    pub(super) fn has_place(&self) -> bool {
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        let kept = matches!(part, Some(Part::Asking { old, .. }) if !self.active.contains(*old));
        self.active.peers().len() + usize::from(kept) < self.config.active_max
    }

    /// Whose place a peer takes, if it comes by an exchange.
    pub(super) fn place_for(&self, peer: PeerId) -> Option<(PeerId, Message)> {
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        let (old, message) = match part? {
            Part::Asking { candidate, old } if *candidate == peer => (*old, Message::Disconnect),
            Part::Switching { candidate, old } if *old == peer => {
                (*candidate, Message::Replaced(true))
            }
            _ => return None,
        };
        self.active.contains(old).then_some((old, message))
    }

    /// A peer has become a neighbour: what was asked of it is done.
    pub(super) fn entered(&mut self, peer: PeerId, effects: &mut Effects<Effect>) {
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        match part {
            Some(Part::Asking { candidate, .. }) if *candidate == peer => self.exchange = None,
            Some(&Part::Switching { candidate, old }) if old == peer => {
                self.exchange = None;
                // There was a place free: the candidate keeps its own.
                if self.active.contains(candidate) {
                    effects.push(Effect::Send(candidate, Message::Replaced(false)));
                }
            }
            _ => {}
        }
    }

    /// A peer is no neighbour any more, and will not become one, for which an exchange may wait.
    pub(super) fn parted(&mut self, from: PeerId, effects: &mut Effects<Effect>) {
        self.replaced(from, effects);
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        match &mut exchange.part {
            Part::Scanning { candidates } => {
                candidates.retain(|&peer| peer != from);
                self.weigh(effects);
            }
            Part::Asking { candidate, .. } => {
                let candidate = *candidate;
                if !self.asked.contains(candidate) {
                    self.exchange = None;
                }
            }
            Part::Replacing { initiator, .. } => {
                if *initiator == from {
                    self.exchange = None;
                }
            }
            Part::Weighing { candidate, old, .. } => {
                if *candidate == from || *old == from {
                    self.drop_part(effects);
                }
            }
            Part::Switching { candidate, old } => {
                if *candidate == from {
                    self.exchange = None;
                } else if *old == from && !self.asked.contains(from) {
                    self.drop_part(effects);
                }
            }
        }
    }

    /// It takes too long. Who waits for this node is told.
    pub(super) fn give_up(&mut self, effects: &mut Effects<Effect>) {
        let over = |exchange: &Exchange| exchange.until <= self.now;
        if self.exchange.as_ref().is_some_and(over) {
            self.drop_part(effects);
        }
    }

    fn drop_part(&mut self, effects: &mut Effects<Effect>) {
        match self.exchange.take().map(|exchange| exchange.part) {
            Some(Part::Replacing { initiator, .. }) => self.answer(initiator, effects),
            Some(Part::Weighing { candidate, .. } | Part::Switching { candidate, .. }) => {
                effects.push(Effect::Send(candidate, Message::Replaced(false)));
            }
            _ => {}
        }
    }

    pub(super) fn check_exchange(&self) {
        self.costs.check();
        let part = self.exchange.as_ref().map(|exchange| &exchange.part);
        match part {
            Some(Part::Asking { candidate, .. }) => {
                assert!(
                    self.asked.contains(*candidate),
                    "the candidate is not asked"
                );
            }
            Some(Part::Switching { candidate, old }) => {
                assert!(self.asked.contains(*old), "the old neighbour is not asked");
                assert!(self.active.contains(*candidate), "a stranger waits");
            }
            Some(Part::Scanning { candidates }) => {
                assert!(candidates.len() <= self.config.optimise_scan, "too many");
            }
            _ => {}
        }
    }
}
