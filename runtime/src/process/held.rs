//! What does a process hold outside of itself, and who takes it back when it ends?
//!
//! Role       The one hook into a death for tables that name processes: registries, groups, tables
//!            with an owner. Names of the node are the model.
//! Inputs     [`Node::hold`] and [`Node::let_go`], from any thread; the end of a process.
//! Owns       Per process, what is to be released; nothing for a process that holds nothing.
//! Limit      One entry per process and table; the tables bound what they take.
//! Invariant  What is held is released once, after the process is dead for everybody and before
//!            anybody is told so. A `hold` that was granted is always followed by its release.
//! Source     otp: erts, "Processes", exiting: directly visible resources go before signals

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHasher;

use super::local::Map;
use super::table::{ALIVE, Block, HOLDS};
use crate::platform::panics;
use crate::scheduler::Running;
use crate::{Node, Pid, report};

/// A table that has something of a process, which goes when the process does.
pub trait Held: Send + Sync + 'static {
    /// Gives back all that `pid` has here. It is dead, and nobody has been told yet: neither links
    /// nor monitors nor callers. Runs where the process ran, so it should be short; a panic in it
    /// is reported and ends nothing.
    fn release(&self, pid: Pid);
}

/// Why nothing can be held for a process. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldError {
    /// The process is dead, or dying.
    NoProc,
    /// The process lives on another node.
    OtherNode,
}

impl fmt::Display for HoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc => "no such process",
            Self::OtherNode => "the process lives on another node",
        })
    }
}

impl std::error::Error for HoldError {}

const SHARDS: usize = 16;

type Shard = HashMap<Pid, Map<usize, Arc<dyn Held>>, BuildHasherDefault<FxHasher>>;

/// What the processes of one node hold.
#[derive(Default)]
pub(crate) struct Holdings([Mutex<Shard>; SHARDS]);

/// What tells two tables apart.
fn address(held: &Arc<dyn Held>) -> usize {
    Arc::as_ptr(held).cast::<()>().addr()
}

impl Holdings {
    fn shard(&self, pid: Pid) -> MutexGuard<'_, Shard> {
        let shard = &self.0[pid.slot() as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, pid: Pid, block: &Block, held: &Arc<dyn Held>) -> Result<(), HoldError> {
        let mut shard = self.shard(pid);
        // As for names: either a process that dies on another thread sees the flag and then waits
        // for our lock, or we see here that it is no longer alive.
        let before = block.set_flag(HOLDS);
        if (before >> 32) as u32 != pid.tenancy() || before & ALIVE == 0 {
            if before & HOLDS == 0 {
                block.clear_flag(HOLDS);
            }
            return Err(HoldError::NoProc);
        }
        let of_pid = shard.entry(pid).or_default();
        of_pid
            .entry(address(held))
            .or_insert_with(|| Arc::clone(held));
        Ok(())
    }

    fn let_go(&self, pid: Pid, held: &Arc<dyn Held>) {
        let mut shard = self.shard(pid);
        let Some(of_pid) = shard.get_mut(&pid) else {
            return;
        };
        of_pid.swap_remove(&address(held));
        if of_pid.is_empty() {
            shard.remove(&pid);
        }
    }

    /// Releases all that a process held that is dead now. What `caught` gets is a panic.
    pub(super) fn release_of(&self, pid: Pid, mut caught: impl FnMut(crate::Reason)) {
        let held = self.shard(pid).remove(&pid);
        for (_, held) in held.into_iter().flatten() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| held.release(pid))) {
                caught(panics::reason(payload));
            }
        }
    }
}

/// Releases names and whatever else others see of a process that is dead now.
#[cold]
pub(super) fn release_all(running: &Running, before: u64) {
    let (core, me) = (running.core(), running.pid());
    if before & super::NAMED != 0 {
        core.names().release_of(me);
    }
    if before & HOLDS != 0 {
        let caught = |reason| report::drop_panic(core, me, &reason);
        core.holdings().release_of(me, caught);
    }
}

impl Node {
    /// Has `held` release what it has of a process of this node, when that ends: before anybody is
    /// told of the end. Held twice is held once.
    ///
    /// The table calls this under the lock that its `release` takes, before or after it notes the
    /// process: then either the process is dead and this fails, or `release` finds what was noted.
    ///
    /// ```
    /// use foundation_runtime::{Held, Node, Pid, Process, Reason};
    /// use std::collections::BTreeMap;
    /// use std::sync::{Arc, Mutex};
    /// # use foundation_runtime::{Codec, Message, Tag};
    /// # struct Word;
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    ///
    /// #[derive(Default)]
    /// struct Seats(Mutex<BTreeMap<Pid, u32>>);
    ///
    /// impl Held for Seats {
    ///     fn release(&self, pid: Pid) {
    ///         self.0.lock().unwrap().remove(&pid);
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().start()?;
    /// let seats = Arc::new(Seats::default());
    /// let guest = node.spawn_fn(|mut me: Process<Word>| async move { drop(me.recv().await) })?;
    /// {
    ///     let mut taken = seats.0.lock().unwrap();
    ///     let held: Arc<dyn Held> = seats.clone();
    ///     node.hold(&guest, &held)?;
    ///     taken.insert(guest.pid(), 7);
    /// }
    /// node.exit(&guest, Reason::Kill);
    /// node.block_on(node.down(&guest));
    /// assert!(seats.0.lock().unwrap().is_empty(), "the seat is free when the end is told");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`HoldError`]: the process is dead, or of another node.
    pub fn hold(&self, pid: impl Into<Pid>, held: &Arc<dyn Held>) -> Result<(), HoldError> {
        let pid = pid.into();
        if pid.node() != self.id() {
            return Err(HoldError::OtherNode);
        }
        let block = self.core().table().find(pid.slot());
        let block = block.ok_or(HoldError::NoProc)?;
        self.core().holdings().hold(pid, block, held)
    }

    /// Takes back a [`Node::hold`]: the process has nothing there any more. Without one it does
    /// nothing.
    pub fn let_go(&self, pid: impl Into<Pid>, held: &Arc<dyn Held>) {
        self.core().holdings().let_go(pid.into(), held);
    }
}
