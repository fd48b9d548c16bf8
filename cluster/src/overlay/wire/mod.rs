//! How do the overlays put what they say into bytes?
//!
//! Role       The format of messages: a version, a protocol, a kind, then values, big-endian, with
//!            lengths before what they measure. `reader` and `writer` know values, the others the
//!            messages of a protocol.
//! Limit      [`LIST_MAX`] entries in a list. How long a frame may be is the business of who reads it.
//! Invariant  What is written can be read back. All of it is understood, or nothing of it acts.

mod beacon;
mod circuit;
mod epoch;
mod introduction;
mod plumtree;
mod reader;
mod routed;
mod said;
mod sounding;
mod view;
mod writer;

use std::fmt;

pub use beacon::Beacon;
pub use introduction::Introduction;
use reader::Reader;
pub use said::Said;
pub use sounding::Sounding;
use writer::Writer;

/// The most entries in a list; more is refused.
pub const LIST_MAX: usize = 2048;

const VERSION: u8 = 1;

/// The protocols that share this format.
mod protocol {
    pub(super) const VIEW: u8 = 1;
    pub(super) const TREE: u8 = 2;
    pub(super) const ROUTED: u8 = 3;
    pub(super) const CIRCUIT: u8 = 4;
    pub(super) const INTRODUCED: u8 = 5;
    pub(super) const EPOCH: u8 = 6;
    pub(super) const BEACON: u8 = 7;
    pub(super) const SOUNDING: u8 = 8;
}

/// Why bytes are no message of an overlay. Nothing of them had any effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// They end too early.
    Short,
    /// They are of another version of the format.
    Version(u8),
    /// They belong to another protocol.
    UnknownProtocol(u8),
    /// The protocol has no such kind of message.
    Kind(u8),
    /// A list is longer than [`LIST_MAX`], a payload than this machine can address, or a name or
    /// an address has no length that it may have.
    Length,
    /// A yes or no is neither.
    Flag(u8),
    /// A name or an address is no text.
    Text,
    /// A figure of an overlay is out of its bounds.
    Figure,
    /// There are bytes behind the message.
    Trailing,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the message ends too early"),
            Self::Version(version) => write!(f, "the message is of version {version}"),
            Self::UnknownProtocol(protocol) => write!(f, "the message is of protocol {protocol}"),
            Self::Kind(kind) => write!(f, "there is no message of kind {kind}"),
            Self::Length => {
                f.write_str("a list, a text or a payload is of a length that it may not have")
            }
            Self::Flag(value) => write!(f, "{value} is neither yes nor no"),
            Self::Text => f.write_str("a name or an address is no text"),
            Self::Figure => f.write_str("a figure of an overlay is out of its bounds"),
            Self::Trailing => f.write_str("there are bytes behind the message"),
        }
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests;
