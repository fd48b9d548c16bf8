//! Which event comes next?
//!
//! Role       The order of a state machine: enter, inserted events, postponed ones, timeouts of no
//!            time, and then whatever comes from outside.
//! Limit      [`POSTPONED_MAX`] postponed events, beyond which the newest is refused;
//!            [`QUEUED_MAX`] inserted ones, beyond which the process ends: it does not keep up with
//!            itself.
//! Invariant  One handler at a time: `Done` ends what `Received`, `Fired` or `Next` began.
//! Source     otp: gen_statem, "Event Handling", "Postponing Events", "Inserted Events"

use std::collections::VecDeque;

use super::timers::Timers;
use super::{Asks, Change, Effect, Input, Outcome, Timeout, TimerId};

/// How many postponed events a state machine holds, unless it is told otherwise.
pub const POSTPONED_MAX: usize = 10_000;

/// How many events may wait to be handled before the next one from outside.
pub const QUEUED_MAX: usize = 1 << 20;

/// What is under way.
#[derive(Debug)]
enum Phase<E> {
    /// Nothing.
    Idle,
    /// A handler, or init.
    Handling,
    /// A transition whose enter handler is called, now or next.
    Entering(Box<Entering<E>>),
}

#[derive(Debug)]
struct Entering<E> {
    called: bool,
    moved: bool,
    asks: Asks<E>,
}

/// What waits inside one state machine.
#[derive(Debug)]
pub struct Machine<E> {
    /// Whether states are entered at all.
    enters: bool,
    postponed_max: usize,
    phase: Phase<E>,
    /// Before anything from outside, next first.
    queue: VecDeque<E>,
    /// Oldest first.
    postponed: VecDeque<E>,
    timers: Timers<E>,
}

impl<E> Machine<E> {
    /// A machine whose init runs. With `enters`, states have enter handlers.
    #[must_use]
    pub fn new(enters: bool, postponed_max: usize) -> Self {
        Self {
            enters,
            postponed_max,
            phase: Phase::Handling,
            queue: VecDeque::new(),
            postponed: VecDeque::new(),
            timers: Timers::new(),
        }
    }

    /// Takes one input, and appends what follows from it.
    ///
    /// # Panics
    /// When the input cannot happen now: see the module's page.
    pub fn step(&mut self, input: Input<E>, effects: &mut Vec<Effect<E>>) {
        match input {
            Input::Received => self.received(),
            Input::Fired(timeout, timer) => self.fired(timeout, timer, effects),
            Input::Done(outcome) => self.done(outcome, effects),
            Input::Next => self.next(effects),
        }
    }

    /// The common case of `Done`: a handler that asked for nothing, while no event timeout runs that
    /// it would have cancelled. Whether it was that.
    #[inline]
    pub fn done_plainly(&mut self) -> bool {
        let plainly = matches!(self.phase, Phase::Handling) && !self.timers.runs(Timeout::Event);
        if plainly {
            self.phase = Phase::Idle;
        }
        plainly
    }

    /// Whether something comes before the next event from outside.
    #[inline]
    #[must_use]
    pub fn waits(&self) -> bool {
        match &self.phase {
            Phase::Idle => !self.queue.is_empty() || self.timers.is_due(),
            Phase::Handling => false,
            Phase::Entering(entering) => !entering.called,
        }
    }

    /// Whether a handler runs.
    #[inline]
    #[must_use]
    pub fn is_handling(&self) -> bool {
        match &self.phase {
            Phase::Idle => false,
            Phase::Handling => true,
            Phase::Entering(entering) => entering.called,
        }
    }

    /// How many events are postponed.
    #[must_use]
    pub fn postponed_len(&self) -> usize {
        self.postponed.len()
    }

    /// Gives back what memory it can.
    pub fn shrink(&mut self) {
        self.queue.shrink_to_fit();
        self.postponed.shrink_to_fit();
        self.timers.shrink();
    }

