//! Which overlay is the cluster's now?
//!
//! Role       A switch has a number and the node that ordered it. The greatest that a node has heard of is
//!            its own: so all who hear of each other agree, whatever was ordered where and when.

use super::choice::Overlay;
use super::peer::PeerId;

/// One overlay of a cluster, from the moment when a node hears of it until it hears of a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// How many switches there were before; of two that were ordered at the same time, without one
    /// having heard of the other, both have the same.
    pub number: u64,
    /// Who ordered it; nobody for the one that a node starts with.
    pub by: PeerId,
    /// The overlay.
    pub overlay: Overlay,
}

impl Epoch {
    /// What a node starts with, before it has heard of any switch.
    #[must_use]
    pub fn first(overlay: Overlay) -> Self {
        let (number, by) = (0, PeerId(0));
        Self {
            number,
            by,
            overlay,
        }
    }

    /// The one behind this, ordered by that node.
    #[must_use]
    pub fn next(&self, by: PeerId, overlay: Overlay) -> Self {
        let number = self.number.saturating_add(1);
        Self {
            number,
            by,
            overlay,
        }
    }

    /// Its place among all.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.number, self.by)
    }
}

/// The place of an [`Epoch`] among all: the greater one is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64, pub PeerId);
