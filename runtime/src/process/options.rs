//! What is a process started with?
//!
//! Role       [`SpawnOptions`]: what most processes have by itself, what few have in a box of its own.
//! Invariant  A process that has nothing special costs no look at what few have.

use std::str::FromStr;

use super::local::{PARENT_LINK, Release, TRAP_EXIT};
use crate::heap::{HeapGroup, MaxHeap};
use crate::mailbox::{Mailbox, QueueData};
use crate::names::Names;
use crate::observe::ProcessKind;
use crate::scheduler::Priority;
use crate::{Node, SpawnError, Via};

/// What a process is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpawnOptions {
    pub(crate) link: bool,
    pub(crate) monitor: bool,
    pub(crate) priority: Priority,
    pub(crate) trap_exit: bool,
    pub(crate) code: Option<&'static str>,
    pub(crate) kind: ProcessKind,
    pub(crate) more: Option<Box<More>>,
}

/// What few processes are started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(super) name: Option<Box<str>>,
    pub(super) via: Option<Via>,
    pub(super) furniture: Furniture,
}

/// What a process has in its private half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Furniture {
    pub(super) mailbox: Option<Mailbox>,
    pub(super) queue_data: QueueData,
    pub(super) max_heap: Option<MaxHeap>,
    pub(super) heap_group: Option<HeapGroup>,
    pub(super) release: Release,
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

    /// The name that is asked for.
    #[doc(hidden)]
    #[must_use]
    pub fn asked_name(&self) -> Option<&str> {
        self.more.as_ref().and_then(|more| more.name.as_deref())
    }

    /// Whether nothing is asked for but a name and a link.
    #[doc(hidden)]
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let mut rest = self.clone().link();
        let more = rest.more.take().unwrap_or_default();
        let plain = More {
            name: more.name.clone(),
            ..More::default()
        };
        rest == Self::default().link() && *more == plain
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
        self.more().name = Some(name.into());
        self
    }

    /// Registers it under this key of a registry before it runs. When the key is taken, nothing is
    /// started.
    #[must_use]
    pub fn via(mut self, via: Via) -> Self {
        self.more().via = Some(via);
        self
    }

    /// Bounds its heap: see [`MaxHeap`], and [`Me::set_max_heap_size`](crate::Me::set_max_heap_size)
    /// for what a bound does.
    #[must_use]
    pub fn max_heap_size(mut self, bound: MaxHeap) -> Self {
        self.furniture().max_heap = Some(bound);
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
        self.furniture().release = Release::First;
        self
    }

    /// Drops its state after its end was told, on a thread of the node's own, however small it is:
    /// no scheduler is held by it, and whoever hears of the end may find what the state held not
    /// released yet.
    #[must_use]
    pub fn release_last(mut self) -> Self {
        self.furniture().release = Release::Last;
        self
    }

    /// Starts it as a member of a heap group, which is one of the same node.
    #[must_use]
    pub fn heap_group(mut self, group: &HeapGroup) -> Self {
        self.furniture().heap_group = Some(group.clone());
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    fn furniture(&mut self) -> &mut Furniture {
        &mut self.more().furniture
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
        self.furniture().mailbox = Some(mailbox);
        self
    }

    /// Gives it this kind of mailbox, unless one was set.
    #[must_use]
    pub fn mailbox_if_unset(mut self, mailbox: Option<Mailbox>) -> Self {
        if let Some(mailbox) = mailbox {
            self.furniture().mailbox.get_or_insert(mailbox);
        }
        self
    }

    /// Where the messages in its mailbox are counted; with its heap unless set.
    #[must_use]
    pub fn message_queue_data(mut self, data: QueueData) -> Self {
        self.furniture().queue_data = data;
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
    pub(super) fn flags(&self, linked: bool) -> u32 {
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        flag(linked, PARENT_LINK) | flag(self.trap_exit, TRAP_EXIT)
    }

    /// Whether a process can be started with them.
    #[inline]
    pub(super) fn check(&self, node: &Node) -> Result<(), SpawnError> {
        match &self.more {
            Some(more) => more.check(node),
            None => Ok(()),
        }
    }
}

impl More {
    #[cold]
    fn check(&self, node: &Node) -> Result<(), SpawnError> {
        if let Some(name) = &self.name {
            Names::check(name).map_err(|_| SpawnError::BadName(name.clone()))?;
        }
        let Furniture {
            mailbox,
            heap_group,
            ..
        } = &self.furniture;
        let mailbox = mailbox.unwrap_or_default();
        mailbox.check().map_err(SpawnError::BadMailbox)?;
        match heap_group.as_ref().filter(|group| !group.is_of(node)) {
            Some(group) => Err(SpawnError::OtherNodesGroup(group.name().into())),
            None => Ok(()),
        }
    }
}
