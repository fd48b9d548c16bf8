//! What does a process do with messages that it does not want yet?
//!
//! Role       Puts them aside, in order, for a server that handles some messages only; and back.
//! Invariant  What is put aside is older than all that is in the queue. It counts as waiting, and
//!            is refused with the rest when the process ends.

use super::Mailed;
use super::queue::Queue;
use crate::envelope::Envelope;
use crate::scheduler::Running;

/// The oldest in the queue that is wanted; older ones are put aside.
pub(super) fn next_of(
    running: &Running,
    mut wanted: impl FnMut(&Envelope) -> bool,
) -> Option<Mailed> {
    loop {
        super::fetch(running);
        if running.is_doomed() || !running.charge() {
            return None;
        }
        running.local(|local| local.set_mark(std::ptr::null_mut()));
        let envelope = running.pop_message()?;
        if wanted(&envelope) {
            running.count_reduction();
            if running.is_traced() {
                running.trace_taken(envelope.title(), envelope.from());
            }
            running.stamp_message(envelope.header());
            return Some(Mailed::open(running, envelope));
        }
        running.extra(|extra| extra.aside.push(envelope));
    }
}

/// Puts back what was put aside.
pub(super) fn put_back(running: &Running) {
    let aside = running.local(|local| {
        let extra = local.extra.as_mut()?;
        Some(std::mem::replace(&mut extra.aside, Queue::new()))
    });
    if let Some(aside) = aside {
        running.put_in_front(aside);
    }
}
