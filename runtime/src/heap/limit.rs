//! How large may a process's heap become?
//!
//! Role       [`MaxHeap`]: a process that passes its bound is told at its next yield, and dies
//!            `killed` unless it is only to be reported.
//! Limit      Soft: a Rust allocation cannot be undone, and a handler cannot be stopped. What one
//!            handler allocates between two yields it gets, whatever the bound.
//! Invariant  A bound that is passed is told once, until it is set again. Without the accounting
//!            allocator a bound is kept and has no effect, which is said once.
//! Source     otp: erlang:process_flag/2, max_heap_size

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::HeapGroup;
use super::account::{Account, NONE};
use super::current::{self, is_on};
use crate::node::Core;
use crate::platform::current::process;
use crate::scheduler::Running;
use crate::{Me, Pid, report};

/// The target of reports about heaps, for filters.
pub const HEAP: &str = "foundation::heap";

/// A bound on the heap of a process.
///
/// ```
/// # use foundation_runtime::{MaxHeap, SpawnOptions};
/// let killed = SpawnOptions::new().max_heap_size(MaxHeap::bytes(64 << 20));
/// let reported = SpawnOptions::new().max_heap_size(MaxHeap::bytes(64 << 20).kill(false));
/// # assert_ne!(killed, reported);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MaxHeap {
    /// So many bytes may be charged to the process; 0: any number.
    pub bytes: u64,
    /// Whether a process that has more dies `killed`.
    pub kill: bool,
    /// Whether an event says so, through `tracing` with the target `foundation::heap`.
    pub report: bool,
}

impl MaxHeap {
    /// No bound.
    pub const OFF: Self = Self::bytes(0);

    /// So many bytes; beyond, the process is killed, and an event says so.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self {
            bytes,
            kill: true,
            report: true,
        }
    }

    /// The same, with or without killing.
    #[must_use]
    pub const fn kill(mut self, kill: bool) -> Self {
        self.kill = kill;
        self
    }

    /// The same, with or without the event.
    #[must_use]
    pub const fn report(mut self, report: bool) -> Self {
        self.report = report;
        self
    }

    pub(super) fn limit(self) -> i64 {
        match self.bytes {
            0 => NONE,
            bytes => i64::try_from(bytes).unwrap_or(NONE),
        }
    }
}

impl Default for MaxHeap {
    fn default() -> Self {
        Self::OFF
    }
}

/// More is charged to `account` than may be. Within the allocator: its process is told later.
#[cold]
pub(super) fn passed(account: &Account) {
    // Another process's, which has not begun, is told by its own next allocation. What is lent is
    // others' to keep small.
    if !account.is_within_but_for_lent()
        && let Some(running) = process()
        && account.owner().1 == running.word()
        && running.alarm()
    {
        account.set_limit(NONE);
    }
}

/// Of bounds that can have no effect each node tells the first.
#[derive(Default)]
pub(crate) struct Unheeded(AtomicBool);

/// Says once that bounds have no effect where no accounts are kept.
pub(super) fn heed(core: &Core, bound: MaxHeap) {
    if bound.bytes != 0 && !is_on() {
        core.bound_without_accounts();
    }
}

impl Core {
    #[cold]
    fn bound_without_accounts(&self) {
        if !self.unheeded().0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: HEAP,
                "max_heap_size has no effect: the program keeps no heap accounts. Write \
                 `foundation::allocator!();` in its main.rs"
            );
        }
    }
}

/// Bounds the heap of a process that is being made.
pub(crate) fn begin(core: &Core, pid: Pid, bound: MaxHeap) {
    heed(core, bound);
    if let Some(account) = core.homes().account_of(pid) {
        account.set_limit(bound.limit());
    }
}

/// The bound of the running process.
pub(crate) fn of(running: &Running) -> MaxHeap {
    running.local(|local| {
        let extra = local.extra.as_ref();
        extra
            .and_then(|extra| extra.max_heap.as_deref().copied())
            .unwrap_or_default()
    })
}

/// Sets the bound of the running process; returns what it was.
pub(crate) fn set(running: &Running, new: MaxHeap) -> MaxHeap {
    let old = of(running);
    heed(running.core(), new);
    running.extra(|extra| extra.max_heap = Some(Box::new(new)));
    if is_on() {
        let account = current::account();
        let passes = match group(running) {
            Some(group) => group.set_own(running.word(), new.limit()),
            None => account.set_limit(new.limit()),
        };
        if passes {
            passed(account);
        }
    }
    old
}

/// The group of the running process.
fn group(running: &Running) -> Option<HeapGroup> {
    running.local(|local| local.extra.as_ref()?.heap_group.clone())
}

/// Has the running process pass its bound once more, with the next that it gets.
pub(crate) fn ask_again(running: &Running) {
    let limit = match group(running) {
        Some(_) => 0,
        None => of(running).limit(),
    };
    current::account().set_limit(limit);
}

/// Whether the running process, which has passed its bound or grown by its share of its group's,
/// dies of it.
#[cold]
pub(crate) fn kills(running: &Running) -> bool {
    let Some(group) = group(running) else {
        return own_kills(running);
    };
    let (own, groups) = group.look(running);
    own && own_kills(running) || groups
}

fn own_kills(running: &Running) -> bool {
    let bound = of(running);
    if bound.report {
        let held = super::of_running(running).map_or(0, |heap| heap.memory + heap.lent);
        report::heap_passed(running, bound, held);
    }
    bound.kill
}

impl Me {
    /// Bounds its heap from now on; returns the bound before.
    ///
    /// What it has more than that, or comes to have, it is told at its next yield: it dies `killed`,
    /// or goes on if [`MaxHeap::kill`] is off. Either way one event says so, unless
    /// [`MaxHeap::report`] is off, and no second one until the bound is set again.
    pub fn set_max_heap_size(self, bound: MaxHeap) -> MaxHeap {
        set(self.running(), bound)
    }

    /// The bound on its heap.
    #[must_use]
    pub fn max_heap_size(self) -> MaxHeap {
        of(self.running())
    }
}
