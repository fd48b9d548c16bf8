//! Do others see what this member sees?
//!
//! Role       Compares views with a random member; where they differ, both send what the other lacks.
//!            Tries those again that are down.
//! Limit      Nothing is remembered of an exchange: each message stands for itself.
//! Source     Demers and others: Epidemic algorithms (1987), "anti-entropy"; memberlist, "push/pull"

use std::collections::BTreeMap;

use crate::machine::{Effects, Tick};

use super::agenda::Due;
use super::digest::{BUCKETS, Digest, bucket};
use super::event::Effect;
use super::machine::{Membership, Phase};
use super::name::{Address, Name};
use super::record::{Claim, State};
use super::rumours::About;
use super::wire::{Body, DATAGRAM_MAX, STREAM_MAX, Sender, Writer, claim_len};

/// The buckets of a mask.
fn numbers(mask: u64) -> impl Iterator<Item = usize> {
    (0..BUCKETS).filter(move |number| mask >> number & 1 == 1)
}

/// Room for a header and a mask.
const OVERHEAD: usize = 512;

impl Membership {
    pub(super) fn exchange_due(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        if self.exchange.0 == now {
            self.agenda.cancel(now, Due::Exchange);
        }
        if self.phase != Phase::Running {
            return;
        }
        let chosen = self.choose(1, |_| true);
        let mut interval = (self.exchange.1 * 2).min(self.config.exchange_interval_max);
        if self.differed {
            interval = self.config.exchange_interval_min;
        }
        self.differed = false;
        if let Some(at) = chosen.first() {
            let address = self.members.at(*at).record.address.clone();
            self.compare(now, &address, Some(*at), effects);
        } else {
            interval = self.config.reconnect_interval;
            if !self.seeds.is_empty() {
                let seed = self.seeds[self.rng.below(self.seeds.len())].0.clone();
                self.compare(now, &seed, None, effects);
            }
        }
        let jitter = self.within(interval / 4);
        self.exchange = (now + interval + jitter, interval);
        self.agenda.add(self.exchange.0, Due::Exchange);
    }

    /// A difference was found: there may be more.
    pub(super) fn hurry(&mut self, now: Tick) {
        let soon = now + self.config.exchange_interval_min;
        if self.phase == Phase::Running && self.exchange.0 > soon {
            self.agenda.remove(self.exchange.0, Due::Exchange);
            self.exchange = (soon, self.config.exchange_interval_min);
            self.agenda.add(soon, Due::Exchange);
        }
    }

    pub(super) fn reconnect_due(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        if self.phase != Phase::Running {
            return;
        }
        let interval = self.config.reconnect_interval * self.share();
        let jitter = self.within(interval / 4);
        self.agenda.add(now + interval + jitter, Due::Reconnect);
        let strangers = self.strange_seeds();
        let down = self.members.down();
        if strangers.is_empty() && down.is_empty() {
            return;
        }
        let chosen = self.rng.below(strangers.len() + down.len());
        if let Some(seed) = strangers.get(chosen) {
            self.compare(now, seed, None, effects);
        } else {
            let at = down[chosen - strangers.len()];
            let address = self.members.at(at).record.address.clone();
            self.compare(now, &address, Some(at), effects);
        }
    }

    /// Somebody is connected: it is asked for its view, unless it is known to be well.
    pub(super) fn met(
        &mut self,
        now: Tick,
        name: &Name,
        incarnation: u64,
        address: &Address,
        effects: &mut Effects<Effect>,
    ) {
        let at = self.members.find(name.as_str());
        let is_well = at
            .map(|at| &self.members.at(at).record)
            .is_some_and(|record| {
                record.state == State::Alive && record.incarnation == incarnation
            });
        if self.phase == Phase::Running && !is_well {
            self.compare(now, address, at, effects);
        }
    }

    /// Seeds at whose address no live member is.
    fn strange_seeds(&mut self) -> Vec<Address> {
        let members = &self.members;
        let is_at = |at: usize, seed: &Address| {
            members.is_live(at) && members.at(at).record.address == *seed
        };
        let mut strange = Vec::new();
        for (seed, place) in &mut self.seeds {
            // It is looked for when it is not any more where it was.
            if !place.is_some_and(|at| is_at(at, seed)) {
                *place = members.live().iter().copied().find(|at| is_at(*at, seed));
            }
            if place.is_none() {
                strange.push(seed.clone());
            }
        }
        strange
    }

    pub(super) fn compare(
        &mut self,
        now: Tick,
        to: &Address,
        at: Option<usize>,
        effects: &mut Effects<Effect>,
    ) {
        let digest = Box::new(self.members.digest.clone());
        self.send(now, to, at, &Body::Compare { digest }, effects);
    }

    /// Does this member answer the sender? Who is not known is asked for its view, who is believed
    /// to be gone is told so.
    pub(super) fn answers(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        effects: &mut Effects<Effect>,
    ) -> bool {
        let known = self.members.find(sender.name);
        let incarnation = known.map(|at| self.members.at(at).record.incarnation);
        match (known, incarnation) {
            (Some(at), Some(incarnation)) if incarnation >= sender.incarnation => {
                let state = self.members.at(at).record.state;
                let current = incarnation == sender.incarnation;
                if !current || !state.is_live() {
                    self.answer_belief(now, at, sender, effects);
                }
                current && state != State::Evicted
            }
            _ => {
                self.greet(now, sender, effects);
                true
            }
        }
    }

