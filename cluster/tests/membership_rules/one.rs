//! Who is tested?
//!
//! Role       A member `a`, started as 5, that hears what tests say and is woken when it asks for it.

use std::time::Duration;

use foundation_cluster::membership::{
    Address, Config, Effect, Event, Input, Membership, Name, State,
};
use foundation_cluster::{Effects, Machine, Tick};

use crate::words::{Body, Claim, Message, claim, read, write};

/// What it is called, and when it was started.
pub(crate) const ME: (&str, u64) = ("a", 5);

/// Nothing happens by itself for an hour but probes and gossip.
pub(crate) fn quiet() -> Config {
    Config {
        exchange_interval_min: Duration::from_secs(3600),
        exchange_interval_max: Duration::from_secs(3600),
        reconnect_interval: Duration::from_secs(3600),
        remember: Duration::from_secs(36_000),
        ..Config::default()
    }
}

/// Nothing happens by itself for an hour but gossip.
pub(crate) fn still() -> Config {
    Config {
        probe_interval: Duration::from_secs(3600),
        ..quiet()
    }
}

pub(crate) struct One {
    pub(crate) machine: Membership,
    now: Tick,
    wake: Option<Tick>,
    /// To whom, over a connection or not, what.
    sent: Vec<(String, bool, Message)>,
    told: Vec<String>,
}

impl One {
    /// It knows these, which are alive and were started as 1, and has told all that it knows.
    pub(crate) fn new(config: Config, others: &[&str]) -> Self {
        Self::seeded(config, others, &[], 1)
    }

    pub(crate) fn seeded(config: Config, others: &[&str], seeds: &[&str], seed: u64) -> Self {
        let name = Name::new(ME.0).unwrap();
        let address = Address::new(ME.0).unwrap();
        let machine = Membership::new(config.clone(), name, ME.1, address, seed).unwrap();
        let mut one = Self {
            machine,
            now: Tick::ZERO,
            wake: None,
            sent: Vec::new(),
            told: Vec::new(),
        };
        let seeds = seeds.iter().map(|seed| Address::new(seed).unwrap());
        one.give(Input::Join(seeds.collect()));
        for other in others {
            one.hear(&[claim(State::Alive, other, 1, 0)]);
        }
        while one.machine.news() > 0 {
            one.say("carrier", Body::Ping(1, ME.0.to_owned(), ME.1), &[]);
        }
        one.sent.clear();
        one.told.clear();
        one
    }

    pub(crate) fn give(&mut self, input: Input) {
        let mut effects = Effects::new();
        self.machine.step(self.now, input, &mut effects);
        self.machine.check();
        for effect in effects.drain() {
            match effect {
                Effect::Send { to, bytes } => {
                    self.sent
                        .push((to.as_str().to_owned(), false, read(&bytes)));
                }
                Effect::Stream { to, bytes } => {
                    self.sent.push((to.as_str().to_owned(), true, read(&bytes)));
                }
                Effect::Wake(at) => self.wake = Some(at),
                Effect::Tell(event) => self.told.push(short(&event)),
                Effect::Refused(refusal) => self.told.push(format!("refused: {refusal}")),
            }
        }
    }

    /// `from`, started as 1 and reached at its name, sends this.
    pub(crate) fn say(&mut self, from: &str, body: Body, claims: &[Claim]) {
        self.say_as((from, 1), body, claims);
    }

    pub(crate) fn say_as(&mut self, from: (&str, u64), body: Body, claims: &[Claim]) {
        let message = Message {
            name: from.0.to_owned(),
            incarnation: from.1,
            address: from.0.to_owned(),
            body,
            claims: claims.to_vec(),
        };
        self.give(Input::Received(write(&message)));
    }

    /// Somebody that it does not know, and does not greet twice, brings news.
    pub(crate) fn hear(&mut self, claims: &[Claim]) {
        self.say("carrier", Body::Gossip, claims);
        self.sent.retain(|(to, ..)| to != "carrier");
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.wake.filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.wake = None;
            self.give(Input::Woken);
        }
        self.now = end;
    }

    /// Time passes, and it is not woken.
    pub(crate) fn sleep(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// Waits, but not longer than so, until it has sent something of this kind.
    pub(crate) fn until<T>(
        &mut self,
        bound: Duration,
        wanted: impl Fn(&(String, bool, Message)) -> Option<T>,
    ) -> Option<T> {
        let end = self.now + bound;
        loop {
            let sent = self.take();
            if let Some(found) = sent.iter().find_map(&wanted) {
                return Some(found);
            }
            let at = self.wake.filter(|at| *at <= end)?;
            self.wait(at.since(self.now));
        }
    }

    /// The next probe: when, of whom, and its number.
    pub(crate) fn probe(&mut self) -> (Tick, String, u32) {
        let found = self.until(Duration::from_secs(60), |(to, _, message)| {
            match &message.body {
                Body::Ping(number, ..) => Some((to.clone(), *number)),
                _ => None,
            }
        });
        let (to, number) = found.expect("it probes");
        (self.now, to, number)
    }

    pub(crate) fn take(&mut self) -> Vec<(String, bool, Message)> {
        std::mem::take(&mut self.sent)
    }

    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub(crate) const fn now(&self) -> Tick {
        self.now
    }

    /// How it takes somebody to be: state, start and revision.
    pub(crate) fn view(&self, name: &str) -> Option<(State, u64, u32)> {
        let record = self.machine.member(name)?;
        Some((record.state, record.incarnation, record.revision))
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Joined(record) => format!("joined {}", record.name),
        Event::Updated(record) => format!("updated {}", record.name),
        Event::Suspected(record) => format!("suspected {}", record.name),
        Event::Recovered(record) => format!("recovered {}", record.name),
        Event::Failed(record) => format!("failed {}", record.name),
        Event::Left(record) => format!("left {}", record.name),
        Event::Departed => "departed".to_owned(),
        Event::Ousted(why) => format!("ousted {why:?}"),
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
