//! Who is connected to whom, when everybody is connected to everybody?
//!
//! Role       The full mesh: one connection between any two nodes, found from one seed address,
//!            dialled again when it is lost, and lost when it falls silent.
//! Source     otp: Distributed Erlang; net_kernel, "net_ticktime"

mod client;
mod config;
mod driver;
mod machine;
mod peer;

pub(crate) use client::MeshRef;
pub use config::{BadMesh, MeshConfig};
pub use driver::{NodeEvent, Peer};
pub(crate) use driver::{Plan, child};
pub use machine::{Effect, Event, Input, Machine};
pub use peer::{ConnectionId, Loss};
