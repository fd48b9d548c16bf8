//! Who runs next, and where.
//!
//! Role       Two platforms behind one door: worker threads with stealing, or one simulated
//!            thread with a seeded choice. Both run the same [`slice`].
//! Invariant  A process stands in at most one run queue (the inbox's `SCHEDULED` bit).

mod dirty;
mod doom;
mod idle;
mod priority;
mod purse;
mod real;
mod ring;
mod running;
mod shared;
mod shift;
mod slice;
mod stuck;
mod watchdog;
mod worker;

pub use dirty::{DirtyError, DirtyLimits, DirtyPoolStats, DirtyStats, dirty_cpu, dirty_io};
pub(crate) use dirty::{DirtyPools, dirty_io_on};
pub use priority::{BadPriority, Priority};
pub(crate) use purse::{Handle, Purse};
pub(crate) use real::{Ran, RealScheduler, Stamp};
pub(crate) use running::Running;
pub(crate) use slice::slice;
pub use stuck::Stuck;

use std::sync::atomic::Ordering;

use crate::node::Core;
use crate::world::SimScheduler;

/// How many messages a process handles before others have their turn, if the timekeeper does not find
/// earlier that it takes long.
pub(crate) const SLICE_MESSAGES: u32 = 512;

/// The platform a node runs on.
#[expect(clippy::large_enum_variant, reason = "there is one per node")]
pub(crate) enum Scheduler {
    Real(RealScheduler),
    Simulated(SimScheduler),
}

impl Scheduler {
    /// Has every process that runs now end its turn after the message it handles.
    pub(crate) fn end_turns(&self) {
        if let Self::Real(real) = self {
            let workers = real.workers.iter();
            workers.for_each(|worker| worker.stamp.overdue.store(true, Ordering::Relaxed));
        }
    }

    /// Puts a process whose `SCHEDULED` bit the caller has just set into a run queue.
    #[cold]
    pub(crate) fn enqueue(&self, core: &Core, slot: u32, priority: Priority) {
        match self {
            Self::Real(real) => real.enqueue(core, slot, priority),
            Self::Simulated(simulated) => simulated.enqueue(slot, priority),
        }
    }
}
