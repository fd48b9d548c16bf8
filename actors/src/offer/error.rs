//! Why is there no process on the other node?
//!
//! Outputs    [`RemoteSpawnError`]: what happened, and whether a process may be there.

use std::fmt;

use foundation_runtime::{CallError, Pid, Reason};

use super::words::NotSpawned;

/// Why [`Remote::spawn`](crate::Remote::spawn) and its siblings started no actor. In no case is one
/// left: where that was not known when the error was told, its node ends it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RemoteSpawnError {
    /// No node of this name is connected. Nothing was sent.
    NoNode(Box<str>),
    /// The node does not offer this type. Nothing was started.
    NotOffered {
        /// The node.
        node: Box<str>,
        /// The actor's type.
        actor: &'static str,
    },
    /// The node has as many starts for this one under way as it takes, which is so many. Nothing was
    /// started; it works again when some are done.
    Busy(usize),
    /// The arguments could not be written here, or not be read there. Its init did not run.
    Arguments(Box<str>),
    /// Its init said that there is nothing to run.
    Ignore,
    /// Its init failed or crashed, for this reason.
    Failed(Reason),
    /// The name is held by this process. Nothing was started.
    NameTaken(Pid),
    /// The node starts no process, and says why: it is at its limit, or shuts down.
    Refused(Box<str>),
    /// No answer came in time. If the process came to be, it is killed as soon as its node learns
    /// that nobody waits for it; its init may have run.
    Timeout,
    /// The connection was lost before the answer came. If the process came to be, it is killed when
    /// its node notices the loss; its init may have run.
    NoConnection,
    /// A link or a monitor was asked for by code outside any process: nobody could be told. Nothing
    /// was sent.
    NoProcess,
}

impl fmt::Display for RemoteSpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode(name) => write!(f, "no node `{name}` is connected"),
            Self::NotOffered { node, actor } => write!(
                f,
                "node `{node}` does not offer `{actor}`: give its builder `.offer::<{actor}>()`"
            ),
            Self::Busy(most) => {
                write!(
                    f,
                    "the node has {most} starts for this one under way, and takes no more"
                )
            }
            Self::Arguments(why) => write!(f, "its arguments did not get there: {why}"),
            Self::Ignore => f.write_str("its init said that there is nothing to run"),
            Self::Failed(reason) => write!(f, "its init failed: {reason}"),
            Self::NameTaken(pid) => write!(f, "the name is taken by {pid}"),
            Self::Refused(why) => write!(f, "the node did not start it: {why}"),
            Self::Timeout => f.write_str("no answer in time; if it was started, it is ended"),
            Self::NoConnection => {
                f.write_str("the connection was lost; if it was started, it is ended")
            }
            Self::NoProcess => f.write_str("a link or monitor was asked for outside any process"),
        }
    }
}

impl std::error::Error for RemoteSpawnError {}

impl RemoteSpawnError {
    /// The reason that a supervisor reports.
    #[must_use]
    pub fn into_reason(self) -> Reason {
        match self {
            Self::Ignore => Reason::Normal,
            Self::Failed(reason) => reason,
            Self::NoConnection | Self::NoNode(_) => Reason::NoConnection,
            other => Reason::other(other.to_string()),
        }
    }

    /// What the other node said.
    pub(super) fn said(why: NotSpawned, node: &str, actor: &'static str) -> Self {
        match why {
            NotSpawned::NotOffered => Self::not_offered(node, actor),
            NotSpawned::Busy(most) => Self::Busy(most),
            NotSpawned::Arguments(why) => Self::Arguments(why.into()),
            NotSpawned::Ignore => Self::Ignore,
            NotSpawned::Failed(reason) => Self::Failed(reason),
            NotSpawned::NameTaken(pid) => Self::NameTaken(pid),
            NotSpawned::Refused(why) => Self::Refused(why.into()),
        }
    }

    /// What it did not say.
    pub(super) fn unsaid(error: CallError, node: &str, actor: &'static str) -> Self {
        match error {
            CallError::NoProc => Self::not_offered(node, actor),
            CallError::Down(reason) => Self::Failed(reason),
            CallError::Timeout => Self::Timeout,
            CallError::NoConnection => Self::NoConnection,
            CallError::Refused(why) => Self::Arguments(why),
            other => Self::Refused(other.to_string().into()),
        }
    }

    fn not_offered(node: &str, actor: &'static str) -> Self {
        let node = node.into();
        Self::NotOffered { node, actor }
    }
}
