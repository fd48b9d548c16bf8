//! Where do senders find the bound of a mailbox?
//!
//! Role       One [`Limit`] per process with a bounded mailbox, beside the process table: a process
//!            without one is not looked up, its block says so in the word that senders read anyway.
//! Owns       An entry per bounded mailbox, until its process ends.
//! Invariant  A lock is held for a few steps of the [`Gate`] and a push, never while code of the
//!            program runs. Where the order to signals matters, the push happens under it.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::Waker;

use rustc_hash::FxHasher;

use super::gate::{Gate, Wait};
use super::{Bound, WhenFull};
use crate::Pid;
use crate::envelope::Envelope;

/// The bound of one mailbox.
pub(crate) struct Limit {
    pub(crate) pid: Pid,
    pub(crate) bound: Bound,
    gate: Mutex<Gate<Envelope, Waker>>,
}

impl Limit {
    pub(crate) fn new(pid: Pid, bound: Bound) -> Self {
        Self {
            pid,
            bound,
            gate: Mutex::new(Gate::new(bound.capacity, bound.when_full)),
        }
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate<Envelope, Waker>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn drops_oldest(&self) -> bool {
        self.bound.when_full == WhenFull::DropOldest
    }

    /// A message has left the mailbox, or a place that was reserved is not used.
    pub(crate) fn release(&self) {
        let woken = self.gate().release();
        woken.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wait(&self, waiter: &mut Option<u64>, waker: &Waker) -> Wait {
        self.gate().wait(waiter, || waker.clone())
    }

    pub(crate) fn cancel(&self, waiter: u64) {
        let woken = self.gate().cancel(waiter);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The process has ended: what was held for it.
    pub(crate) fn close(&self) -> Vec<Envelope> {
        let (waiters, held) = self.gate().close();
        waiters.into_iter().for_each(Waker::wake);
        held
    }
}

const SHARDS: usize = 16;

type Shard = RwLock<HashMap<u32, Arc<Limit>, BuildHasherDefault<FxHasher>>>;

/// The bounds of a node's mailboxes, by slot.
#[derive(Default)]
pub(crate) struct Limits([Shard; SHARDS]);

impl Limits {
    fn shard(&self, pid: Pid) -> &Shard {
        &self.0[pid.slot() as usize % SHARDS]
    }

    pub(crate) fn add(&self, limit: &Arc<Limit>) {
        let mut shard = self
            .shard(limit.pid)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        shard.insert(limit.pid.slot(), Arc::clone(limit));
    }

    /// The bound of this very process, if it lives and has one.
    pub(crate) fn find(&self, pid: Pid) -> Option<Arc<Limit>> {
        let shard = self
            .shard(pid)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        shard
            .get(&pid.slot())
            .filter(|limit| limit.pid == pid)
            .map(Arc::clone)
    }

    pub(crate) fn remove(&self, pid: Pid) {
        let mut shard = self
            .shard(pid)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        shard.remove(&pid.slot());
    }
}
