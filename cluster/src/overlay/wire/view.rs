//! What does a message about views look like in bytes?
//!
//! Role       HyParView and X-BOT.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::hyparview::Message;

mod kind {
    pub(super) const JOIN: u8 = 1;
    pub(super) const FORWARD_JOIN: u8 = 2;
    pub(super) const NEIGHBOUR: u8 = 3;
    pub(super) const PROBE: u8 = 4;
    pub(super) const ACCEPT: u8 = 5;
    pub(super) const REFUSE: u8 = 6;
    pub(super) const DISCONNECT: u8 = 7;
    pub(super) const SHUFFLE: u8 = 8;
    pub(super) const SHUFFLE_REPLY: u8 = 9;
    pub(super) const OPTIMISE: u8 = 10;
    pub(super) const REPLACE: u8 = 11;
    pub(super) const SWITCH: u8 = 12;
    pub(super) const REPLACED: u8 = 13;
}

impl Message {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::hyparview::{Message, PeerId};
    /// let message = Message::ForwardJoin(PeerId(7), 6);
    /// assert_eq!(Message::decode(&message.encode()), Ok(message));
    /// ```
    ///
    /// # Panics
    /// When a list has more than [`LIST_MAX`](super::LIST_MAX) entries; the overlay makes none.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::VIEW, kind_of(self));
        match self {
            Self::Join | Self::Probe | Self::Accept | Self::Refuse | Self::Disconnect => {}
            Self::ForwardJoin(new, hops) => {
                writer.peer(*new);
                writer.u8(*hops);
            }
            Self::Neighbour { priority } => writer.flag(*priority),
            Self::Shuffle { hops, path, peers } => {
                writer.u8(*hops);
                writer.list(path, |writer, peer| writer.peer(*peer));
                writer.list(peers, |writer, peer| writer.peer(*peer));
            }
            Self::ShuffleReply { path, peers } => {
                writer.list(path, |writer, peer| writer.peer(*peer));
                writer.list(peers, |writer, peer| writer.peer(*peer));
            }
            Self::Optimise { old } => writer.peer(*old),
            Self::Replace { initiator, old } => {
                writer.peer(*initiator);
                writer.peer(*old);
            }
            Self::Switch { initiator } => writer.peer(*initiator),
            Self::Replaced(gone) => writer.flag(*gone),
        }
        writer.finish()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// When the bytes are no message of this protocol, or not one alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::VIEW)?;
        let message = match kind {
            kind::JOIN => Self::Join,
            kind::FORWARD_JOIN => Self::ForwardJoin(reader.peer()?, reader.u8()?),
            kind::NEIGHBOUR => Self::Neighbour {
                priority: reader.flag()?,
            },
            kind::PROBE => Self::Probe,
            kind::ACCEPT => Self::Accept,
            kind::REFUSE => Self::Refuse,
            kind::DISCONNECT => Self::Disconnect,
            kind::SHUFFLE => Self::Shuffle {
                hops: reader.u8()?,
                path: reader.list(Reader::peer)?,
                peers: reader.list(Reader::peer)?,
            },
            kind::SHUFFLE_REPLY => Self::ShuffleReply {
                path: reader.list(Reader::peer)?,
                peers: reader.list(Reader::peer)?,
            },
            kind::OPTIMISE => Self::Optimise {
                old: reader.peer()?,
            },
            kind::REPLACE => Self::Replace {
                initiator: reader.peer()?,
                old: reader.peer()?,
            },
            kind::SWITCH => Self::Switch {
                initiator: reader.peer()?,
            },
            kind::REPLACED => Self::Replaced(reader.flag()?),
            other => return Err(Unreadable::Kind(other)),
        };
        reader.end()?;
        Ok(message)
    }
}

const fn kind_of(message: &Message) -> u8 {
    match message {
        Message::Join => kind::JOIN,
        Message::ForwardJoin(..) => kind::FORWARD_JOIN,
        Message::Neighbour { .. } => kind::NEIGHBOUR,
        Message::Probe => kind::PROBE,
        Message::Accept => kind::ACCEPT,
        Message::Refuse => kind::REFUSE,
        Message::Disconnect => kind::DISCONNECT,
        Message::Shuffle { .. } => kind::SHUFFLE,
        Message::ShuffleReply { .. } => kind::SHUFFLE_REPLY,
        Message::Optimise { .. } => kind::OPTIMISE,
        Message::Replace { .. } => kind::REPLACE,
        Message::Switch { .. } => kind::SWITCH,
        Message::Replaced(_) => kind::REPLACED,
    }
}
