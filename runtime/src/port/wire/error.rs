//! What is wrong with bytes that are no frame, and where?
//!
//! Outputs    [`WireError`]: the [`Flaw`] and the byte it was found at. Nothing of the frame was done.

use std::fmt;

use super::{FRAME_BYTES_MAX, NAME_BYTES_MAX};

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireError {
    pub(super) flaw: Flaw,
    /// How many bytes came before.
    pub(super) at: usize,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It ends in the middle.
    Short,
    /// There is more than the frame.
    Trailing,
    /// It is longer than a frame may be.
    Large,
    /// There is no such kind: of frame, node, term, reason or failure.
    Kind(u8),
    /// There are no such flags, or not together.
    Flags(u8),
    /// A number has more bytes than it needs, or is larger than what it stands for can be.
    Number,
    /// A node is spelt out that has a short form.
    Node,
    /// More was announced than is left.
    Length(u64),
    /// A text is no UTF-8.
    Text,
    /// A name is longer than names are.
    Name,
    /// Terms lie in each other too deeply, or are too many.
    Terms,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flaw {
            Flaw::Short => f.write_str("it ends too early"),
            Flaw::Trailing => f.write_str("something follows the frame"),
            Flaw::Large => write!(f, "it is longer than {FRAME_BYTES_MAX} bytes"),
            Flaw::Kind(kind) => write!(f, "there is no kind {kind}"),
            Flaw::Flags(flags) => write!(f, "there are no flags {flags:#x}"),
            Flaw::Number => f.write_str("a number is badly written or too large"),
            Flaw::Node => f.write_str("a node of this connection is spelt out"),
            Flaw::Length(length) => write!(f, "{length} were announced and are not there"),
            Flaw::Text => f.write_str("a text is no UTF-8"),
            Flaw::Name => write!(f, "a name is longer than {NAME_BYTES_MAX} bytes"),
            Flaw::Terms => f.write_str("a term is too deep or too large"),
        }?;
        write!(f, ", at byte {}", self.at)
    }
}

impl std::error::Error for WireError {}
