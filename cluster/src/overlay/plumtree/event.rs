//! What goes in and out of a broadcast?
//!
//! Role       The whole surface of the machine: inputs, effects, and messages between nodes.

use std::sync::Arc;

use crate::overlay::PeerId;

use super::ledger::Missed;

/// The bytes of a message; copies share them.
pub type Payload = Arc<[u8]>;

/// Which message: an incarnation of a node numbers its own from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// Who broadcast it.
    pub origin: PeerId,
    /// Which of its messages.
    pub number: u64,
}

/// What a node has had of one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// Whose messages.
    pub origin: PeerId,
    /// The greatest number that it has heard of.
    pub highest: u64,
    /// Up to there what it has not had; not all, if it is too much to say.
    pub missing: Vec<u64>,
}

/// What two neighbours say to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A message, after so many hops.
    Gossip(MessageId, u16, Payload),
    /// I have these; each would come to you after so many hops.
    IHave(Vec<(MessageId, u16)>),
    /// Send me payloads from now on, and this one now.
    Graft(Option<MessageId>),
    /// Announce to me from now on, I get payloads from others.
    Prune,
    /// I am new: where do the origins stand?
    Greet,
    /// There they stand; was that all?
    Baseline(Vec<(PeerId, u64)>, bool),
    /// This I have had. And you?
    Compare(Vec<Had>),
    /// This I have had.
    Compared(Vec<Had>),
    /// A message that you have not had, after so many hops.
    Repair(MessageId, u16, Payload),
}

/// All that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Bring this to all nodes.
    Broadcast(Payload),
    /// A message came.
    Received(PeerId, Message),
    /// The overlay has a new neighbour.
    Up(PeerId),
    /// It is none any more.
    Down(PeerId),
    /// The time has come that was asked for.
    Woken,
}

/// All that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send it; it may be lost with the connection.
    Send(PeerId, Message),
    /// A message has come, once, after so many hops; what this node broadcasts too, after none.
    Deliver(MessageId, u16, Payload),
    /// These will not come any more.
    Missed(Missed),
    /// This is longer than `payload_bytes_max`, and was not broadcast.
    TooLong(Payload),
    /// Wake it then, instead of when it asked for before.
    Wake(crate::machine::Tick),
}
