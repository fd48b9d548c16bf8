//! How are nodes named so that whoever reads it can connect to them?
//!
//! Role       A message of a view, behind the names and addresses of those it is about.

use super::{Reader, Unreadable, Writer, protocol};
use crate::handshake::{ADDRESS_BYTES_MAX, NAME_BYTES_MAX, Who};
use crate::overlay::Mark;
use crate::overlay::hyparview::Message;

const KIND: u8 = 1;

/// A message, and those of whom it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Of which overlay it is: one of an earlier or a later epoch is no business of this one's.
    pub epoch: Mark,
    /// Those that the sender knows.
    pub people: Vec<Who>,
    /// What it says.
    pub message: Message,
}

impl Introduction {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::hyparview::{Message, PeerId};
    /// use foundation_cluster::overlay::wire::Introduction;
    /// use foundation_cluster::overlay::Mark;
    /// let message = Message::ForwardJoin(PeerId(7), 6);
    /// let said = Introduction { epoch: Mark(3, PeerId(9)), people: vec![], message };
    /// assert_eq!(Introduction::decode(&said.encode()), Ok(said));
    /// ```
    ///
    /// # Panics
    /// When it is about more than [`LIST_MAX`](super::LIST_MAX) nodes; the overlay makes none such.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::INTRODUCED, KIND);
        writer.u64(self.epoch.0);
        writer.peer(self.epoch.1);
        writer.list(&self.people, |writer, who| {
            writer.bytes(who.name.as_bytes());
            writer.u64(who.incarnation);
            writer.bytes(who.address.as_bytes());
        });
        writer.bytes(&self.message.encode());
        writer.finish()
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::INTRODUCED)?;
        if kind != KIND {
            return Err(Unreadable::Kind(kind));
        }
        let epoch = Mark(reader.u64()?, reader.peer()?);
        let people = reader.list(|reader| {
            Ok(Who {
                name: reader.text(NAME_BYTES_MAX)?,
                incarnation: reader.u64()?,
                address: reader.text(ADDRESS_BYTES_MAX)?,
            })
        })?;
        let message = Message::decode(reader.bytes()?)?;
        reader.end()?;
        Ok(Self {
            epoch,
            people,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::PeerId;

    fn said() -> Introduction {
        let who = |name: &str| Who {
            name: name.into(),
            incarnation: 7,
            address: format!("{name}:7000").into(),
        };
        Introduction {
            epoch: Mark(3, PeerId(9)),
            people: vec![who("a"), who("b")],
            message: Message::Shuffle {
                hops: 6,
                path: vec![PeerId(1)],
                peers: vec![PeerId(2), PeerId(3)],
            },
        }
    }

    #[test]
    fn all_that_is_cut_short_is_refused() {
        let bytes = said().encode();
        assert_eq!(Introduction::decode(&bytes), Ok(said()));
        for end in 0..bytes.len() {
            let error = Introduction::decode(&bytes[..end]);
            assert_eq!(error, Err(Unreadable::Short), "{end} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Introduction::decode(&longer), Err(Unreadable::Trailing));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let named = |name: &[u8]| {
            let mut writer = Writer::begin(protocol::INTRODUCED, KIND);
            writer.u64(3);
            writer.peer(PeerId(9));
            writer.u16(1);
            writer.bytes(name);
            writer.u64(1);
            writer.bytes(b"a:1");
            writer.bytes(&Message::Join.encode());
            Introduction::decode(&writer.finish())
        };
        assert!(named(b"a").is_ok());
        assert!(named(&[b'x'; NAME_BYTES_MAX]).is_ok());
        assert_eq!(named(b""), Err(Unreadable::Length));
        assert_eq!(named(&[b'x'; NAME_BYTES_MAX + 1]), Err(Unreadable::Length));
        assert_eq!(named(&[0xff]), Err(Unreadable::Text));
    }
}
