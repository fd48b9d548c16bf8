//! How does a node join a cluster, and what can it ask of it?
//!
//! Role       The user's side: a builder beside the node's own, and a handle.

mod accepting;
mod builder;
mod error;
mod handle;
mod listening;
mod starting;
mod world;

pub use builder::{Builder, BuilderExt};
pub use error::{AskError, StartError, SwitchError};
pub use handle::{Cluster, NodeClusterExt};
pub use world::WorldClusterExt;
