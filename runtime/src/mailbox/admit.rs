//! How does a message enter a bounded mailbox, and leave it?
//!
//! Role       The way in that senders take when the block says that the mailbox has a bound, and the
//!            process's side of it.
//! Invariant  Only messages, calls and what comes through aliases count; signals, answers to the
//!            process's own calls, its own timers, system messages and priority messages do not, and
//!            always enter.
//!            A message that counts bears a mark until the process takes it out.

use super::gate::Verdict;
use super::limit::Limit;
use crate::envelope::{COUNTED, Envelope, FULL, MAY_WAIT, Signal};
use crate::node::Core;
use crate::process::{Block, COUNTS_QUEUE, Pushed};
use crate::scheduler::Running;
use crate::{CallError, DeadReason, Pid};

fn counts(envelope: &Envelope) -> bool {
    match envelope.as_signal() {
        Some(Signal::Alias { priority, .. }) => !priority,
        Some(_) => false,
        None => {
            let header = envelope.header();
            let tag = envelope.tag().unwrap_or_else(header.table.tag);
            header.table.kind.is_for_the_queue() && !tag.is_system()
        }
    }
}

/// The message that a dead letter is about: what came through an alias lies in a signal.
fn opened(envelope: Envelope) -> Envelope {
    match envelope.take_signal() {
        Ok(Signal::Alias { message, .. }) => message,
        Ok(other) => Envelope::signal(other),
        Err(envelope) => envelope,
    }
}

impl Core {
    /// Delivers to a process with a bounded mailbox; gives the envelope back when it has ended, or
    /// when there is no place for it, which its mark says.
    pub(crate) fn push_limited(
        &self,
        block: &Block,
        pid: Pid,
        envelope: Envelope,
    ) -> Result<(), Envelope> {
        match self.limits().find(pid) {
            Some(limit) if counts(&envelope) => self.push_counted(&limit, block, envelope),
            Some(limit) => {
                if limit.drops_oldest() {
                    limit.gate().pushed_other();
                }
                self.push_into(block, pid, envelope)
            }
            None => Err(envelope),
        }
    }

    fn push_counted(
        &self,
        limit: &Limit,
        block: &Block,
        mut envelope: Envelope,
    ) -> Result<(), Envelope> {
        let pid = limit.pid;
        envelope.set_special(COUNTED, true);
        let mut gate = limit.gate();
        match gate.offer(envelope) {
            Verdict::Push(envelope) => {
                drop(gate);
                self.push_into(block, pid, envelope)
            }
            Verdict::Held { ticket, dropped } => {
                // Under the lock: what others hold on this ticket must not overtake it.
                let pushed = ticket.map(|ticket| {
                    let ticket = Envelope::signal(Signal::Held { ticket });
                    self.put_into(block, pid, ticket)
                });
                drop(gate);
                if let Some(Ok(Pushed::Wake)) = pushed {
                    self.enqueue(pid.slot(), block.priority());
                }
                if let Some(oldest) = dropped {
                    self.drop_full(pid, oldest, DeadReason::DroppedOldest);
                }
                Ok(())
            }
            Verdict::Wait(envelope) => Err(marked(envelope, FULL | MAY_WAIT)),
            Verdict::Full(envelope) => Err(marked(envelope, FULL)),
            Verdict::Drop(newest) => {
                drop(gate);
                self.drop_full(pid, newest, DeadReason::DroppedNewest);
                Ok(())
            }
            Verdict::Closed(envelope) => Err(marked(envelope, 0)),
        }
    }

    /// Delivers a message for which a place is reserved.
    pub(super) fn push_reserved(
        &self,
        limit: &Limit,
        mut envelope: Envelope,
    ) -> Result<(), Envelope> {
        let Some(block) = self.living(limit.pid) else {
            return Err(envelope);
        };
        envelope.set_special(COUNTED, true);
        match limit.gate().redeem(envelope) {
            Verdict::Push(envelope) => self.push_into(block, limit.pid, envelope),
            Verdict::Closed(envelope) => Err(marked(envelope, 0)),
            _ => unreachable!("a reserved place is there, or the process is not"),
        }
    }

    /// A message that the mailbox has no place for is a dead letter, a request fails.
    #[cold]
    pub(crate) fn drop_full(&self, to: Pid, envelope: Envelope, reason: DeadReason) {
        self.dead_letter(to, opened(envelope), reason, &CallError::Full);
    }
}

/// It does not count, and bears this mark.
fn marked(mut envelope: Envelope, mark: u8) -> Envelope {
    envelope.set_special(COUNTED, false);
    envelope.set_special(mark, true);
    envelope
}

/// The running process fetches what a ticket stands for; what it then has too much of goes, oldest
/// first.
#[cold]
pub(crate) fn fetch_held(running: &Running, ticket: u64) {
    let Some(limit) = running.limit() else {
        return;
    };
    let (fetched, excess) = limit.gate().fetch(ticket);
    for mut envelope in fetched {
        envelope.header_mut().generation = running.generation();
        match envelope.take_signal() {
            Ok(Signal::Alias { alias, message, .. }) => {
                crate::process::alias_arrived(running, alias, message, COUNTED);
            }
            Ok(_) => unreachable!("no other signal counts"),
            Err(mut message) => {
                if running.has(COUNTS_QUEUE) {
                    message.count();
                }
                running.enqueue_message(message);
            }
        }
    }
    for _ in 0..excess {
        let oldest = running.take_first(Envelope::is_counted);
        // An alias that had ended may have taken some of them.
        if let Some(oldest) = oldest {
            let core = running.core();
            core.drop_full(running.pid(), oldest, DeadReason::DroppedOldest);
        }
    }
}

/// A message that counted is out of the running process's mailbox.
#[cold]
pub(crate) fn release_one(running: &Running) {
    if let Some(limit) = running.limit() {
        limit.release();
    }
}
