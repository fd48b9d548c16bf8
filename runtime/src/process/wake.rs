//! How does foreign code wake a process?
//!
//! Role       Wakers for what a process awaits that is not ours: a tokio socket, a channel, a
//!            combinator. Our own waits need none: an arrival schedules the process anyway.
//! Owns       Nothing until somebody clones the waker; then one cell per process.
//! Invariant  A stale waker may cause a poll too many, never one of another node's memory: the cell
//!            holds the node, and names slot and generation.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};

use super::local::HAS_WAKER;
use crate::platform::current;
use crate::scheduler::Running;
use crate::{Node, Pid};

struct Cell {
    node: Node,
    pid: Pid,
}

impl Wake for Cell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.node.core().wake_process(self.pid);
    }
}

const VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, forget);

/// Calls `f` with the running process's waker.
// Always: the two ways to a poll must not cost a call.
#[inline(always)]
pub(crate) fn with_waker<T>(running: &Running, f: impl FnOnce(&Waker) -> T) -> T {
    if running.has(HAS_WAKER)
        && let Some(waker) = running.extra(|extra| extra.waker.clone())
    {
        return f(&waker);
    }
    let data = std::ptr::from_ref(running).cast::<()>();
    // SAFETY: `running` outlives the borrowed waker, which is never dropped as a waker; the vtable
    // only reads fields that do not change while the process runs.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) });
    f(&waker)
}

/// Whether `waker` wakes the running process as a whole: then our own waits need not keep it.
#[inline]
pub(crate) fn is_own(running: &Running, waker: &Waker) -> bool {
    if std::ptr::eq(waker.data(), std::ptr::from_ref(running).cast()) {
        return true;
    }
    running.has(HAS_WAKER)
        && running.local(|local| match &local.extra {
            Some(extra) => extra.waker.as_ref().is_some_and(|own| own.will_wake(waker)),
            None => false,
        })
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: `data` is the `Running` of `with_waker`, which is still on the stack below us.
    let running = unsafe { &*data.cast::<Running>() };
    let waker = Waker::from(Arc::new(Cell {
        node: running.node.clone(),
        pid: running.pid(),
    }));
    let here = current::process().is_some_and(|here| std::ptr::eq(here, running));
    if here {
        running.set(HAS_WAKER, true);
        running.extra(|extra| extra.waker = Some(waker.clone()));
    }
    let waker = ManuallyDrop::new(waker);
    RawWaker::new(waker.data(), waker.vtable())
}

unsafe fn wake(data: *const ()) {
    // SAFETY: as in `clone`.
    let running = unsafe { &*data.cast::<Running>() };
    running.core().wake_process(running.pid());
}

unsafe fn forget(_: *const ()) {}
