//! The end of a process.
//!
//! Role       A crash is reported, names and holdings are released, code and state dropped, links and
//!            watchers told, what waited is refused, and the slot is given back: in this order. A
//!            large heap and a long mailbox are dropped last, and elsewhere: see [`Remains`].
//! Invariant  Whoever is told of the death finds the name free and what the state held (files,
//!            sockets, locks) released, unless that is large and did not ask for it. A panic in any
//!            drop is caught and ends nothing else.
//! Source     otp: erts, "Processes", exiting

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::local::{Extra, Local, PARENT_LINK, RAISED, RELEASES, Release};
use super::remains::Remains;
use super::{Queue, held, info};
use crate::envelope::{Envelope, ExitKind, Header, Kind, Signal};
use crate::heap::{self, HeapGroup};
use crate::mailbox::{self, Limit};
use crate::platform::panics;
use crate::scheduler::Running;
use crate::{CallError, DeadReason, Pid, Reason, report};

/// How many undelivered messages are dropped on the scheduler; what is more goes to the reaper.
const DROP_HERE_MAX: usize = 1024;

/// Ends the running process for `reason`.
pub(crate) fn bury(running: &Running, reason: Reason) {
    let core = running.core();
    let block = running.block();
    let me = running.pid();
    if !reason.is_orderly() && reason != Reason::Killed {
        report::crash(running, &reason);
    }
    let before = block.begin_dying();
    running.begin_dying(reason.clone());
    release_names(running, before, &reason);
    let (last, group) = match running.has(RELEASES) {
        false => (heap::is_large(running), None),
        true => release(running),
    };
    if !last {
        drop_body(running);
    }
    core.process_ended(&reason);
    let parent = info::parent_of(me.node(), block.parent());
    let parent = parent.filter(|_| running.has(PARENT_LINK));
    let mut extra = running.local(|local| local.extra.take());
    if let Some(parent) = parent {
        core.exit_signal(parent, me, reason.clone(), ExitKind::Link);
    }
    let limit = match before & super::LIMITED {
        0 => None,
        _ => extra.as_ref().and_then(|extra| extra.limit.clone()),
    };
    let backlog = extra
        .as_mut()
        .and_then(|extra| tell(running, me, &reason, extra));
    if !last && let Some(extra) = extra.take() {
        drop_caught(running, extra);
    }
    let queue = refuse(running, &reason, backlog);
    if let Some(limit) = limit {
        refuse_held(running, &reason, &limit);
    }
    if last || !queue.is_empty() {
        give_to_reaper(running, reason, extra, queue, group.as_ref());
    }
    running.end_dying();
    // The tenant is gone, and the next one writes it afresh. It owns nothing any more, unless the
    // program's destructors asked for something meanwhile.
    if running.local(|local| local.extra.is_some() || !local.queue.is_empty()) {
        drop_local(running);
    }
    if let Some(group) = group {
        group.leave(me);
    }
    heap::close(running);
    give_back(running);
}

#[cold]
fn drop_local(running: &Running) {
    let left = running.local(|local| std::mem::replace(local, Local::empty()));
    drop_caught(running, left);
}

/// What is large, or too much, is freed elsewhere.
#[cold]
fn give_to_reaper(
    running: &Running,
    reason: Reason,
    extra: Option<Box<Extra>>,
    queue: Queue,
    group: Option<&HeapGroup>,
) {
    let remains = Remains {
        node: running.node.clone(),
        pid: running.pid(),
        reason,
        body: running.local(|local| local.body.take()),
        extra,
        queue,
    };
    let reaper = running.core().reaper();
    match group {
        Some(group) => reaper.take_of_group(group, remains),
        None => reaper.take(remains),
    }
}

/// Whether the state is dropped last, and the heap group of the process.
#[cold]
fn release(running: &Running) -> (bool, Option<HeapGroup>) {
    running.local(|local| {
        let extra = local.extra();
        let group = extra.heap_group.take();
        let last = match extra.release {
            Release::First => false,
            Release::Last => true,
            Release::BySize => group.is_some() || heap::is_large(running),
        };
        (last, group)
    })
}

/// What others have that says that the process is there.
#[inline]
fn release_names(running: &Running, before: u64, reason: &Reason) {
    let (core, me) = (running.core(), running.pid());
    if before & (super::NAMED | super::HOLDS | super::TRACED) != 0 {
        if before & super::TRACED != 0 {
            running.trace_exit(before, reason);
        }
        held::release_all(running, before);
    }
    if before & super::HAS_PEERS != 0 {
        core.forget_peer(me);
    }
    if before & super::LIMITED != 0 {
        core.limits().remove(me);
    }
    if running.has(RAISED) {
        mailbox::ended(running);
    }
}

/// Gives the slot back: the process is no more.
#[inline]
fn give_back(running: &Running) {
    let (table, slot) = (running.core().table(), running.slot());
    table.leave();
    if table.vacate(slot) {
        running.give_slot(slot);
    }
}

