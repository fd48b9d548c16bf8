//! What does a link leave behind?
//!
//! Role       Takes a link back without a trace of it, for who waits for the end of a process in
//!            another way.
//! Source     otp: erlang:unlink/1, "unlink and flush"; proc_lib, kill_flush/1

use super::Me;
use super::links;
use super::local::TRAP_EXIT;
use crate::Pid;
use crate::envelope::Signal;

impl Me {
    /// Whether exits arrive as messages.
    #[must_use]
    pub fn traps_exits(self) -> bool {
        self.running().has(TRAP_EXIT)
    }

    /// Takes a link back, and removes an exit of `other` from the queue: after this none of it will
    /// be seen. What a process that traps exits does with one of which it has learnt otherwise.
    pub fn unlink_flush(self, other: impl Into<Pid>) {
        let (running, other) = (self.running(), other.into());
        links::unlink(running, other);
        super::fetch(running);
        running.discard_if(|envelope| {
            matches!(envelope.as_signal(), Some(Signal::ExitNotice(exit)) if exit.from == other)
        });
    }
}
