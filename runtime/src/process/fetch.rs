//! What arrived, and what does it do?
//!
//! Role       Moves arrivals from the inbox to the queue, oldest first; signals act on the way.
//! Invariant  Arrivals act in the order they were pushed. A long stack is put in order in portions
//!            that are charged to the process, so that 50 million messages delay nobody else.
//! Source     otp: erts, "Processes and Signals"

use std::ptr::NonNull;

use super::local::{
    Backlog, COUNTS_QUEUE, HAS_BACKLOG, HAS_RECEIVER, PARENT_LINK, RAISED, TRAP_EXIT,
};
use super::queue::Queue;
use super::{Block, inbox, links};
use crate::envelope::{self, COUNTED, Envelope, ExitKind, Header, Kind, PRIORITY, Signal};
use crate::mailbox;
use crate::scheduler::Running;
use crate::{CallError, Pid, Reason};

/// How many arrivals are put in order at once.
const PORTION: usize = 4096;

// SAFETY: `next` is the header's own field, and headers are aligned to 8 bytes.
unsafe impl inbox::Linked for Header {
    unsafe fn set_next(this: *mut Self, next: *mut Self) {
        // SAFETY: by contract.
        unsafe { (*this).next = next };
    }
}

/// What a process has whose arrivals want more than to be put in order.
const UNUSUAL: u32 = HAS_BACKLOG | RAISED | COUNTS_QUEUE;

/// Fetches what arrived for the running process.
#[inline]
pub(crate) fn fetch(running: &Running) {
    if running.block().inbox.has_arrivals() || running.has(UNUSUAL) {
        fetch_arrivals(running);
    }
}

fn fetch_arrivals(running: &Running) {
    if running.has(UNUSUAL) {
        return fetch_much(running);
    }
    fetch_stack::<false>(running);
}

/// `COUNTS`: what comes is charged to the process.
#[inline(always)]
fn fetch_stack<const COUNTS: bool>(running: &Running) {
    let stack = running.block().inbox.take::<Header>();
    if let Some(raw) = NonNull::new(stack)
        // SAFETY: taken from the inbox, so it is ours.
        && unsafe { raw.as_ref() }.next.is_null()
    {
        if COUNTS {
            charge(running, raw);
        }
        // SAFETY: as above.
        return fetch_one(running, unsafe { Envelope::from_raw(raw) });
    }
    put_in_order::<COUNTS>(
        running,
        Backlog {
            stack,
            ordered: Queue::new(),
            count: 0,
            plain: true,
        },
    );
}

/// Fetches for a process whose queue is long, or about to be, or counted.
#[cold]
fn fetch_much(running: &Running) {
    if running.has(HAS_BACKLOG) {
        match running.has(COUNTS_QUEUE) {
            true => fetch_backlog::<true>(running),
            false => fetch_backlog::<false>(running),
        }
    } else if running.block().inbox.has_arrivals() {
        match running.has(COUNTS_QUEUE) {
            true => fetch_stack::<true>(running),
            false => fetch_stack::<false>(running),
        }
    }
    if running.has(RAISED) {
        mailbox::settle(running);
    }
}

/// Charges an arrival to the running process, if it is one for its queue.
fn charge(running: &Running, arrival: NonNull<Header>) {
    // SAFETY: callers took it from the inbox.
    let header = unsafe { arrival.as_ref() };
    if header.generation == running.generation() && header.table.kind.is_for_the_queue() {
        // SAFETY: as above.
        unsafe { envelope::count(arrival) };
    }
}

/// Most often one message comes at a time.
#[inline]
fn fetch_one(running: &Running, envelope: Envelope) {
    let header = envelope.header();
    if header.generation == running.generation() && header.table.kind.is_for_the_queue() {
        running.enqueue_message(envelope);
        return after_arrivals(running);
    }
    let mut one = Queue::new();
    one.push(envelope);
    act_all(running, one);
}

/// Puts one portion of a stack in order. Nothing of it is seen before all of it is: the oldest comes
/// last.
fn put_in_order<const COUNTS: bool>(running: &Running, mut backlog: Backlog) {
    let generation = running.generation();
    let (mut plain, mut count) = (backlog.plain, backlog.count);
    let look = |raw: NonNull<Header>| {
        if COUNTS {
            charge(running, raw);
        }
        // SAFETY: the backlog owns the stack.
        let header = unsafe { raw.as_ref() };
        plain &= header.generation == generation && header.table.kind.is_for_the_queue();
        count += 1;
    };
    // SAFETY: the backlog owns the stack.
    backlog.stack = unsafe { backlog.ordered.prepend_stack(backlog.stack, PORTION, look) };
    backlog.plain = plain;
    backlog.count = count;
    if !backlog.stack.is_null() {
        return keep_backlog(running, backlog);
    }
    if backlog.plain {
        running.append(&mut backlog.ordered, count);
        return after_arrivals(running);
    }
    act_all(running, backlog.ordered);
}

#[cold]
fn keep_backlog(running: &Running, backlog: Backlog) {
    running.set(HAS_BACKLOG, true);
    running.extra(|extra| extra.backlog = Some(backlog));
    running.yielded.set(true);
}

/// Goes on with a long stack.
#[cold]
fn fetch_backlog<const COUNTS: bool>(running: &Running) {
    running.set(HAS_BACKLOG, false);
    let backlog = running.extra(|extra| extra.backlog.take());
    if let Some(backlog) = backlog {
        put_in_order::<COUNTS>(running, backlog);
    }
}

