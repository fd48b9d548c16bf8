//! Who talks to whom, when there are too many nodes for everybody to be connected to everybody?
//!
//! Role       Graphs of few connections a node. `hyparview` chooses and repairs them,
//!            `plumtree` brings messages to all of their nodes, `routing` to one that is not a
//!            neighbour; by `circuit` two such nodes have streams of bytes. `wire` puts what they
//!            say into bytes.
//! Absent     Sockets and clocks: a driver owns a machine and does what it asks for.

mod choice;
pub mod circuit;
pub mod hyparview;
mod peer;
pub mod plumtree;
pub mod routing;
pub mod wire;

pub use choice::Overlay;
pub use peer::PeerId;