/// Drops code and state. A panic in here is reported, and changes no reason.
fn drop_body(running: &Running) {
    let body = running.local(|local| local.body.take());
    drop_caught(running, body);
}

/// Drops something of the program's.
fn drop_caught<T>(running: &Running, value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        report::drop_panic(running.core(), running.pid(), &panics::reason(payload));
    }
}

/// Tells everybody who asked to be told; returns arrivals that were being put in order.
fn tell(
    running: &Running,
    me: Pid,
    reason: &Reason,
    extra: &mut Extra,
) -> Option<super::local::Backlog> {
    let core = running.core();
    let backlog = extra.backlog.take();
    for (other, link) in extra.links.drain(..) {
        if link.active {
            core.exit_signal(other, me, reason.clone(), ExitKind::Link);
        }
    }
    for ((watcher, id), _) in extra.watchers.drain(..) {
        core.send_signal(
            watcher,
            Signal::Down {
                id,
                from: me,
                reason: reason.clone(),
            },
        );
    }
    for call in extra.orphans.drain(..) {
        call.discard(&CallError::Down(reason.clone()));
    }
    for (_, kept) in extra.open_calls.drain(..) {
        kept.caller.fail(&CallError::Down(reason.clone()));
    }
    for caller in extra.suspending.drain(..) {
        caller.fail(&CallError::NoProc);
    }
    for (id, watch) in extra.watches.drain(..) {
        if let Some(target) = watch.target {
            core.send_signal(target, Signal::Demonitor { watcher: me, id });
        }
    }
    if let Some((key, _)) = extra.alarm.take() {
        core.timers().cancel(key);
    }
    for (_, (key, _)) in extra.timers.drain(..) {
        core.timers().cancel_if_to(key, me);
    }
    backlog
}

/// Closes the inbox and refuses what was never handled; returns what is too much to do here.
fn refuse(running: &Running, reason: &Reason, backlog: Option<super::local::Backlog>) -> Queue {
    let mut queue = running.local(|local| std::mem::replace(&mut local.queue, Queue::new()));
    if let Some(mut backlog) = backlog {
        queue.append(&mut backlog.ordered);
        append_newest_first(&mut queue, backlog.stack);
    }
    append_newest_first(&mut queue, running.block().inbox.close::<Header>());
    for _ in 0..DROP_HERE_MAX {
        let Some(envelope) = queue.pop() else { break };
        refuse_one(running, reason, envelope);
    }
    queue
}

/// Frees who waits for a place, and refuses what is held.
#[cold]
fn refuse_held(running: &Running, reason: &Reason, limit: &Limit) {
    for mut envelope in limit.close() {
        envelope.header_mut().generation = running.generation();
        refuse_one(running, reason, envelope);
    }
}

/// Refuses one envelope; a panic in a message's drop is caught.
fn refuse_one(running: &Running, reason: &Reason, envelope: Envelope) {
    let refuse = || refuse_any(running.core(), running.pid(), reason, envelope);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(refuse)) {
        report::drop_panic(running.core(), running.pid(), &panics::reason(payload));
    }
}

/// Refuses one envelope from the queue of a dead process.
pub(super) fn refuse_any(core: &crate::node::Core, pid: Pid, reason: &Reason, envelope: Envelope) {
    let generation = envelope.header().generation;
    // Zero: not from the inbox, but put in the queue by the process itself.
    if generation != 0 && generation != pid.tenancy() {
        core.undeliverable_here(pid.slot(), envelope);
    } else {
        refuse_at_death(core, pid, reason, envelope);
    }
}

pub(crate) fn refuse_at_death(
    core: &crate::node::Core,
    pid: Pid,
    reason: &Reason,
    envelope: Envelope,
) {
    match envelope.kind() {
        Kind::Call => envelope.discard(&CallError::Down(reason.clone())),
        Kind::Message | Kind::Encoded => {
            core.dead_letter(
                pid,
                envelope,
                DeadReason::Died,
                &CallError::Down(reason.clone()),
            );
        }
        _ => core.undeliverable(pid, envelope),
    }
}

/// Refuses what was sent to a process that never ran.
pub(super) fn refuse_stack(core: &crate::node::Core, pid: Pid, stack: *mut Header) {
    let mut queue = Queue::new();
    append_newest_first(&mut queue, stack);
    while let Some(envelope) = queue.pop() {
        refuse_at_death(core, pid, &Reason::NoProc, envelope);
    }
}

fn append_newest_first(queue: &mut Queue, stack: *mut Header) {
    let mut ordered = Queue::new();
    // SAFETY: the stack was taken from the inbox and is ours.
    unsafe { ordered.prepend_stack(stack, usize::MAX, |_| ()) };
    queue.append(&mut ordered);
}