    /// Who is believed to be gone and sends is told so, but not for each message: it may believe the
    /// same of this member.
    fn answer_belief(
        &mut self,
        now: Tick,
        at: usize,
        sender: &Sender<'_>,
        effects: &mut Effects<Effect>,
    ) {
        let pause = self.config.gossip_interval;
        let informed = &mut self.members.at_mut(at).informed;
        if informed.is_none_or(|before| now.since(before) >= pause) {
            *informed = Some(now);
            self.inform_at(now, at, sender.address, effects);
        }
    }

    fn greet(&mut self, now: Tick, sender: &Sender<'_>, effects: &mut Effects<Effect>) {
        let pause = self.config.exchange_interval_min;
        let lately = self.greeted.is_some_and(|at| now.since(at) < pause);
        let Ok(address) = Address::new(sender.address) else {
            return;
        };
        if !lately && self.phase == Phase::Running {
            self.greeted = Some(now);
            self.compare(now, &address, None, effects);
        }
    }

    pub(super) fn compared(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        theirs: &Digest,
        effects: &mut Effects<Effect>,
    ) {
        let mask = self.members.digest.difference(theirs);
        if mask == 0 || self.phase != Phase::Running {
            return;
        }
        self.differed = true;
        self.send_buckets(now, sender, mask, effects);
    }

    /// Who is in a bucket: this member may be one of them.
    fn in_bucket(&self, number: usize) -> impl Iterator<Item = About> {
        let me = (bucket(self.my_hash) == number).then_some(About::Own);
        me.into_iter()
            .chain(self.members.in_bucket(number).map(About::Member))
    }

    /// Sends what is known of the members in the buckets. A bucket is not split, so that who gets it
    /// can say what it lacks; one that is too long goes in parts, and nobody says what it lacks.
    fn send_buckets(
        &self,
        now: Tick,
        sender: &Sender<'_>,
        mask: u64,
        effects: &mut Effects<Effect>,
    ) {
        let room = STREAM_MAX - OVERHEAD;
        let (mut piece, mut piece_mask, mut used) = (Vec::new(), 0_u64, 0);
        for number in numbers(mask) {
            let inside: Vec<About> = self.in_bucket(number).collect();
            let sizes = inside
                .iter()
                .map(|about| claim_len(&self.claim_of(now, *about)));
            let size: usize = sizes.sum();
            if used + size > room {
                self.send_piece(now, sender, piece_mask, &piece, effects);
                (piece_mask, used) = (0, 0);
                piece.clear();
            }
            if size > room {
                for part in inside.chunks(64) {
                    self.send_piece(now, sender, 0, part, effects);
                }
                continue;
            }
            piece.extend(inside);
            piece_mask |= 1 << number;
            used += size;
        }
        self.send_piece(now, sender, piece_mask, &piece, effects);
    }

    fn send_piece(
        &self,
        now: Tick,
        sender: &Sender<'_>,
        mask: u64,
        abouts: &[About],
        effects: &mut Effects<Effect>,
    ) {
        if abouts.is_empty() && mask == 0 {
            return;
        }
        let Ok(to) = Address::new(sender.address) else {
            return;
        };
        let body = Body::Differ { mask };
        let mut writer = Writer::begin(self.config.cluster, &self.me, &body, STREAM_MAX);
        for about in abouts {
            let fits = writer.claim(&self.claim_of(now, *about));
            assert!(fits, "a piece is too long");
        }
        let bytes = writer.finish();
        effects.push(if bytes.len() <= DATAGRAM_MAX {
            Effect::Send { to, bytes }
        } else {
            Effect::Stream { to, bytes }
        });
    }

    /// The other one sent all that it knows of some buckets: it gets what it lacks.
    pub(super) fn answer(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        mask: u64,
        claims: &[Claim<'_>],
        effects: &mut Effects<Effect>,
    ) {
        if mask == 0 {
            return;
        }
        let theirs: BTreeMap<&str, _> = claims
            .iter()
            .map(|claim| (claim.name, claim.precedence()))
            .collect();
        let lacks = |claim: &Claim<'_>| {
            let known = theirs.get(claim.name);
            known.is_none_or(|known| *known < claim.precedence())
        };
        let lacking = numbers(mask).flat_map(|number| self.in_bucket(number));
        let lacking: Vec<About> = lacking
            .filter(|about| lacks(&self.claim_of(now, *about)))
            .collect();
        let mut part = Vec::new();
        let mut used = 0;
        for about in lacking {
            used += claim_len(&self.claim_of(now, about));
            part.push(about);
            if used > STREAM_MAX - 2 * OVERHEAD - 512 {
                self.send_piece(now, sender, 0, &part, effects);
                part.clear();
                used = 0;
            }
        }
        self.send_piece(now, sender, 0, &part, effects);
    }
}
