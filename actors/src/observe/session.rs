//! What may one observer cost?
//!
//! Role       A session as a machine: which request is served now, when figures are due, who has
//!            stalled.
//! Inputs     What arrived, what was gathered and how long it took, how much is unsent; `now`.
//! Outputs    [`Effect`]s; [`Session::may_read`] and [`Session::wake_at`].
//! Limit      A burst of [`BURST`] requests, then [`RATE`] a second; gathering is followed by
//!            [`REST`] times as long a rest; figures are skipped while something is unsent, and
//!            after [`STALL`] without progress the session ends. So it does when a request has begun
//!            and is not all there after [`WHOLE`].
//! Invariant  One thing is gathered at a time. After `Close` there are no effects.

use std::time::Duration;

use super::protocol::{Answer, Request};

/// How many requests may come at once.
pub const BURST: u32 = 40;
/// How many requests a second may come for long.
pub const RATE: u32 = 20;
/// How many times as long as gathering took nothing is gathered.
pub const REST: u32 = 50;
/// The longest rest: also a node of many millions is looked at now and then.
pub const REST_MAX: Duration = Duration::from_secs(30);
/// How long an observer may leave unread what was sent to it.
pub const STALL: Duration = Duration::from_secs(10);
/// How long a request may take to arrive, from when its first bytes are seen.
pub const WHOLE: Duration = Duration::from_secs(5);
/// How long it may take to greet.
pub const GREET: Duration = Duration::from_secs(5);
/// The shortest time between figures.
pub const EVERY_MIN: Duration = Duration::from_millis(100);
/// The longest.
pub const EVERY_MAX: Duration = Duration::from_secs(3600);

/// What happens to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// It greeted rightly.
    Greeted,
    /// It wants something.
    Asked(Request),
    /// What was to be gathered is there, and took so long.
    Gathered(Duration),
    /// So many bytes are unsent now, and some were sent since.
    Sent {
        /// What is left.
        unsent: usize,
    },
    /// So many bytes are unsent now: more than before.
    Queued {
        /// What is left.
        unsent: usize,
    },
    /// A request has begun, and not all of it is there.
    Half,
    /// It was listened to, and nothing came.
    Quiet,
    /// What arrived is no word of the protocol, for this reason.
    Nonsense(String),
    /// Time has passed.
    Tick,
}

