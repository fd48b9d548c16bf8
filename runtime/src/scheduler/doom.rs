//! Is the running process to end, or to be told of?
//!
//! Role       What a process looks at before it takes its next message: one byte, zero for nearly all
//!            of them, nearly always.
//! Invariant  The first signal that ends a process decides the reason.

use super::Running;
use crate::trace::Taken;
use crate::{Pid, Reason};

/// Bits of `Running::unusual`.
const DOOMED: u8 = 1;
const TRACED: u8 = 2;

impl Running {
    pub(crate) fn doom(&self, by: Pid, reason: Reason) {
        self.unusual.set(self.unusual.get() | DOOMED);
        let mut doom = self.doom.borrow_mut();
        if doom.is_none() {
            *doom = Some(reason);
            self.doomed_by.set(Some(by));
        }
    }

    /// Sees to it that the process yields, and is asked about its heap: `false` when it is dead.
    /// Called within the allocator.
    pub(crate) fn alarm(&self) -> bool {
        if !self.block().is_alive(self.generation()) {
            return false;
        }
        self.alarmed.set(true);
        self.unusual.set(self.unusual.get() | DOOMED);
        true
    }

    /// Whether the process has passed the bound of its heap since it was last asked.
    pub(crate) fn take_alarm(&self) -> bool {
        self.alarmed.replace(false)
    }

    /// Who sent the signal that the process, which is being buried, ends by.
    pub(crate) fn doomed_by(&self) -> Option<Pid> {
        self.doomed_by.get()
    }

    #[inline]
    pub(crate) fn is_doomed(&self) -> bool {
        self.unusual.get() & DOOMED != 0
    }

    /// Whether the process is traced since this turn began.
    #[inline]
    pub(crate) fn is_traced(&self) -> bool {
        self.unusual.get() & TRACED != 0
    }

    /// Whether a process that takes a message has to look twice: it is doomed, or traced.
    #[inline]
    pub(crate) fn is_unusual(&self) -> bool {
        self.unusual.get() != 0
    }

    /// Says for this turn that the process is traced.
    pub(crate) fn set_traced(&self, on: bool) {
        let others = self.unusual.get() & !TRACED;
        self.unusual.set(others | if on { TRACED } else { 0 });
    }

    pub(crate) fn set_taken(&self, taken: Option<Taken>) {
        *self.taken.borrow_mut() = taken;
    }

    pub(crate) fn take_taken(&self) -> Option<Taken> {
        self.taken.borrow_mut().take()
    }

    /// Whether it is a signal that the process is to end by.
    pub(crate) fn has_signal(&self) -> bool {
        self.doom.borrow().is_some()
    }

    /// Takes the reason for which a signal asked the process to end.
    #[inline]
    pub(crate) fn take_doom(&self) -> Option<Reason> {
        if !self.is_doomed() {
            return None;
        }
        self.unusual.set(self.unusual.get() & !DOOMED);
        self.doom.borrow_mut().take()
    }

    pub(crate) fn dying(&self) -> Option<Reason> {
        self.dying.borrow().clone()
    }

    /// The process is being buried, for this reason.
    #[inline]
    pub(crate) fn begin_dying(&self, reason: Reason) {
        self.dying.replace(Some(reason));
    }

    /// It is no more.
    #[inline]
    pub(crate) fn end_dying(&self) {
        self.doomed_by.set(None);
        if self.is_doomed() {
            self.forget_doom();
        }
        self.dying.replace(None);
    }

    /// What came or was allocated while it was buried is told to nobody.
    #[cold]
    fn forget_doom(&self) {
        self.unusual.set(self.unusual.get() & !DOOMED);
        self.alarmed.set(false);
        self.doom.borrow_mut().take();
    }
}
