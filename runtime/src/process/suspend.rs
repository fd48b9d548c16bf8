//! Stop for a while: by order of another process, or because another node cannot keep up.
//!
//! Role       Suspends count per suspender; signals go on acting; the end of a suspender resumes.
//! Invariant  A suspender is told when the code has yielded, and from then on it does not run.
//! Source     otp: erlang:suspend_process/1, resume_process/1

use super::links::{WatchOptions, demonitor, monitor};
use super::local::Purpose;
use super::table::SUSPENDED;
use crate::envelope::Caller;
use crate::scheduler::Running;
use crate::{CallError, MonitorRef, Pid};

pub(super) fn suspend_arrived(running: &Running, by: Pid, caller: Caller) {
    let count = running.extra(|extra| {
        let count = extra.suspenders.entry(by).or_insert(0);
        *count += 1;
        *count
    });
    running.block().set_flag(SUSPENDED);
    if count == 1 {
        // A suspender that dies must not leave us suspended for ever: the watch is looked at when
        // its down arrives, and is not the program's.
        let _ = monitor(
            running,
            Some(by),
            WatchOptions {
                purpose: Purpose::Suspender,
                ..Default::default()
            },
        );
    }
    if running.local(|local| local.body.is_some()) {
        return caller.answer(Vec::new());
    }
    // Its code runs: it gets no further message, and the suspender is told when it has yielded.
    running.budget.set(0);
    running.extra(|extra| extra.suspending.push(caller));
}

/// The code of a suspended process has yielded.
#[cold]
pub(crate) fn suspended(running: &Running) {
    for caller in running.extra(|extra| std::mem::take(&mut extra.suspending)) {
        caller.answer(Vec::new());
    }
}

pub(super) fn resume_arrived(running: &Running, by: Pid, caller: &Caller) {
    let left = running.extra(|extra| {
        let count = extra.suspenders.get_mut(&by)?;
        *count -= 1;
        Some(*count)
    });
    match left {
        None => return caller.fail(&CallError::Refused("not suspended by the caller".into())),
        Some(0) => {
            unwatch(running, by);
            forget(running, by);
        }
        Some(_) => {}
    }
    caller.answer(Vec::new());
}

/// The suspender has died: what it did is undone.
pub(super) fn suspender_down(running: &Running, by: Pid) {
    forget(running, by);
}

/// Takes back the watch of a suspender.
fn unwatch(running: &Running, by: Pid) {
    let id = running.extra(|extra| {
        let mut watches = extra.watches.iter();
        watches
            .find(|(_, watch)| watch.purpose == Purpose::Suspender && watch.target == Some(by))
            .map(|(id, _)| *id)
    });
    if let Some(id) = id {
        let owner = running.pid();
        demonitor(running, MonitorRef { owner, id });
    }
}

/// The process has sent more to another node than it takes for now: once its code has yielded it
/// does not run until there is room.
#[cold]
pub(crate) fn hold(running: &Running) {
    running.extra(|extra| extra.held_by_ports += 1);
    running.block().set_flag(SUSPENDED);
    running.budget.set(0);
}

/// Whether a process that ports hold has waited for an answer as long as it wanted to: it hears of
/// that, and goes on until it yields.
#[cold]
pub(crate) fn is_overdue(running: &Running) -> bool {
    let now = running.core().clock().coarse();
    running.extra(|extra| {
        let is_held = extra.held_by_ports > 0 && extra.suspenders.is_empty();
        let waits = !extra.calls.is_empty();
        is_held && waits && extra.alarm.is_some_and(|(_, at)| at <= now)
    })
}

/// There is room again in a port.
pub(super) fn released(running: &Running) {
    let none_left = running.extra(|extra| {
        extra.held_by_ports = extra.held_by_ports.saturating_sub(1);
        extra.held_by_ports == 0 && extra.suspenders.is_empty()
    });
    if none_left {
        running.block().clear_flag(SUSPENDED);
    }
}

fn forget(running: &Running, by: Pid) {
    let none_left = running.extra(|extra| {
        extra.suspenders.swap_remove(&by);
        extra.suspenders.is_empty() && extra.held_by_ports == 0
    });
    if none_left {
        running.block().clear_flag(SUSPENDED);
    }
}
