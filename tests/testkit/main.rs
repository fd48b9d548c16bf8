//! Does the test kit find what it is there to find?
//!
//! Role       Each assertion is seen passing and failing, and what a failure says.
//! Source     elixir: ExUnit.Assertions, ExUnit.Callbacks

mod crashes;
mod leaks;
mod probes;
mod supervised;

use foundation::prelude::*;
use foundation::{Delivery, Schedule};

/// Runs a body in a simulated world, and says by what it fails.
fn failure_of<Fut: Future<Output = ()>>(body: impl Fn(World) -> Fut) -> Option<String> {
    let failed = World::replay(&Schedule::ordinary(0), Delivery::Late, body).err()?;
    Some(failed.what)
}

/// A process without a message type of its own.
#[derive(Debug, PartialEq, Message)]
#[message(local)]
enum Word {
    Done(u32, &'static str),
    Failed,
}
