//! What is this process doing?
//!
//! Role       `process_info`: a question in the order of signals, answered by the process itself
//!            when it fetches it, also while it waits or is suspended.
//! Source     otp: erlang:process_info/1,2

use serde::{Deserialize, Serialize};

use super::local::{HIBERNATING, PARENT_LINK, Purpose, TRAP_EXIT};
use super::table::SUSPENDED;
use crate::envelope::Caller;
use crate::heap::{self, HeapInfo, MaxHeap};
use crate::mailbox::{Bound, QueueData};
use crate::node::GUEST_SLOT;
use crate::scheduler::Running;
use crate::{NodeId, Pid};

pub(crate) struct InfoRequest {
    pub(crate) caller: Caller,
}

/// What a process was doing when it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It ran, or was about to.
    Running,
    /// It waited for a message, an answer or a deadline.
    Waiting,
    /// Another process has suspended it.
    Suspended,
    /// It waits, and has given back what memory it could.
    Hibernating,
}

/// The state of a process at the moment it answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Who it is.
    pub pid: Pid,
    /// The name of its code: an actor's type, or the function's.
    pub initial_call: String,
    /// What it calls itself, if it set a label.
    pub label: Option<String>,
    /// The name it is registered under.
    pub registered_name: Option<String>,
    /// What it was doing.
    pub status: Status,
    /// Messages that wait to be handled.
    pub message_queue_len: usize,
    /// Processes it is linked to.
    pub links: Vec<Pid>,
    /// Processes it watches; a name that led nowhere is not listed.
    pub monitors: Vec<Pid>,
    /// Processes that watch it.
    pub monitored_by: Vec<Pid>,
    /// Whether it traps exits.
    pub trap_exit: bool,
    /// `low`, `normal`, `high` or `max`.
    pub priority: String,
    /// Messages handled so far.
    pub reductions: u64,
    /// The process that started it; `None` for one started from outside, or from another node.
    pub parent: Option<Pid>,
    /// Who leads its group; `None` where nobody has set one.
    #[serde(default)]
    pub group_leader: Option<Pid>,
    /// The keys of its dictionary.
    pub dictionary: Vec<String>,
    /// Bytes it has allocated and still holds; `None` when no accounting allocator is installed.
    pub memory: Option<u64>,
    /// The same with what it lent and its high-water mark; `None` likewise.
    #[serde(default)]
    pub heap: Option<HeapInfo>,
    /// How large its heap may become.
    #[serde(default)]
    pub max_heap_size: MaxHeap,
    /// The processes that have suspended it.
    pub suspended_by: Vec<Pid>,
    /// The bound of its mailbox, if it has one.
    pub mailbox: Option<Bound>,
    /// Where the messages of its mailbox are counted.
    pub message_queue_data: QueueData,
}

/// Answers for the running process.
pub(super) fn answer(running: &Running, request: InfoRequest) {
    let info = describe(running);
    match rmp_serde::to_vec_named(&info) {
        Ok(bytes) => request.caller.answer(bytes),
        Err(error) => {
            request
                .caller
                .fail(&crate::CallError::Refused(error.to_string().into()));
        }
    }
}

