//! How do frames get from one node to another?
//!
//! Role       One process per connection: it shakes hands, then sends what others queue and
//!            delivers what comes. Two nodes have one connection, and one more each way once large
//!            messages go that way.
//! Limit      [`FRAME_BYTES_MAX`] a frame; [`HIGH_WATER`](queue::HIGH_WATER) bytes queued before senders are held.
//! Invariant  Frames keep their order. The node has lost the other one when the process is gone,
//!            however it ended.

mod assembly;
mod association;
mod bulk;
mod context;
mod failure;
mod frame;
mod inbound;
mod outgoing;
mod process;
mod pump;
mod queue;
mod shake;
mod stall;

pub(crate) use association::Association;
pub(crate) use context::Context;
pub(crate) use frame::Kind;
pub use frame::{BadFrame, FRAME_BYTES_MAX};
pub(crate) use process::{accepted, dialled};
