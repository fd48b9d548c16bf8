//! One turn of one process.
//!
//! Role       Fetch, act on signals, poll, and then park, requeue or bury: the same on every
//!            platform.
//! Inputs     The slot of a process that was taken from a run queue.
//! Invariant  On return the process is parked, back in a queue, or dead; a panic of the program's
//!            code ends the process and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Running;
use crate::Reason;
use crate::platform::panics;
use crate::process::{self, Behaviour, SUSPENDED, Turn};

enum Next {
    Park,
    Requeue,
    End(Reason),
}

/// Runs the process in `slot` for a while.
pub(crate) fn slice(running: &Running, slot: u32) {
    let core = running.core();
    let block = core.table().block(slot);
    running.begin(block, slot);
    loop {
        process::fetch(running);
        match step(running) {
            Next::Park if block.inbox.park() => break,
            Next::Park if running.budget.get() > 0 => {}
            Next::Park | Next::Requeue => {
                core.enqueue(slot, block.priority());
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

fn step(running: &Running) -> Next {
    if let Some(reason) = running.doomed.take() {
        return Next::End(reason);
    }
    if running.block().state() & SUSPENDED != 0 {
        return Next::Park;
    }
    let Some(body) = running.local(|local| local.body.take()) else {
        unreachable!("a live process has a body");
    };
    match poll(running, body) {
        Ok(Poll::Pending) => {}
        Ok(Poll::Ready(reason)) | Err(reason) => {
            // A signal that came while it ran was first.
            return Next::End(running.doomed.take().unwrap_or(reason));
        }
    }
    match running.doomed.take() {
        Some(reason) => Next::End(reason),
        None if running.yielded.get() => Next::Requeue,
        None => Next::Park,
    }
}

/// Polls the body and puts it back, also when it panicked: its state is still to be dropped.
fn poll(running: &Running, mut body: Pin<Box<dyn Behaviour>>) -> Result<Poll<Reason>, Reason> {
    running.stamp_poll(body.name());
    let result = process::with_waker(running, |waker| {
        let mut cx = Context::from_waker(waker);
        catch_unwind(AssertUnwindSafe(|| {
            body.as_mut().poll(&mut Turn::new(running), &mut cx)
        }))
    });
    running.local(|local| local.body = Some(body));
    result.map_err(panics::reason)
}
