//! What is left of a dead process, and who frees it?
//!
//! Role       Freeing a gigabyte takes a tenth of a second or more, which no scheduler should
//!            spend: what is large goes to a thread of the node's own, the reaper, whose priority is
//!            low. In a simulation it is freed here and now.
//! Owns       One thread, once something large has died.
//! Limit      [`WAITING_MAX`] dead processes wait for it. Beyond, the scheduler frees what it has
//!            at hand itself: whoever kills faster than the reaper frees is slowed down.
//! Invariant  The dead have been told of, and their names are free, before anything comes here. A
//!            panic in a destructor is reported, and ends nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::Behaviour;
use super::local::Extra;
use super::queue::Queue;
use crate::heap;
use crate::platform::{current, panics, threads};
use crate::{Node, Pid, Reason, report};

const WAITING_MAX: usize = 256;

/// What a dead process has left behind.
pub(crate) struct Remains {
    pub(super) node: Node,
    pub(super) pid: Pid,
    pub(super) reason: Reason,
    pub(super) body: Option<Pin<Box<dyn Behaviour>>>,
    pub(super) extra: Option<Box<Extra>>,
    pub(super) queue: Queue,
}

impl Remains {
    fn free(mut self) {
        let _dying = current::Dying::new(&self.reason);
        let (node, pid) = (&self.node, self.pid);
        let quietly = |free: &mut dyn FnMut()| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(free)) {
                report::drop_panic(node.core(), pid, &panics::reason(payload));
            }
        };
        quietly(&mut || drop(self.body.take()));
        quietly(&mut || drop(self.extra.take()));
        while let Some(envelope) = self.queue.pop() {
            let mut envelope = Some(envelope);
            quietly(&mut || {
                if let Some(envelope) = envelope.take() {
                    super::bury::refuse_any(node.core(), pid, &self.reason, envelope);
                }
            });
        }
    }
}

/// Where large remains go.
#[derive(Default)]
pub(crate) struct Reaper(Mutex<Option<SyncSender<Remains>>>);

impl Reaper {
    /// Frees remains, as soon as may be, and not on a scheduler if that can be helped.
    pub(super) fn take(&self, remains: Remains) {
        if remains.node.core().is_simulated() {
            return remains.free();
        }
        let thread = heap::of_the_node(|| self.thread(remains.node.core().name()));
        let unsent = match thread {
            Some(thread) => thread.try_send(remains),
            None => Err(TrySendError::Full(remains)),
        };
        if let Err(TrySendError::Full(remains) | TrySendError::Disconnected(remains)) = unsent {
            remains.free();
        }
    }

    fn thread(&self, node: &str) -> Option<SyncSender<Remains>> {
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (sender, receiver) = sync_channel(WAITING_MAX);
            let started = threads::start(format!("{node}-reaper"), move || reap(&receiver));
            *thread = started.ok().map(|_| sender);
        }
        thread.clone()
    }
}

fn reap(dead: &Receiver<Remains>) {
    threads::demote(threads::thread_id());
    dead.iter().for_each(Remains::free);
}
