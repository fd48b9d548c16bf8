//! What goes out with a message?
//!
//! Role       Every message carries news for as long as there is room: first what its receiver is
//!            accused of, then what was passed on least.
//! Limit      [`DATAGRAM_MAX`] bytes; the first [`SCANNED_MAX`] news are tried.
//! Source     Lifeguard (2017), "Buddy System"

use crate::machine::{Effects, Tick};

use super::event::Effect;
use super::logarithm::log10_milli;
use super::machine::Membership;
use super::name::Address;
use super::record::{Accusers, Claim, State};
use super::rumours::About;
use super::wire::{Body, DATAGRAM_MAX, Ping, Sender, Writer};

/// So many news are tried for the rest of a message.
const SCANNED_MAX: usize = 64;

/// So many members that were heard to be down are told so at once, at most, while there are others
/// to be probed.
const INFORMED_MAX: usize = 64;

impl Membership {
    pub(super) fn claim_of(&self, now: Tick, about: About) -> Claim<'_> {
        match about {
            About::Own => Claim::of(&self.me, Accusers::default(), 0),
            About::Member(at) => self.members.at(at).claim(now, self.config.remember),
        }
    }

    /// Sends a message to whoever is at the address: the member in the place `at`, if it is known.
    pub(super) fn send(
        &mut self,
        now: Tick,
        to: &Address,
        at: Option<usize>,
        body: &Body<'_>,
        effects: &mut Effects<Effect>,
    ) {
        let mut writer = Writer::begin(self.config.cluster, &self.me, body, DATAGRAM_MAX);
        let target = at.and_then(|at| self.members.get(at));
        let state = target.map(|member| member.record.state);
        // What its receiver is accused of comes first, and what it said itself is no news to it.
        let accuses = match state {
            Some(State::Suspect) => self.config.buddy,
            Some(State::Down | State::Evicted) => true,
            Some(State::Alive | State::Left) | None => false,
        };
        if let Some(member) = target.filter(|_| accuses) {
            writer.claim(&member.claim(now, self.config.remember));
        }
        // Who compares views introduces itself: the receiver may not know it.
        let introduces = matches!(body, Body::Compare { .. });
        if introduces {
            writer.claim(&self.claim_of(now, About::Own));
        }
        let is_known = accuses || state != Some(State::Suspect);
        let known = at.filter(|_| is_known).map(About::Member);
        let own = introduces.then_some(About::Own);
        self.add_news(now, [known, own], &mut writer);
        let (to, bytes) = (to.clone(), writer.finish());
        effects.push(match body {
            Body::Ping(Ping { stream: true, .. }) | Body::Ack { stream: true, .. } => {
                Effect::Stream { to, bytes }
            }
            _ => Effect::Send { to, bytes },
        });
    }

    /// Adds news, but none of these: the receiver knows them, or reads them before.
    fn add_news(&mut self, now: Tick, known: [Option<About>; 2], writer: &mut Writer) {
        let mut told = Vec::new();
        for about in self.rumours.iter().take(SCANNED_MAX) {
            if writer.is_full() {
                break;
            }
            if !known.contains(&Some(about)) && writer.claim(&self.claim_of(now, about)) {
                told.push(about);
            }
        }
        let max = self.retransmissions();
        for about in told {
            self.rumours.told(about, max);
        }
    }

    /// How often news are passed on: it grows with the logarithm of the number of members. Who has very many
    /// neighbours, as a server has, is the only one from whom most of them hear.
    fn retransmissions(&self) -> usize {
        let digits = log10_milli(self.members.live().len() + 2).div_ceil(1000);
        let usual = self.config.retransmit_factor * usize::try_from(digits).unwrap_or(1).max(1);
        usual.max(self.neighbours.count())
    }

    pub(super) fn reply(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        body: &Body<'_>,
        effects: &mut Effects<Effect>,
    ) {
        if let Ok(to) = Address::new(sender.address) {
            let at = self.members.find(sender.name);
            self.send(now, &to, at, body, effects);
        }
    }

    /// A message that says what this member says of itself, to whomever: for a driver that can tell
    /// everybody at once that it leaves.
    #[must_use]
    pub fn introduction(&self) -> Vec<u8> {
        let mut writer = Writer::begin(self.config.cluster, &self.me, &Body::Gossip, DATAGRAM_MAX);
        writer.claim(&Claim::of(&self.me, Accusers::default(), 0));
        writer.finish()
    }

    /// One round of gossip.
    pub(super) fn gossip(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        let fanout = self.config.gossip_fanout;
        for at in self.choose(fanout, |_| true) {
            if self.rumours.is_empty() {
                return;
            }
            let address = self.members.at(at).record.address.clone();
            self.send(now, &address, Some(at), &Body::Gossip, effects);
        }
    }

    /// Tells a member what is believed of it.
    pub(super) fn inform(&mut self, now: Tick, at: usize, effects: &mut Effects<Effect>) {
        let address = self.members.at(at).record.address.clone();
        self.inform_at(now, at, address.as_str(), effects);
    }

    /// Tells whoever is at the address what is believed of the member in the place `at`.
    pub(super) fn inform_at(
        &self,
        now: Tick,
        at: usize,
        address: &str,
        effects: &mut Effects<Effect>,
    ) {
        let Ok(to) = Address::new(address) else {
            return;
        };
        let mut writer = Writer::begin(self.config.cluster, &self.me, &Body::Gossip, DATAGRAM_MAX);
        writer.claim(&self.members.at(at).claim(now, self.config.remember));
        // It may believe the same of this member.
        writer.claim(&self.claim_of(now, About::Own));
        let bytes = writer.finish();
        effects.push(Effect::Send { to, bytes });
    }

    /// Tells a member that it was heard to be down, unless many are told already.
    pub(super) fn inform_some(&mut self, now: Tick, at: usize, effects: &mut Effects<Effect>) {
        if self.doubted.len() <= INFORMED_MAX {
            self.inform(now, at, effects);
        }
    }
}
