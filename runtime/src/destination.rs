//! Whom does a reference lead to?
//!
//! Role       [`Destination`]: a process, whoever has a name or a key, an alias, or a place in a
//!            mailbox; and how an envelope goes there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, Kind};
use crate::mailbox::Reserved;
use crate::port::{Course, Target};
use crate::process::Alias;
use crate::{Node, NodeId, Pid, SendError, Via};

/// Whom a reference leads to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
#[non_exhaustive]
pub enum Destination {
    /// This process.
    Pid(Pid),
    /// Whoever has this name on this node, found again at each use.
    Name(NodeId, Arc<str>),
    /// Whoever has this key of a registry.
    Via(Via),
    /// The process behind this alias, as long as it is active. What is sent goes before all that wait
    /// there, if the alias was made for that.
    Alias(Alias),
    /// This process: a place in its mailbox is reserved for the first message. Sent to another node
    /// it leads to the process alone.
    Reserved(Reserved),
    /// Where the other leads, by this course if that is on another node. A course does not travel:
    /// sent to another node it leads the usual way.
    By(Box<Destination>, Course),
}

/// A destination as it travels.
#[derive(Serialize, Deserialize)]
enum Wire {
    Pid(Pid),
    Name(NodeId, Arc<str>),
    Via(Via),
    Alias(Alias),
}

impl From<Wire> for Destination {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Pid(pid) => Self::Pid(pid),
            Wire::Name(node, name) => Self::Name(node, name),
            Wire::Via(via) => Self::Via(via),
            Wire::Alias(alias) => Self::Alias(alias),
        }
    }
}

impl From<Destination> for Wire {
    fn from(to: Destination) -> Self {
        match to {
            Destination::Pid(pid) => Self::Pid(pid),
            Destination::Name(node, name) => Self::Name(node, name),
            Destination::Via(via) => Self::Via(via),
            Destination::Alias(alias) => Self::Alias(alias),
            Destination::Reserved(place) => Self::Pid(place.pid()),
            Destination::By(to, _) => Self::from(*to),
        }
    }
}

impl Destination {
    /// The node it leads to.
    #[must_use]
    pub fn node(&self) -> NodeId {
        match self {
            Self::Name(node, _) => *node,
            Self::Via(via) => via.node(),
            Self::Pid(pid) => pid.node(),
            Self::Alias(alias) => alias.owner.node(),
            Self::Reserved(place) => place.pid().node(),
            Self::By(to, _) => to.node(),
        }
    }

    /// The process it leads to, unless a name leads there: for good, or who has the key now.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        match self {
            Self::Name(..) => None,
            Self::Via(via) => via.find(),
            Self::Pid(pid) => Some(*pid),
            Self::Alias(alias) => Some(alias.owner),
            Self::Reserved(place) => Some(place.pid()),
            Self::By(to, _) => to.pid(),
        }
    }

    /// The same, by this course where it leads to another node.
    #[must_use]
    pub fn by(self, course: Course) -> Self {
        match (self, course.is_usual()) {
            (Self::By(to, _), true) => *to,
            (Self::By(to, _), false) => Self::By(to, course),
            (to, true) => to,
            (to, false) => Self::By(Box::new(to), course),
        }
    }

    /// The same without a course.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::By(to, _) => to.plain(),
            to => to,
        }
    }

    /// The same without a course, where that changes nothing: on this node.
    pub(crate) fn on(&self, node: NodeId) -> &Self {
        match self {
            Self::By(to, _) if to.node() == node => to,
            to => to,
        }
    }

    /// What makes it equal to another: a place that is reserved does not.
    fn key(&self) -> Key<'_> {
        match self {
            Self::Name(node, name) => Key::Name(*node, name),
            Self::Via(via) => Key::Via(via),
            Self::Alias(alias) => Key::Alias(*alias),
            Self::Pid(_) | Self::Reserved(_) => Key::Pid(self.pid()),
            Self::By(to, _) => to.key(),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Pid(Option<Pid>),
    Name(NodeId, &'a str),
    Via(&'a Via),
    Alias(Alias),
}

impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Destination {}

impl std::hash::Hash for Destination {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Node {
    /// Sends an envelope to a destination. A message to nobody is a dead letter.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] or [`SendError::Refused`] when it cannot travel and must,
    /// [`SendError::NoName`] when nobody on this node has the name, and [`SendError::Full`] when the
    /// mailbox is full.
    #[inline]
    pub fn send_envelope(&self, to: &Destination, envelope: Envelope) -> Result<(), SendError> {
        match to {
            Destination::Pid(pid) => self.core().send(*pid, envelope),
            to => self.send_otherwise(to, envelope),
        }
    }

    /// Sends to another node, by this course.
    fn send_by(
        &self,
        course: Course,
        to: &Destination,
        envelope: Envelope,
    ) -> Result<(), SendError> {
        let core = self.core();
        core.trace_sent(to.pid(), envelope.header(), false);
        let target = match to {
            Destination::Name(node, name) => Target::Name(*node, name),
            Destination::Alias(alias) => {
                let mut envelope = envelope;
                if envelope.kind() == Kind::Call {
                    envelope.set_server(alias.owner);
                }
                core.alias_away(alias.owner, alias.id, envelope, true, course);
                return Ok(());
            }
            // Keys and places lead to processes of one's own node.
            Destination::Via(_) => return self.send_envelope(to, envelope),
            Destination::By(to, _) => return self.send_by(course, to, envelope),
            Destination::Pid(pid) => Target::Pid(*pid),
            Destination::Reserved(place) => Target::Pid(place.pid()),
        };
        core.send_away_by(course, target, envelope)
    }

    #[cold]
    fn send_otherwise(&self, to: &Destination, envelope: Envelope) -> Result<(), SendError> {
        match to {
            Destination::Pid(pid) => self.core().send(*pid, envelope),
            Destination::Name(node, name) if *node == self.id() => {
                self.core().send_named(name, envelope)
            }
            Destination::Name(node, name) => {
                let target = Target::Name(*node, name);
                self.core().trace_sent(None, envelope.header(), false);
                self.core().send_away(target, envelope)
            }
            Destination::Via(via) => {
                let shown = || format!("{via:?}").into();
                self.core().send_found(via.find(), shown, envelope)
            }
            Destination::Alias(alias) => {
                let mut envelope = envelope;
                if envelope.kind() == Kind::Call {
                    envelope.set_server(alias.owner);
                }
                self.core().send_alias(*alias, envelope, true);
                Ok(())
            }
            Destination::Reserved(place) => match place.take() {
                Some(place) => place.send_envelope(envelope),
                None => self.core().send(place.pid(), envelope),
            },
            Destination::By(to, _) if to.node() == self.id() => self.send_envelope(to, envelope),
            Destination::By(to, course) => self.send_by(*course, to, envelope),
        }
    }
}
