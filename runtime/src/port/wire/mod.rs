//! How is what two nodes say to each other laid out in bytes?
//!
//! Role       [`encode`] and [`decode`]: one [`Frame`](super::Frame), appended to a buffer and read
//!            from a slice. Pure, but for what the program's own messages do when they are written.
//! Limit      A frame of [`FRAME_BYTES_MAX`], a name of [`NAME_BYTES_MAX`], a term as `term.rs` says.
//! Invariant  A frame has one way to be written: bytes that are read are what would be written again.
//!            Nothing that arrives makes this panic, or allocate more than arrived and 64 MiB.
//!
//! A frame is one byte of kind and its fields, in the order in which `write.rs` has them. Where it
//! ends is said by who carries it.
//!
//! ```text
//! number    LEB128: seven bits a byte, the lowest first; the top bit says that more follows
//! pid       node, slot number, generation number
//! node      0 the frame's sender, 1 its receiver, 2 another, whose 8 bytes follow
//! text      number of bytes, UTF-8
//! payload   number of bytes, bytes: MessagePack of the program's types, of no concern here
//! tag       8 bytes
//! ```
//!
//! What has a fixed length has its lowest byte first.

#![forbid(unsafe_code)]

mod error;
mod input;
mod number;
mod output;
mod pid;
mod read;
mod reason;
mod term;
#[cfg(test)]
mod tests;
mod write;

pub(super) use error::WireError;
pub(super) use read::decode;
pub(crate) use write::Unwritten;
pub(super) use write::encode;

use crate::NodeId;

/// The version of what nodes say to each other. Nodes of two versions do not understand each other.
pub const WIRE_VERSION: u16 = 1;

/// How long a frame may be.
pub(super) const FRAME_BYTES_MAX: usize = 64 << 20;

/// How long the name of a process may be.
pub(crate) const NAME_BYTES_MAX: usize = 1024;

/// Between whom a frame passes: their pids are written short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) sender: NodeId,
    pub(super) receiver: NodeId,
}

/// The first byte of a frame. None is zero: zeros are no frames.
mod kind {
    pub(super) const MESSAGE: u8 = 1;
    pub(super) const ALIAS: u8 = 2;
    pub(super) const ANSWER: u8 = 3;
    pub(super) const FAILURE: u8 = 4;
    pub(super) const EXIT: u8 = 5;
    pub(super) const EXIT_OF_LINK: u8 = 6;
    pub(super) const LINK: u8 = 7;
    pub(super) const UNLINK: u8 = 8;
    pub(super) const UNLINK_ACK: u8 = 9;
    pub(super) const MONITOR: u8 = 10;
    pub(super) const MONITOR_NAME: u8 = 11;
    pub(super) const DEMONITOR: u8 = 12;
    pub(super) const DOWN: u8 = 13;
    pub(super) const INFO: u8 = 14;
    pub(super) const WHEREIS: u8 = 15;
    pub(super) const LEAD: u8 = 16;
}

/// The second byte of a message: what is there of it.
mod flag {
    /// Its sender is a process.
    pub(super) const FROM: u8 = 1;
    /// It is for a name.
    pub(super) const NAME: u8 = 2;
    /// It is a call: the number of it follows.
    pub(super) const CALL: u8 = 4;
    /// Who called is not who sent it: a pid before that number.
    pub(super) const CALLER: u8 = 8;
    /// It is handled before others. For aliases only.
    pub(super) const PRIORITY: u8 = 16;

    pub(super) const OF_MESSAGE: u8 = FROM | NAME | CALL | CALLER;
    pub(super) const OF_ALIAS: u8 = FROM | CALL | CALLER | PRIORITY;
}
