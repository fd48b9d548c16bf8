//! How does one wait in the time of a simulated world?
//!
//! Role       Waits that are no node's: those of the body, and of what lies between the nodes. They
//!            go on whatever becomes of a node and of its clock.
//! Invariant  Nobody is woken early, and at one time those first who came first.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::sim::Sim;

/// Who waits until when.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    waiting: BTreeMap<(u64, u64), Waker>,
    counted: u64,
}

impl Alarms {
    /// Keeps a waker, instead of the one that is kept under this key: the key, and the old one.
    fn set(&mut self, at: u64, key: Option<u64>, waker: Waker) -> (u64, Option<Waker>) {
        let key = key.unwrap_or_else(|| {
            self.counted += 1;
            self.counted
        });
        (key, self.waiting.insert((at, key), waker))
    }

    /// Wakes this one then, whatever becomes of it until then.
    pub(super) fn ring(&mut self, at: u64, waker: Waker) {
        self.set(at, None, waker);
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Those whose time has come.
    pub(super) fn due(&mut self, now: u64) -> Vec<Waker> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now) {
            due.extend(self.waiting.pop_first().map(|(_, waker)| waker));
        }
        due
    }
}

/// The wait until a time of the world.
pub(crate) struct Alarm {
    sim: Arc<Sim>,
    at: u64,
    key: Option<u64>,
}

impl Alarm {
    pub(crate) fn new(sim: Arc<Sim>, at: u64) -> Self {
        let key = None;
        Self { sim, at, key }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.at <= self.sim.now() {
            return Poll::Ready(());
        }
        let (at, key) = (self.at, self.key);
        let (key, old) = self
            .sim
            .alarms(|alarms| alarms.set(at, key, cx.waker().clone()));
        self.key = Some(key);
        // Dropped outside the lock: a waker may hold anything.
        drop(old);
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // Dropped outside the lock: a waker may hold anything.
            let waker = self
                .sim
                .alarms(|alarms| alarms.waiting.remove(&(self.at, key)));
            drop(waker);
        }
    }
}
