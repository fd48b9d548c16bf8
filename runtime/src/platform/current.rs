//! Which process is running on this thread?
//!
//! Role       The current-process slot: set around each poll, read by everything that acts in the
//!            name of "this process".
//! Owns       One thread-local pointer to the [`Running`] of the thread's scheduler, and one to the
//!            node that code outside any process has entered.
//! Invariant  The pointers are valid while they are set: a scheduler sets its own for the time it
//!            lives, or for one slice. Code outside any process sees `None`.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::envelope::{Envelope, Header};
use crate::scheduler::Running;
use crate::{Node, Pid, Reason};

thread_local! {
    static CURRENT: Cell<*const Running> = const { Cell::new(std::ptr::null()) };
    static ENTERED: Cell<*const Node> = const { Cell::new(std::ptr::null()) };
    static DYING: Cell<*const Reason> = const { Cell::new(std::ptr::null()) };
}

/// Makes `node` the one that references are read for, until the guard is dropped.
pub(crate) struct Within<'a>(*const Node, PhantomData<&'a Node>);

impl<'a> Within<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        Self(ENTERED.replace(node), PhantomData)
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        ENTERED.set(self.0);
    }
}

/// The node that was entered, else that of the process that runs this code.
pub(crate) fn node() -> Option<Node> {
    let entered = ENTERED.try_with(Cell::get).ok()?;
    // SAFETY: set by `Within` from a reference that outlives the guard, and read on the same thread.
    match unsafe { entered.as_ref() } {
        Some(node) => Some(node.clone()),
        None => process().map(|running| running.node.clone()),
    }
}

/// Makes `running` the thread's, until the guard is dropped. What the thread had entered is not the
/// node of the processes that run meanwhile.
pub(crate) struct Enter(*const Running, *const Node);

impl Enter {
    pub(crate) fn new(running: &Running) -> Self {
        Self(CURRENT.replace(running), ENTERED.replace(std::ptr::null()))
    }
}

impl Drop for Enter {
    fn drop(&mut self) {
        CURRENT.set(self.0);
        ENTERED.set(self.1);
    }
}

/// The thread's scheduler, whether or not a process runs.
#[inline]
pub(crate) fn scheduler<'a>() -> Option<&'a Running> {
    let running = CURRENT.try_with(Cell::get).ok()?;
    // SAFETY: set by `Enter` from a reference that outlives the guard, and read on the same thread;
    // callers do not keep the reference beyond the call that the scheduler made.
    unsafe { running.as_ref() }
}

/// The process that runs this code.
#[inline]
pub(crate) fn process<'a>() -> Option<&'a Running> {
    scheduler().filter(|running| running.in_process())
}

/// The pid of the process that runs this code.
#[inline]
pub(crate) fn pid() -> Option<Pid> {
    process().map(Running::pid)
}

/// Says that what this thread drops was a dead process's, until the guard is dropped.
pub(crate) struct Dying<'a>(*const Reason, PhantomData<&'a Reason>);

impl<'a> Dying<'a> {
    pub(crate) fn new(reason: &'a Reason) -> Self {
        Self(DYING.replace(reason), PhantomData)
    }
}

impl Drop for Dying<'_> {
    fn drop(&mut self) {
        DYING.set(self.0);
    }
}

/// Why the process whose code is being dropped on this thread died.
pub(crate) fn dying() -> Option<Reason> {
    let reason = DYING.try_with(Cell::get).ok()?;
    // SAFETY: set by `Dying` from a reference that outlives the guard, and read on the same thread.
    match unsafe { reason.as_ref() } {
        Some(reason) => Some(reason.clone()),
        None => scheduler().and_then(Running::dying),
    }
}

/// Keeps a call whose handler panics for the process's end; `false` outside a living process.
pub(crate) fn keep_orphan(call: NonNull<Header>) -> bool {
    match process().filter(|running| running.dying().is_none()) {
        Some(running) => {
            // SAFETY: the caller, which is dropping the envelope, gives it up.
            running.keep_orphan(unsafe { Envelope::from_raw(call) });
            true
        }
        None => false,
    }
}

/// Notes that the call in the envelope at `address`, delivered to `server`, is answered. `false`
/// when that server has to be told, because its answer was given elsewhere.
#[inline]
pub(crate) fn call_completed(address: usize, server: Pid) -> bool {
    match process() {
        Some(running) => running.call_completed(address, server),
        None => false,
    }
}
