//! How does a message reach every node once, over few connections and with few doubles?
//!
//! Role       Plumtree: a tree for payloads, made out of the overlay's links by what arrives first;
//!            the other links carry announcements, and mend the tree. Neighbours compare now and
//!            then what they have had.
//! Absent     Who is a neighbour, which the overlay says; order between messages.
//! Source     paper: Epidemic Broadcast Trees (Leitao, Pereira, Rodrigues 2007)

mod comparing;
mod config;
mod event;
mod ledger;
mod links;
mod machine;
mod missing;
mod store;

pub use config::{Config, ConfigError};
pub use event::{Effect, Had, Input, Message, MessageId, Payload};
pub use ledger::{Missed, ORIGINS_MAX, WINDOW};
pub use machine::Plumtree;
