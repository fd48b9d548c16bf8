//! What do processes do, while they do it?
//!
//! Role       Tracing: events of chosen processes, as they happen, to whoever subscribed.
//! Limit      16 sessions a node, each with a bounded buffer and a bounded rate; what does not fit is
//!            counted, and the count stands where the gap is.
//! Invariant  While nobody listens it costs nothing: a traced process is found by a bit of a word that
//!            is compared anyway, and the quick ways to send and to spawn are closed while somebody
//!            listens. A process that panics, stops or floods its tracer changes nothing for itself.
//! Source     otp: erlang:trace/3, dbg

mod book;
mod channel;
mod event;
mod hooks;
mod spec;
mod stream;

pub(crate) use book::{Born, Tracer};
pub use event::{TraceEvent, Traced};
pub(crate) use hooks::Taken;
pub use spec::{Trace, TraceError};
pub use stream::TraceStream;
