//! How do two nodes that cannot dial each other have a stream of bytes?
//!
//! Role       Streams of bytes both ways, in order and reliable, between two nodes, over letters that
//!            routing brings in no order. What runs over a connection runs over a circuit.
//! Absent     Ways to a node, and sending again what nobody has answered: routing does that. Who
//!            may open a circuit, which the program says for each.

#[allow(clippy::module_inception, reason = "one circuit, of many")]
mod circuit;
mod config;
mod event;
mod machine;
mod post;
mod receiving;
mod sending;

pub use config::{CircuitConfigError, Config};
pub use event::{Carried, CircuitId, Effect, Input, Piece, WhyClosed};
pub use machine::Circuits;
pub use receiving::AHEAD_MAX;
