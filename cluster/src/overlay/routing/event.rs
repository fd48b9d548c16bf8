//! What goes in and out of routing?
//!
//! Role       The whole surface of the machine: inputs, effects, and messages between nodes.

use crate::machine::Tick;
use crate::overlay::PeerId;
use crate::overlay::plumtree::Payload;

/// What a message is, for those on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Bytes, which nobody acknowledges.
    Plain(Payload),
    /// Bytes that are to be acknowledged. The source does not send again what has a number less
    /// than the floor.
    Asked {
        /// What is brought.
        payload: Payload,
        /// The least number that the source still waits for.
        floor: u64,
    },
    /// The destination has had the message of this number.
    Had(u64),
}

/// Where a message comes from, where it goes, and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// Whose message.
    pub source: PeerId,
    /// Which of its messages; plain ones, asked ones and acknowledgements are numbered apart.
    pub number: u64,
    /// How often it was sent before.
    pub attempt: u8,
    /// Who shall have it.
    pub to: PeerId,
    /// Connections that it may still pass.
    pub left: u8,
    /// Connections that it has passed.
    pub hops: u8,
    /// Does it go to all, whatever ways are known?
    pub flooded: bool,
}

/// What two neighbours say to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub Envelope, pub Kind);

/// What a program wants to be brought to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Who shall have it.
    pub to: PeerId,
    /// What is brought.
    pub payload: Payload,
    /// The name that the program gives it, if it shall be acknowledged: it is told the end of it by
    /// that name.
    pub ticket: Option<u64>,
}

/// All that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Bring this to a node.
    Send(Letter),
    /// A message came.
    Received(PeerId, Message),
    /// There is a new neighbour.
    Up(PeerId),
    /// It is none any more.
    Down(PeerId),
    /// The overlay holds the nodes together by this neighbour, or no more. Messages that look for a way go to
    /// these, and to all when there are none, or when they have not brought it three times.
    Flooded(PeerId, bool),
    /// The time has come that was asked for.
    Woken,
}

/// Why a message was not brought, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undelivered {
    /// As many as may wait do. It was not sent.
    Busy,
    /// It is longer than `payload_bytes_max`. It was not sent.
    TooLong,
    /// There is no neighbour, and it was not to be acknowledged. It was not sent.
    Alone,
    /// Nobody has acknowledged it. It may have come.
    Unanswered,
}

/// All that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send it to a neighbour; it may be lost with the connection.
    Send(PeerId, Message),
    /// A message has come from that source.
    Deliver(PeerId, Payload),
    /// The message of this name has come.
    Acknowledged(u64),
    /// It has not, or nobody knows.
    Undelivered(Letter, Undelivered),
    /// Wake it then, instead of when it asked for before.
    Wake(Tick),
}
