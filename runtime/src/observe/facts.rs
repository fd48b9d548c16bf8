//! What is known of one process without asking it?
//!
//! Role       [`ProcessFacts`]: the figures in its control block, and, if it is idle, what its
//!            private half says.
//! Limit      A mailbox is counted up to [`MESSAGES_COUNTED_MAX`].

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ProcessKind;
use crate::heap;
use crate::node::Core;
use crate::process::{
    Block, HIBERNATING, Local, SUSPENDED, TRAP_EXIT, is_process, look, parent_of,
};
use crate::scheduler::{Ran, Scheduler};
use crate::{Pid, Priority};

/// How far a mailbox is counted.
const MESSAGES_COUNTED_MAX: usize = 1 << 20;

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Activity {
    /// A scheduler runs it.
    Running,
    /// It has something to do, and stands in a run queue.
    Runnable,
    /// It waits for a message, an answer or a deadline.
    Waiting,
    /// It waits, and has given back what memory it could.
    Hibernating,
    /// Another process has suspended it.
    Suspended,
}

/// A process, as an observer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessFacts {
    /// Who it is.
    pub pid: Pid,
    /// The name it is registered under.
    pub name: Option<Arc<str>>,
    /// The name of its code: an actor's type, or the function's. `None` when it was about to run.
    pub code: Option<&'static str>,
    /// What it calls itself, if it set a label.
    pub label: Option<Box<str>>,
    /// What it is.
    pub kind: ProcessKind,
    /// The process that started it; `None` for one started from outside, or from another node.
    pub parent: Option<Pid>,
    /// What it was doing.
    pub activity: Activity,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether it traps exits.
    pub trap_exit: bool,
    /// Messages handled so far; counted up to `u32::MAX`.
    pub reductions: u64,
    /// Messages that wait to be handled. `None` while it runs or waits to run: then only the
    /// process itself knows, and [`crate::Node::info`] asks it.
    pub message_queue_len: Option<usize>,
    /// To how many processes it is linked, its parent included; unknown when the length is.
    pub links: Option<usize>,
    /// Bytes it has allocated and still holds; `None` when no accounting allocator is installed.
    pub memory: Option<u64>,
}

/// What a pass over the table knows of the schedulers.
pub(super) struct Seen {
    /// The processes that ran a moment ago.
    running: Vec<Ran>,
}

impl Seen {
    pub(super) fn now(core: &Core) -> Self {
        let running = match core.scheduler() {
            Scheduler::Real(real) => real
                .workers
                .iter()
                .filter_map(|worker| worker.stamp.running())
                .collect(),
            // Whoever looks runs itself.
            Scheduler::Simulated(_) => crate::platform::current::process()
                .filter(|running| running.core().id() == core.id())
                .map(|running| Ran {
                    process: running.word(),
                    code: running.code_name(),
                    message: running.handling().map(|handling| handling.what),
                })
                .into_iter()
                .collect(),
        };
        Self { running }
    }

    fn code_of(&self, pid: Pid) -> Option<&'static str> {
        self.ran(pid).map(|ran| ran.code)
    }

    /// The kind of message that it handles, if it runs.
    pub(super) fn message_of(&self, pid: Pid) -> Option<&'static str> {
        self.ran(pid)?.message
    }

    fn ran(&self, pid: Pid) -> Option<&Ran> {
        let word = pid.local_word().get();
        self.running.iter().find(|ran| ran.process == word)
    }
}

/// What stands in the control block alone: cheap enough for all of a million.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    pub(crate) pid: Pid,
    pub(super) state: u64,
    pub(crate) parent: Option<Pid>,
    pub(super) reductions: u32,
}

impl Glance {
    /// Of the tenant of this slot, if it is alive.
    pub(crate) fn of(core: &Core, slot: u32) -> Option<Self> {
        let block = core.table().find(slot)?;
        let state = block.state();
        let generation = NonZeroU32::new((state >> 32) as u32)?;
        let reductions = block.reductions();
        // Read again after the rest: it was all of the same tenant.
        let parent = block.parent_if_alive(generation.get())?;
        Some(Self {
            pid: Pid::new(core.id(), slot, generation),
            state,
            parent: parent_of(core.id(), parent).filter(is_process),
            reductions,
        })
    }

    pub(crate) fn kind(&self) -> ProcessKind {
        Block::kind_in(self.state)
    }
}

/// What only an idle process shows.
pub(crate) struct Close {
    pub(crate) code: Option<&'static str>,
    label: Option<Box<str>>,
    pub(super) messages: usize,
    links: usize,
}

impl Close {
    /// Of a process that is idle.
    pub(crate) fn of(core: &Core, pid: Pid) -> Option<Self> {
        look(core, pid.slot(), pid.generation().get(), Self::read)
    }

    fn read(local: &Local) -> Self {
        let extra = local.extra.as_deref();
        let active = |extra: &crate::process::Extra| {
            let links = extra.links.values();
            links.filter(|link| link.active).count()
        };
        Self {
            code: local.body.as_ref().map(|body| body.name()),
            label: extra.and_then(|extra| extra.label.clone()),
            messages: local.messages_up_to(MESSAGES_COUNTED_MAX),
            links: extra.map_or(0, active),
        }
    }
}

impl ProcessFacts {
    /// All that is known; `close` if it has been looked at already.
    pub(super) fn of(
        core: &Core,
        seen: &Seen,
        glance: Glance,
        close: Option<Close>,
    ) -> Option<Self> {
        let Glance {
            pid,
            state,
            parent,
            reductions,
        } = glance;
        let close = close.or_else(|| Close::of(core, pid));
        let block = core.table().find(pid.slot())?;
        let ran = seen.code_of(pid);
        let hibernates = block.has_own(HIBERNATING);
        let parent_link = usize::from(block.has_own(crate::process::PARENT_LINK));
        let facts = Self {
            pid,
            name: core.names().of(pid),
            code: close.as_ref().and_then(|close| close.code).or(ran),
            label: close.as_ref().and_then(|close| close.label.clone()),
            kind: glance.kind(),
            parent,
            activity: match &close {
                _ if state & SUSPENDED != 0 => Activity::Suspended,
                Some(_) if hibernates => Activity::Hibernating,
                Some(_) => Activity::Waiting,
                None if ran.is_some() => Activity::Running,
                None => Activity::Runnable,
            },
            priority: Block::priority_in(state),
            trap_exit: block.has_own(TRAP_EXIT),
            reductions: u64::from(reductions),
            message_queue_len: close.as_ref().map(|close| close.messages),
            links: close.as_ref().map(|close| close.links + parent_link),
            memory: heap::of_process(core, pid),
        };
        block.is_alive(pid.generation().get()).then_some(facts)
    }
}
