//! Who talks to whom, when there are too many nodes for everybody to be connected to everybody?
//!
//! Role       Graphs of few connections a node. `hyparview` chooses and repairs them,
//!            `plumtree` brings messages to all of their nodes.
//! Absent     Sockets and clocks: a driver owns a machine and does what it asks for.

pub mod hyparview;
mod peer;
pub mod plumtree;

pub use peer::PeerId;
