//! Where does a frame begin and end?
//!
//! Role       Four bytes before each frame: its kind in the upper four bits, its length below.
//! Limit      [`FRAME_BYTES_MAX`]; a longer length is refused before a byte of it is kept.

use std::fmt;

/// The most bytes of a frame.
pub const FRAME_BYTES_MAX: usize = 64 << 20;
pub(super) const HEADER_BYTES: usize = 4;
const LENGTH_BITS: u32 = 28;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Between processes.
    Process = 0,
    /// The node lives.
    Heartbeat = 1,
    /// Between the memberships of the two nodes.
    Membership = 2,
}

/// What is wrong with a frame. The connection is closed; nothing of the frame was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadFrame {
    /// Longer than [`FRAME_BYTES_MAX`].
    TooLong(usize),
    /// No frame is of this kind.
    Kind(u8),
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is too long"),
            Self::Kind(kind) => write!(f, "there is no frame of kind {kind}"),
        }
    }
}

impl std::error::Error for BadFrame {}

pub(super) fn header(kind: Kind, length: usize) -> [u8; HEADER_BYTES] {
    assert!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
    ((kind as u32) << LENGTH_BITS | length as u32).to_be_bytes()
}

pub(super) fn read_header(bytes: [u8; HEADER_BYTES]) -> Result<(Kind, usize), BadFrame> {
    let word = u32::from_be_bytes(bytes);
    let length = (word & ((1 << LENGTH_BITS) - 1)) as usize;
    let kind = match word >> LENGTH_BITS {
        0 => Kind::Process,
        1 => Kind::Heartbeat,
        2 => Kind::Membership,
        kind => return Err(BadFrame::Kind(kind as u8)),
    };
    match length <= FRAME_BYTES_MAX {
        true => Ok((kind, length)),
        false => Err(BadFrame::TooLong(length)),
    }
}
