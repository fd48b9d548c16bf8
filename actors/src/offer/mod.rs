//! How is an actor started on another node?
//!
//! Role       A node offers types of actors; others name one, and give the arguments of its init. The
//!            process begins there, reads its own arguments, takes the link and the monitor that were
//!            asked for, and answers when its init is done.
//! Invariant  A start that ended in an error leaves no process: a child is its node's to end until
//!            its starter has said that it got the answer. Nothing is started that was not offered.
//! Source     otp: erlang:spawn_request/5, spawn_request_abandon/1; proc_lib

mod desk;
mod error;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod offers;
mod pending;
mod start;
mod words;

pub use error::RemoteSpawnError;
pub use offers::{Offers, SPAWNS_MAX};
pub use start::RemoteSpawn;
pub(crate) use words::NotSpawned;
