//! How do frames get from one node to another?
//!
//! Role       One process per connection: it shakes hands, then sends what others queue and
//!            delivers what comes. Two nodes have one connection, and one more each way once large
//!            messages go that way; and those of channels, once these are used.
//! Limit      [`FRAME_BYTES_MAX`] a frame; [`HIGH_WATER`](queue::HIGH_WATER) bytes queued before senders are held.
//! Invariant  Frames keep their order. The node has lost the other one when the process is gone,
//!            however it ended.

mod assembly;
mod association;
mod bringing;
mod bulk;
mod carrier;
mod context;
mod failure;
pub(crate) mod frame;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod handed;
mod inbound;
mod keeper;
mod lane;
mod lanes;
mod ordering;
mod outgoing;
mod outlet;
mod parting;
mod process;
mod pump;
pub(crate) mod queue;
mod round_trip;
mod shake;
mod stall;
mod ways;

pub(crate) use association::Association;
pub(crate) use context::Context;
pub(crate) use frame::Kind;
pub use frame::{BadFrame, FRAME_BYTES_MAX};
pub(crate) use handed::Handed;
pub(crate) use keeper::Keeper;
pub(crate) use process::{accepted, dialled, dialled_through};
pub(crate) use round_trip::RoundTrip;
pub(crate) use ways::Ways;
