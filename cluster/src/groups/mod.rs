//! Who of other nodes is in which group?
//!
//! Role       Process groups over nodes: each node says who of it is in which group, and nobody else
//!            does. `machine` decides who is told what, `driver` is the process, `word` what is said.
//!            The groups themselves are `foundation_actors::pg`.
//! Source     otp: pg

mod driver;
mod machine;
mod word;

pub(crate) use driver::child;
pub use machine::{Effect, Exchange, Input, SCOPES_MAX};
pub use word::{PIDS_MAX, Word};
