//! Why does a task give no value, and why does it not start?
//!
//! Outputs    [`TaskError`], [`TaskStartError`].

use std::fmt;

use foundation_runtime::{CallError, Reason, SpawnError};

use crate::supervisor::machine::StartChildError;

/// Why a task gave no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// It ended without a value, for this reason.
    Exited(Reason),
    /// It was not done in time. It still runs; a task of a stream was killed.
    Timeout,
    /// Its value was taken before. It has ended.
    Taken,
    /// It was not started. Only a stream says so: elsewhere the start itself fails.
    NotStarted(TaskStartError),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(reason) => write!(f, "the task ended: {reason}"),
            Self::Timeout => f.write_str("the task was not done in time"),
            Self::Taken => f.write_str("the task's value was taken before"),
            Self::NotStarted(error) => write!(f, "the task was not started: {error}"),
        }
    }
}

impl std::error::Error for TaskError {}

/// Why a supervisor of tasks did not start one. Nothing of it runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskStartError {
    /// The supervisor has as many tasks as it may (`max_children`). It works again when some have
    /// ended.
    MaxChildren,
    /// The node did not start it, for this reason: its limit is reached, or it is shutting down.
    Failed(Reason),
    /// The supervisor gave no answer. A task that it starts later all the same is killed.
    Supervisor(CallError),
}

impl fmt::Display for TaskStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxChildren => f.write_str("the supervisor has as many tasks as it may"),
            Self::Failed(reason) => write!(f, "the node did not start it: {reason}"),
            Self::Supervisor(error) => write!(f, "the supervisor gave no answer: {error}"),
        }
    }
}

impl std::error::Error for TaskStartError {}

impl From<SpawnError> for TaskStartError {
    fn from(error: SpawnError) -> Self {
        Self::Failed(Reason::other(error.to_string()))
    }
}

impl<P> From<StartChildError<P>> for TaskStartError {
    fn from(error: StartChildError<P>) -> Self {
        match error {
            StartChildError::MaxChildren => Self::MaxChildren,
            StartChildError::Failed(reason) => Self::Failed(reason),
            // Children that go by pid have no ids that could clash, nor specifications.
            _ => unreachable!("a supervisor of tasks refuses for no other reason"),
        }
    }
}
