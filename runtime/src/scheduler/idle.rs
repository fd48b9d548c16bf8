//! Which workers sleep, and who wakes them?
//!
//! Role       Wakes one sleeping worker when there is work it could do, and never more than needed.
//! Invariant  A worker announces itself before its last look for work, and work is pushed before
//!            the announcements are read (both `SeqCst`): one of the two sees the other.

use std::sync::PoisonError;

use crate::platform::sync::{AtomicUsize, Mutex, Ordering, fence};

#[derive(Default)]
pub(crate) struct Idle {
    count: AtomicUsize,
    sleeping: Mutex<Vec<usize>>,
}

impl Idle {
    /// Says that this worker is about to sleep.
    pub(crate) fn announce(&self, worker: usize) {
        let mut sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        sleeping.push(worker);
        self.count.store(sleeping.len(), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Says that this worker does not sleep; `false` when somebody has woken it.
    pub(crate) fn withdraw(&self, worker: usize) -> bool {
        let mut sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sleeping.iter().position(|other| *other == worker);
        if let Some(at) = found {
            sleeping.swap_remove(at);
        }
        self.count.store(sleeping.len(), Ordering::SeqCst);
        found.is_some()
    }

    /// How many sleep, as of a moment ago.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Picks a sleeper to wake, after work was pushed.
    pub(crate) fn pick(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = sleeping.pop();
        self.count.store(sleeping.len(), Ordering::SeqCst);
        worker
    }
}
