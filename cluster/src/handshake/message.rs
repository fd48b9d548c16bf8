//! What is said in a handshake, byte by byte?
//!
//! Role       Five messages. On the wire: two bytes of length, one of kind, then fields; numbers
//!            are big-endian, texts have two bytes of length.
//! Limit      [`MESSAGE_BYTES_MAX`]; a longer length is refused before a byte of it is kept.
//! Invariant  What is read is what was written, to the last byte; nothing is allocated before its
//!            length is known to be there.

use std::fmt;

use foundation_runtime::CHANNEL_NAME_MAX;

use super::Refusal;
use crate::overlay::PeerId;
use crate::secret::PROOF_BYTES;

/// The most bytes of a message, its length not counted.
pub const MESSAGE_BYTES_MAX: usize = 1024;
/// The most bytes of a node's or a cluster's name.
pub const NAME_BYTES_MAX: usize = 128;
/// The most bytes of an address.
pub const ADDRESS_BYTES_MAX: usize = 128;

const MAGIC: &[u8; 4] = b"FDN\0";
pub(super) const NONCE_BYTES: usize = 32;
pub(super) type Nonce = [u8; NONCE_BYTES];
pub(super) type Proof = [u8; PROOF_BYTES];

/// Who a node says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its name: unique in the cluster.
    pub name: Box<str>,
    /// Which start of it this is: a later one has a higher number.
    pub incarnation: u64,
    /// Where it takes connections, as others can dial it; empty when nowhere.
    pub address: Box<str>,
}

/// What a connection is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Two nodes are to be connected.
    #[default]
    Peer,
    /// Two nodes are connected, and the one that dials has large messages for the other.
    Bulk {
        /// [`Agreed::link`](super::Agreed::link) of the handshake that connected them.
        link: u64,
    },
    /// Two nodes are connected, and the one that dials has messages of a channel for the other.
    Lane {
        /// As for [`Purpose::Bulk`].
        link: u64,
        /// The channel's name.
        channel: Box<str>,
        /// Which of its lanes.
        lane: u8,
        /// How many bytes of one sender may be on the other node before a process takes them; zero
        /// when nobody counts.
        credit: u32,
    },
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Hello {
        versions: (u16, u16),
        cluster: Box<str>,
        who: Who,
        nonce: Nonce,
        purpose: Purpose,
    },
    Challenge {
        version: u16,
        who: Who,
        nonce: Nonce,
        proof: Proof,
    },
    Proof(Proof),
    Welcome,
    Refused(Refusal),
}

/// A message that is none; nothing of it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadMessage {
    /// Longer than [`MESSAGE_BYTES_MAX`].
    TooLong(usize),
    /// It ends in the middle of a field.
    Short,
    /// There is more of it than its fields.
    Trailing(usize),
    /// The first message is not one of this protocol.
    Magic,
    /// No message is of this kind.
    Kind(u8),
    /// No connection is for this.
    Purpose(u8),
    /// A text is longer than it may be.
    LongText(usize),
    /// A text is not UTF-8.
    Text,
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a message of {bytes} bytes is too long"),
            Self::Short => f.write_str("a message ends in the middle of a field"),
            Self::Trailing(bytes) => write!(f, "a message has {bytes} bytes too many"),
            Self::Magic => f.write_str("it does not begin as this protocol does"),
            Self::Kind(kind) => write!(f, "there is no message of kind {kind}"),
            Self::Purpose(kind) => write!(f, "there is no purpose of kind {kind}"),
            Self::LongText(bytes) => write!(f, "a text of {bytes} bytes is too long"),
            Self::Text => f.write_str("a text is not UTF-8"),
        }
    }
}

impl std::error::Error for BadMessage {}

