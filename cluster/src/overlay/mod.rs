//! Who talks to whom, when there are too many nodes for everybody to be connected to everybody?
//!
//! Role       Graphs of few connections a node. `hyparview` chooses and repairs them, `client_server`
//!            names those to whom all others are connected, `epoch` says which one it is now, `policy` when it
//!            should be another;
//!            `plumtree` brings messages to all of their nodes, `routing` to one that is not a
//!            neighbour; by `circuit` two such nodes have streams of bytes. `wire` puts what they
//!            say into bytes.
//! Absent     Sockets and clocks: a driver owns a machine and does what it asks for.

mod choice;
pub mod circuit;
pub mod client_server;
mod epoch;
pub mod hyparview;
mod peer;
pub mod plumtree;
mod policy;
pub mod routing;
pub mod wire;

pub use choice::{Overlay, OverlayError};
pub use epoch::{Epoch, Mark};
pub use peer::PeerId;
pub use policy::{Policy, PolicyError, Seen};
