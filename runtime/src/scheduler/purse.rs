//! What does another handle of the node cost?
//!
//! Role       [`Handle`]: a counted pointer to what a node is. A scheduler keeps the counts of
//!            handles dropped on its thread, and the next clones there take them: most handles go
//!            out with a call and come back with its answer, and neither touches a shared count.
//! Owns       At most `KEPT_MAX` counts per scheduler.
//! Invariant  `spare` counts of `own` belong to the purse, and to nobody else.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

use crate::node::Share;
use crate::platform::current;

const KEPT_MAX: u32 = 1024;

/// A counted pointer to what a node is.
pub(crate) struct Handle(ManuallyDrop<Arc<Share>>);

impl Handle {
    pub(crate) fn new(share: Share) -> Self {
        Self(ManuallyDrop::new(Arc::new(share)))
    }
}

impl Deref for Handle {
    type Target = Share;

    #[inline]
    fn deref(&self) -> &Share {
        &self.0
    }
}

impl Clone for Handle {
    #[inline]
    fn clone(&self) -> Self {
        match current::scheduler() {
            Some(running) if std::ptr::eq(running.core(), self.core()) => running.purse().handle(),
            _ => Self(self.0.clone()),
        }
    }
}

impl Drop for Handle {
    #[inline]
    fn drop(&mut self) {
        if let Some(running) = current::scheduler()
            && running.purse().keep(&self.0)
        {
            return;
        }
        // SAFETY: dropped once, here; the purse did not take the count.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

/// The handles that a scheduler has over.
pub(crate) struct Purse {
    own: Arc<Share>,
    spare: Cell<u32>,
}

impl Purse {
    pub(crate) fn new(handle: &Handle) -> Self {
        Self {
            own: Arc::clone(&handle.0),
            spare: Cell::new(0),
        }
    }

    /// A handle, from what is over if there is any.
    #[inline]
    pub(crate) fn handle(&self) -> Handle {
        Handle(ManuallyDrop::new(self.take()))
    }

    #[inline]
    fn take(&self) -> Arc<Share> {
        match self.spare.get().checked_sub(1) {
            Some(left) => {
                self.spare.set(left);
                // SAFETY: the purse has a count for it, and has just given that up.
                unsafe { std::ptr::read(&raw const self.own) }
            }
            None => Arc::clone(&self.own),
        }
    }

    /// Takes over the count of `handle`, which must not be dropped then; `false` when it is another
    /// thread's, or enough are kept.
    #[inline]
    fn keep(&self, handle: &Arc<Share>) -> bool {
        let kept = Arc::ptr_eq(handle, &self.own) && self.spare.get() < KEPT_MAX;
        if kept {
            self.spare.set(self.spare.get() + 1);
        }
        kept
    }
}

impl Drop for Purse {
    fn drop(&mut self) {
        while 0 < self.spare.get() {
            drop(self.take());
        }
    }
}
