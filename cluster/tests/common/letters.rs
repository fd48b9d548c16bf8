//! What do tests of routing call nodes and letters?

use std::time::Duration;

use foundation_cluster::Tick;
use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::routing::Letter;

pub(crate) fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

pub(crate) fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Tick {
    Tick::ZERO + Duration::from_secs(seconds)
}

pub(crate) fn letter(to: usize, ticket: Option<u64>) -> Letter {
    Letter {
        to: id(to),
        payload: ticket.unwrap_or(0).to_be_bytes().into(),
        ticket,
    }
}
