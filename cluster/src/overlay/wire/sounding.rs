//! What does a sounding look like in bytes?
//!
//! Role       A question that is answered at once, by which the time to another node and back is
//!            measured, and the answer.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::Mark;

const KIND: u8 = 1;

/// A word that comes back as it went, but that it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sounding {
    /// Of which overlay it is.
    pub epoch: Mark,
    /// Which one of whoever asks.
    pub number: u64,
    /// Whether it is on its way back.
    pub is_echo: bool,
}

impl Sounding {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::wire::Sounding;
    /// use foundation_cluster::overlay::{Mark, PeerId};
    /// let sounding = Sounding { epoch: Mark(1, PeerId(2)), number: 3, is_echo: false };
    /// assert_eq!(Sounding::decode(&sounding.encode()), Ok(sounding));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::SOUNDING, KIND);
        writer.u64(self.epoch.0);
        writer.peer(self.epoch.1);
        writer.u64(self.number);
        writer.flag(self.is_echo);
        writer.finish()
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::SOUNDING)?;
        if kind != KIND {
            return Err(Unreadable::Kind(kind));
        }
        let epoch = Mark(reader.u64()?, reader.peer()?);
        let (number, is_echo) = (reader.u64()?, reader.flag()?);
        reader.end()?;
        Ok(Self {
            epoch,
            number,
            is_echo,
        })
    }
}
