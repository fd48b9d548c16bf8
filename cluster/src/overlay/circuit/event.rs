//! What goes in and out of circuits?
//!
//! Role       The whole surface of the machine: inputs, effects, and what a letter brings.

use crate::machine::Tick;
use crate::overlay::PeerId;
use crate::overlay::plumtree::Payload;
use crate::overlay::routing::{Letter, Undelivered};

/// Which circuit. No two have the same: a node is one incarnation, and gives each number once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitId {
    /// Who has opened it.
    pub opener: PeerId,
    /// Which of those that he has opened.
    pub number: u64,
}

/// What one letter brings to a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Has the source of the letter opened the circuit? Else its destination has.
    pub of_opener: bool,
    /// Which of those that the opener has opened.
    pub number: u64,
    /// What it says.
    pub carried: Carried,
}

/// What one end of a circuit says to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// Will you have a circuit? So many bytes may be sent to begin with.
    Open(u64),
    /// Yes. So many bytes may be sent to begin with.
    Accept(u64),
    /// No; because there are too many, or because the program would not.
    Refuse {
        /// Are there too many?
        full: bool,
    },
    /// Bytes.
    Data {
        /// How many pieces with bytes, or the end of them, were before.
        at: u64,
        /// So many bytes may be sent, in all.
        limit: u64,
        /// What was written.
        bytes: Payload,
    },
    /// There are no more bytes, behind so many pieces.
    End(u64),
    /// So many bytes may be sent, in all.
    Credit(u64),
    /// Are you there?
    Probe,
    /// There is no such circuit here, or not any more.
    Gone,
}

/// All that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Open a circuit to a node. Its number is greater than those of all that this node has opened.
    Open {
        /// Which of this node's.
        number: u64,
        /// Who is to be at the other end.
        to: PeerId,
    },
    /// The one that asks shall have its circuit. Nothing happens if it asks no more.
    Accept(CircuitId),
    /// It shall not. One that has its circuit has it closed.
    Refuse(CircuitId),
    /// Bytes for the other end, no more than there is room for. Nothing happens if the circuit is no
    /// more.
    Write(CircuitId, Vec<u8>),
    /// The reader is done with so many bytes more.
    Consumed(CircuitId, usize),
    /// Nothing more will be written. What comes is still read.
    Finish(CircuitId),
    /// Nothing more will be written or read. What was written is still brought.
    Close(CircuitId),
    /// A letter of that source has brought this.
    Received(PeerId, Piece),
    /// The letter with this ticket has come.
    Acknowledged(u64),
    /// It has not, or nobody knows.
    Undelivered(Letter, Undelivered),
    /// The time has come that was asked for.
    Woken,
}

/// Why a circuit is no more. Its id will not be named again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyClosed {
    /// Both ends have finished, or this one is closed; all that was written here has come.
    Done,
    /// The other end has none any more. If it had finished, or was closed, all that was written there
    /// has come, and [`Effect::Finished`] was told; what was written here last may be lost.
    OtherEnd,
    /// The other end would not have it.
    Refused,
    /// There are too many, here or at the other end.
    TooMany,
    /// Nobody has acknowledged a letter. What was written last may have come.
    Unreachable,
    /// Nobody has accepted it in time, or nothing of it could be sent for long.
    Stalled,
    /// Routing carries no letters as long as a segment.
    TooLong,
    /// The other end does not keep to the protocol.
    Fault,
}

/// All that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Give it to routing. Its ticket is one of this machine's: 1, 2, 3 and so on.
    Send(Letter),
    /// A node asks for a circuit, to be accepted or refused.
    Asks(CircuitId),
    /// Both ends can write.
    Opened(CircuitId),
    /// These bytes came, next in order.
    Came(CircuitId, Payload),
    /// All bytes have come; the other end has finished.
    Finished(CircuitId),
    /// There is room to write so many bytes more.
    Room(CircuitId, usize),
    /// It is no more.
    Closed(CircuitId, WhyClosed),
    /// Wake it then, instead of when it asked for before.
    Wake(Tick),
}
