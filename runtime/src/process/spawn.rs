//! How does a process begin?
//!
//! Role       Makes a process whole before anybody can see it: body, parent, link, monitor, name.
//! Invariant  A failed spawn leaves nothing behind. Link and monitor of a spawn are there before
//!            the process's first instruction.
//! Source     otp: erlang:spawn_opt/4

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use super::behaviour::Behaviour;
use super::local::{Local, PARENT_LINK, RELEASES, Release, TRAP_EXIT};
use super::queue::Queue;
use super::{Block, LIMITED, Watch};
use crate::heap::{self, HeapGroup, Held, MaxHeap};
use crate::mailbox::{self, Limit, Mailbox, Marks, QueueData};
use crate::names::Names;
use crate::node::{Core, guest};
use crate::observe::ProcessKind;
use crate::platform::current;
use crate::scheduler::{Priority, Running};
use crate::trace::Born;
use crate::{MonitorRef, Node, Pid, SpawnError, Via};

/// What a process is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpawnOptions {
    pub(crate) link: bool,
    pub(crate) monitor: bool,
    pub(crate) priority: Priority,
    pub(crate) trap_exit: bool,
    pub(crate) name: Option<Box<str>>,
    pub(crate) via: Option<Via>,
    pub(crate) code: Option<&'static str>,
    pub(crate) max_heap: Option<MaxHeap>,
    pub(crate) kind: ProcessKind,
    pub(crate) more: Option<Box<More>>,
}

/// What few processes are started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    mailbox: Option<Mailbox>,
    queue_data: QueueData,
    heap_group: Option<HeapGroup>,
    release: Release,
}

impl SpawnOptions {
    /// Nothing special: no link, no monitor, normal priority.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Links the new process with the one that spawns it.
    #[must_use]
    pub fn link(mut self) -> Self {
        self.link = true;
        self
    }

    /// Watches the new process from the one that spawns it.
    #[must_use]
    pub fn monitor(mut self) -> Self {
        self.monitor = true;
        self
    }

    /// Starts it with this priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Starts it trapping exits.
    #[must_use]
    pub fn trap_exit(mut self) -> Self {
        self.trap_exit = true;
        self
    }

    /// Registers it under this name before it runs.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Registers it under this key of a registry before it runs. When the key is taken, nothing is
    /// started.
    #[must_use]
    pub fn via(mut self, via: Via) -> Self {
        self.via = Some(via);
        self
    }

    /// Bounds its heap: see [`MaxHeap`], and [`Me::set_max_heap_size`](crate::Me::set_max_heap_size)
    /// for what a bound does.
    #[must_use]
    pub fn max_heap_size(mut self, bound: MaxHeap) -> Self {
        self.max_heap = Some(bound);
        self
    }

    /// Drops its state before anybody learns of its end, however large it is.
    ///
    /// That is the order for small ones anyway: whoever hears of the end finds files, sockets and
    /// locks released. A heap of more than a mebibyte is freed afterwards, on a thread of its own,
    /// since freeing it would hold a scheduler; unless this says that the state has something in it
    /// that a successor needs.
    #[must_use]
    pub fn release_first(mut self) -> Self {
        self.more().release = Release::First;
        self
    }

    /// Drops its state after its end was told, on a thread of the node's own, however small it is:
    /// no scheduler is held by it, and whoever hears of the end may find what the state held not
    /// released yet.
    #[must_use]
    pub fn release_last(mut self) -> Self {
        self.more().release = Release::Last;
        self
    }

    /// Starts it as a member of a heap group, which is one of the same node.
    #[must_use]
    pub fn heap_group(mut self, group: &HeapGroup) -> Self {
        self.more().heap_group = Some(group.clone());
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// What a plain process's code is called in reports; its function's name unless set.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// What kind of process it is, for those who look at the node from outside; behaviours say it.
    #[must_use]
    pub fn kind(mut self, kind: ProcessKind) -> Self {
        self.kind = kind;
        self
    }

    /// Gives it this kind of mailbox; unbounded unless set.
    #[must_use]
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.more().mailbox = Some(mailbox);
        self
    }

    /// Gives it this kind of mailbox, unless one was set.
    #[must_use]
    pub fn mailbox_if_unset(mut self, mailbox: Option<Mailbox>) -> Self {
        if let Some(mailbox) = mailbox {
            self.more().mailbox.get_or_insert(mailbox);
        }
        self
    }

    /// Where the messages in its mailbox are counted; with its heap unless set.
    #[must_use]
    pub fn message_queue_data(mut self, data: QueueData) -> Self {
        self.more().queue_data = data;
        self
    }

