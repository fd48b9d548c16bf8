//! What the runtime says between processes: links, monitors, exits and questions.
//!
//! Role       Signals share the inbox with messages, so that pairwise order holds over all kinds.
//! Outputs    [`Signal`], acted on when fetched; two of them stay in the queue as messages
//!            (an exit that is trapped, a down).
//! Source     otp: erts, "Communication in Erlang", signals

use std::sync::Arc;

use super::typed::Internal;
use super::{Caller, Down, Envelope, Exit, Kind};
use crate::process::InfoRequest;
use crate::{CallError, NodeChange, NodeId, Pid, Reason, TimerRef};

/// How an exit signal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitKind {
    /// A linked process died.
    Link,
    /// Somebody called `exit`.
    Sent,
}

pub(crate) enum Signal {
    Exit {
        from: Pid,
        reason: Reason,
        kind: ExitKind,
    },
    Link {
        from: Pid,
    },
    Unlink {
        from: Pid,
        id: u64,
    },
    UnlinkAck {
        from: Pid,
        id: u64,
    },
    Monitor {
        watcher: Pid,
        id: u64,
        name: Option<Arc<str>>,
    },
    Demonitor {
        watcher: Pid,
        id: u64,
    },
    Down {
        id: u64,
        from: Pid,
        reason: Reason,
    },
    Info(InfoRequest),
    Suspend {
        by: Pid,
        caller: Caller,
    },
    Resume {
        by: Pid,
        caller: Caller,
    },
    /// Another process leads the group of this one.
    Lead {
        from: Pid,
        leader: Pid,
    },
    /// A port at which the process waits has room again.
    Released,
    CallClosed {
        address: usize,
    },
    /// This connection to the node, counted by ours, has ended.
    NodeLost {
        node: NodeId,
        connection: u32,
    },
    /// A node that the process watches has come or gone.
    NodeChanged {
        node: NodeId,
        change: NodeChange,
        /// How often the process has asked to be told.
        times: u32,
    },
    Alias {
        alias: u64,
        message: Envelope,
        /// Asked to be handled before what waits, if the receiver allows.
        priority: bool,
    },
    /// What is held for a bounded mailbox that drops its oldest, up to this ticket.
    Held {
        ticket: u64,
    },
    /// A message of `start_timer`: in the queue it stays what it is.
    Timeout {
        timer: TimerRef,
        message: Envelope,
    },
    /// In the queue: a trapped exit.
    ExitNotice(Exit),
    /// In the queue: a monitor that fired.
    DownNotice(Box<Down>),
}

impl Signal {
    /// What it is called, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Exit { .. } => "exit",
            Self::Link { .. } => "link",
            Self::Unlink { .. } => "unlink",
            Self::UnlinkAck { .. } => "unlink acknowledgement",
            Self::Monitor { .. } => "monitor",
            Self::Demonitor { .. } => "demonitor",
            Self::Down { .. } | Self::DownNotice(_) => "down",
            Self::Info(_) => "info",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Lead { .. } => "group leader",
            Self::Released => "room in a port",
            Self::CallClosed { .. } => "end of a call",
            Self::NodeLost { .. } => "loss of a node",
            Self::NodeChanged { .. } => "news of a node",
            Self::Alias { message, .. } | Self::Timeout { message, .. } => message.name(),
            Self::Held { .. } => "messages of a bounded mailbox",
            Self::ExitNotice(_) => "trapped exit",
        }
    }
}

impl Internal for Signal {
    const KIND: Kind = Kind::Signal;
    const NAME: &'static str = "signal";

    fn refuse(self, failure: &CallError) {
        match self {
            Self::Suspend { caller, .. } | Self::Resume { caller, .. } => caller.fail(failure),
            Self::Info(request) => request.caller.fail(failure),
            Self::Alias { message, .. } | Self::Timeout { message, .. } => message.discard(failure),
            _ => {}
        }
    }
}

impl Envelope {
    pub(crate) fn signal(signal: Signal) -> Self {
        Self::internal(signal)
    }

    pub(crate) fn take_signal(self) -> Result<Signal, Self> {
        self.take_internal()
    }

    #[inline]
    pub(crate) fn is_signal(&self) -> bool {
        self.kind() == Kind::Signal
    }

    /// What kind of message this is, also when it lies in a signal.
    pub(crate) fn inner_name(&self) -> &'static str {
        self.as_signal().map_or_else(|| self.name(), Signal::name)
    }

    /// The signal inside, left in place.
    pub(crate) fn as_signal(&self) -> Option<&Signal> {
        self.internal_ref()
    }
}
