//! How does a process get rid of what it no longer wants to hear?
//!
//! Role       Takes messages of one type out of the mailbox unread: for what has ended a subscription
//!            of the process, and is to leave nothing of it behind.
//! Source     otp: pg, flush/1; erlang:demonitor/2, "flush"

use super::local::HAS_BACKLOG;
use super::mail::Plain;
use super::{Me, Message};

impl Me {
    /// Drops the messages of type `M` that `unwanted` names out of all that has arrived for this
    /// process. `unwanted` must not panic, nor ask anything of the process.
    #[doc(hidden)]
    pub fn flush<M: Message>(self, mut unwanted: impl FnMut(&M) -> bool) {
        let running = self.running();
        super::fetch(running);
        // What came in a crowd is put in order a portion at a time, and seen when all of it is.
        while running.has(HAS_BACKLOG) {
            super::fetch(running);
        }
        running.discard_if(|envelope| {
            let message = envelope.peek::<Plain<M>>();
            message.is_some_and(|plain| unwanted(&plain.0))
        });
    }
}