    /// Reads an option from text, as dynamic callers give it: `link`, `monitor`, `trap_exit`,
    /// `priority=low|normal|high|max`, `name=...`, `mailbox=100:reject`,
    /// `message_queue_data=on_heap|off_heap`.
    ///
    /// # Errors
    /// [`BadOption`] for anything else; the options are unchanged.
    pub fn with(self, option: &str) -> Result<Self, BadOption> {
        let bad = || BadOption(option.into());
        Ok(match option.split_once('=') {
            None if option == "link" => self.link(),
            None if option == "monitor" => self.monitor(),
            None if option == "trap_exit" => self.trap_exit(),
            Some(("priority", level)) => {
                self.priority(Priority::from_str(level).map_err(|_| bad())?)
            }
            Some(("name", name)) => self.name(name),
            Some(("mailbox", kind)) => self.mailbox(Mailbox::from_str(kind).map_err(|_| bad())?),
            Some(("message_queue_data", data)) => {
                self.message_queue_data(QueueData::from_str(data).map_err(|_| bad())?)
            }
            _ => return Err(bad()),
        })
    }
}

/// The text names no spawn option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadOption(pub Box<str>);

impl std::fmt::Display for BadOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no spawn option", self.0)
    }
}

impl std::error::Error for BadOption {}

impl SpawnOptions {
    /// The flags that a process begins with.
    #[inline]
    fn flags(&self, linked: bool) -> u32 {
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        flag(linked, PARENT_LINK) | flag(self.trap_exit, TRAP_EXIT)
    }
}

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
    if let Some(bound) = options.max_heap {
        heap::limit(core, pid, bound);
        // SAFETY: the process has not been opened yet: its private half is ours.
        unsafe { (*block.local()).extra() }.max_heap = Some(Box::new(bound));
    }
    let monitor = match running {
        Some(running) => attach(running, pid, linked, options.monitor, block.local()),
        None => None,
    };
    let (mut flags, mut ways) = (core.first_flags(), core.table().ways());
    if let Some(more) = &options.more {
        // SAFETY: the process has not been opened yet: its private half is ours.
        (flags, ways) = furnish(core, pid, more, unsafe { &mut *block.local() });
    }
    block.inbox.open();
    block.occupy(
        options.priority,
        options.kind,
        parent.local_word().get(),
        options.flags(linked) | flags,
        ways,
    );
    if let Err(error) = register(node, pid, block, options) {
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
        name: options.name.as_deref(),
    };
    core.trace_born(running, &born, options.link && running.is_some());
}

impl SpawnOptions {
    /// Whether a process can be started with them.
    #[inline]
    fn check(&self, node: &Node) -> Result<(), SpawnError> {
        if let Some(name) = &self.name {
            Names::check(name).map_err(|_| SpawnError::BadName(name.clone()))?;
        }
        if let Some(more) = &self.more {
            let mailbox = more.mailbox.unwrap_or_default();
            mailbox.check().map_err(SpawnError::BadMailbox)?;
            if let Some(group) = more.heap_group.as_ref().filter(|group| !group.is_of(node)) {
                return Err(SpawnError::OtherNodesGroup(group.name().into()));
            }
        }
        Ok(())
    }
}

/// Takes the name and the key that it is to have.
#[inline]
fn register(
    node: &Node,
    pid: Pid,
    block: &Block,
    options: &SpawnOptions,
) -> Result<(), SpawnError> {
    if let Some(name) = &options.name {
        let taken = node.core().names().take(name, pid, block);
        taken.map_err(|error| match error {
            crate::RegisterError::Taken(holder) => SpawnError::NameTaken(holder),
            _ => SpawnError::BadName(name.clone()),
        })?;
    }
    match &options.via {
        Some(via) => via.take(pid),
        None => Ok(()),
    }
}

/// Gives a process that is not opened yet what few have, its mailbox first: the flags that say
/// how it counts, and the way that senders take. To a bounded one nothing is on its way for a while: what its
/// senders are told must be true.
#[cold]
fn furnish(core: &Core, pid: Pid, options: &More, local: &mut Local) -> (u32, u64) {
    let extra = local.extra();
    extra.release = options.release;
    extra.heap_group.clone_from(&options.heap_group);
    if let Some(group) = &extra.heap_group {
        group.join(pid, extra.max_heap.as_deref().copied().unwrap_or_default());
    }
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

/// The parent's side of link and monitor, and the child's entry of its watcher.
fn attach(
    running: &Running,
    pid: Pid,
    linked: bool,
    monitored: bool,
    child: *mut Local,
) -> Option<MonitorRef> {
    if linked {
        super::links::add_active(running, pid);
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
            suspender: false,
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
