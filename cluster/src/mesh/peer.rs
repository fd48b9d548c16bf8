//! What does a mesh know of one other node?
//!
//! Role       Small nouns: connections, and why one was lost.

use std::fmt;
use std::time::Duration;

use super::MeshConfig;
use crate::handshake::{Role, Who};
use crate::machine::Tick;

/// How long a connection stays that the overlay does not need, before a process has spoken over it.
const UNUSED: Duration = Duration::from_secs(1);

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
    /// Neither node has had anything to say for a while, and the overlay does not need it: nothing
    /// was lost, and there will be another connection once there is something to say.
    Unneeded,
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
            Self::Unneeded => "nobody needs it for now",
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
    /// When processes last spoke over it, or it was there for them.
    pub(super) used: Tick,
    /// Whether they ever did.
    pub(super) was_used: bool,
    /// It is to end, as both ends have agreed or are about to.
    pub(super) is_parting: bool,
}

impl Link {
    /// How long it stays when nobody needs it.
    pub(super) fn idle_bound(&self, config: &MeshConfig) -> Duration {
        match self.was_used {
            true => config.idle,
            false => config.idle.min(UNUSED),
        }
    }
}
