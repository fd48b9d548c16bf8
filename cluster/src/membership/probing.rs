//! Is the next one there?
//!
//! Role       One probe an interval: directly, then through helpers; then the judgement. Probes for
//!            others on the way.
//! Limit      [`RELAYS_MAX`] probes for others.

use crate::machine::{Effects, Tick};

use super::agenda::Due;
use super::config::Reach;
use super::event::Effect;
use super::machine::{Membership, Phase, RELAYS_MAX};
use super::name::Address;
use super::record::{Accusers, State};
use super::wire::{Body, Ping, Sender};

/// The probe of this interval.
#[derive(Debug)]
pub(super) struct Probe {
    number: u32,
    /// Where its target stands, and which claim of it was probed.
    at: usize,
    hash: u64,
    incarnation: u64,
    revision: u32,
    sent: Tick,
    acked: bool,
    /// When others are asked for help, if it is not acked by then.
    help: Tick,
    /// How many were asked to help, and how many of them said that they got no answer either.
    helpers: usize,
    nacks: usize,
}

/// A probe for somebody else.
#[derive(Debug)]
pub(super) struct Relay {
    number: u32,
    origin: Address,
    due: Tick,
    nacked: bool,
}

impl Membership {
    pub(super) fn probe_due(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        self.judge(now, effects);
        if self.phase == Phase::Running {
            let interval = self.health.scale(self.config.probe_interval);
            self.agenda.add(now + interval, Due::Probe);
            self.begin_probe(now, effects);
        }
    }

    fn begin_probe(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        let Some(at) = self.next_target(now, effects) else {
            return;
        };
        let number = self.next_number();
        let member = self.members.at(at);
        let (hash, record) = (member.hash, &member.record);
        let (name, address) = (record.name.clone(), record.address.clone());
        let incarnation = record.incarnation;
        let help = now + self.health.scale(self.config.probe_timeout);
        self.probe = Some(Probe {
            number,
            at,
            hash,
            incarnation,
            revision: record.revision,
            sent: now,
            acked: false,
            help,
            helpers: 0,
            nacks: 0,
        });
        self.agenda.add(help, Due::Help(number));
        let body = Body::Ping(Ping {
            number,
            name: name.as_str(),
            incarnation,
            stream: false,
        });
        self.send(now, &address, Some(at), &body, effects);
    }

    /// Those whose death was heard of come first, but never two of them in a row: where some are
    /// slow there is always one, and nobody else would be probed.
    fn next_target(&mut self, now: Tick, effects: &mut Effects<Effect>) -> Option<usize> {
        if !std::mem::replace(&mut self.probed_hearsay, false) {
            while let Some(at) = self.doubted.pop_front() {
                if self
                    .members
                    .get(at)
                    .is_some_and(|member| member.is_hearsay())
                {
                    self.probed_hearsay = true;
                    return Some(at);
                }
            }
        }
        match self.config.reach {
            Reach::All => self.members.next_probed(&mut self.rng),
            Reach::Neighbours => self.next_near(now, effects),
        }
    }

    pub(super) fn help_due(&mut self, now: Tick, number: u32, effects: &mut Effects<Effect>) {
        let Some(probe) = self.probe.as_ref().filter(|probe| probe.number == number) else {
            return;
        };
        if probe.acked || !self.members.is_live(probe.at) {
            return;
        }
        let at = probe.at;
        let target = self.members.at(at).record.clone();
        let helpers = self.choose(self.config.helpers, |member| {
            member.record.state == State::Alive && member.record.name != target.name
        });
        if let Some(probe) = &mut self.probe {
            probe.helpers = helpers.len();
        }
        let body = Body::Help {
            number,
            name: target.name.as_str(),
            incarnation: target.incarnation,
            address: target.address.as_str(),
        };
        for helper in helpers {
            let address = self.members.at(helper).record.address.clone();
            self.send(now, &address, Some(helper), &body, effects);
        }
        if self.config.probe_by_stream {
            let body = Body::Ping(Ping {
                number,
                name: target.name.as_str(),
                incarnation: target.incarnation,
                stream: true,
            });
            self.send(now, &target.address, Some(at), &body, effects);
        }
    }

