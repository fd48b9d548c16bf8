//! How is DNS asked?
//!
//! Role       The messages, as they are on the wire, and a client that asks the name servers of the
//!            machine, or others, for all of a name at once.
//! Absent     A cache, search lists, recursion: the name server does all of it.

mod client;
mod message;
mod reader;

pub(super) use client::{Asking, look_up};
pub use message::{BadAnswer, Message, Question, Record, RecordData, RecordKind};
