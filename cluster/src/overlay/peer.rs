//! Who is meant?
//!
//! Role       The name of a node for all overlays.

use foundation_runtime::NodeId;

/// One incarnation of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl PeerId {
    /// The one that stands for this start of the node of this name: the number of its
    /// [`NodeId`].
    #[must_use]
    pub fn of(name: &str, incarnation: u64) -> Self {
        Self(NodeId::of(name, incarnation).as_u64())
    }
}
