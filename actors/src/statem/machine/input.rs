//! What happens to a state machine?
//!
//! Role       The whole of what the machine can learn, and the nouns of it.
//! Source     otp: gen_statem, action(), timeout_action()

use std::time::Duration;

/// One thing that happened. `E` is an event of the program.
#[derive(Clone, Debug)]
pub enum Input<E> {
    /// An event came from outside and is being handled; `Done` follows.
    Received,
    /// This timer of this timeout fired. Nothing happens if it is no longer the one that runs.
    Fired(Timeout, TimerId),
    /// The handler, enter handler or init that ran is done.
    Done(Outcome<E>),
    /// Nothing runs: what is next?
    Next,
}

/// What became of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// It stayed.
    #[default]
    Keep,
    /// It stayed, and is entered again.
    Repeat,
    /// There is another one now.
    Move,
}

/// What a handler left behind.
#[derive(Clone, Debug)]
pub struct Outcome<E> {
    /// What became of the state.
    pub change: Change,
    /// What else is to be done, if anything.
    pub asks: Option<Box<Asks<E>>>,
}

impl<E> Outcome<E> {
    /// A handler that asked for nothing.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            change: Change::Keep,
            asks: None,
        }
    }

    /// Whether it asks for nothing.
    #[inline]
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.change == Change::Keep && self.asks.is_none()
    }
}

/// What few handlers ask for.
#[derive(Clone, Debug)]
pub struct Asks<E> {
    /// The event that was handled, to be handled again in another state.
    pub postponed: Option<E>,
    /// Events to be handled before all others, in this order.
    pub inserted: Vec<E>,
    /// Timeouts to start, change and cancel; of several with the same name the last counts.
    pub timeouts: Vec<(Timeout, Ask<E>)>,
}

impl<E> Default for Asks<E> {
    fn default() -> Self {
        Self {
            postponed: None,
            inserted: Vec::new(),
            timeouts: Vec::new(),
        }
    }
}

/// Which timeout. A state machine has one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timeout {
    /// Cancelled by any event.
    Event,
    /// Cancelled when the state changes.
    State,
    /// Cancelled by hand only.
    Named(TimeoutName),
}

/// The name of a timeout, to be written as a constant.
///
/// ```
/// use foundation_actors::TimeoutName;
/// const RETRY: TimeoutName = TimeoutName::new("retry");
/// assert_eq!(RETRY.of(7).to_string(), "retry 7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeoutName {
    text: &'static str,
    key: Option<u64>,
}

impl TimeoutName {
    /// The name `text`.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text, key: None }
    }

    /// One of many timeouts that have this name in common: of a connection, say, or a job.
    #[must_use]
    pub const fn of(self, key: u64) -> Self {
        Self {
            text: self.text,
            key: Some(key),
        }
    }
}

impl From<&'static str> for TimeoutName {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl std::fmt::Display for TimeoutName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key {
            None => f.write_str(self.text),
            Some(key) => write!(f, "{} {key}", self.text),
        }
    }
}

/// What is to become of a timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<E> {
    /// It runs from now on, afresh if it ran already, and is this event when the time is over.
    Start(Duration, E),
    /// It is this event when its time is over, which stays as it is. If it does not run, its time
    /// is over now.
    Update(E),
    /// It does not run any more.
    Cancel,
}

/// One of the timers that a timeout had, in the order in which they were armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId(pub u64);
