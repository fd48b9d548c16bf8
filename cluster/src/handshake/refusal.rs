//! Why did two nodes not come together?
//!
//! Role       The reason, as both ends log it. One byte on the wire.

use std::fmt;

/// Why a connection did not come about. Nothing of it is left; whoever dialled may try again later
/// where [`Refusal::may_pass`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// What came was not this protocol, or broken.
    Malformed,
    /// There is no version that both speak.
    Version,
    /// The other belongs to another cluster.
    Cluster,
    /// The other does not know the cluster's secret, or somebody is between the two who ends the
    /// connection of each.
    Proof,
    /// Another node with this name is connected.
    NameTaken,
    /// A node dialled itself.
    Oneself,
    /// Both dialled at once, and the other connection is kept.
    Simultaneous,
    /// The node has as many connections as it may have.
    Full,
    /// The node was evicted from the cluster.
    Evicted,
    /// The node is shutting down.
    Leaving,
    /// It took too long.
    Deadline,
    /// The connection ended before all was said.
    Closed,
    /// A further connection of two nodes that are not connected, or not in this way any more.
    NoLink,
    /// A certificate does not prove that a node is of this cluster, or that it has its name.
    Certificate,
    /// A further connection for a channel that the node does not have.
    NoChannel,
}

const ALL: [Refusal; 15] = [
    Refusal::Malformed,
    Refusal::Version,
    Refusal::Cluster,
    Refusal::Proof,
    Refusal::NameTaken,
    Refusal::Oneself,
    Refusal::Simultaneous,
    Refusal::Full,
    Refusal::Evicted,
    Refusal::Leaving,
    Refusal::Deadline,
    Refusal::Closed,
    Refusal::NoLink,
    Refusal::Certificate,
    Refusal::NoChannel,
];

impl Refusal {
    /// Whether it can go away by itself, so that trying again makes sense.
    #[must_use]
    pub fn may_pass(self) -> bool {
        match self {
            Self::NameTaken | Self::Simultaneous | Self::Full | Self::Leaving => true,
            Self::Deadline | Self::Closed | Self::NoLink => true,
            Self::Malformed | Self::Version | Self::Cluster | Self::Proof => false,
            Self::Oneself | Self::Evicted | Self::Certificate | Self::NoChannel => false,
        }
    }

    pub(super) fn code(self) -> u8 {
        let at = ALL.iter().position(|one| *one == self);
        at.map_or(0, |at| at as u8)
    }

    /// What a code of the wire means; one that a later version has is `Malformed` here.
    pub(super) fn of(code: u8) -> Self {
        ALL.get(usize::from(code))
            .copied()
            .unwrap_or(Self::Malformed)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "what came is not this protocol",
            Self::Version => "no version of the protocol is spoken by both",
            Self::Cluster => "the other node belongs to another cluster",
            Self::Proof => "the cluster's secrets differ, or somebody is between the nodes",
            Self::NameTaken => "a node with this name is connected already",
            Self::Oneself => "a node dialled itself",
            Self::Simultaneous => "both dialled at once, and the other connection is kept",
            Self::Full => "the node has as many connections as it may have",
            Self::Evicted => "the node was evicted",
            Self::Leaving => "the node is shutting down",
            Self::Deadline => "it took too long",
            Self::Closed => "the connection ended before all was said",
            Self::NoLink => "the nodes are not connected, or not in this way any more",
            Self::Certificate => "a certificate does not hold",
            Self::NoChannel => "the other node has no such channel",
        })
    }
}

impl std::error::Error for Refusal {}
