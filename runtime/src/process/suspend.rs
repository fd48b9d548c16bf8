//! Stop for a while, by order of another process.
//!
//! Role       Suspends count per suspender; signals go on acting; the end of a suspender resumes.
//! Source     otp: erlang:suspend_process/1, resume_process/1

use super::links::{WatchOptions, monitor};
use super::table::SUSPENDED;
use crate::envelope::Caller;
use crate::scheduler::Running;
use crate::{CallError, Pid};

pub(super) fn suspend_arrived(running: &Running, by: Pid, caller: &Caller) {
    running.extra(|extra| *extra.suspenders.entry(by).or_insert(0) += 1);
    running.block().set_flag(SUSPENDED);
    // A suspender that dies must not leave us suspended for ever: the watch is looked at when its
    // down arrives, and is not the program's.
    let _ = monitor(
        running,
        Some(by),
        WatchOptions {
            suspender: true,
            ..Default::default()
        },
    );
    caller.answer(Vec::new());
}

pub(super) fn resume_arrived(running: &Running, by: Pid, caller: &Caller) {
    let known = running.extra(|extra| match extra.suspenders.get_mut(&by) {
        Some(count) => {
            *count -= 1;
            if *count == 0 {
                extra.suspenders.swap_remove(&by);
            }
            true
        }
        None => false,
    });
    if !known {
        return caller.fail(&CallError::Refused("not suspended by the caller".into()));
    }
    settle(running);
    caller.answer(Vec::new());
}

/// The suspender has died: what it did is undone.
pub(super) fn suspender_down(running: &Running, by: Pid) {
    running.extra(|extra| extra.suspenders.swap_remove(&by));
    settle(running);
}

fn settle(running: &Running) {
    if running.extra(|extra| extra.suspenders.is_empty()) {
        running.block().clear_flag(SUSPENDED);
    }
}
