//! What may go wrong when one process talks to another, a small enum per verb.
//!
//! Outputs    [`SendError`], [`CallError`], [`SpawnError`], [`LinkError`], [`RegisterError`], ...
//! Invariant  Each variant says what happened, what state remained and what the caller may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Pid, Reason};

/// Why a message was not sent. A message to a process that has died is no error: it becomes a dead
/// letter, as a message to a process that dies a moment later does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// Nobody is registered under this name on the node. Nothing was sent.
    NoName(Box<str>),
    /// The message is local and its target is on another node. Nothing was sent.
    NotPortable(&'static str),
    /// The message's own serialization refused, or it is larger than one node takes from another:
    /// 64 MiB. Nothing was sent.
    Refused(Box<str>),
    /// The mailbox is full, or what waits to be sent to the other node. The message was dropped; wait
    /// with `ready()` before the next one.
    Full,
    /// The target's node has no channel of this name. Nothing was sent: it is never sent another way.
    NoChannel(Box<str>),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName(name) => write!(f, "no process is registered as `{name}`"),
            Self::NotPortable(name) => {
                write!(
                    f,
                    "`{name}` is marked local, and its target is on another node"
                )
            }
            Self::Refused(why) => write!(f, "the message could not be written: {why}"),
            Self::Full => f.write_str("the mailbox is full"),
            Self::NoChannel(name) => write!(f, "the other node has no channel `{name}`"),
        }
    }
}

impl std::error::Error for SendError {}

/// Why a call produced no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody lives at this address. The request was not delivered; retrying is pointless unless
    /// the address is a name that somebody may take.
    NoProc,
    /// The server ended first. The request may have been carried out; retry only if idempotent.
    Down(Reason),
    /// The answer did not arrive in time. The server is not disturbed, the request may still be
    /// carried out, and a late answer is dropped.
    Timeout,
    /// There is no connection to the server's node, or it was lost. The request may have been
    /// carried out.
    NoConnection,
    /// The process called itself, and would have waited for ever. Nothing was sent.
    CallingSelf,
    /// The server dropped its `ReplyTo` without answering. The request was delivered.
    NoReply,
    /// Request or reply is marked local, and the server is on another node.
    NotPortable(Box<str>),
    /// The server did not take the request: its node could not read it, it knows no such method, or
    /// it does not handle it in the state that it is in. It was not handled. Or the answer could not
    /// be written, or request or answer is larger than one node takes from another: 64 MiB.
    Refused(Box<str>),
    /// The server's mailbox was full, or dropped the request for a newer one. It was not handled;
    /// retry later.
    Full,
    /// The server's node has no channel of this name. The request was not sent, and is never sent
    /// another way.
    NoChannel(Box<str>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("no such process"),
            Self::Down(reason) => write!(f, "the server ended before it answered: {reason}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::NoConnection => f.write_str("no connection to the server's node"),
            Self::CallingSelf => f.write_str("a process called itself"),
            Self::NoReply => f.write_str("the server dropped the request without an answer"),
            Self::NotPortable(name) => {
                write!(
                    f,
                    "`{name}` is marked local, and the server is on another node"
                )
            }
            Self::Refused(why) => write!(f, "the server could not take the request: {why}"),
            Self::Full => f.write_str("the server's mailbox is full"),
            Self::NoChannel(name) => write!(f, "the server's node has no channel `{name}`"),
        }
    }
}

impl std::error::Error for CallError {}

impl CallError {
    /// The exit reason of a caller that dies of this error, as an OTP caller does.
    #[must_use]
    pub fn into_reason(self) -> Reason {
        match self {
            Self::NoProc => Reason::NoProc,
            Self::NoConnection => Reason::NoConnection,
            Self::Down(reason) => reason,
            Self::Timeout => Reason::other(crate::Term::atom("timeout")),
            Self::CallingSelf => Reason::other(crate::Term::atom("calling_self")),
            other => Reason::other(other.to_string()),
        }
    }
}

/// Why no process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// The node has as many processes as it may (`max_processes`). Nothing was started; it works
    /// again when some have ended.
    SystemLimit,
    /// The node is shutting down. Nothing was started.
    ShuttingDown,
    /// The name is held by this process. Nothing was started.
    NameTaken(Pid),
    /// The name is not allowed, or is a key of another node's registry. Nothing was started.
    BadName(Box<str>),
    /// The registry has this many entries, and takes no more. Nothing was started.
    RegistryFull(usize),
    /// There can be no such mailbox. Nothing was started.
    BadMailbox(crate::BadMailbox),
    /// The heap group of this name is of another node. Nothing was started.
    OtherNodesGroup(Box<str>),
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SystemLimit => f.write_str("the node's process limit is reached"),
            Self::ShuttingDown => f.write_str("the node is shutting down"),
            Self::NameTaken(pid) => write!(f, "the name is taken by {pid}"),
            Self::BadName(name) => write!(f, "`{name}` is not allowed as a name"),
            Self::RegistryFull(limit) => write!(f, "the registry is full with {limit} entries"),
            Self::BadMailbox(why) => why.fmt(f),
            Self::OtherNodesGroup(name) => {
                write!(
                    f,
                    "the heap group `{name}` is of another node: make one of this node"
                )
            }
        }
    }
}

impl std::error::Error for SpawnError {}

/// Why a link was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The other process, on this node, is dead, and this process does not trap exits.
    NoProc,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such process")
    }
}

impl std::error::Error for LinkError {}

/// Why a name was not registered or released. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another process holds the name.
    Taken(Pid),
    /// The process has this name already; a process has at most one.
    HasName(Box<str>),
    /// The process is dead, or lives on another node.
    NoProc,
    /// `undefined`, the empty text and a text of more than 1024 bytes are not names.
    BadName(Box<str>),
    /// Nobody holds the name.
    NotRegistered,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(pid) => write!(f, "the name is taken by {pid}"),
            Self::HasName(name) => write!(f, "the process is registered as `{name}` already"),
            Self::NoProc => f.write_str("no such process on this node"),
            Self::BadName(name) => write!(f, "`{name}` is not allowed as a name"),
            Self::NotRegistered => f.write_str("nobody holds the name"),
        }
    }
}

impl std::error::Error for RegisterError {}

/// Why a suspended process was not resumed, or a process not suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuspendError {
    /// The target is dead, or is this process itself.
    NoProc,
    /// This process has not suspended the target.
    NotSuspended,
    /// The target did not answer in time: a handler of it does not yield.
    Timeout,
}

impl fmt::Display for SuspendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc => "no such process",
            Self::NotSuspended => "the process was not suspended by this one",
            Self::Timeout => "the process did not yield in time",
        })
    }
}

impl std::error::Error for SuspendError {}
