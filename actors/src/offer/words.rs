//! What do two nodes say to each other about a process that one starts for the other?
//!
//! Role       The request, the refusal, and the number of a start.

use std::time::Duration;

use foundation_runtime::{MonitorRef, NodeId, Pid, Reason, Tag};
use serde::{Deserialize, Serialize};

use crate::server::Stop;

/// Which start this is: the node that asks, and how many it had asked for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StartId {
    pub(crate) of: NodeId,
    pub(crate) number: u64,
}

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) id: StartId,
    /// The type.
    pub(crate) actor: Tag,
    /// The name that it is to have.
    pub(crate) name: Option<String>,
    /// The arguments of its init.
    pub(crate) args: Vec<u8>,
    /// The starter's end of a link with it.
    pub(crate) link: Option<MonitorRef>,
    /// The monitor that is to fire at its end.
    pub(crate) monitor: Option<MonitorRef>,
    /// The leader of the starter's group.
    pub(crate) leader: Option<Pid>,
    /// How long the starter waits.
    pub(crate) bound: Duration,
}

/// Why there is no process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum NotSpawned {
    NotOffered,
    /// So many starts of one node are under way.
    Busy(usize),
    Arguments(String),
    Ignore,
    Failed(Reason),
    NameTaken(Pid),
    Refused(String),
}

impl From<Stop> for NotSpawned {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Ignore => Self::Ignore,
            Stop::Reason(reason) => Self::Failed(reason),
        }
    }
}

impl NotSpawned {
    /// The same to a starter of the same node.
    pub(crate) fn into_stop(self) -> Stop {
        match self {
            Self::Ignore => Stop::Ignore,
            Self::Failed(reason) => Stop::Reason(reason),
            other => Stop::Reason(Reason::other(format!("{other:?}"))),
        }
    }
}
