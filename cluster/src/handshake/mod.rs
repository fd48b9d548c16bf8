//! Who is at the other end of a connection?
//!
//! Role       Four messages, after which both ends know the other's name, start and address, have
//!            agreed on a version, and have proved that they know the cluster's secret.
//! Limit      [`MESSAGE_BYTES_MAX`] bytes a message, read before anything is kept; a driver that
//!            gives [`Input::Deadline`] in time bounds the whole.
//! Invariant  Nothing that the other end says is used before its proof was checked, except for the
//!            refusal of it.
//!
//! ```text
//! dialler                                listener
//!   hello: versions, cluster, who, nonce, purpose ->
//!   <-      challenge: version, who, nonce, proof
//!   proof                                   ->
//!   <-                       welcome, or refused
//! ```
//! A proof covers both first messages, and what the transport says of the connection: one that is
//! replayed, turned round or carried over to another connection is wrong.

use foundation_runtime::WIRE_VERSION;

#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod machine;
mod message;
mod refusal;

pub use machine::{Agreed, Effect, Handshake, Input, Role};
pub use message::{ADDRESS_BYTES_MAX, BadMessage, MESSAGE_BYTES_MAX, NAME_BYTES_MAX, Purpose, Who};
pub use refusal::Refusal;

/// The versions of the protocol between nodes that this build speaks, oldest and newest: frames have
/// one way to be written, so there is one.
pub const VERSIONS: (u16, u16) = (WIRE_VERSION, WIRE_VERSION);
