//! How does a process begin?
//!
//! Role       Makes a process whole before anybody can see it: body, parent, link, monitor, name.
//! Invariant  A failed spawn leaves nothing behind. Link and monitor of a spawn are there before
//!            the process's first instruction.
//! Source     otp: erlang:spawn_opt/4

use std::pin::Pin;
use std::sync::Arc;

use super::behaviour::Behaviour;
use super::local::{Local, Purpose, RELEASES, Release};
use super::options::{Furniture, More, SpawnOptions};
use super::queue::Queue;
use super::{Block, LIMITED, Watch};
use crate::heap::{self, Held};
use crate::mailbox::{self, Limit, Marks};
use crate::node::{Core, guest};
use crate::platform::current;
use crate::scheduler::Running;
use crate::trace::Born;
use crate::{MonitorRef, Node, Pid, SpawnError};

/// Starts a process with this body, from the process that runs this code or from outside.
pub(crate) fn spawn(
    node: &Node,
    body: Pin<Box<dyn Behaviour>>,
    options: &SpawnOptions,
) -> Result<(Pid, Option<MonitorRef>), SpawnError> {
    let core = node.core();
    let running = current::process().filter(|running| running.core().id() == core.id());
    // Or told of: then somebody listens.
    let told = core.hinders(running.is_none());
    if told && core.refuses(running.is_none()) {
        return Err(SpawnError::ShuttingDown);
    }
    options.check(node)?;
    if !core.table().admit() {
        return Err(SpawnError::SystemLimit);
    }
    let slot = take_slot(node);
    let block = core.table().block(slot);
    let parent = running.map_or_else(|| guest(core.id()), Running::pid);
    let linked = options.link && running.is_some();
    let held = Held::of(&body);
    let code = if told { body.name() } else { "" };
    // SAFETY: the slot is free and ours: nobody else touches its private half before `open`, and
    // it holds an empty `Local` or zeros, which own nothing.
    unsafe {
        block.local().write(Local {
            body: Some(body),
            queue: Queue::new(),
            extra: None,
        });
    }
    let generation = block.next_generation();
    let pid = Pid::new(core.id(), slot, generation);
    heap::open(core, pid, held);
    let monitor = match running {
        Some(running) => attach(running, pid, linked, options.monitor, block.local()),
        None => None,
    };
    let (mut flags, mut ways) = (core.first_flags(), core.table().ways());
    if let Some(more) = &options.more {
        // SAFETY: the process has not been opened yet: its private half is ours.
        (flags, ways) = furnish(core, pid, &more.furniture, unsafe { &mut *block.local() });
    }
    block.inbox.open();
    block.occupy(
        options.priority,
        options.kind,
        parent.local_word().get(),
        options.flags(linked) | flags,
        ways,
    );
    if let Some(more) = &options.more
        && let Err(error) = register(node, pid, block, more)
    {
        abandon(node, running, pid, monitor);
        return Err(error);
    }
    if told {
        tell_start(core, running, pid, code, options);
    }
    core.counters
        .spawned
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    core.enqueue(slot, options.priority);
    Ok((pid, monitor))
}

/// Tells of a process that has not run yet.
#[cold]
fn tell_start(
    core: &crate::node::Core,
    running: Option<&Running>,
    pid: Pid,
    code: &'static str,
    options: &SpawnOptions,
) {
    let born = Born {
        pid,
        parent: running.map(Running::pid),
        code,
        kind: options.kind,
        name: options.more.as_ref().and_then(|more| more.name.as_deref()),
    };
    core.trace_born(running, &born, options.link && running.is_some());
}

/// Takes the name and the key that it is to have.
#[cold]
fn register(node: &Node, pid: Pid, block: &Block, more: &More) -> Result<(), SpawnError> {
    if let Some(name) = &more.name {
        let taken = node.core().names().take(name, pid, block);
        taken.map_err(|error| match error {
            crate::RegisterError::Taken(holder) => SpawnError::NameTaken(holder),
            _ => SpawnError::BadName(name.clone()),
        })?;
    }
    match &more.via {
        Some(via) => via.take(pid),
        None => Ok(()),
    }
}

