//! How are the two sides' words laid out in bytes?
//!
//! Role       A greeting of eight bytes each way; then frames: four bytes of length, and MessagePack.
//! Limit      A frame to the agent has at most [`ASK_MAX`] bytes, one from it [`ANSWER_MAX`].
//! Invariant  Nothing that arrives makes this panic or allocate more than the limit.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::protocol::VERSION;

/// The largest frame that an agent reads.
pub const ASK_MAX: usize = 16 * 1024;
/// The largest frame that an agent writes.
pub const ANSWER_MAX: usize = 4 << 20;
/// How long a greeting is.
pub const GREETING_LEN: usize = 8;

const MAGIC: [u8; 6] = *b"FNDobs";
const PREFIX: usize = 4;

/// Why bytes are no word of this protocol. The session they came from is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The greeting is another program's.
    NotOurs,
    /// It speaks another version.
    Version(u16),
    /// A frame is longer than allowed.
    TooLong(usize),
    /// A frame's content makes no sense.
    Malformed(String),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("this is no foundation observer"),
            Self::Version(theirs) => {
                write!(
                    f,
                    "it speaks version {theirs} of the protocol, not {VERSION}"
                )
            }
            Self::TooLong(bytes) => write!(f, "a frame of {bytes} bytes is too long"),
            Self::Malformed(error) => write!(f, "a frame makes no sense: {error}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// What both sides say first.
#[must_use]
pub fn greeting() -> [u8; GREETING_LEN] {
    let mut bytes = [0; GREETING_LEN];
    bytes[..6].copy_from_slice(&MAGIC);
    bytes[6..].copy_from_slice(&VERSION.to_be_bytes());
    bytes
}

/// A frame around a value.
///
/// # Errors
/// [`FrameError`] when it is longer than `limit`.
pub fn encode(value: &impl Serialize, limit: usize) -> Result<Vec<u8>, FrameError> {
    let body =
        rmp_serde::to_vec_named(value).map_err(|error| FrameError::Malformed(error.to_string()))?;
    if limit < body.len() {
        return Err(FrameError::TooLong(body.len()));
    }
    let length = u32::try_from(body.len()).map_err(|_| FrameError::TooLong(body.len()))?;
    let mut frame = Vec::with_capacity(PREFIX + body.len());
    frame.extend(length.to_be_bytes());
    frame.extend(body);
    Ok(frame)
}

/// Bytes that have arrived, and are not understood yet.
///
/// ```
/// use foundation_actors::observe::frame::{Decoder, encode, greeting};
/// let mut decoder = Decoder::new(100);
/// decoder.push(&greeting());
/// decoder.push(&encode(&7, 100)?);
/// assert!(decoder.greeted()?);
/// assert_eq!(decoder.take::<i32>()?, Some(7));
/// assert_eq!(decoder.take::<i32>()?, None);
/// # Ok::<(), foundation_actors::observe::frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    limit: usize,
}

impl Decoder {
    /// One for frames of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    /// More has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait to be understood.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the greeting is there; it is taken. A wrong one is noticed at its first wrong byte.
    ///
    /// # Errors
    /// [`FrameError::NotOurs`] and [`FrameError::Version`].
    pub fn greeted(&mut self) -> Result<bool, FrameError> {
        let there = self.bytes.len().min(MAGIC.len());
        if self.bytes[..there] != MAGIC[..there] {
            return Err(FrameError::NotOurs);
        }
        if self.bytes.len() < GREETING_LEN {
            return Ok(false);
        }
        let version = u16::from_be_bytes([self.bytes[6], self.bytes[7]]);
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        self.bytes.drain(..GREETING_LEN);
        Ok(true)
    }

    /// The next value, if all of it is there.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] and [`FrameError::Malformed`].
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some(prefix) = self.bytes.first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*prefix) as usize;
        if self.limit < length {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = self.bytes.get(PREFIX..PREFIX + length) else {
            return Ok(None);
        };
        let value = rmp_serde::from_slice(body)
            .map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.bytes.drain(..PREFIX + length);
        Ok(Some(value))
    }
}