    /// Panics when the state is impossible.
    pub fn check(&self) {
        self.timers.check();
        assert!(self.queue.len() <= QUEUED_MAX, "the queue is bounded");
        assert!(
            self.postponed.len() <= self.postponed_max,
            "what is postponed is bounded"
        );
        if let Phase::Entering(_) = &self.phase {
            assert!(self.enters, "no state is entered here");
        }
    }

    #[inline]
    fn received(&mut self) {
        assert!(matches!(self.phase, Phase::Idle), "one event at a time");
        assert!(!self.waits(), "what waits inside comes first");
        self.phase = Phase::Handling;
    }

    fn fired(&mut self, timeout: Timeout, timer: TimerId, effects: &mut Vec<Effect<E>>) {
        assert!(matches!(self.phase, Phase::Idle), "one event at a time");
        assert!(!self.waits(), "what waits inside comes first");
        if let Some(event) = self.timers.fired(timeout, timer) {
            self.phase = Phase::Handling;
            effects.push(Effect::Handle(event));
        }
    }

    fn next(&mut self, effects: &mut Vec<Effect<E>>) {
        match &mut self.phase {
            Phase::Handling => panic!("one event at a time"),
            Phase::Entering(entering) => {
                assert!(!entering.called, "the enter handler runs");
                entering.called = true;
                effects.push(Effect::Enter);
            }
            Phase::Idle => {
                if let Some(event) = self.queue.pop_front().or_else(|| self.timers.due()) {
                    self.phase = Phase::Handling;
                    effects.push(Effect::Handle(event));
                }
            }
        }
    }

    fn done(&mut self, outcome: Outcome<E>, effects: &mut Vec<Effect<E>>) {
        let asks = outcome.asks.map(|asks| *asks).unwrap_or_default();
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => panic!("nothing was handled"),
            Phase::Handling => {
                let moved = outcome.change == Change::Move;
                if self.enters && outcome.change != Change::Keep {
                    let called = false;
                    self.phase = Phase::Entering(Box::new(Entering {
                        called,
                        moved,
                        asks,
                    }));
                } else {
                    self.transition(moved, asks, effects);
                }
            }
            Phase::Entering(entering) => self.entered(entering, outcome.change, asks, effects),
        }
    }

    fn entered(
        &mut self,
        mut entering: Box<Entering<E>>,
        change: Change,
        asks: Asks<E>,
        effects: &mut Vec<Effect<E>>,
    ) {
        assert!(entering.called, "the enter handler was not called");
        assert!(change != Change::Move, "an enter handler changed the state");
        assert!(asks.postponed.is_none(), "an enter handler postponed");
        assert!(asks.inserted.is_empty(), "an enter handler inserted events");
        entering.asks.timeouts.extend(asks.timeouts);
        if change == Change::Repeat {
            entering.called = false;
            self.phase = Phase::Entering(entering);
        } else {
            self.transition(entering.moved, entering.asks, effects);
        }
    }

    /// Everything that was to be done by the program is done: what waits is put in order.
    fn transition(&mut self, moved: bool, asks: Asks<E>, effects: &mut Vec<Effect<E>>) {
        if let Some(event) = asks.postponed {
            // One that is retried at once takes no room.
            if moved || self.postponed.len() < self.postponed_max {
                self.postponed.push_back(event);
            } else {
                effects.push(Effect::Refuse(event));
            }
        }
        self.timers.cancel(Timeout::Event, effects);
        if moved {
            self.timers.cancel(Timeout::State, effects);
            while let Some(event) = self.postponed.pop_back() {
                self.queue.push_front(event);
            }
        }
        self.timers.ask(asks.timeouts, effects);
        for event in asks.inserted.into_iter().rev() {
            self.queue.push_front(event);
        }
        assert!(
            self.queue.len() <= QUEUED_MAX,
            "a state machine has at most {QUEUED_MAX} events of its own to handle"
        );
    }
}
