//! How do actors of the crate `ractor` live among our processes?
//!
//! Role       A ractor actor, as it is, becomes a process: it has a pid, can be supervised, named,
//!            linked, monitored and called. The other way round, a process gets a ractor `ActorRef`.
//! Absent     Simulation: ractor's actors are tasks of tokio, which no simulated world owns.
//! Source     ractor 0.16

mod client;
mod host;
mod proxy;
mod wrapped;

pub use client::{HostedCall, HostedClient};
pub use host::{Host, Hosted, host, ractor_child};
pub use proxy::{ProxyError, proxy, proxy_of};

/// The crate whose actors these are, in the version that they must be of.
pub use ::ractor as lib;
