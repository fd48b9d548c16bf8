//! Where does a frame begin and end?
//!
//! Role       Four bytes before each frame: its kind in the upper four bits, its length below.
//! Limit      [`FRAME_BYTES_MAX`]; a longer length is refused before a byte of it is kept.

use std::fmt;

use crate::handshake::Who;

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
    /// Whom it is connected to.
    Peers = 2,
    /// It leaves.
    Goodbye = 3,
    /// An incarnation of a node is not wanted any more.
    Evicted = 4,
}

/// What is wrong with a frame. The connection is closed; nothing of the frame was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadFrame {
    /// Longer than [`FRAME_BYTES_MAX`].
    TooLong(usize),
    /// No frame is of this kind.
    Kind(u8),
    /// Its content is broken.
    Content,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is too long"),
            Self::Kind(kind) => write!(f, "there is no frame of kind {kind}"),
            Self::Content => f.write_str("what is in a frame is broken"),
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
        2 => Kind::Peers,
        3 => Kind::Goodbye,
        4 => Kind::Evicted,
        kind => return Err(BadFrame::Kind(kind as u8)),
    };
    match length <= FRAME_BYTES_MAX {
        true => Ok((kind, length)),
        false => Err(BadFrame::TooLong(length)),
    }
}

/// The content of a frame that names nodes.
pub(crate) fn nodes(nodes: &[Who]) -> Vec<u8> {
    let mut out = Vec::new();
    for who in nodes {
        text(&mut out, &who.name);
        out.extend_from_slice(&who.incarnation.to_be_bytes());
        text(&mut out, &who.address);
    }
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    // A handshake has bounded both names and addresses.
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

/// The nodes that a frame names: at most so many.
pub(super) fn read_nodes(mut bytes: &[u8], nodes_max: usize) -> Result<Vec<Who>, BadFrame> {
    let mut nodes = Vec::new();
    while !bytes.is_empty() {
        if nodes.len() == nodes_max {
            return Err(BadFrame::Content);
        }
        let name = read_text(&mut bytes)?;
        let (incarnation, rest) = bytes.split_first_chunk().ok_or(BadFrame::Content)?;
        bytes = rest;
        let incarnation = u64::from_be_bytes(*incarnation);
        let address = read_text(&mut bytes)?;
        nodes.push(Who {
            name,
            incarnation,
            address,
        });
    }
    Ok(nodes)
}

fn read_text(bytes: &mut &[u8]) -> Result<Box<str>, BadFrame> {
    let (length, rest) = bytes.split_first().ok_or(BadFrame::Content)?;
    let (text, rest) = rest
        .split_at_checked(usize::from(*length))
        .ok_or(BadFrame::Content)?;
    *bytes = rest;
    let text = std::str::from_utf8(text).map_err(|_| BadFrame::Content)?;
    Ok(text.into())
}
