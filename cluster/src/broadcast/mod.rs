//! How does a message get to all nodes of a cluster?
//!
//! Role       One process on each node owns Plumtree, and speaks with the neighbours of the overlay. Programs
//!            send to `*`, a node that stands for all: what is sent to a name there comes to the process
//!            of that name on every node, this one too.
//! Invariant  A message comes to a process once, or not at all; there is no order between messages.
//! Limit      [`WAITING_BYTES_MAX`] wait for the process; senders are told that there is no room.
//! Source     otp: gen_server:abcast/2

mod driver;
mod port;

pub(crate) use driver::{child, of};
pub(crate) use port::{EVERYWHERE, Everywhere};

/// How many bytes wait to be broadcast.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// From so many on a process that sends is held.
const HELD_BYTES: usize = 256 << 10;
/// So many bytes may wait for a neighbour before what is said to it is dropped: what it lacks then it is
/// told by comparison.
const QUEUED_BYTES_MAX: usize = 8 << 20;
