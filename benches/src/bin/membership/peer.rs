//! How is foca measured?
//!
//! Role       foca 2.0 as a machine, alone or with a periodic full exchange around it.
//! Inputs     The same intervals as ours has, foca's own for the rest.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use foca::{AccumulatingRuntime, Config, Foca, Identity, NoCustomBroadcast, OwnedNotification};
use foca::{Member, PostcardCodec, Timer};
use foundation::Rng;
use foundation::cluster::model::{Ask, Sending};
use foundation::cluster::{Effects, Machine, Tick};
use serde::{Deserialize, Serialize};

use crate::protocol::{Protocol, address};

/// A host, and how often it renewed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Id {
    host: u32,
    renewed: u32,
}

impl Identity for Id {
    type Addr = u32;

    fn renew(&self) -> Option<Self> {
        let renewed = self.renewed + 1;
        Some(Self { renewed, ..*self })
    }

    fn addr(&self) -> u32 {
        self.host
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.renewed > adversary.renewed
    }
}

/// Our generator, as foca wants it.
struct Dice(Rng);

impl rand::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.0.next_u64() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) enum Input {
    Join,
    Received(Vec<u8>),
    Woken,
}

pub(crate) enum Effect {
    Send(u32, Vec<u8>),
    Stream(u32, Vec<u8>),
    Wake(Tick),
    Failed(u32),
}

enum Due {
    Foca(Timer<Id>),
    Join,
    Exchange,
}

const DATA: u8 = 0;
const PUSH: u8 = 1;
const PULL: u8 = 2;

pub(crate) struct Peer {
    foca: Foca<Id, PostcardCodec, Dice, NoCustomBroadcast>,
    runtime: AccumulatingRuntime<Id>,
    agenda: BTreeMap<(Tick, u64), Due>,
    order: u64,
    exchange: Option<Duration>,
    rng: Rng,
    me: Id,
}

/// The machine of a host, in a cluster of `nodes`.
pub(crate) fn make(nodes: usize, exchange: Option<Duration>) -> impl Fn(usize, u64) -> Peer {
    move |host, seed| {
        let size = NonZeroU32::new(nodes as u32).expect("there are nodes");
        let ours = foundation::cluster::membership::Config::default();
        let digits = (nodes as f64).log10().max(1.0);
        let config = Config {
            probe_period: ours.probe_interval,
            probe_rtt: ours.probe_timeout,
            suspect_to_down_after: ours
                .probe_interval
                .mul_f64(f64::from(ours.suspicion_factor) * digits),
            ..Config::new_lan(size)
        };
        let me = Id {
            host: host as u32,
            renewed: 0,
        };
        Peer {
            foca: Foca::new(me, config, Dice(Rng::new(seed)), PostcardCodec),
            runtime: AccumulatingRuntime::new(),
            agenda: BTreeMap::new(),
            order: 0,
            exchange,
            rng: Rng::new(!seed),
            me,
        }
    }
}

impl Peer {
    fn add(&mut self, at: Tick, due: Due) {
        self.order += 1;
        self.agenda.insert((at, self.order), due);
    }

    fn announce(&mut self, now: Tick) {
        let seed = Id {
            host: 0,
            renewed: 0,
        };
        if self.me.host != 0 && self.foca.num_members() == 0 {
            let _ = self.foca.announce(seed, &mut self.runtime);
            self.add(now + Duration::from_secs(1), Due::Join);
        }
    }

    fn state(&self, kind: u8) -> Vec<u8> {
        let mut members: Vec<Member<Id>> = self.foca.iter_membership_state().cloned().collect();
        members.push(Member::alive(*self.foca.identity()));
        let mut bytes = vec![kind];
        bytes.extend(self.me.host.to_be_bytes());
        bytes.extend(serde_json::to_vec(&members).expect("it is plain data"));
        bytes
    }

    fn received(&mut self, bytes: &[u8], effects: &mut Effects<Effect>) {
        let (kind, rest) = bytes.split_first().expect("it has a kind");
        if *kind == DATA {
            let _ = self.foca.handle_data(rest, &mut self.runtime);
            return;
        }
        let (host, state) = rest.split_first_chunk().expect("it has a sender");
        let members: Vec<Member<Id>> = serde_json::from_slice(state).expect("it was ours");
        if *kind == PUSH {
            let answer = self.state(PULL);
            effects.push(Effect::Stream(u32::from_be_bytes(*host), answer));
        }
        let _ = self
            .foca
            .apply_many(members.into_iter(), true, &mut self.runtime);
    }

    fn exchange_due(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        let Some(interval) = self.exchange else {
            return;
        };
        self.add(now + interval, Due::Exchange);
        let members: VecDeque<u32> = self.foca.iter_members().map(|m| m.id().host).collect();
        if !members.is_empty() {
            let host = members[self.rng.below(members.len())];
            let bytes = self.state(PUSH);
            effects.push(Effect::Stream(host, bytes));
        }
    }

    fn drain(&mut self, now: Tick, effects: &mut Effects<Effect>) {
        while let Some((to, data)) = self.runtime.to_send() {
            let mut bytes = vec![DATA];
            bytes.extend(&data[..]);
            effects.push(Effect::Send(to.host, bytes));
        }
        while let Some((after, timer)) = self.runtime.to_schedule() {
            self.add(now + after, Due::Foca(timer));
        }
        while let Some(notification) = self.runtime.to_notify() {
            if let OwnedNotification::MemberDown(id) = notification {
                effects.push(Effect::Failed(id.host));
            }
        }
    }
}

impl Machine for Peer {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        match input {
            Input::Join => {
                self.announce(now);
                if let Some(interval) = self.exchange {
                    let micros = interval.as_micros() as usize;
                    let first = Duration::from_micros(self.rng.below(micros) as u64);
                    self.add(now + first, Due::Exchange);
                }
            }
            Input::Received(bytes) => self.received(&bytes, effects),
            Input::Woken => {
                while let Some(entry) = self.agenda.first_entry() {
                    if entry.key().0 > now {
                        break;
                    }
                    match entry.remove() {
                        Due::Foca(timer) => {
                            let _ = self.foca.handle_timer(timer, &mut self.runtime);
                        }
                        Due::Join => self.announce(now),
                        Due::Exchange => self.exchange_due(now, effects),
                    }
                }
            }
        }
        self.drain(now, effects);
        if let Some(((at, _), _)) = self.agenda.first_key_value() {
            effects.push(Effect::Wake(*at));
        }
    }

    fn check(&self) {}
}

impl Sending for Peer {
    fn received(bytes: Vec<u8>) -> Input {
        Input::Received(bytes)
    }

    fn woken() -> Input {
        Input::Woken
    }

    fn ask(effect: Effect) -> Ask<Effect> {
        match effect {
            Effect::Send(host, bytes) => Ask::Send(address(host as usize), bytes),
            Effect::Stream(host, bytes) => Ask::Stream(address(host as usize), bytes),
            Effect::Wake(at) => Ask::Wake(at),
            other @ Effect::Failed(_) => Ask::Other(other),
        }
    }
}

impl Protocol for Peer {
    fn join() -> Input {
        Input::Join
    }

    fn live(&self) -> usize {
        self.foca.num_members()
    }

    fn failed(effect: &Effect) -> Option<usize> {
        match effect {
            Effect::Failed(host) => Some(*host as usize),
            _ => None,
        }
    }
}
