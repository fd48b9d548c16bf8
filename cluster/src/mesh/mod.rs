//! Who is connected to whom?
//!
//! Role       The connections of a node, found from one seed address, dialled again when they are lost,
//!            and lost when they fall silent. `graph` says which of them the overlay needs; others are
//!            there for as long as processes of the two nodes speak to each other. `switching` changes
//!            the overlay while all of that goes on.
//! Source     otp: Distributed Erlang; net_kernel, "net_ticktime"

mod beacon;
mod client;
mod config;
mod dialling;
mod driver;
mod ending;
mod event;
mod graph;
mod machine;
mod members;
mod news;
mod parting;
mod peer;
mod soundings;
mod sparse;
mod spawning;
mod switching;
mod targets;
mod telling;
mod unreached;
mod watch;

pub(crate) use client::MeshRef;
pub use config::{BadMesh, MeshConfig, Relaying};
pub(crate) use driver::{Plan, child};
pub use event::{Effect, Event, Input};
pub use machine::Machine;
pub use news::{NodeEvent, Peer};
pub use peer::{ConnectionId, Loss};
