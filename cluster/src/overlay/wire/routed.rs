//! What does a message to one node look like in bytes?
//!
//! Role       Routing: an envelope for those on the way, then what it brings.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::plumtree::Payload;
use crate::overlay::routing::{Envelope, Kind, Message};

mod kind {
    pub(super) const PLAIN: u8 = 1;
    pub(super) const ASKED: u8 = 2;
    pub(super) const HAD: u8 = 3;
}

impl Message {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::PeerId;
    /// use foundation_cluster::overlay::routing::{Envelope, Kind, Message};
    /// let (source, to) = (PeerId(1), PeerId(2));
    /// let (number, attempt, left, hops, flooded) = (1, 0, 16, 0, false);
    /// let envelope = Envelope { source, number, attempt, to, left, hops, flooded };
    /// let message = Message(envelope, Kind::Plain((*b"hi").into()));
    /// assert_eq!(Message::decode(&message.encode()), Ok(message));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self(envelope, kind) = self;
        let mut writer = Writer::begin(protocol::ROUTED, kind_of(kind));
        writer.peer(envelope.source);
        writer.u64(envelope.number);
        writer.u8(envelope.attempt);
        writer.peer(envelope.to);
        writer.u8(envelope.left);
        writer.u8(envelope.hops);
        writer.flag(envelope.flooded);
        match kind {
            Kind::Plain(payload) => writer.bytes(payload),
            Kind::Asked { payload, floor } => {
                writer.u64(*floor);
                writer.bytes(payload);
            }
            Kind::Had(number) => writer.u64(*number),
        }
        writer.finish()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// When the bytes are no message of this protocol, or not one alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::ROUTED)?;
        if !(kind::PLAIN..=kind::HAD).contains(&kind) {
            return Err(Unreadable::Kind(kind));
        }
        let envelope = Envelope {
            source: reader.peer()?,
            number: reader.u64()?,
            attempt: reader.u8()?,
            to: reader.peer()?,
            left: reader.u8()?,
            hops: reader.u8()?,
            flooded: reader.flag()?,
        };
        let kind = match kind {
            kind::PLAIN => Kind::Plain(Payload::from(reader.bytes()?)),
            kind::ASKED => {
                let floor = reader.u64()?;
                let payload = Payload::from(reader.bytes()?);
                Kind::Asked { payload, floor }
            }
            _ => Kind::Had(reader.u64()?),
        };
        reader.end()?;
        Ok(Self(envelope, kind))
    }
}

const fn kind_of(kind: &Kind) -> u8 {
    match kind {
        Kind::Plain(_) => kind::PLAIN,
        Kind::Asked { .. } => kind::ASKED,
        Kind::Had(_) => kind::HAD,
    }
}
