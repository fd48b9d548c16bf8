//! What does a mesh know of one other node?
//!
//! Role       Small nouns: connections, addresses that are dialled, and why one was lost.

use std::fmt;
use std::time::Duration;

use crate::handshake::{Refusal, Role, Who};
use crate::machine::Tick;

/// One connection of this node, for as long as the node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Why a connection is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The other end closed it, or the system did.
    Closed,
    /// Nothing came for too long.
    Silent,
    /// What came was not the protocol.
    Garbage,
    /// The cluster's membership found that the other node has failed.
    Failed,
    /// The other node has said that it leaves.
    Left,
    /// The other node was evicted.
    Evicted,
    /// Another connection to the same node is kept instead.
    Replaced,
    /// This node leaves.
    Leaving,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed",
            Self::Silent => "nothing was heard of it for too long",
            Self::Garbage => "it sent what is not the protocol",
            Self::Failed => "it was found to have failed",
            Self::Left => "it has left",
            Self::Evicted => "it was evicted",
            Self::Replaced => "another connection to it is kept",
            Self::Leaving => "this node leaves",
        })
    }
}

/// A connection to a node that has proved who it is.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) who: Who,
    pub(super) role: Role,
    /// Whether both ends have agreed; before that it only keeps the name.
    pub(super) is_up: bool,
    pub(super) heard: Tick,
    pub(super) sent: Tick,
}

/// An address that is dialled while nobody there is connected.
#[derive(Debug)]
pub(super) struct Target {
    /// Which node is there, once it is known.
    pub(super) name: Option<Box<str>>,
    pub(super) is_seed: bool,
    /// A finder yields it at present.
    pub(super) is_candidate: bool,
    /// It was found no more while it was dialled: if nobody is there, it is dropped.
    pub(super) is_over: bool,
    pub(super) is_dialling: bool,
    pub(super) next: Tick,
    pub(super) pause: Duration,
    /// Since when nobody was reached.
    pub(super) since: Tick,
    /// Why the last dial failed.
    pub(super) last: Option<Refusal>,
}

impl Target {
    /// It is dialled whatever happens.
    pub(super) fn is_kept(&self) -> bool {
        self.is_seed || self.is_candidate
    }
}
