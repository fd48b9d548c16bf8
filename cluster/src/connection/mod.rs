//! How do frames get from one node to another?
//!
//! Role       One process per connection: it shakes hands, then sends what others queue and
//!            delivers what comes.
//! Limit      [`FRAME_BYTES_MAX`] a frame; [`HIGH_WATER`] bytes queued before senders are held.
//! Invariant  Frames keep their order. The node has lost the other one when the process is gone,
//!            however it ended.

mod context;
mod frame;
mod inbound;
mod outgoing;
mod process;
mod shake;

pub(crate) use context::Context;
pub(crate) use frame::Kind;
pub use frame::{BadFrame, FRAME_BYTES_MAX};
pub(crate) use outgoing::Outgoing;
pub(crate) use process::{Started, accepted, dialled};
