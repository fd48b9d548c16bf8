//! Who is connected to whom?
//!
//! Role       The connections of a node, found from one seed address, dialled again when they are lost,
//!            and lost when they fall silent. In a full mesh there is one between any two nodes. Over
//!            HyParView there are those that `sparse` wants, and those to whom processes speak, for as
//!            long as they do.
//! Source     otp: Distributed Erlang; net_kernel, "net_ticktime"

mod client;
mod config;
mod driver;
mod event;
mod machine;
mod news;
mod peer;
mod sparse;
mod targets;

pub(crate) use client::MeshRef;
pub use config::{BadMesh, MeshConfig};
pub(crate) use driver::{Plan, child};
pub use event::{Effect, Event, Input};
pub use machine::Machine;
pub use news::{NodeEvent, Peer};
pub use peer::{ConnectionId, Loss};
