//! What do two nodes that are connected say to each other about the overlay?
//!
//! Role       The messages that are for this hop only, whichever of them the bytes are.

use super::{Beacon, Introduction, Reader, Sounding, Unreadable, protocol};
use crate::overlay::Epoch;

/// One of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// In which epoch the sender is.
    Epoch(Epoch),
    /// A message of the view, and of whom it speaks.
    Introduction(Introduction),
    /// A beacon.
    Beacon(Beacon),
    /// A question by which time is measured, or the answer.
    Sounding(Sounding),
}

impl Said {
    /// Whichever of them it is.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are none of these.
    ///
    /// ```
    /// use foundation_cluster::overlay::wire::{Said, Unreadable};
    /// use foundation_cluster::overlay::{Epoch, Overlay};
    /// let epoch = Epoch::first(Overlay::FullMesh);
    /// assert_eq!(Said::decode(&epoch.encode()), Ok(Said::Epoch(epoch)));
    /// assert_eq!(Said::decode(&[1, 99, 1]), Err(Unreadable::UnknownProtocol(99)));
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        match Reader::protocol(bytes)? {
            protocol::EPOCH => Epoch::decode(bytes).map(Self::Epoch),
            protocol::INTRODUCED => Introduction::decode(bytes).map(Self::Introduction),
            protocol::BEACON => Beacon::decode(bytes).map(Self::Beacon),
            protocol::SOUNDING => Sounding::decode(bytes).map(Self::Sounding),
            other => Err(Unreadable::UnknownProtocol(other)),
        }
    }
}
