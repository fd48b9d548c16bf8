//! Why does a process not do what the system asks?

use std::fmt;

use foundation_runtime::{CallError, Reason};

use super::upgrade::ChangeError;

/// Why an operation of `sys` had no effect, or why nothing is known of its effect.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SysError {
    /// There is no such process. Nothing was done.
    NoProc,
    /// It ended first, for this reason.
    Down(Reason),
    /// It did not answer in time: it runs a handler that does not come back, or does not read its
    /// messages. What was asked may still be done later.
    Timeout,
    /// Its node is not connected, or was lost; what was asked may have been done.
    NoConnection,
    /// It answers no system messages: it is a plain process, or a task.
    NotSystem,
    /// Its state is of another type than the caller says. Nothing was done.
    WrongState {
        /// What kind of code it runs.
        code: String,
    },
    /// It lives on another node, and this works on its own node only. Nothing was done.
    NotLocal,
    /// The function that was given panicked; the state is what it was.
    Panicked(String),
    /// It is not suspended, which this needs. Nothing was done.
    NotSuspended,
    /// The state that was given was not taken up; the actor has the one that it had.
    Change(ChangeError),
    /// A process cannot ask itself: it would wait for ever.
    AskingSelf,
    /// It, or its node, refused, for the reason in this text. Nothing was done.
    Refused(String),
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("no such process"),
            Self::Down(reason) => write!(f, "it ended first: {reason}"),
            Self::Timeout => f.write_str("it did not answer the system in time"),
            Self::NoConnection => f.write_str("no connection to its node"),
            Self::NotSystem => f.write_str("it answers no system messages"),
            Self::WrongState { code } => write!(f, "its state is of another type: it is {code}"),
            Self::NotLocal => f.write_str("it lives on another node"),
            Self::Panicked(text) => write!(f, "the function panicked, the state is kept: {text}"),
            Self::NotSuspended => f.write_str("it is not suspended"),
            Self::Change(error) => write!(f, "{error}"),
            Self::AskingSelf => f.write_str("a process cannot ask itself"),
            Self::Refused(why) => write!(f, "it was refused: {why}"),
        }
    }
}

impl std::error::Error for SysError {}

impl From<CallError> for SysError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoProc => Self::NoProc,
            CallError::Down(reason) => Self::Down(reason),
            CallError::Timeout => Self::Timeout,
            CallError::NoConnection => Self::NoConnection,
            CallError::NoReply => Self::NotSystem,
            CallError::NotPortable(_) => Self::NotLocal,
            CallError::CallingSelf => Self::AskingSelf,
            other => Self::Refused(other.to_string()),
        }
    }
}