    fn judge(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        let Some(probe) = self.probe.take().filter(|probe| !probe.acked) else {
            return;
        };
        // Helpers that are well say at least that they got no answer. If they do not, it is this
        // member that hears badly.
        self.health.worse(match probe.helpers {
            0 => 1,
            helpers => helpers - probe.nacks.min(helpers),
        });
        let Some(member) = self.members.get(probe.at) else {
            return;
        };
        let record = &member.record;
        // The place may be somebody else's by now, or it refuted something since.
        let claim = (member.hash, record.incarnation, record.revision);
        let probed = (probe.hash, probe.incarnation, probe.revision);
        if claim != probed || !record.state.is_live() {
            return;
        }
        if member.is_hearsay() {
            self.declare(now, probe.at, State::Down, effects);
        } else {
            let me = Accusers::one(self.my_hash);
            self.suspect(now, probe.at, me, effects);
        }
    }

    pub(super) fn pinged(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        ping: &Ping<'_>,
        effects: &mut Effects<Effect>,
    ) {
        if ping.name != self.me.name.as_str() {
            return;
        }
        // Who means an earlier one of this name is told that there is another.
        let body = if ping.incarnation == self.me.incarnation {
            Body::Ack {
                number: ping.number,
                stream: ping.stream,
            }
        } else {
            Body::Gossip
        };
        self.reply(now, sender, &body, effects);
    }

    pub(super) fn acked(&mut self, now: Tick, number: u32, effects: &mut Effects<Effect>) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.number == number) {
            if !probe.acked {
                probe.acked = true;
                self.agenda.cancel(probe.help, Due::Help(number));
                if probe.helpers == 0 {
                    let took = now.since(probe.sent);
                    let before = self.round_trip.unwrap_or(took);
                    self.round_trip = Some((7 * before + took) / 8);
                }
                self.health.better();
            }
        } else if let Some(relay) = self.relays.remove(&number) {
            self.agenda.remove(relay.due, Due::Relay(number));
            let body = Body::Ack {
                number: relay.number,
                stream: false,
            };
            self.send(now, &relay.origin, None, &body, effects);
        }
    }

    pub(super) fn nacked(&mut self, number: u32) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.number == number) {
            probe.nacks += 1;
        }
    }

    pub(super) fn asked(
        &mut self,
        now: Tick,
        sender: &Sender<'_>,
        origin_number: u32,
        (name, incarnation, address): (&str, u64, &str),
        effects: &mut Effects<Effect>,
    ) {
        let (Ok(origin), Ok(address)) = (Address::new(sender.address), Address::new(address))
        else {
            return;
        };
        if self.relays.len() >= RELAYS_MAX {
            return;
        }
        let number = self.next_number();
        let due = now + self.config.probe_timeout * 4 / 5;
        self.agenda.add(due, Due::Relay(number));
        let relay = Relay {
            number: origin_number,
            origin,
            due,
            nacked: false,
        };
        self.relays.insert(number, relay);
        let body = Body::Ping(Ping {
            number,
            name,
            incarnation,
            stream: false,
        });
        let at = self.members.find(name);
        self.send(now, &address, at, &body, effects);
    }

    pub(super) fn relay_due(&mut self, now: Tick, number: u32, effects: &mut Effects<Effect>) {
        let relay = self.relays.get_mut(&number).expect("a relay is due once");
        if relay.nacked {
            self.relays.remove(&number);
            return;
        }
        relay.nacked = true;
        relay.due = now + self.config.probe_interval;
        self.agenda.add(relay.due, Due::Relay(number));
        let body = Body::Nack {
            number: relay.number,
        };
        let origin = relay.origin.clone();
        self.send(now, &origin, None, &body, effects);
    }

    /// A number that no probe under way has.
    fn next_number(&mut self) -> u32 {
        loop {
            self.number = self.number.wrapping_add(1);
            if !self.relays.contains_key(&self.number) {
                return self.number;
            }
        }
    }
}
