//! What can a supervisor answer?
//!
//! Role       One answer type per verb, with one small error enum each.
//! Outputs    [`Answer`], carried by `Effect::Reply`; [`StartFailure`], carried by `Effect::Ready`.
//! Invariant  A positive answer is given after what it promises has happened.
//! Source     otp: supervisor, "Functions"

use std::error::Error;
use std::fmt;

use foundation_runtime::{Reason, Term};

use super::{ChildId, ChildKind, ChildSpec, SpecError};

/// The answer to one request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<P> {
    /// To `StartChild`: the new child, or `None` when its start asked to be left out.
    Started(Result<Option<P>, StartChildError<P>>),
    /// To `RestartChild`: the child's new process, or `None` when its start asked to be left out.
    Restarted(Result<Option<P>, RestartError>),
    /// To `TerminateChild`: the child is dead.
    Terminated(Result<(), TerminateError>),
    /// To `DeleteChild`: the specification is gone.
    Deleted(Result<(), DeleteError>),
    /// To `WhichChildren`: static children in start order, dynamic ones in no order that matters.
    Children(Vec<ChildInfo<P>>),
    /// To `CountChildren`.
    Counts(Counts),
    /// To `GetChildSpec`.
    Spec(Result<ChildSpec, GetSpecError>),
    /// To anything: too many requests are waiting. Nothing was done; ask again later.
    Busy,
    /// To anything: the supervisor is going down. Nothing was done by this request.
    Stopping,
}

/// One line of `WhichChildren`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildInfo<P> {
    /// Its id; `None` under a dynamic supervisor.
    pub id: Option<ChildId>,
    /// Whether it runs.
    pub state: ChildState<P>,
    /// Worker or supervisor.
    pub kind: ChildKind,
}

/// Does a child run?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState<P> {
    /// Yes, as this process, as far as the supervisor knows.
    Running(P),
    /// A restart failed and is about to be tried again.
    Restarting,
    /// No, and it will not by itself.
    Absent,
}

/// How many children are there?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Specifications: 1 for a dynamic supervisor.
    pub specs: usize,
    /// Children that run; those waiting to be restarted do not.
    pub active: usize,
    /// Children that are supervisors, running or not.
    pub supervisors: usize,
    /// Children that are workers, running or not.
    pub workers: usize,
}

/// Why no child was added. The supervisor is as before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartChildError<P> {
    /// A child of this id is known and does not run: restart or delete it.
    AlreadyPresent,
    /// A child of this id runs as this process.
    AlreadyStarted(P),
    /// Its start failed so; nothing of it lives, and its specification was not kept.
    Failed(Reason),
    /// The supervisor holds as many children as it may, those being restarted included.
    MaxChildren,
    /// The specification is not acceptable here.
    InvalidSpec(SpecError),
}

/// Why a child was not restarted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RestartError {
    /// It runs.
    Running,
    /// The supervisor is about to restart it anyway.
    Restarting,
    /// No child has this id.
    NotFound,
    /// Its start failed so; it stays as it was, and may be tried again.
    Failed(Reason),
    /// Children of a dynamic supervisor have no id.
    SimpleOneForOne,
}

/// Why a child was not terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TerminateError {
    /// No such child, or not any more.
    NotFound,
    /// Children of a dynamic supervisor are named by pid.
    SimpleOneForOne,
}

/// Why a child's specification was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeleteError {
    /// It runs: terminate it first.
    Running,
    /// It is about to be restarted: terminate it first.
    Restarting,
    /// No child has this id.
    NotFound,
    /// Children of a dynamic supervisor have no id.
    SimpleOneForOne,
}

/// Why no specification can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetSpecError {
    /// No such child.
    NotFound,
}

/// Why a supervisor did not come up. Whatever it had started is stopped again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartFailure {
    /// This child could not be started.
    FailedToStartChild {
        /// Which.
        id: ChildId,
        /// Why.
        reason: Reason,
    },
    /// It was told to stop before all children were started.
    Stopped(Reason),
}

impl StartFailure {
    /// The reason the supervisor exits with: `{shutdown, {failed_to_start_child, Id, Reason}}`, or
    /// what it was told to stop with.
    #[must_use]
    pub fn exit_reason(&self) -> Reason {
        match self {
            Self::FailedToStartChild { id, reason } => Reason::shutdown_with(Term::tuple([
                Term::atom("failed_to_start_child"),
                Term::from(id.as_str()),
                reason_term(reason),
            ])),
            Self::Stopped(reason) => reason.clone(),
        }
    }
}

fn reason_term(reason: &Reason) -> Term {
    match reason {
        Reason::Other(term) => (**term).clone(),
        Reason::ShutdownWith(term) => Term::tuple([Term::atom("shutdown"), (**term).clone()]),
        Reason::Crash(crash) => Term::from(crash.to_string()),
        plain => Term::atom(&plain.to_string()),
    }
}

impl<P: fmt::Debug> fmt::Display for StartChildError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyPresent => f.write_str("a child of this id is present and not running"),
            Self::AlreadyStarted(pid) => write!(f, "a child of this id runs as {pid:?}"),
            Self::Failed(reason) => write!(f, "the child failed to start: {reason}"),
            Self::MaxChildren => f.write_str("the supervisor has as many children as it may"),
            Self::InvalidSpec(error) => write!(f, "the child's specification is invalid: {error}"),
        }
    }
}

impl fmt::Display for RestartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("the child is running"),
            Self::Restarting => f.write_str("the child is being restarted"),
            Self::NotFound => f.write_str("there is no such child"),
            Self::Failed(reason) => write!(f, "the child failed to start: {reason}"),
            Self::SimpleOneForOne => f.write_str("children of this supervisor have no id"),
        }
    }
}

impl fmt::Display for TerminateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such child",
            Self::SimpleOneForOne => "children of this supervisor are named by pid",
        })
    }
}

impl fmt::Display for DeleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "the child is running",
            Self::Restarting => "the child is being restarted",
            Self::NotFound => "there is no such child",
            Self::SimpleOneForOne => "children of this supervisor have no id",
        })
    }
}

impl fmt::Display for GetSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such child")
    }
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailedToStartChild { id, reason } => {
                write!(f, "child {id:?} failed to start: {reason}")
            }
            Self::Stopped(reason) => write!(f, "stopped while starting: {reason}"),
        }
    }
}

impl<P: fmt::Debug> Error for StartChildError<P> {}
impl Error for RestartError {}
impl Error for TerminateError {}
impl Error for DeleteError {}
impl Error for GetSpecError {}
impl Error for StartFailure {}
