//! Which addresses are worth a dial, and when is somebody asked for more?
//!
//! Role       Asks each finder again and again, merges what they yield, and says what came and went.
//! Inputs     Answers, failures, beats that were heard, the time.
//! Outputs    Questions, beats, candidates that are new and gone, failures when they change.
//! Invariant  One question of each finder at a time, and an answer to an earlier one does nothing. A
//!            finder that fails keeps what it has yielded. The node's own address is no candidate.
//! Limit      `results_max` addresses of an answer, `candidates_max` in all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use foundation_runtime::Rng;

use super::DiscoveryConfig;
use super::source::Source;
use crate::machine::{self, Effects, Tick};

/// After how many beats that did not come a node on the segment is no candidate any more.
const BEATS_MISSED: u32 = 5;

/// How a finder yields addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is asked.
    Asked,
    /// It is listened to, and this node's beats are sent so often.
    Heard {
        /// The time between two.
        beat: Duration,
    },
}

/// What a finder that was asked has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Hosts with ports, as they are dialled; none says that nobody is there.
    pub addresses: Vec<Box<str>>,
    /// How long it is good.
    pub ttl: Duration,
}

/// Why a finder yields nothing new. What it yielded before stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No answer came in time.
    Silent,
    /// No name server is known.
    NoServer,
    /// The system refused: in its words.
    System(Box<str>),
    /// The name server did not want to answer, or could not: the code of its answer.
    Refused(u8),
    /// What came as an answer was none.
    Garbage,
    /// All that was found is of other machines, and this node has no certificates.
    Beyond,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("no answer came in time"),
            Self::NoServer => f.write_str("no name server is known: /etc/resolv.conf has none"),
            Self::System(error) => write!(f, "the system says: {error}"),
            Self::Refused(2) => f.write_str("the name server failed (SERVFAIL)"),
            Self::Refused(5) => f.write_str("the name server refuses to answer (REFUSED)"),
            Self::Refused(code) => write!(f, "the name server did not answer: code {code}"),
            Self::Garbage => f.write_str("what came as an answer was none"),
            Self::Beyond => f.write_str(
                "all that was found is of other machines, and nodes on several machines speak over \
                 TLS only",
            ),
        }
    }
}

impl std::error::Error for Failure {}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// [`Machine::next`] has come.
    Woken,
    /// The answer of a finder to the question of this number.
    Answered(usize, u64, Result<Answer, Failure>),
    /// A node on the segment has said where it is.
    Heard(usize, Box<str>),
    /// A finder that is listened to cannot speak or listen; or can again.
    Deaf(usize, Option<Failure>),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask this finder; the number comes with the answer.
    Ask(usize, u64),
    /// Say on the segment where this node is.
    Beat(usize),
    /// This address is worth a dial.
    Candidate(Box<str>),
    /// This one is found no more.
    Gone(Box<str>),
    /// A finder fails, for another reason than before; without one, it does no more.
    Fails(usize, Option<Failure>),
}

/// All finders of one node.
#[derive(Debug)]
pub struct Machine {
    config: DiscoveryConfig,
    own: BTreeSet<Box<str>>,
    rng: Rng,
    sources: Vec<Source>,
    /// By how many finders each is found.
    merged: BTreeMap<Box<str>, usize>,
    number: u64,
    dropped: u64,
}

type Out = Effects<Effect>;

impl Machine {
    /// Finders of these ways, of a node that is dialled at its own addresses. The seed decides only how
    /// long it waits.
    ///
    /// # Panics
    /// When the configuration does not pass [`DiscoveryConfig::check`].
    #[must_use]
    pub fn new(
        config: DiscoveryConfig,
        own: impl IntoIterator<Item = Box<str>>,
        ways: &[Way],
        now: Tick,
        seed: u64,
    ) -> Self {
        assert_eq!(config.check(), Ok(()), "the configuration cannot be so");
        let source = |way: &Way| Source::new(*way, now, config.retry);
        Self {
            sources: ways.iter().map(source).collect(),
            own: own.into_iter().collect(),
            rng: Rng::new(seed),
            merged: BTreeMap::new(),
            number: 0,
            dropped: 0,
            config,
        }
    }

    /// When something is to be done next; never, without finders.
    #[must_use]
    pub fn next(&self) -> Option<Tick> {
        let due = self
            .sources
            .iter()
            .map(|source| source.due(self.config.bound));
        due.min()
    }

    /// What a finder yields, in order.
    pub fn found(&self, finder: usize) -> impl Iterator<Item = &str> {
        let source = self.sources.get(finder);
        source
            .into_iter()
            .flat_map(|source| source.found.keys().map(|key| &**key))
    }

    /// Why a finder fails, if it does.
    #[must_use]
    pub fn failure(&self, finder: usize) -> Option<&Failure> {
        self.sources.get(finder)?.failure.as_ref()
    }

    /// All that is found, in order.
    pub fn candidates(&self) -> impl Iterator<Item = &str> {
        self.merged.keys().map(|key| &**key)
    }

