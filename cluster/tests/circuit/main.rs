//! Do circuits bring bytes as they were written, or end with a reason?
//!
//! Role       `tables` has single steps of one machine, which `hand` drives; `strangers` one machine
//!            between nodes that say anything; `walks` programs that talk over a network of whole
//!            nodes of routing and circuits, which `net` has.

mod hand;
mod net;
mod strangers;
mod tables;
mod walks;

use std::time::Duration;

use foundation_cluster::Tick;
use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::circuit::CircuitId;

pub(crate) fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

pub(crate) fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap()
}

pub(crate) fn circuit(opener: usize, number: u64) -> CircuitId {
    let opener = id(opener);
    CircuitId { opener, number }
}

pub(crate) fn millis(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