/// Lets arrivals act, oldest first.
fn act_all(running: &Running, mut arrivals: Queue) {
    let generation = running.generation();
    while let Some(envelope) = arrivals.pop() {
        let header = envelope.header();
        let kind = header.table.kind;
        if header.generation != generation {
            // Sent to an earlier tenant of this slot, while it was dying.
            running.core().undeliverable_here(running.slot(), envelope);
        } else if kind.is_for_the_queue() {
            running.enqueue_message(envelope);
        } else if running.is_doomed() && running.has_signal() {
            // What comes after the end is dealt with when the process is buried.
            running.local(|local| local.queue.push(envelope));
        } else if kind == Kind::Signal {
            act(running, envelope);
        } else {
            reply(running, envelope);
        }
    }
    after_arrivals(running);
}

#[inline]
fn after_arrivals(running: &Running) {
    if running.waits.get() {
        running.yielded.set(true);
    }
    if running.has(HAS_RECEIVER) {
        wake_receiver(running);
    }
}

/// A receive that something other than the process's own waker polls looks again.
#[cold]
fn wake_receiver(running: &Running) {
    running.set(HAS_RECEIVER, false);
    let receiver = running.extra(|extra| extra.receiver.take());
    if let Some(receiver) = receiver {
        receiver.wake();
    }
}

/// An answer goes to the call that waits for it; a late one is dropped.
#[inline(never)]
fn reply(running: &Running, mut envelope: Envelope) {
    let id = match envelope.kind() {
        Kind::Reply => envelope.reply_id(),
        _ => envelope.encoded_reply_id(),
    };
    let answered = running.local(|local| match &mut local.extra {
        Some(extra) => extra.calls.answer(id, envelope),
        None => Err(envelope),
    });
    match answered {
        Ok(None) => {}
        Ok(Some(waker)) => waker.wake(),
        Err(late) => late.discard(&CallError::NoProc),
    }
}

#[inline(never)]
fn act(running: &Running, envelope: Envelope) {
    let counted = envelope.header().special & COUNTED;
    let signal = match envelope.take_signal() {
        Ok(signal) => signal,
        Err(other) => unreachable!("{other:?} is no signal"),
    };
    match signal {
        Signal::Exit { from, reason, kind } => exit(running, from, reason, kind),
        Signal::Link { from } => links::link_arrived(running, from),
        Signal::Unlink { from, id } => links::unlink_arrived(running, from, id),
        Signal::UnlinkAck { from, .. } => links::unlink_acknowledged(running, from),
        Signal::Monitor { watcher, id, name } => {
            running.extra(|extra| extra.watchers.insert((watcher, id), name));
        }
        Signal::Demonitor { watcher, id } => {
            running.extra(|extra| extra.watchers.swap_remove(&(watcher, id)));
        }
        Signal::Down { id, from, reason } => links::down_arrived(running, id, Some(from), reason),
        Signal::Info(request) => super::info::answer(running, request),
        Signal::Suspend { by, caller } => super::suspend::suspend_arrived(running, by, caller),
        Signal::Resume { by, caller } => super::suspend::resume_arrived(running, by, &caller),
        Signal::Lead { leader, .. } => super::kin::set_leader(running, leader),
        Signal::Released => super::suspend::released(running),
        Signal::CallClosed { address } => {
            running.extra(|extra| extra.open_calls.swap_remove(&address));
        }
        Signal::NodeLost { node, connection } => links::node_lost(running, node, connection),
        Signal::NodeChanged { change, times, .. } => {
            for _ in 0..times {
                running.enqueue_message(Envelope::plain(change.clone()));
            }
        }
        Signal::Alias {
            alias,
            message,
            priority,
        } => {
            let special = counted | if priority { PRIORITY } else { 0 };
            super::alias::message_arrived(running, alias, message, special);
        }
        Signal::Held { ticket } => mailbox::fetch_held(running, ticket),
        notice @ (Signal::Timeout { .. } | Signal::ExitNotice(_) | Signal::DownNotice(_)) => {
            links::notice(running, notice);
        }
    }
}

/// What an exit signal does: by its reason, its kind, and whether the process traps exits.
pub(super) fn exit(running: &Running, from: Pid, reason: Reason, kind: ExitKind) {
    let traps = running.has(TRAP_EXIT);
    match kind {
        ExitKind::Link if !links::remove_active(running, from) => return,
        ExitKind::Sent if reason == Reason::Kill => return running.doom(from, Reason::Killed),
        _ => {}
    }
    if traps {
        return links::notice_exit(running, from, reason);
    }
    let own = kind == ExitKind::Sent && from == running.pid();
    if reason != Reason::Normal || own {
        running.doom(from, reason);
    }
}

/// Whether `pid` is the parent of the process in `block`, to which one link needs no entry.
pub(crate) fn is_parent(running: &Running, pid: Pid) -> bool {
    pid.node() == running.core().id() && running.block().parent() == pid.local_word().get()
}

/// Whether the running process has its parent link.
pub(crate) fn has_parent_link(running: &Running) -> bool {
    running.has(PARENT_LINK)
}

const _: () = assert!(align_of::<Header>() >= 8 && size_of::<Block>() == 64);