    /// How many addresses did not count for want of room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn woken(&mut self, now: Tick, out: &mut Out) {
        for finder in 0..self.sources.len() {
            for address in self.sources[finder].expired(now) {
                self.lose(finder, &address, out);
            }
            let source = &self.sources[finder];
            if let Some((_, since)) = source.asked {
                if since + self.config.bound <= now {
                    self.failed(now, finder, Failure::Silent, out);
                }
                continue;
            }
            if now < source.next {
                continue;
            }
            match source.way {
                Way::Asked => {
                    self.number += 1;
                    self.sources[finder].asked = Some((self.number, now));
                    out.push(Effect::Ask(finder, self.number));
                }
                Way::Heard { beat } => {
                    let share = 0.75 + self.share() / 2.0;
                    self.sources[finder].next = now + beat.mul_f64(share);
                    out.push(Effect::Beat(finder));
                }
            }
        }
    }

    fn answered(
        &mut self,
        now: Tick,
        finder: usize,
        number: u64,
        result: Result<Answer, Failure>,
        out: &mut Out,
    ) {
        let asked = self.sources.get(finder).and_then(|source| source.asked);
        if asked.is_none_or(|(asked, _)| asked != number) {
            return; // It came too late.
        }
        match result {
            Err(failure) => self.failed(now, finder, failure, out),
            Ok(answer) => self.succeeded(now, finder, answer, out),
        }
    }

    fn failed(&mut self, now: Tick, finder: usize, failure: Failure, out: &mut Out) {
        self.sources[finder].asked = None;
        self.sources[finder].next = now + self.pause(finder);
        self.fails(finder, Some(failure), out);
    }

    fn fails(&mut self, finder: usize, failure: Option<Failure>, out: &mut Out) {
        let source = &mut self.sources[finder];
        if source.failure != failure {
            source.failure.clone_from(&failure);
            out.push(Effect::Fails(finder, failure));
        }
    }

    fn succeeded(&mut self, now: Tick, finder: usize, answer: Answer, out: &mut Out) {
        let mut addresses: BTreeSet<Box<str>> = BTreeSet::new();
        for address in answer.addresses {
            if self.own.contains(&address) || addresses.contains(&address) {
                continue;
            }
            match addresses.len() < self.config.results_max {
                true => drop(addresses.insert(address)),
                false => self.dropped += 1,
            }
        }
        let gone = self.sources[finder].found.keys();
        let gone: Vec<Box<str>> = gone
            .filter(|is| !addresses.contains(*is))
            .cloned()
            .collect();
        for address in gone {
            self.lose(finder, &address, out);
        }
        let good = answer.ttl.clamp(self.config.ttl_min, self.config.ttl_max);
        let good = good.mul_f64(1.0 + self.share() / 10.0);
        // Where nobody is yet, others may come at any time.
        let wait = match addresses.is_empty() {
            true => self.pause(finder).min(good),
            false => {
                self.sources[finder].pause = self.config.retry;
                good
            }
        };
        for address in addresses {
            self.find(finder, address, None, out);
        }
        let source = &mut self.sources[finder];
        (source.asked, source.next) = (None, now + wait);
        self.fails(finder, None, out);
    }

    fn heard(&mut self, now: Tick, finder: usize, address: Box<str>, out: &mut Out) {
        let Some(Way::Heard { beat }) = self.sources.get(finder).map(|source| source.way) else {
            return;
        };
        if !self.own.contains(&address) {
            self.find(finder, address, Some(now + beat * BEATS_MISSED), out);
        }
    }

    fn find(&mut self, finder: usize, address: Box<str>, until: Option<Tick>, out: &mut Out) {
        let full = self.config.candidates_max <= self.merged.len();
        let found = &mut self.sources[finder].found;
        if let Some(known) = found.get_mut(&address) {
            *known = until;
            return;
        }
        match self.merged.get_mut(&address) {
            Some(by) => *by += 1,
            None if full => {
                self.dropped += 1;
                return;
            }
            None => {
                self.merged.insert(address.clone(), 1);
                out.push(Effect::Candidate(address.clone()));
            }
        }
        found.insert(address, until);
    }

    fn lose(&mut self, finder: usize, address: &str, out: &mut Out) {
        let was = self.sources[finder].found.remove(address);
        assert!(was.is_some(), "{address} is lost twice");
        let by = self
            .merged
            .get_mut(address)
            .expect("it is found by this one");
        *by -= 1;
        if *by == 0 {
            self.merged.remove(address);
            out.push(Effect::Gone(address.into()));
        }
    }

    /// How long to wait after a question that found nobody; the next time it is longer.
    fn pause(&mut self, finder: usize) -> Duration {
        let share = 0.5 + self.share() / 2.0;
        let source = &mut self.sources[finder];
        let pause = source.pause;
        source.pause = (pause * 2).min(self.config.retry_max);
        pause.mul_f64(share)
    }

    /// A share of one, at random.
    fn share(&mut self) -> f64 {
        self.rng.below(1000) as f64 / 1000.0
    }
}

impl machine::Machine for Machine {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        match input {
            Input::Woken => self.woken(now, effects),
            Input::Answered(finder, number, result) => {
                self.answered(now, finder, number, result, effects);
            }
            Input::Heard(finder, address) => self.heard(now, finder, address, effects),
            Input::Deaf(finder, failure) if finder < self.sources.len() => {
                self.fails(finder, failure, effects);
            }
            Input::Deaf(..) => {}
        }
    }

    fn check(&self) {
        assert!(
            self.merged.len() <= self.config.candidates_max,
            "too many candidates"
        );
        let found: usize = self.sources.iter().map(|source| source.found.len()).sum();
        assert_eq!(
            found,
            self.merged.values().sum::<usize>(),
            "what is found is not counted"
        );
        for (address, by) in &self.merged {
            assert!(!self.own.contains(address), "a node would dial itself");
            assert!(0 < *by, "{address} is found by nobody");
        }
    }
}
