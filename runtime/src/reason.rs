//! Why did a process end?
//!
//! Role       The exit reason that links, monitors and supervisors read.
//! Outputs    [`Reason`]: 16 bytes, cheap to clone, equal by meaning; [`Crash`] for a panic.
//! Invariant  What a program compares (normal, shutdown, kill, killed, noproc, noconnection) is an
//!            enum variant, never a text.
//! Source     otp: reference manual, "Processes", 14.5-14.7

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Stack, Term};

/// Why a process ended, or is asked to end.
///
/// ```
/// use foundation_runtime::{Reason, Term};
/// assert!(Reason::Normal.is_orderly() && Reason::shutdown_with("upgrade").is_orderly());
/// assert!(!Reason::other("boom").is_orderly());
/// assert_eq!(Reason::other("boom"), Reason::other(Term::from("boom")));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reason {
    /// Its work was done. A link that carries `Normal` kills nobody.
    Normal,
    /// It was asked to end, by its supervisor as a rule.
    Shutdown,
    /// Like `Shutdown`, with a word of explanation: not a failure.
    ShutdownWith(Arc<Term>),
    /// Sent by `exit`: the target dies, trapping or not, with [`Reason::Killed`]. Arriving over a
    /// link it is a reason like any other.
    Kill,
    /// It was killed.
    Killed,
    /// There was no such process.
    NoProc,
    /// The node it lived on was lost.
    NoConnection,
    /// Its code panicked.
    Crash(Arc<Crash>),
    /// Anything else.
    Other(Arc<Term>),
}

const _: () = assert!(size_of::<Reason>() == 16);

impl Reason {
    /// A reason of the program's own.
    pub fn other(term: impl Into<Term>) -> Self {
        Self::Other(Arc::new(term.into()))
    }

    /// An orderly end with an explanation.
    pub fn shutdown_with(term: impl Into<Term>) -> Self {
        Self::ShutdownWith(Arc::new(term.into()))
    }

    /// Whether this is no failure: `Normal`, `Shutdown` or `ShutdownWith`. A transient child that
    /// ends so is not restarted, and nobody reports a crash.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(term) => write!(f, "{{shutdown, {term}}}"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::NoProc => f.write_str("noproc"),
            Self::NoConnection => f.write_str("noconnection"),
            Self::Crash(crash) => write!(f, "{crash}"),
            Self::Other(term) => write!(f, "{term}"),
        }
    }
}

/// A panic that ended a process: what it said and where. Two are equal when both are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Crash {
    /// The panic's message, or a note that its payload was no text.
    pub message: Box<str>,
    /// `file:line:column` of the panic, when the panic hook saw it.
    pub location: Option<Box<str>>,
    /// The stack at the panic, when `RUST_BACKTRACE` is set.
    pub backtrace: Option<Stack>,
}

impl PartialEq for Crash {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message && self.location == other.location
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panic: {}", self.message)?;
        match &self.location {
            Some(location) => write!(f, " at {location}"),
            None => Ok(()),
        }
    }
}
