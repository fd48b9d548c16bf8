//! What two nodes say to each other.
//!
//! Role       Every signal and message, as data.
//! Invariant  A frame names its receiver; nothing in it is trusted beyond what it says.

use serde::{Deserialize, Serialize};

use crate::envelope::{ExitKind, Signal, Tag};
use crate::{CallError, NodeId, Pid, Reason};

/// Who a frame is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    Pid(Pid),
    Name(NodeId, Box<str>),
}

impl Target {
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Self::Pid(pid) => pid.node(),
            Self::Name(node, _) => *node,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Frame {
    Message {
        from: Option<Pid>,
        to: Target,
        tag: Tag,
        caller: Option<(Pid, u64)>,
        bytes: Vec<u8>,
    },
    Reply {
        to: Pid,
        id: u64,
        answer: Result<Vec<u8>, CallError>,
    },
    Alias {
        from: Option<Pid>,
        to: Pid,
        alias: u64,
        priority: bool,
        tag: Tag,
        caller: Option<(Pid, u64)>,
        bytes: Vec<u8>,
    },
    Exit {
        from: Pid,
        to: Pid,
        reason: Reason,
        link: bool,
    },
    Link {
        from: Pid,
        to: Pid,
    },
    Unlink {
        from: Pid,
        to: Pid,
        id: u64,
    },
    UnlinkAck {
        from: Pid,
        to: Pid,
        id: u64,
    },
    Monitor {
        watcher: Pid,
        to: Target,
        id: u64,
    },
    Demonitor {
        watcher: Pid,
        to: Pid,
        id: u64,
    },
    Down {
        to: Pid,
        id: u64,
        from: Pid,
        reason: Reason,
    },
    Info {
        from: Pid,
        id: u64,
        to: Pid,
    },
    Whereis {
        from: Pid,
        id: u64,
        name: Box<str>,
    },
}

impl Frame {
    /// The signal that this frame is, and its receiver.
    pub(super) fn into_signal(self) -> Option<(Pid, Signal)> {
        Some(match self {
            Self::Exit {
                from,
                to,
                reason,
                link,
            } => {
                let kind = if link { ExitKind::Link } else { ExitKind::Sent };
                (to, Signal::Exit { from, reason, kind })
            }
            Self::Link { from, to } => (to, Signal::Link { from }),
            Self::Unlink { from, to, id } => (to, Signal::Unlink { from, id }),
            Self::UnlinkAck { from, to, id } => (to, Signal::UnlinkAck { from, id }),
            Self::Monitor {
                watcher,
                to: Target::Pid(to),
                id,
            } => (
                to,
                Signal::Monitor {
                    watcher,
                    id,
                    name: None,
                },
            ),
            Self::Demonitor { watcher, to, id } => (to, Signal::Demonitor { watcher, id }),
            Self::Down {
                to,
                id,
                from,
                reason,
            } => (to, Signal::Down { id, from, reason }),
            _ => return None,
        })
    }
}
