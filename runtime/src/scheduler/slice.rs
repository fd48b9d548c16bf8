//! One turn of one process.
//!
//! Role       Fetch, act on signals, poll, and then park, requeue or bury: the same on every
//!            platform.
//! Inputs     The slot of a process that was taken from a run queue.
//! Invariant  On return the process is parked, back in a queue, or dead; a panic of the program's
//!            code ends the process and nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Running;
use crate::platform::panics;
use crate::process::{self, Behaviour, Block, HAS_BACKLOG, SUSPENDED, TRACED, Turn};
use crate::{Reason, heap};

enum Next {
    Park,
    Requeue,
    End(Reason),
}

/// Runs the process in `slot` for a while.
pub(crate) fn slice(running: &Running, slot: u32) {
    let block = running.core().table().block(slot);
    running.begin(block, slot);
    loop {
        process::fetch(running);
        match step(running, block) {
            Next::Park if block.inbox.park() => break,
            // It was woken while it ran: that costs it a turn, or it could hold us for ever.
            Next::Park if running.charge() => {}
            Next::Park | Next::Requeue => {
                running.core().enqueue(slot, block.priority());
                break;
            }
            Next::End(reason) => {
                process::bury(running, reason);
                break;
            }
        }
    }
    running.end();
}

#[inline]
fn step(running: &Running, block: &Block) -> Next {
    if running.is_doomed() {
        return doomed(running, None);
    }
    if block.state() & (SUSPENDED | TRACED) != 0 {
        return unusual_step(running, block);
    }
    step_on(running, block)
}

/// The same for a process that does not run, or whose doings are told.
#[cold]
fn unusual_step(running: &Running, block: &Block) -> Next {
    if block.state() & SUSPENDED != 0 && !process::is_overdue(running) {
        return Next::Park;
    }
    if block.state() & TRACED == 0 {
        return step_on(running, block);
    }
    running.set_traced(true);
    let next = step_on(running, block);
    running.tell_taken();
    running.set_traced(false);
    next
}

// Always: the cold way to it must not cost the common one a call.
#[inline(always)]
fn step_on(running: &Running, block: &Block) -> Next {
    match poll(running, block) {
        Poll::Pending => {}
        // A signal that came while it ran was first.
        Poll::Ready(reason) => return doomed(running, Some(reason)),
    }
    if running.is_doomed() {
        doomed(running, None)
    } else if running.yielded.get() {
        Next::Requeue
    } else {
        Next::Park
    }
}

/// The process ends: for what a signal asked, or else for its own reason, or because its heap is
/// too large; if that was to be told only, it goes on.
#[cold]
fn doomed(running: &Running, own: Option<Reason>) -> Next {
    let reason = running.take_doom().or(own);
    let killed = running.take_alarm() && too_large(running);
    match reason {
        Some(reason) => Next::End(reason),
        None if killed => Next::End(Reason::Killed),
        None => Next::Requeue,
    }
}

/// Whether the process, whose heap is, dies of that. What came before the message that was too much
/// acts first, a monitor say: while arrivals are put in order it is asked again.
fn too_large(running: &Running) -> bool {
    if running.has(HAS_BACKLOG) {
        heap::ask_again(running);
        return false;
    }
    heap::kills(running)
}

/// Polls the body and puts it back, also when it panicked: its state is still to be dropped.
// Always: as above.
#[inline(always)]
fn poll(running: &Running, block: &Block) -> Poll<Reason> {
    let Some(mut body) = running.local(|local| local.body.take()) else {
        unreachable!("a live process has a body");
    };
    running.stamp_poll(body.name());
    let result = process::with_waker(running, |waker| {
        let mut cx = Context::from_waker(waker);
        let mut turn = Turn::new(running);
        catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(&mut turn, &mut cx)))
    });
    let result = match result {
        Ok(result) => result,
        Err(payload) => panicked(running, body.as_mut(), payload),
    };
    running.local(|local| local.put_body(body));
    running.waits.set(false);
    if block.state() & SUSPENDED != 0 {
        process::suspended(running);
    }
    result
}

/// A panic ends the process, after its code has had its word.
#[cold]
fn panicked(
    running: &Running,
    body: Pin<&mut dyn Behaviour>,
    payload: Box<dyn Any + Send>,
) -> Poll<Reason> {
    let reason = panics::reason(payload);
    process::failed(running);
    let result = process::with_waker(running, |waker| {
        let mut cx = Context::from_waker(waker);
        catch_unwind(AssertUnwindSafe(|| body.panicked(reason, &mut cx)))
    });
    result.unwrap_or_else(|second| Poll::Ready(panics::reason(second)))
}
