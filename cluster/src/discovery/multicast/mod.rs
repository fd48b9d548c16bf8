//! How do nodes of one segment find each other?
//!
//! Role       Each says again and again, to a group, where it is, and proves that it knows the secret.
//! Limit      So many beats a second are looked at; a beat is 400 bytes at most.
//! Invariant  What is heard is an address that is worth a dial, and nothing more.

mod beat;
mod config;
mod ledger;
mod socket;

pub use beat::Beat;
pub use config::Multicast;
pub use ledger::{BeatFigures, BeatLedger};
pub(super) use socket::open;
