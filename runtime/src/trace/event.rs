//! What can be seen of a traced process?
//!
//! Outputs    [`TraceEvent`]: who, when, what.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Pid, Reason};

pub(super) const SENDS: u8 = 1;
pub(super) const RECEIVES: u8 = 2;
pub(super) const CALLS: u8 = 4;
pub(super) const EXITS: u8 = 8;
pub(super) const SPAWNS: u8 = 16;
pub(super) const LINKS: u8 = 32;
pub(super) const NAMES: u8 = 64;
pub(super) const EVERYTHING: u8 = 127;

/// Something that a traced process did, or that was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEvent {
    /// When, on its node's clock.
    pub at: Duration,
    /// Which process; nobody for [`Traced::Lost`].
    pub pid: Pid,
    /// What.
    pub what: Traced,
}

/// What a traced process did, or what was done to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Traced {
    /// It sent a message, a request, or an answer.
    Sent {
        /// To whom; `None` for code outside any process, and for a name on another node.
        to: Option<Pid>,
        /// The kind of message: a method or type.
        message: &'static str,
        /// Whether it answers a call.
        answer: bool,
    },
    /// A message, a request, an answer or a down came into its mailbox.
    Received {
        /// From whom; `None` for code outside any process, and for the runtime itself.
        from: Option<Pid>,
        /// The kind of message: a method or type.
        message: &'static str,
        /// Whether it is the answer to a call of its own.
        answer: bool,
    },
    /// It began to handle a message: a server runs the method, a plain process has received it.
    Called {
        /// From whom the message was; `None` for code outside any process.
        from: Option<Pid>,
        /// The method, or the type of the message.
        method: &'static str,
        /// The arguments, of an actor that shows them: `#[actor(debug(args))]`.
        arguments: Option<Box<str>>,
    },
    /// It ended.
    Exited {
        /// Why.
        reason: Reason,
    },
    /// It started another process.
    Spawned {
        /// Which.
        child: Pid,
        /// The name of the other's code.
        code: &'static str,
    },
    /// It began to exist.
    Started {
        /// Who started it; `None` for code outside any process.
        parent: Option<Pid>,
        /// The name of its code.
        code: &'static str,
    },
    /// It linked itself with another process.
    Linked {
        /// Which.
        with: Pid,
    },
    /// It took a link away.
    Unlinked {
        /// To which process.
        from: Pid,
    },
    /// Another process linked itself with it.
    GotLinked {
        /// Which.
        by: Pid,
    },
    /// Another process took a link to it away.
    GotUnlinked {
        /// Which.
        by: Pid,
    },
    /// It was registered under a name.
    Registered {
        /// Which.
        name: Arc<str>,
    },
    /// It has its name no more.
    Unregistered {
        /// Which.
        name: Arc<str>,
    },
    /// At this place events are missing: there were more than the buffer or the rate allows.
    Lost {
        /// How many.
        count: u64,
    },
}

impl Traced {
    /// Which flag asks for it.
    pub(super) fn flag(&self) -> u8 {
        match self {
            Self::Sent { .. } => SENDS,
            Self::Received { .. } => RECEIVES,
            Self::Called { .. } => CALLS,
            Self::Exited { .. } => EXITS,
            Self::Spawned { .. } | Self::Started { .. } => SPAWNS,
            Self::Linked { .. }
            | Self::Unlinked { .. }
            | Self::GotLinked { .. }
            | Self::GotUnlinked { .. } => LINKS,
            Self::Registered { .. } | Self::Unregistered { .. } => NAMES,
            Self::Lost { .. } => EVERYTHING,
        }
    }
}

/// Somebody, or who stands outside.
struct Who(Option<Pid>);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "{pid}"),
            None => f.write_str("outside"),
        }
    }
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent {
                to,
                message,
                answer,
            } => {
                let what = if *answer { "answered" } else { "sent" };
                write!(f, "{what} {message} to {}", Who(*to))
            }
            Self::Received {
                from,
                message,
                answer,
            } => {
                let what = if *answer { "got the answer of" } else { "got" };
                write!(f, "{what} {message} from {}", Who(*from))
            }
            Self::Called {
                from,
                method,
                arguments,
            } => match arguments {
                Some(arguments) => write!(f, "handles {method}({arguments}) of {}", Who(*from)),
                None => write!(f, "handles {method} of {}", Who(*from)),
            },
            Self::Exited { reason } => write!(f, "ended: {reason}"),
            Self::Spawned { child, code } => write!(f, "started {child}: {code}"),
            Self::Started { parent, code } => write!(f, "began as {code}, by {}", Who(*parent)),
            Self::Linked { with } => write!(f, "linked with {with}"),
            Self::Unlinked { from } => write!(f, "unlinked from {from}"),
            Self::GotLinked { by } => write!(f, "was linked by {by}"),
            Self::GotUnlinked { by } => write!(f, "was unlinked by {by}"),
            Self::Registered { name } => write!(f, "is called {name:?}"),
            Self::Unregistered { name } => write!(f, "is called {name:?} no more"),
            Self::Lost { count } => write!(f, "({count} events are missing here)"),
        }
    }
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_secs_f64();
        match self.what {
            Traced::Lost { .. } => write!(f, "{at:.6} {}", self.what),
            _ => write!(f, "{at:.6} {} {}", self.pid, self.what),
        }
    }
}
