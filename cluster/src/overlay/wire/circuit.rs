//! What does a letter of a circuit look like in bytes?
//!
//! Role       Circuits: which one, as source and destination of the letter know it, then what one end
//!            says to the other.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::circuit::{Carried, Piece};
use crate::overlay::plumtree::Payload;

mod kind {
    pub(super) const OPEN: u8 = 1;
    pub(super) const ACCEPT: u8 = 2;
    pub(super) const REFUSE: u8 = 3;
    pub(super) const DATA: u8 = 4;
    pub(super) const END: u8 = 5;
    pub(super) const CREDIT: u8 = 6;
    pub(super) const PROBE: u8 = 7;
    pub(super) const GONE: u8 = 8;
}

impl Piece {
    /// The bytes of it, to be the payload of one letter.
    ///
    /// ```
    /// use foundation_cluster::overlay::circuit::{Carried, Piece};
    /// let carried = Carried::Data { at: 0, limit: 65_536, bytes: (*b"hi").into() };
    /// let piece = Piece { of_opener: true, number: 1, carried };
    /// assert_eq!(Piece::decode(&piece.encode()), Ok(piece));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::CIRCUIT, kind_of(&self.carried));
        writer.flag(self.of_opener);
        writer.u64(self.number);
        match &self.carried {
            Carried::Open(limit) | Carried::Accept(limit) | Carried::Credit(limit) => {
                writer.u64(*limit);
            }
            Carried::Refuse { full } => writer.flag(*full),
            Carried::Data { at, limit, bytes } => {
                writer.u64(*at);
                writer.u64(*limit);
                writer.bytes(bytes);
            }
            Carried::End(at) => writer.u64(*at),
            Carried::Probe | Carried::Gone => {}
        }
        writer.finish()
    }

    /// Reads the payload of one letter.
    ///
    /// # Errors
    /// When the bytes are no piece of a circuit, or not one alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::CIRCUIT)?;
        if !(kind::OPEN..=kind::GONE).contains(&kind) {
            return Err(Unreadable::Kind(kind));
        }
        let of_opener = reader.flag()?;
        let number = reader.u64()?;
        let carried = match kind {
            kind::OPEN => Carried::Open(reader.u64()?),
            kind::ACCEPT => Carried::Accept(reader.u64()?),
            kind::REFUSE => Carried::Refuse {
                full: reader.flag()?,
            },
            kind::DATA => {
                let (at, limit) = (reader.u64()?, reader.u64()?);
                let bytes = Payload::from(reader.bytes()?);
                Carried::Data { at, limit, bytes }
            }
            kind::END => Carried::End(reader.u64()?),
            kind::CREDIT => Carried::Credit(reader.u64()?),
            kind::PROBE => Carried::Probe,
            _ => Carried::Gone,
        };
        reader.end()?;
        Ok(Self {
            of_opener,
            number,
            carried,
        })
    }
}

const fn kind_of(carried: &Carried) -> u8 {
    match carried {
        Carried::Open(_) => kind::OPEN,
        Carried::Accept(_) => kind::ACCEPT,
        Carried::Refuse { .. } => kind::REFUSE,
        Carried::Data { .. } => kind::DATA,
        Carried::End(_) => kind::END,
        Carried::Credit(_) => kind::CREDIT,
        Carried::Probe => kind::PROBE,
        Carried::Gone => kind::GONE,
    }
}
