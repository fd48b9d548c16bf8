//! How does a message reach a node that this one is not connected to?
//!
//! Role       Messages to one node, through others: by a way that was learned from what came back
//!            along it, or to all until there is one. Acknowledged if asked, once each.
//! Absent     Who is a neighbour, which an overlay says; order between messages.

mod config;
mod event;
mod machine;
mod passed;
mod pending;
mod routes;
mod seen;

pub use config::{Config, ConfigError};
pub use event::{Effect, Envelope, Input, Kind, Letter, Message, Undelivered};
pub use machine::Routing;
