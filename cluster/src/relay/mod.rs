//! How do two members speak that cannot dial each other?
//!
//! Role       Streams of bytes through other nodes: one process on each node owns routing and circuits, passes
//!            letters on for others, and gives a connection a stream as a dial would.
//! Limit      Letters to a neighbour that has [`QUEUED_BYTES_MAX`] waiting are dropped: routing sends them
//!            again.

mod driver;
mod end;
mod stream;

pub(crate) use driver::{child, of};
pub(crate) use stream::CircuitStream;

/// So many bytes may wait for a neighbour before letters to it are dropped.
const QUEUED_BYTES_MAX: usize = 8 << 20;
