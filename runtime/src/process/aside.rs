//! What does a process do with messages that it does not want yet?
//!
//! Role       Passes them over, for a server that handles some messages only; and goes back to them.
//! Invariant  What is passed over stays in the queue, where it was: it counts as waiting, may give
//!            alarm, and what goes first comes before it.

use super::Mailed;
use crate::envelope::Envelope;
use crate::scheduler::Running;

/// The oldest in the queue that is wanted, of those that were not passed over since [`put_back`].
pub(super) fn next_of(
    running: &Running,
    mut wanted: impl FnMut(&Envelope) -> bool,
) -> Option<Mailed> {
    let passes = running.extra(|extra| std::mem::replace(&mut extra.passes_over, true));
    if !passes {
        running.local(|local| local.set_mark(std::ptr::null_mut()));
    }
    loop {
        super::fetch(running);
        if running.is_doomed() || !running.charge() {
            return None;
        }
        let envelope = running.take_after_mark()?;
        if wanted(&envelope) {
            running.count_reduction();
            if running.is_traced() {
                running.trace_taken(envelope.title(), envelope.from());
            }
            running.stamp_message(envelope.header());
            return Some(Mailed::open(running, envelope));
        }
        running.keep_at_mark(envelope);
    }
}

/// What was passed over comes next.
pub(super) fn put_back(running: &Running) {
    running.local(|local| {
        if let Some(extra) = &mut local.extra {
            extra.passes_over = false;
            extra.mark = std::ptr::null_mut();
        }
    });
}
