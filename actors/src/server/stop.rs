//! Why does an actor not start?
//!
//! Outputs    [`Stop`]: what `#[init]` returns instead of an actor; [`StartError`]: what the
//!            starter gets.
//! Source     otp: gen_server, init/1

use std::fmt;

use foundation_runtime::{Pid, Reason, SpawnError};

/// What `#[init]` returns when the actor is not to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// There is nothing to run here: no failure, no process.
    Ignore,
    /// It cannot run, for this reason.
    Reason(Reason),
}

impl Stop {
    /// It cannot run, for this reason.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Reason(Reason::other(error.to_string()))
    }
}

/// Why an actor did not start. No process of it is left, and its name is free.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartError {
    /// Its init said that there is nothing to run.
    Ignore,
    /// Its init failed or crashed, for this reason.
    Failed(Reason),
    /// The name is held by this process.
    AlreadyStarted(Pid),
    /// Its init took too long; it was killed.
    Timeout,
    /// The node did not start it.
    Spawn(SpawnError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.write_str("its init said that there is nothing to run"),
            Self::Failed(reason) => write!(f, "its init failed: {reason}"),
            Self::AlreadyStarted(pid) => write!(f, "the name is taken by {pid}"),
            Self::Timeout => f.write_str("its init took too long, and it was killed"),
            Self::Spawn(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// The reason that a supervisor reports.
    #[must_use]
    pub fn into_reason(self) -> Reason {
        match self {
            Self::Ignore => Reason::Normal,
            Self::Failed(reason) => reason,
            other => Reason::other(other.to_string()),
        }
    }
}

impl From<SpawnError> for StartError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NameTaken(pid) => Self::AlreadyStarted(pid),
            error => Self::Spawn(error),
        }
    }
}
