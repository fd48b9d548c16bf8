//! What do a thousand machines do together?
//!
//! Role       A model of a network for machines alone, without nodes and processes: virtual time,
//!            seeded loss and delay, partitions, crashes, hosts that stutter. `network` runs the
//!            machines, `links` says what happens to a message.

mod links;
mod network;

pub use links::{AGAIN, Links, Stutter};
pub use network::{Ask, Network, Sending, Traffic};