/// Gives a process that is not opened yet what few have, its mailbox first: the flags that say
/// how it counts, and the way that senders take. To a bounded one nothing is on its way for a while: what its
/// senders are told must be true.
#[cold]
fn furnish(core: &Core, pid: Pid, options: &Furniture, local: &mut Local) -> (u32, u64) {
    if *options == Furniture::default() {
        return (core.first_flags(), core.table().ways());
    }
    let extra = local.extra();
    if let Some(bound) = options.max_heap {
        heap::limit(core, pid, bound);
        extra.max_heap = Some(Box::new(bound));
    }
    if let Some(group) = &options.heap_group {
        group.join(pid, options.max_heap.unwrap_or_default());
        extra.heap_group = Some(group.clone());
    }
    extra.release = options.release;
    let releases = options.heap_group.is_some() || options.release != Release::BySize;
    extra.queue_data = options.queue_data;
    let mailbox = options.mailbox.unwrap_or_default();
    extra.marks = mailbox.mark().map(Marks::new);
    let marks = extra.marks.unwrap_or_else(|| core.marks());
    let flags = mailbox::first_flags(marks, options.queue_data);
    let flags = flags | if releases { RELEASES } else { 0 };
    let Some(bound) = mailbox.bound() else {
        return (flags, core.table().ways());
    };
    let limit = Arc::new(Limit::new(pid, bound));
    core.limits().add(&limit);
    extra.limit = Some(limit);
    (flags, LIMITED)
}

fn take_slot(node: &Node) -> u32 {
    match current::scheduler() {
        Some(running) if running.core().id() == node.id() => running.take_slot(),
        _ => {
            let mut one = Vec::with_capacity(1);
            loop {
                node.core().table().take_free(&mut one, 1);
                if let Some(slot) = one.pop() {
                    return slot;
                }
            }
        }
    }
}

/// The parent's side of link and monitor, and the child's entry of its watcher; the group that it is in.
fn attach(
    running: &Running,
    pid: Pid,
    linked: bool,
    monitored: bool,
    child: *mut Local,
) -> Option<MonitorRef> {
    // SAFETY: the child has not been opened yet: its private half is ours.
    super::kin::inherit(running, unsafe { &mut *child });
    if linked {
        super::links::add_active(running, pid, 0);
    }
    if !monitored {
        return None;
    }
    let me = running.pid();
    let id = running.extra(|extra| {
        let id = extra.fresh_id();
        let watch = Watch {
            target: Some(pid),
            name: None,
            tag: None,
            alias: None,
            purpose: Purpose::Monitor,
            over: 0,
        };
        extra.watches.insert(id, watch);
        id
    });
    // SAFETY: the child has not been opened yet: its private half is ours.
    unsafe { (*child).extra().watchers.insert((me, id), None) };
    Some(MonitorRef { owner: me, id })
}

/// Takes back a process that was never run.
fn abandon(node: &Node, running: Option<&Running>, pid: Pid, monitor: Option<MonitorRef>) {
    let core = node.core();
    if let Some(running) = running {
        super::links::remove_active(running, pid);
        if let Some(monitor) = monitor {
            running.extra(|extra| extra.watches.swap_remove(&monitor.id));
        }
    }
    let block = core.table().block(pid.slot());
    let before = block.clear_flag(super::ALIVE);
    if before & super::NAMED != 0 {
        core.names().release_of(pid);
    }
    if before & super::HOLDS != 0 {
        core.holdings().release_of(pid, drop);
    }
    if before & LIMITED != 0 {
        core.limits().remove(pid);
    }
    let stack = block.inbox.close::<crate::envelope::Header>();
    // SAFETY: the process was opened but never enqueued, so we still hold `SCHEDULED`.
    let local = unsafe { std::mem::replace(&mut *block.local(), Local::empty()) };
    let extra = local.extra.as_ref();
    let limit = extra.and_then(|extra| extra.limit.clone());
    let group = extra.and_then(|extra| extra.heap_group.clone());
    drop(local);
    if let Some(group) = group {
        group.leave(pid);
    }
    heap::abandon(core, pid);
    super::bury::refuse_stack(core, pid, stack);
    for held in limit.map(|limit| limit.close()).into_iter().flatten() {
        super::refuse_at_death(core, pid, &crate::Reason::NoProc, held);
    }
    core.table().leave();
    if core.table().vacate(pid.slot()) {
        core.table().give_free(std::iter::once(pid.slot()));
    }
}