impl Message {
    /// The whole message with its length.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0, 0];
        match self {
            Self::Hello {
                versions,
                cluster,
                who,
                nonce,
                purpose,
            } => {
                out.push(1);
                out.extend_from_slice(MAGIC);
                out.extend_from_slice(&versions.0.to_be_bytes());
                out.extend_from_slice(&versions.1.to_be_bytes());
                text(&mut out, cluster);
                who.write(&mut out);
                out.extend_from_slice(nonce);
                purpose.write(&mut out);
            }
            Self::Challenge {
                version,
                who,
                nonce,
                proof,
            } => {
                out.push(2);
                out.extend_from_slice(&version.to_be_bytes());
                who.write(&mut out);
                out.extend_from_slice(nonce);
                out.extend_from_slice(proof);
            }
            Self::Proof(proof) => {
                out.push(3);
                out.extend_from_slice(proof);
            }
            Self::Welcome => out.push(4),
            Self::Refused(refusal) => out.extend_from_slice(&[5, refusal.code()]),
        }
        let length = out.len() - 2;
        assert!(length <= MESSAGE_BYTES_MAX, "a name is too long: {length}");
        out[..2].copy_from_slice(&(length as u16).to_be_bytes());
        out
    }

    /// The first message of `bytes` and how many bytes it took; `None` when it is not all there.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, BadMessage> {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > MESSAGE_BYTES_MAX {
            return Err(BadMessage::TooLong(length));
        }
        match rest.get(..length) {
            None => Ok(None),
            Some(body) => Ok(Some((Self::read_body(body)?, length + 2))),
        }
    }

    fn read_body(body: &[u8]) -> Result<Self, BadMessage> {
        let mut fields = Fields(body);
        let message = match fields.array::<1>()? {
            [1] => {
                if fields.array::<4>()? != *MAGIC {
                    return Err(BadMessage::Magic);
                }
                Self::Hello {
                    versions: (fields.number()?, fields.number()?),
                    cluster: fields.text(NAME_BYTES_MAX)?,
                    who: Who::read(&mut fields)?,
                    nonce: fields.array()?,
                    purpose: Purpose::read(&mut fields)?,
                }
            }
            [2] => Self::Challenge {
                version: fields.number()?,
                who: Who::read(&mut fields)?,
                nonce: fields.array()?,
                proof: fields.array()?,
            },
            [3] => Self::Proof(fields.array()?),
            [4] => Self::Welcome,
            [5] => Self::Refused(Refusal::of(fields.array::<1>()?[0])),
            [kind] => return Err(BadMessage::Kind(kind)),
        };
        match fields.0.len() {
            0 => Ok(message),
            more => Err(BadMessage::Trailing(more)),
        }
    }
}

impl Purpose {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Peer => out.push(0),
            Self::Bulk { link } => {
                out.push(1);
                out.extend_from_slice(&link.to_be_bytes());
            }
            Self::Lane {
                link,
                channel,
                lane,
                credit,
            } => {
                out.push(2);
                out.extend_from_slice(&link.to_be_bytes());
                text(out, channel);
                out.push(*lane);
                out.extend_from_slice(&credit.to_be_bytes());
            }
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, BadMessage> {
        match fields.array::<1>()? {
            [0] => Ok(Self::Peer),
            [1] => Ok(Self::Bulk {
                link: u64::from_be_bytes(fields.array()?),
            }),
            [2] => Ok(Self::Lane {
                link: u64::from_be_bytes(fields.array()?),
                channel: fields.text(CHANNEL_NAME_MAX)?,
                lane: fields.array::<1>()?[0],
                credit: u32::from_be_bytes(fields.array()?),
            }),
            [kind] => Err(BadMessage::Purpose(kind)),
        }
    }
}

impl Who {
    /// The number that stands for it in overlays.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        PeerId::of(&self.name, self.incarnation)
    }

    fn write(&self, out: &mut Vec<u8>) {
        text(out, &self.name);
        out.extend_from_slice(&self.incarnation.to_be_bytes());
        text(out, &self.address);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, BadMessage> {
        Ok(Self {
            name: fields.text(NAME_BYTES_MAX)?,
            incarnation: u64::from_be_bytes(fields.array()?),
            address: fields.text(ADDRESS_BYTES_MAX)?,
        })
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// What is left to be read of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadMessage> {
        let (array, rest) = self.0.split_first_chunk().ok_or(BadMessage::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn number(&mut self) -> Result<u16, BadMessage> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn text(&mut self, bytes_max: usize) -> Result<Box<str>, BadMessage> {
        let length = usize::from(self.number()?);
        if length > bytes_max {
            return Err(BadMessage::LongText(length));
        }
        let (text, rest) = self.0.split_at_checked(length).ok_or(BadMessage::Short)?;
        self.0 = rest;
        let text = std::str::from_utf8(text).map_err(|_| BadMessage::Text)?;
        Ok(text.into())
    }
}
