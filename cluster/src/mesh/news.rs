//! What is told of other nodes?
//!
//! Role       News of nodes, for those who watch, and what is known of one that is connected.

use foundation_macros::Message;

use super::Loss;
use crate::channel::ChannelFigures;
use crate::handshake::Who;
use crate::overlay::Epoch;

/// News of another node, for those who [watch](crate::Cluster::watch).
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(local, crate = foundation_actors)]
#[non_exhaustive]
pub enum NodeEvent {
    /// The node of this name is connected.
    Up(Box<str>),
    /// It is connected no more, for this reason.
    Down(Box<str>, Loss),
    /// The cluster has another overlay from here on.
    Switched(Epoch),
    /// This node itself leaves: it was told to.
    Leaving,
}

/// What is known of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who it is.
    pub who: Who,
    /// How many bytes wait to be sent to it.
    pub queued: usize,
    /// How many frames were sent to it over this connection.
    pub sent: u64,
    /// What went over channels of their own, those that were used.
    pub channels: Vec<ChannelFigures>,
    /// Whether the overlay keeps this connection: in a full mesh all of them.
    pub is_neighbour: bool,
    /// Whether it goes through other nodes, as the two cannot dial each other.
    pub is_through: bool,
}
