//! Where might other nodes be?
//!
//! Role       Finders, each of which yields addresses again and again: names with addresses in DNS,
//!            services in DNS, beats on a segment of the network. What they find is dialled; who
//!            belongs to the cluster the handshake and the membership say, and nobody here.
//! Invariant  An address that is found no more is no longer dialled for it; whoever is connected
//!            stays so. What is found is never trusted: it has to prove itself as anybody.

mod config;
mod dns;
mod driver;
mod finder;
mod machine;
mod multicast;
mod source;

pub use config::{BadDiscovery, DiscoveryConfig, FINDERS_MAX};
pub use dns::{BadAnswer, Message, Question, Record, RecordData, RecordKind};
pub use driver::FinderReport;
pub(crate) use driver::{Plan, child, of};
pub use finder::Finder;
pub use machine::{Answer, Effect, Failure, Input, Machine, Way};
pub use multicast::{Beat, BeatFigures, BeatLedger, Multicast};
