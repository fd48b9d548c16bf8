//! Where does a frame begin and end?
//!
//! Role       Four bytes before each frame: its kind in the upper four bits, its length below.
//! Limit      [`FRAME_BYTES_MAX`]; a longer length is refused before a byte of it is kept.

use std::fmt;

/// The most bytes of a frame.
pub const FRAME_BYTES_MAX: usize = 64 << 20;
pub(crate) const HEADER_BYTES: usize = 4;
/// What is before the bytes of a part: whose it is, and whether it is the last.
pub(crate) const PART_HEAD_BYTES: usize = 2;
/// A whole fence.
pub(crate) const FENCE_BYTES: usize = HEADER_BYTES + 5;
/// A whole word on what was seen.
const SEEN_BYTES: usize = HEADER_BYTES + 9;
/// Bits of the second byte of a part's head.
const LAST: u8 = 1;
const NUMBERED: u8 = 2;
const STAMPED: u8 = 4;
const ACKNOWLEDGED_BYTES: usize = HEADER_BYTES + 9;
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
    /// A part of a large frame between processes.
    Part = 3,
    /// The other end is to answer with [`Kind::Fenced`] once all before it is delivered.
    Fence = 4,
    /// A fence has arrived.
    Fenced = 5,
    /// Several frames, compressed together.
    Packed = 6,
    /// So many bytes of a lane have come.
    Seen = 7,
    /// So many bytes of a sender were taken by processes.
    Credit = 8,
    /// What a sender is to have acknowledged has come, up to this number.
    Acknowledged = 9,
    /// Between the overlays of the two nodes.
    Overlay = 10,
    /// Whether the connection is needed.
    Parting = 11,
    /// A letter that is passed on from node to node.
    Routed = 12,
    /// A part of a broadcast.
    Tree = 13,
}

/// What is wrong with a frame. The connection is closed; nothing of the frame was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadFrame {
    /// Longer than [`FRAME_BYTES_MAX`].
    TooLong(usize),
    /// No frame is of this kind.
    Kind(u8),
    /// A part or a fence is not what its kind says.
    Content,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is too long"),
            Self::Kind(kind) => write!(f, "there is no frame of kind {kind}"),
            Self::Content => f.write_str("a part of a frame, or a fence, is broken"),
        }
    }
}

impl std::error::Error for BadFrame {}

pub(crate) fn header(kind: Kind, length: usize) -> [u8; HEADER_BYTES] {
    assert!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
    ((kind as u32) << LENGTH_BITS | length as u32).to_be_bytes()
}

pub(crate) fn read_header(bytes: [u8; HEADER_BYTES]) -> Result<(Kind, usize), BadFrame> {
    let word = u32::from_be_bytes(bytes);
    let length = (word & ((1 << LENGTH_BITS) - 1)) as usize;
    let kind = match word >> LENGTH_BITS {
        0 => Kind::Process,
        1 => Kind::Heartbeat,
        2 => Kind::Membership,
        3 => Kind::Part,
        4 => Kind::Fence,
        5 => Kind::Fenced,
        6 => Kind::Packed,
        7 => Kind::Seen,
        8 => Kind::Credit,
        9 => Kind::Acknowledged,
        10 => Kind::Overlay,
        11 => Kind::Parting,
        12 => Kind::Routed,
        13 => Kind::Tree,
        kind => return Err(BadFrame::Kind(kind as u8)),
    };
    match length <= FRAME_BYTES_MAX {
        true => Ok((kind, length)),
        false => Err(BadFrame::TooLong(length)),
    }
}

/// What a part is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole {
    /// It begins with a number because it is to be acknowledged.
    pub(crate) is_numbered: bool,
    /// What it is, behind that, begins with what it follows.
    pub(crate) is_stamped: bool,
}

pub(crate) fn part_head(bucket: u8, is_last: bool, of: Whole) -> [u8; PART_HEAD_BYTES] {
    let bit = |is_so: bool, bit: u8| if is_so { bit } else { 0 };
    let flags = bit(is_last, LAST) | bit(of.is_numbered, NUMBERED) | bit(of.is_stamped, STAMPED);
    [bucket, flags]
}

/// The word that a frame of this bucket, and all before it, have come: a whole frame.
pub(crate) fn acknowledged(bucket: u8, number: u64) -> [u8; ACKNOWLEDGED_BYTES] {
    let mut frame = [0; ACKNOWLEDGED_BYTES];
    let length = ACKNOWLEDGED_BYTES - HEADER_BYTES;
    frame[..HEADER_BYTES].copy_from_slice(&header(Kind::Acknowledged, length));
    frame[HEADER_BYTES] = bucket;
    frame[HEADER_BYTES + 1..].copy_from_slice(&number.to_be_bytes());
    frame
}

pub(crate) fn read_acknowledged(content: &[u8]) -> Result<(u8, u64), BadFrame> {
    let (bucket, number) = content.split_first().ok_or(BadFrame::Content)?;
    let number = number.try_into().map_err(|_| BadFrame::Content)?;
    Ok((*bucket, u64::from_be_bytes(number)))
}

/// How many bytes of a lane have come, and whether that is said at once: a whole frame.
pub(crate) fn seen(total: u64, at_once: bool) -> [u8; SEEN_BYTES] {
    let mut frame = [0; SEEN_BYTES];
    frame[..HEADER_BYTES].copy_from_slice(&header(Kind::Seen, SEEN_BYTES - HEADER_BYTES));
    frame[HEADER_BYTES] = u8::from(at_once);
    frame[HEADER_BYTES + 1..].copy_from_slice(&total.to_be_bytes());
    frame
}

pub(crate) fn read_seen(content: &[u8]) -> Result<(u64, bool), BadFrame> {
    let Some((at_once @ (0 | 1), total)) = content.split_first() else {
        return Err(BadFrame::Content);
    };
    let total = total.try_into().map_err(|_| BadFrame::Content)?;
    Ok((u64::from_be_bytes(total), *at_once == 1))
}

/// Whose part this is, whether it is the last, of what, and its bytes.
pub(crate) fn read_part(content: &[u8]) -> Result<(u8, bool, Whole, &[u8]), BadFrame> {
    match content.split_first_chunk() {
        Some(([bucket, flags], bytes)) if *flags <= LAST | NUMBERED | STAMPED => {
            let of = Whole {
                is_numbered: flags & NUMBERED != 0,
                is_stamped: flags & STAMPED != 0,
            };
            Ok((*bucket, flags & LAST != 0, of, bytes))
        }
        _ => Err(BadFrame::Content),
    }
}

/// A fence, or the answer to it: a whole frame.
pub(crate) fn fence(kind: Kind, bucket: u8, serial: u32) -> [u8; FENCE_BYTES] {
    let mut frame = [0; FENCE_BYTES];
    frame[..HEADER_BYTES].copy_from_slice(&header(kind, FENCE_BYTES - HEADER_BYTES));
    frame[HEADER_BYTES] = bucket;
    frame[HEADER_BYTES + 1..].copy_from_slice(&serial.to_be_bytes());
    frame
}

pub(crate) fn read_fence(content: &[u8]) -> Result<(u8, u32), BadFrame> {
    match content.split_first_chunk::<1>() {
        Some(([bucket], serial)) => {
            let serial = serial.try_into().map_err(|_| BadFrame::Content)?;
            Ok((*bucket, u32::from_be_bytes(serial)))
        }
        None => Err(BadFrame::Content),
    }
}
