//! Who is in the cluster?
//!
//! Role       Membership and failure detection: SWIM with Lifeguard, and comparison of views. To be
//!            read in this order: `record` (what is known, and what is newer), `event` (what goes in
//!            and out), `machine` (what happens), then what it is made of; at last `driver`, the
//!            process that runs it in a node.
//! Absent     Sockets and clocks: a driver owns a [`Membership`] and does what it asks for. Trust: the
//!            driver lets in only what comes from whom it says ([`sender_of`]); what one member says
//!            of another is believed.

mod agenda;
mod config;
mod digest;
mod driver;
mod event;
mod exchanging;
mod health;
mod learning;
mod logarithm;
mod machine;
mod members;
mod name;
mod neighbours;
mod probing;
mod record;
mod rumours;
mod sending;
mod suspicion;
mod wire;

pub use config::{Config, ConfigError, Reach};
pub(crate) use driver::{Plan, child, config_of, of};
pub use event::{Effect, Event, Input, Ousted, Refusal};
pub use machine::{Membership, RELAYS_MAX};
pub use name::{ADDRESS_MAX, Address, NAME_MAX, Name, TextError};
pub use record::{METADATA_MAX, REVISION_MAX, Record, State};
#[cfg(feature = "fuzz")]
pub(crate) use wire::fuzz;
pub use wire::{DATAGRAM_MAX, DecodeError, STREAM_MAX, sender_of};