/// What is to be done for a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Say who is observed.
    Welcome,
    /// Gather figures of the node, and what the traced process did.
    Figures,
    /// Gather what answers this request.
    Gather(Request),
    /// Trace nobody any more.
    Untrace,
    /// Send this.
    Send(Answer),
    /// Send this reason if it can be sent, and end.
    Close(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting { until: Duration },
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    Nothing,
    Figures,
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watch {
    every: Duration,
    due: Duration,
}

/// One observer's session.
#[derive(Clone, Debug)]
pub struct Session {
    phase: Phase,
    read_only: bool,
    watch: Option<Watch>,
    traced: bool,
    gathering: Gathering,
    /// When the request that has begun must be all there.
    half: Option<Duration>,
    /// Requests that may come at once, in 1000ths.
    tokens: u64,
    filled: Duration,
    rest_until: Duration,
    unsent: usize,
    progress: Duration,
    skipped: u64,
}

impl Session {
    /// A session that begins now.
    #[must_use]
    pub fn new(now: Duration, read_only: bool) -> Self {
        Self {
            phase: Phase::Greeting { until: now + GREET },
            read_only,
            watch: None,
            traced: false,
            gathering: Gathering::Nothing,
            half: None,
            tokens: u64::from(BURST) * 1000,
            filled: now,
            rest_until: now,
            unsent: 0,
            progress: now,
            skipped: 0,
        }
    }

    /// Figures that were skipped so far.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether more of what it says is to be listened to now.
    #[must_use]
    pub fn may_read(&self, now: Duration) -> bool {
        match self.phase {
            Phase::Greeting { .. } => true,
            Phase::Closed => false,
            Phase::Open => {
                self.gathering == Gathering::Nothing
                    && self.unsent == 0
                    && self.rest_until <= now
                    && 1000 <= self.tokens_at(now)
            }
        }
    }

    /// When `Tick` is wanted at the latest, if nothing else happens.
    #[must_use]
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let stall = (self.unsent > 0).then(|| self.progress + STALL);
        match self.phase {
            Phase::Closed => None,
            Phase::Greeting { until } => Some(stall.map_or(until, |stall| stall.min(until))),
            Phase::Open => {
                let half = self.half.filter(|_| self.may_read(now));
                let due = self.watch.map(|watch| watch.due.max(self.rest_until));
                let rested = (now < self.rest_until).then_some(self.rest_until);
                let missing = 1000_u64.saturating_sub(self.tokens_at(now));
                let millis = missing.div_ceil(u64::from(RATE));
                let filled = (missing > 0).then(|| now + Duration::from_millis(millis));
                [stall, half, due, rested, filled]
                    .into_iter()
                    .flatten()
                    .min()
            }
        }
    }

    /// One step.
    ///
    /// # Panics
    /// When the driver reports what it was not asked to do: a fault of this program.
    pub fn step(&mut self, now: Duration, input: Input, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Closed {
            return;
        }
        match input {
            Input::Greeted => {
                assert!(self.phase != Phase::Open, "greeted twice");
                self.phase = Phase::Open;
                effects.push(Effect::Welcome);
            }
            Input::Asked(request) => self.asked(now, request, effects),
            Input::Gathered(took) => self.gathered(now, took),
            Input::Sent { unsent } => {
                self.progress = now;
                self.unsent = unsent;
            }
            Input::Queued { unsent } => {
                if self.unsent == 0 {
                    self.progress = now;
                }
                self.unsent = unsent;
            }
            Input::Half if self.phase == Phase::Open => {
                self.half.get_or_insert(now + WHOLE);
            }
            // For greetings there is a bound of their own.
            Input::Half => {}
            Input::Quiet => self.quiet(now, effects),
            Input::Nonsense(why) => self.close(why, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    fn asked(&mut self, now: Duration, request: Request, effects: &mut Vec<Effect>) {
        assert!(self.phase == Phase::Open, "asked before it greeted");
        assert!(self.may_gather(), "asked while something is gathered");
        self.half = None;
        self.tokens = self.tokens_at(now).saturating_sub(1000);
        self.filled = now;
        match request {
            Request::Watch(Duration::ZERO) => {
                self.watch = None;
                effects.push(Effect::Send(Answer::Done));
            }
            Request::Watch(every) => {
                let every = every.clamp(EVERY_MIN, EVERY_MAX);
                self.watch = Some(Watch { every, due: now });
                self.figures(effects);
            }
            Request::Trace(_) | Request::Kill(_) if self.read_only => {
                let why = "this node may only be looked at".to_owned();
                effects.push(Effect::Send(Answer::Refused(why)));
            }
            Request::Trace(target) => {
                self.traced = target.is_some();
                self.gather(Request::Trace(target), effects);
            }
            request => self.gather(request, effects),
        }
    }

    fn gather(&mut self, request: Request, effects: &mut Vec<Effect>) {
        self.gathering = Gathering::Request;
        effects.push(Effect::Gather(request));
    }

    fn figures(&mut self, effects: &mut Vec<Effect>) {
        self.gathering = Gathering::Figures;
        effects.push(Effect::Figures);
    }

    fn gathered(&mut self, now: Duration, took: Duration) {
        assert!(!self.may_gather(), "nothing was to be gathered");
        let gathered = std::mem::replace(&mut self.gathering, Gathering::Nothing);
        self.rest_until = now + took.saturating_mul(REST).min(REST_MAX);
        if let Some(watch) = &mut self.watch
            && gathered == Gathering::Figures
        {
            // What was missed is not made up for; and between two costly looks there is time for a
            // request.
            watch.due = (watch.due + watch.every).max(self.rest_until + EVERY_MIN);
        }
    }

    /// Only who was listened to can be late: the rest may have come while it was not.
    fn quiet(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.half.is_some_and(|until| until <= now) {
            self.close(
                "the rest of a request did not come in time".to_owned(),
                effects,
            );
        }
    }

    fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if let Phase::Greeting { until } = self.phase
            && until <= now
        {
            return self.close("no greeting came in time".to_owned(), effects);
        }
        if self.unsent > 0 && self.progress + STALL <= now {
            return self.close("what was sent was not read in time".to_owned(), effects);
        }
        let may = self.may_gather();
        let Some(watch) = &mut self.watch else { return };
        if !may || now < watch.due.max(self.rest_until) {
            return;
        }
        if self.unsent > 0 {
            self.skipped += 1;
            watch.due = now + watch.every;
            return;
        }
        self.figures(effects);
    }

    fn may_gather(&self) -> bool {
        self.gathering == Gathering::Nothing
    }

    fn close(&mut self, why: String, effects: &mut Vec<Effect>) {
        self.phase = Phase::Closed;
        if std::mem::take(&mut self.traced) {
            effects.push(Effect::Untrace);
        }
        effects.push(Effect::Close(why));
    }

    fn tokens_at(&self, now: Duration) -> u64 {
        let passed = now.saturating_sub(self.filled).as_millis() as u64;
        let grown = self.tokens + passed.saturating_mul(u64::from(RATE));
        grown.min(u64::from(BURST) * 1000)
    }
}
