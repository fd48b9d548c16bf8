//! Who waits for a start, and when is it told?
//!
//! Role       The right to tell the starter of an actor or a supervisor how its start ended.
//! Invariant  It is told once: after init, or, when that fails, after the name is free again.

use foundation_runtime::{Me, ReplyTo};

use super::stop::Stop;

/// How a start ended, for the starter.
pub(crate) type Started = Result<(), Stop>;

/// The right to tell the starter; told at the latest when it is dropped.
pub(crate) struct Starter {
    reply: Option<ReplyTo<Started>>,
    failed: Option<Stop>,
}

impl Starter {
    pub(crate) fn new(reply: Option<ReplyTo<Started>>) -> Self {
        Self {
            reply,
            failed: None,
        }
    }

    pub(crate) fn ready(&mut self) {
        if let Some(reply) = self.reply.take() {
            reply.send(Ok(()));
        }
    }

    /// Remembers why it failed: the starter learns it when the process is gone.
    pub(crate) fn fail(&mut self, stop: Stop) {
        self.failed = Some(stop);
    }

    /// The same for code that ends before its process does: it is kept in the process dictionary,
    /// which outlives the code, so that the starter finds the name free.
    pub(crate) fn fail_at_death(mut self, me: Me, stop: Stop) {
        self.fail(stop);
        me.put("foundation: starter", self);
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        if let (Some(reply), Some(stop)) = (self.reply.take(), self.failed.take()) {
            reply.send(Err(stop));
        }
    }
}
