//! What does a beacon look like in bytes?
//!
//! Role       Whose it is, its number, and the epoch of the overlay that it goes over.

use super::{Reader, Unreadable, Writer, protocol};
use crate::overlay::{Mark, PeerId};

const KIND: u8 = 1;

/// A word that goes from neighbour to neighbour: who hears it is part of the graph of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// Of which overlay it is.
    pub epoch: Mark,
    /// Whose it is.
    pub root: PeerId,
    /// It grows from one to the next.
    pub number: u64,
}

impl Beacon {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::wire::Beacon;
    /// use foundation_cluster::overlay::{Mark, PeerId};
    /// let beacon = Beacon { epoch: Mark(1, PeerId(2)), root: PeerId(3), number: 4 };
    /// assert_eq!(Beacon::decode(&beacon.encode()), Ok(beacon));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::begin(protocol::BEACON, KIND);
        writer.u64(self.epoch.0);
        writer.peer(self.epoch.1);
        writer.peer(self.root);
        writer.u64(self.number);
        writer.finish()
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::BEACON)?;
        if kind != KIND {
            return Err(Unreadable::Kind(kind));
        }
        let epoch = Mark(reader.u64()?, reader.peer()?);
        let (root, number) = (reader.peer()?, reader.u64()?);
        reader.end()?;
        Ok(Self {
            epoch,
            root,
            number,
        })
    }
}