pub(crate) fn describe(running: &Running) -> ProcessInfo {
    let node = running.core().id();
    let name = running.core().names().of(running.pid());
    let priority = format!("{:?}", running.block().priority()).to_lowercase();
    let parent = parent_of(node, running.block().parent());
    let suspended = running.block().state() & SUSPENDED != 0;
    let (heap, max_heap_size) = (heap::of_running(running), heap::max_heap(running));
    running.local(|local| {
        let extra = local.extra.as_deref();
        let mut links: Vec<Pid> = parent
            .filter(|_| running.has(PARENT_LINK))
            .into_iter()
            .collect();
        links.extend(extra.into_iter().flat_map(|extra| {
            extra
                .links
                .iter()
                .filter(|(_, link)| link.active)
                .map(|(pid, _)| *pid)
        }));
        let list = |pick: &dyn Fn(&super::Extra) -> Vec<Pid>| extra.map(pick).unwrap_or_default();
        ProcessInfo {
            pid: running.pid(),
            initial_call: local
                .body
                .as_ref()
                .map_or_else(|| running.code_name(), |body| body.name())
                .into(),
            label: extra.and_then(|extra| extra.label.as_deref().map(str::to_owned)),
            registered_name: name.map(|name| name.to_string()),
            status: match () {
                () if suspended => Status::Suspended,
                () if local.body.is_none() => Status::Running,
                () if running.has(HIBERNATING) => Status::Hibernating,
                () => Status::Waiting,
            },
            message_queue_len: local.messages_up_to(usize::MAX),
            links,
            monitors: list(&|extra| {
                let watches = extra.watches.values();
                let own = watches.filter(|watch| watch.purpose == Purpose::Monitor);
                own.filter_map(|watch| watch.target.filter(is_process))
                    .collect()
            }),
            monitored_by: list(&|extra| {
                let watchers = extra.watchers.keys().map(|(pid, _)| *pid);
                watchers.filter(is_process).collect()
            }),
            trap_exit: running.has(TRAP_EXIT),
            priority,
            reductions: u64::from(running.block().reductions()),
            parent: parent.filter(is_process),
            group_leader: extra.and_then(|extra| extra.kin.as_ref()?.leader),
            dictionary: extra
                .map(|extra| extra.dictionary.keys().map(|key| key.to_string()).collect())
                .unwrap_or_default(),
            memory: heap.map(|heap| heap.memory),
            heap,
            max_heap_size,
            suspended_by: list(&|extra| extra.suspenders.keys().copied().collect()),
            mailbox: extra.and_then(|extra| extra.limit.as_ref().map(|limit| limit.bound)),
            message_queue_data: extra.map_or(QueueData::OnHeap, |extra| extra.queue_data),
        }
    })
}

/// Whether this is a process, and not code outside any.
pub(crate) fn is_process(pid: &Pid) -> bool {
    pid.slot() != GUEST_SLOT
}

/// The pid behind a parent word of this node.
pub(crate) fn parent_of(node: NodeId, word: u64) -> Option<Pid> {
    let generation = std::num::NonZeroU32::new(word as u32)?;
    Some(Pid::new(node, (word >> 32) as u32, generation))
}

/// How many ancestors a report names.
const ANCESTORS_MAX: usize = 8;

/// Who started this process, who started that one, and so on; and whether each is alive. Whose
/// starter has ended leads no further: nobody is alive who knows.
pub(crate) fn ancestors(running: &Running) -> Vec<(Pid, bool)> {
    ancestors_from(running.core(), running.block().parent())
}

/// The same for any process of the node that is alive.
pub(crate) fn ancestors_of(core: &crate::node::Core, pid: Pid) -> Vec<(Pid, bool)> {
    let block = core.table().find(pid.slot());
    let parent = block.and_then(|block| block.parent_if_alive(pid.tenancy()));
    parent.map_or_else(Vec::new, |parent| ancestors_from(core, parent))
}

fn ancestors_from(core: &crate::node::Core, parent: u64) -> Vec<(Pid, bool)> {
    let mut found = Vec::new();
    let mut word = Some(parent);
    while let Some(pid) = word
        .and_then(|word| parent_of(core.id(), word))
        .filter(is_process)
    {
        let block = core.table().find(pid.slot());
        word = block.and_then(|block| block.parent_if_alive(pid.generation().get()));
        found.push((pid, word.is_some()));
        if found.len() == ANCESTORS_MAX {
            break;
        }
    }
    found
}

/// What a process of this node is called, for people, from outside.
pub(crate) fn name_of(core: &crate::node::Core, slot: u32) -> String {
    let generation = core.table().block(slot).generation();
    let word = u64::from(slot) << 32 | u64::from(generation);
    let Some(pid) = parent_of(core.id(), word) else {
        return format!("<{slot}.0>");
    };
    match core.names().of(pid) {
        Some(name) => format!("`{name}` {pid} on {}", core.name()),
        None => format!("{pid} on {}", core.name()),
    }
}
