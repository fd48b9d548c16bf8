//! What do an operator and a cluster say to each other?
//!
//! Role       Questions and answers, as they are printed, drawn and sent: MessagePack with names.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channel::ChannelFigures;

/// What an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Question {
    /// This node and its view, in short.
    Status,
    /// Who belongs to it.
    Members,
    /// Who is connected to whom: each node is asked.
    Topology(Duration),
    /// What goes over the connections of this node.
    Channels,
    /// How long a message takes to another node and back: all, or the one of this name.
    Ping(Option<String>, Duration),
    /// This node is to leave, and has so long to say goodbye.
    Leave(Duration),
    /// A node of this name is not wanted any more.
    Evict(String),
    /// The cluster is to have another overlay; the other nodes have so long to say that they have it.
    Switch(Wanted, Duration),
}

/// Which overlay an operator wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wanted {
    /// All nodes are connected to all.
    FullMesh,
    /// Each is connected to so many at most, or to as many as is usual.
    HyParView(Option<u64>),
    /// All are connected to the nodes of these names.
    ClientServer(Vec<String>),
}

impl Question {
    /// Whether it changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(self, Self::Leave(_) | Self::Evict(_) | Self::Switch(..))
    }
}

/// What an operator is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Status`].
    Status(Status),
    /// To [`Question::Members`], by name.
    Members(Vec<Member>),
    /// To [`Question::Topology`].
    Topology(Topology),
    /// To [`Question::Channels`].
    Channels(Vec<ChannelRow>),
    /// To [`Question::Ping`], by name.
    Pinged(Vec<Pong>),
    /// To what changes something: it is done, and how.
    Done(Acted),
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Acted {
    /// This node has left; so many nodes did not take the goodbye in time, and find out by silence.
    Left {
        /// How many.
        untold: u64,
    },
    /// The node of this name is evicted.
    Evicted {
        /// Which.
        name: String,
    },
    /// The cluster has another overlay.
    Switched {
        /// Which.
        overlay: String,
        /// How often that was switched so far.
        epoch: u64,
        /// How many other nodes have said that they have it.
        agreed: u64,
        /// The names of those that have not said so in time. They come to it when they are reached.
        pending: Vec<String>,
    },
}

/// One node, and what it sees of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The node's name.
    pub node: String,
    /// Which life of it this is.
    pub incarnation: u64,
    /// The cluster's name.
    pub cluster: String,
    /// Where it takes connections.
    pub address: String,
    /// How nodes are connected.
    pub overlay: String,
    /// How often that was switched while the cluster was up.
    pub epoch: u64,
    /// For how long the node has been running.
    pub uptime: Duration,
    /// How many other nodes are connected.
    pub connected: u64,
    /// Addresses that are dialled because nobody there is connected.
    pub dialled: Vec<Dialled>,
    /// How many bytes wait to be sent to other nodes.
    pub queued_bytes: u64,
}

/// An address at which nobody is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialled {
    /// Which.
    pub address: String,
    /// Why the last dial came to nothing; `None` when none has ended yet.
    pub refusal: Option<String>,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Which life of it this is.
    pub incarnation: u64,
    /// Where it takes connections.
    pub address: String,
    /// `here` for the node that answers, `up` for one that is connected to it, `relayed` for one to which
    /// it speaks through others, `unreached` for a member
    /// that is not; `suspect`, `down`, `left` and `evicted` as in
    /// [`State`](crate::membership::State).
    pub status: String,
}

/// What went over one channel of this node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// The other node.
    pub peer: String,
    /// The channel; `data` is the connection itself, over which goes what names no channel.
    pub channel: String,
    /// Bytes that wait to be sent.
    pub queued_bytes: u64,
    /// Frames that were given to it, so far.
    pub sent_frames: u64,
    /// More of a channel that is not `data`.
    pub figures: Option<ChannelFigures>,
}

/// An echo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The node that was asked.
    pub name: String,
    /// There and back; or why there is none.
    pub round_trip: Result<Duration, String>,
}

/// Who is connected to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// How nodes are connected.
    pub overlay: String,
    /// The nodes that this one knows, itself among them, by name.
    pub nodes: Vec<Vertex>,
    /// Pairs in which one says that it is connected and the other that it is not: it passes, or a
    /// connection is half open.
    pub one_sided: Vec<(String, String)>,
    /// How many pairs of nodes that answered are not connected and should be, as all are in a full mesh.
    pub missing: u64,
}

/// A node of a [`Topology`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vertex {
    /// Its name.
    pub name: String,
    /// Whether it told of its connections in time.
    pub answered: bool,
    /// How many the overlay keeps.
    pub degree: u64,
    /// To whom; empty in a cluster of very many connections, see [`EDGES_MAX`](super::EDGES_MAX).
    pub peers: Vec<String>,
}
