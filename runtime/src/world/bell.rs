//! Who outside of a world's processes is told what happens in it?
//!
//! Role       Those who wait until nothing else can happen, and who drives a world from within another runtime.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;

/// Rung when something can run, where somebody listens.
#[derive(Default)]
pub(super) struct Bell(OnceLock<Mutex<Waker>>);

impl Bell {
    /// From now on this one is woken.
    pub(super) fn ring_at(&self, waker: &Waker) {
        let bell = self.0.get_or_init(|| Mutex::new(waker.clone()));
        let mut bell = bell.lock().unwrap_or_else(PoisonError::into_inner);
        bell.clone_from(waker);
    }

    pub(super) fn ring(&self) {
        if let Some(bell) = self.0.get() {
            let bell = bell.lock().unwrap_or_else(PoisonError::into_inner);
            bell.wake_by_ref();
        }
    }
}

/// Somebody who waits until nothing else can happen.
pub(super) struct Quiet {
    reached: AtomicBool,
    waker: Mutex<Waker>,
}

impl Quiet {
    pub(super) fn new(waker: &Waker) -> Arc<Self> {
        Arc::new(Self {
            reached: AtomicBool::new(false),
            waker: Mutex::new(waker.clone()),
        })
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// Whom to wake from now on.
    pub(super) fn wake_instead(&self, waker: &Waker) {
        let mut old = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        old.clone_from(waker);
    }

    pub(super) fn reach(&self) {
        self.reached.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        waker.wake_by_ref();
    }
}
