//! What does a message of a broadcast look like in bytes?
//!
//! Role       Plumtree. A payload stands last, behind its length.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::plumtree::{Had, Message, MessageId, Payload};

mod kind {
    pub(super) const GOSSIP: u8 = 1;
    pub(super) const I_HAVE: u8 = 2;
    pub(super) const GRAFT: u8 = 3;
    pub(super) const PRUNE: u8 = 4;
    pub(super) const GREET: u8 = 5;
    pub(super) const BASELINE: u8 = 6;
    pub(super) const COMPARE: u8 = 7;
    pub(super) const COMPARED: u8 = 8;
    pub(super) const REPAIR: u8 = 9;
}

impl Message {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::plumtree::Message;
    /// assert_eq!(Message::decode(&Message::Prune.encode()), Ok(Message::Prune));
    /// assert!(Message::decode(b"garbage").is_err());
    /// ```
    ///
    /// # Panics
    /// When a list has more than `overlay::wire::LIST_MAX` entries; the broadcast makes none.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::TREE, kind_of(self));
        match self {
            Self::Prune | Self::Greet => {}
            Self::Gossip(id, hops, payload) | Self::Repair(id, hops, payload) => {
                write_id(&mut writer, *id);
                writer.u16(*hops);
                writer.bytes(payload);
            }
            Self::IHave(announced) => writer.list(announced, |writer, (id, hops)| {
                write_id(writer, *id);
                writer.u16(*hops);
            }),
            Self::Graft(wanted) => {
                writer.flag(wanted.is_some());
                if let Some(id) = wanted {
                    write_id(&mut writer, *id);
                }
            }
            Self::Baseline(origins, last) => {
                writer.flag(*last);
                writer.list(origins, |writer, (origin, number)| {
                    writer.peer(*origin);
                    writer.u64(*number);
                });
            }
            Self::Compare(had) | Self::Compared(had) => writer.list(had, |writer, had| {
                writer.peer(had.origin);
                writer.u64(had.highest);
                writer.list(&had.missing, |writer, number| writer.u64(*number));
            }),
        }
        writer.finish()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// When the bytes are no message of this protocol, or not one alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::TREE)?;
        let message = match kind {
            kind::GOSSIP | kind::REPAIR => {
                let (id, hops) = (read_id(&mut reader)?, reader.u16()?);
                let payload = Payload::from(reader.bytes()?);
                if kind == kind::GOSSIP {
                    Self::Gossip(id, hops, payload)
                } else {
                    Self::Repair(id, hops, payload)
                }
            }
            kind::I_HAVE => {
                Self::IHave(reader.list(|reader| Ok((read_id(reader)?, reader.u16()?)))?)
            }
            kind::GRAFT => {
                let is_some = reader.flag()?;
                let wanted = is_some.then(|| read_id(&mut reader));
                Self::Graft(wanted.transpose()?)
            }
            kind::PRUNE => Self::Prune,
            kind::GREET => Self::Greet,
            kind::BASELINE => {
                let last = reader.flag()?;
                let origins = reader.list(|reader| Ok((reader.peer()?, reader.u64()?)))?;
                Self::Baseline(origins, last)
            }
            kind::COMPARE => Self::Compare(reader.list(read_had)?),
            kind::COMPARED => Self::Compared(reader.list(read_had)?),
            other => return Err(Unreadable::Kind(other)),
        };
        reader.end()?;
        Ok(message)
    }
}

const fn kind_of(message: &Message) -> u8 {
    match message {
        Message::Gossip(..) => kind::GOSSIP,
        Message::IHave(_) => kind::I_HAVE,
        Message::Graft(_) => kind::GRAFT,
        Message::Prune => kind::PRUNE,
        Message::Greet => kind::GREET,
        Message::Baseline(..) => kind::BASELINE,
        Message::Compare(_) => kind::COMPARE,
        Message::Compared(_) => kind::COMPARED,
        Message::Repair(..) => kind::REPAIR,
    }
}

fn write_id(writer: &mut Writer, id: MessageId) {
    writer.peer(id.origin);
    writer.u64(id.number);
}

fn read_id(reader: &mut Reader<'_>) -> Result<MessageId, Unreadable> {
    let (origin, number) = (reader.peer()?, reader.u64()?);
    Ok(MessageId { origin, number })
}

fn read_had(reader: &mut Reader<'_>) -> Result<Had, Unreadable> {
    Ok(Had {
        origin: reader.peer()?,
        highest: reader.u64()?,
        missing: reader.list(Reader::u64)?,
    })
}
