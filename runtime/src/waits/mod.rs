//! Who waits for whom, and do any wait for each other?
//!
//! Role       Calls that go round in a circle: seen when the last one is made, in debug builds, and
//!            found in a node that lives.

mod find;
mod graph;
#[cfg_attr(
    not(debug_assertions),
    allow(dead_code, reason = "in release builds nothing is noted")
)]
mod watch;

pub use find::{CallStage, Deadlocks, Wait};
#[cfg(debug_assertions)]
pub(crate) use watch::Waiting;
pub(crate) use watch::Watch;
pub use watch::{CallCycle, CallCycleStream};
