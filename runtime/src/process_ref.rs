//! The typed address of a plain process.
//!
//! Outputs    [`ProcessRef`]: a pid that knows what its process takes, and the node it is used from.

use std::fmt;
use std::marker::PhantomData;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::envelope::Envelope;
use crate::port::{Course, Target};
use crate::process::Message;
use crate::{NoChannel, Node, Pid, Ready, SendError, SendOptions};

/// The address of a plain process that takes messages of type `M`.
pub struct ProcessRef<M> {
    node: Node,
    pid: Pid,
    /// `None` for the usual one.
    course: Option<Box<Course>>,
    _messages: PhantomData<fn() -> M>,
}

impl<M> ProcessRef<M> {
    pub(crate) fn new(node: Node, pid: Pid) -> Self {
        Self {
            node,
            pid,
            course: None,
            _messages: PhantomData,
        }
    }

    /// The node from which it is used.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The process's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The same process; what is sent there goes so if it is on another node.
    ///
    /// # Errors
    /// [`NoChannel`] when this node has no such channel.
    pub fn over(&self, options: impl Into<SendOptions>) -> Result<Self, NoChannel> {
        let course = self.node.course(&options.into())?;
        Ok(Self {
            course: (!course.is_usual()).then(|| Box::new(course)),
            ..Self::new(self.node.clone(), self.pid)
        })
    }

    /// Whether the process, of this node, is alive now.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.node.is_alive(self.pid)
    }
}

impl<M: Message> ProcessRef<M> {
    /// Waits for a place in the process's mailbox, and reserves it: `to.ready().await?.send(it)?`.
    pub fn ready(&self) -> Ready {
        self.node.ready(self.pid)
    }

    /// Sends a message. To a process that has ended it is a dead letter.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the message is local and the process on another node,
    /// [`SendError::Full`] when its mailbox is full and senders are told.
    #[inline]
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let (core, envelope) = (self.node.core(), Envelope::plain(message));
        match &self.course {
            Some(course) if self.pid.node() != core.id() => {
                core.send_away_by(**course, Target::Pid(self.pid), envelope)
            }
            _ => core.send(self.pid, envelope),
        }
    }
}

/// A pid, to serde.
impl<M> Serialize for ProcessRef<M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.pid.serialize(to)
    }
}

/// Reads it as an address used from [`Node::current`].
///
/// # Errors
/// Where there is none: outside any process, unless within [`Node::enter`].
impl<'de, M> Deserialize<'de> for ProcessRef<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pid = Pid::deserialize(from)?;
        let node = Node::current().ok_or_else(|| D::Error::custom(NO_NODE))?;
        Ok(Self::new(node, pid))
    }
}

/// Why a reference cannot be read.
#[doc(hidden)]
pub const NO_NODE: &str = "a reference to a process leads from a node, and there is none here: \
     read it inside a process, or within `Node::enter`; a `Pid` can be read anywhere";

impl<M> Clone for ProcessRef<M> {
    fn clone(&self) -> Self {
        Self {
            course: self.course.clone(),
            ..Self::new(self.node.clone(), self.pid)
        }
    }
}

impl<M> PartialEq for ProcessRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl<M> Eq for ProcessRef<M> {}

impl<M> fmt::Debug for ProcessRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessRef({})", self.pid)
    }
}

impl<M> From<&ProcessRef<M>> for Pid {
    fn from(address: &ProcessRef<M>) -> Self {
        address.pid
    }
}

impl<M> From<ProcessRef<M>> for Pid {
    fn from(address: ProcessRef<M>) -> Self {
        address.pid
    }
}
