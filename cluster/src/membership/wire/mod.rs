//! How do members put what they say into bytes?
//!
//! Role       The format of messages: big-endian, lengths before what they measure. `message` says
//!            what there is, `encode` writes it, `decode` and `reader` read it.
//! Limit      [`DATAGRAM_MAX`] bytes for all but an exchange of differing views, which has
//!            [`STREAM_MAX`].

mod decode;
mod encode;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod message;
mod reader;

use std::fmt;

pub(super) use decode::decode;
pub use decode::sender_of;
pub(super) use encode::{Writer, len as claim_len};
pub(super) use message::{Body, Ping, Sender};

use super::name::{ADDRESS_MAX, NAME_MAX};
use super::record::{ACCUSERS_MAX, METADATA_MAX};

/// The longest message of those that fit into a datagram.
pub const DATAGRAM_MAX: usize = 1400;

/// The longest message of all.
pub const STREAM_MAX: usize = 65_536;

const VERSION: u8 = 1;

mod kind {
    pub(super) const PING: u8 = 1;
    pub(super) const ACK: u8 = 2;
    pub(super) const HELP: u8 = 3;
    pub(super) const NACK: u8 = 4;
    pub(super) const GOSSIP: u8 = 5;
    pub(super) const COMPARE: u8 = 6;
    pub(super) const DIFFER: u8 = 7;
    pub(super) const STREAM_PING: u8 = 8;
}

// The longest comparison still carries the sender's claim about itself; and every claim fits.
const HEADER_MAX: usize = 2 + 8 + 1 + NAME_MAX + 8 + 1 + ADDRESS_MAX + 2;
const ALIVE_MAX: usize = 1 + 1 + NAME_MAX + 8 + 4 + 1 + ADDRESS_MAX + 2 + METADATA_MAX;
const CLAIM_MAX: usize = ALIVE_MAX + 1 + 8 * ACCUSERS_MAX;
const _: () = assert!(HEADER_MAX + 512 + ALIVE_MAX <= DATAGRAM_MAX);
const _: () = assert!(HEADER_MAX + 4 + 2 + NAME_MAX + ADDRESS_MAX + 8 + CLAIM_MAX <= DATAGRAM_MAX);

/// Why bytes are no message. Nothing of them had any effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// They end too early.
    Short,
    /// They are longer than [`STREAM_MAX`].
    TooLong,
    /// They are of another version of the protocol.
    Version(u8),
    /// There is no such kind of message.
    Kind(u8),
    /// A member has no such state.
    State(u8),
    /// A text or a list is empty or too long.
    Length,
    /// A text is not UTF-8.
    Text,
    /// There are bytes behind the last claim.
    Trailing,
    /// An accuser is named twice.
    Repeated,
    /// They come from another cluster.
    Cluster(u64),
    /// They say that this member sent them.
    Echo,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the message ends too early"),
            Self::TooLong => write!(f, "the message is longer than {STREAM_MAX} bytes"),
            Self::Version(version) => write!(f, "the message is of version {version}"),
            Self::Kind(kind) => write!(f, "there is no message of kind {kind}"),
            Self::State(state) => write!(f, "there is no state {state}"),
            Self::Length => f.write_str("a text or a list has no good length"),
            Self::Text => f.write_str("a text is not utf-8"),
            Self::Trailing => f.write_str("there are bytes behind the message"),
            Self::Repeated => f.write_str("an accuser is named twice"),
            Self::Cluster(cluster) => write!(f, "the message is from cluster {cluster}"),
            Self::Echo => f.write_str("the message claims to be from here"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
