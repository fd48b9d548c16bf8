//! What is in the private half of a process that does not run?
//!
//! Role       Lets an observer read it: it takes the right to run the process for a moment, and
//!            gives it back without having run it.
//! Invariant  Only an idle process is looked at: one that runs, or waits to run, goes on as it was.
//!            What arrives meanwhile is noticed when the right is given back, also when the look
//!            panics.

use super::local::Local;
use super::table::Block;
use crate::node::Core;

/// Looks at the process in `slot` if it is idle and the tenant is of this generation.
pub(crate) fn look<T>(
    core: &Core,
    slot: u32,
    generation: u32,
    look: impl FnOnce(&Local) -> T,
) -> Option<T> {
    let block = core.table().find(slot)?;
    let held = Held::of(core, block, slot)?;
    if !block.is_alive(generation) {
        return None;
    }
    // SAFETY: `held` says that we hold `SCHEDULED` until the end of this function, so nobody else
    // touches the private half; it is alive, so it was written. The body is `Send`, and we are the
    // only ones to use it.
    let seen = look(unsafe { &*block.local() });
    drop(held);
    Some(seen)
}

/// The right to run an idle process.
struct Held<'a> {
    core: &'a Core,
    block: &'a Block,
    slot: u32,
}

impl<'a> Held<'a> {
    fn of(core: &'a Core, block: &'a Block, slot: u32) -> Option<Self> {
        block.inbox.hold().then(|| Self { core, block, slot })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.block.inbox.park() {
            // Something came: whoever pushed it has left the process to us.
            self.core.enqueue(self.slot, self.block.priority());
        }
    }
}
