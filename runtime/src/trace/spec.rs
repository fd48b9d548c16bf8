//! Who is to be traced, and what of it is to be told?
//!
//! Outputs    [`Trace`]: a session to be started with [`crate::Node::trace`].
//! Source     otp: erlang:trace/3, trace flags

use std::fmt;
use std::time::Duration;

use super::event::{CALLS, EVERYTHING, EXITS, LINKS, NAMES, RECEIVES, SENDS, SPAWNS};
use crate::{Pid, ProcessKind};

/// How many events a session buffers unless told otherwise, and how many at most.
const CAPACITY: usize = 1024;
const CAPACITY_MAX: usize = 1 << 20;
/// How many events a session takes a second unless told otherwise.
const RATE: u32 = 10_000;

/// One way to choose processes.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    One(Pid),
    NamePrefix(Box<str>),
    Code(Box<str>),
    ChildrenOf(Pid),
    Kind(ProcessKind),
    New,
    All,
}

/// What is known of a process when it is chosen, or not.
pub(super) struct Seen<'a> {
    pub(super) pid: Pid,
    pub(super) parent: Option<Pid>,
    pub(super) kind: ProcessKind,
    pub(super) name: Option<&'a str>,
    /// `None` while nobody can say.
    pub(super) code: Option<&'a str>,
    /// Whether it began while the session was on.
    pub(super) new: bool,
}

/// Whether a process is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    /// It depends on its code.
    Maybe,
    Yes,
}

impl Choice {
    fn verdict(&self, seen: &Seen<'_>) -> Verdict {
        let chosen = match self {
            Self::One(pid) => *pid == seen.pid,
            Self::NamePrefix(prefix) => seen.name.is_some_and(|name| name.starts_with(&**prefix)),
            Self::Code(part) => match seen.code {
                Some(code) => code.contains(&**part),
                None => return Verdict::Maybe,
            },
            Self::ChildrenOf(parent) => seen.parent == Some(*parent),
            Self::Kind(kind) => *kind == seen.kind,
            Self::New => seen.new,
            Self::All => true,
        };
        if chosen { Verdict::Yes } else { Verdict::No }
    }
}

/// Which processes are traced, and what of them. Processes that any of the choices names are; it
/// begins with none, and with nothing to tell.
///
/// ```
/// use foundation_runtime::{Node, Trace, Traced};
/// # let node = Node::builder().start().unwrap();
/// # node.block_on(async {
/// let mut events = node.trace(Trace::new().new_processes().spawns().exits())?;
/// let child = node.spawn_fn::<Word, _, _>(|_| async {}).unwrap();
/// assert!(matches!(events.next().await.what, Traced::Started { .. }));
/// let event = events.next().await;
/// assert_eq!(event.pid, child.pid());
/// assert!(matches!(event.what, Traced::Exited { .. }));
/// # Ok::<_, foundation_runtime::TraceError>(())
/// # }).unwrap();
/// # use foundation_runtime::{Codec, Message, Tag};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a trace is started by `Node::trace`"]
pub struct Trace {
    pub(super) choices: Vec<Choice>,
    pub(super) except: Vec<Pid>,
    pub(super) flags: u8,
    pub(super) on_spawn: bool,
    pub(super) capacity: usize,
    pub(super) rate: u32,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            choices: Vec::new(),
            except: Vec::new(),
            flags: 0,
            on_spawn: false,
            capacity: CAPACITY,
            rate: RATE,
        }
    }
}

impl Trace {
    /// Nobody, and nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn choose(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    fn flag(mut self, flag: u8) -> Self {
        self.flags |= flag;
        self
    }

    /// This process.
    pub fn process(self, pid: impl Into<Pid>) -> Self {
        self.choose(Choice::One(pid.into()))
    }

    /// Processes registered under a name that begins so, now or later.
    pub fn name_prefix(self, prefix: impl Into<Box<str>>) -> Self {
        self.choose(Choice::NamePrefix(prefix.into()))
    }

    /// Processes whose code's name contains this, an actor's type for example, now or later.
    pub fn code(self, part: impl Into<Box<str>>) -> Self {
        self.choose(Choice::Code(part.into()))
    }

    /// Processes that this one has started, or starts.
    pub fn children_of(self, parent: impl Into<Pid>) -> Self {
        self.choose(Choice::ChildrenOf(parent.into()))
    }

    /// Processes of this kind, now or later.
    pub fn kind(self, kind: ProcessKind) -> Self {
        self.choose(Choice::Kind(kind))
    }

    /// Processes that begin from now on.
    pub fn new_processes(self) -> Self {
        self.choose(Choice::New)
    }

    /// All processes, now or later. Costs each of them something; mind the rate.
    pub fn all(self) -> Self {
        self.choose(Choice::All)
    }

    /// Not this process, whatever else is said. The process that starts the trace is never traced
    /// by it.
    pub fn except(mut self, pid: impl Into<Pid>) -> Self {
        self.except.push(pid.into());
        self
    }

    /// What a traced process starts is traced, too, and what that starts.
    pub fn set_on_spawn(mut self) -> Self {
        self.on_spawn = true;
        self
    }

    /// Tells what they send: messages, requests and answers.
    pub fn sends(self) -> Self {
        self.flag(SENDS)
    }

    /// Tells what comes into their mailboxes.
    pub fn receives(self) -> Self {
        self.flag(RECEIVES)
    }

    /// Tells what they begin to handle: methods of servers, with arguments where the actor shows
    /// them, and messages that plain processes take.
    pub fn calls(self) -> Self {
        self.flag(CALLS)
    }

    /// Tells how they end.
    pub fn exits(self) -> Self {
        self.flag(EXITS)
    }

    /// Tells what they start, and that they began themselves.
    pub fn spawns(self) -> Self {
        self.flag(SPAWNS)
    }

    /// Tells of links, made and taken away by either side.
    pub fn links(self) -> Self {
        self.flag(LINKS)
    }

    /// Tells under which names they are registered.
    pub fn names(self) -> Self {
        self.flag(NAMES)
    }

    /// Tells all of it.
    pub fn everything(self) -> Self {
        self.flag(EVERYTHING)
    }

    /// Buffers so many events that nobody has read yet: 1,024 unless set, at most 1,048,576. What
    /// comes while it is full is counted, and lost.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events.min(CAPACITY_MAX);
        self
    }

    /// Takes at most so many events a second, measured over one: 10,000 unless set. What comes
    /// beyond is counted, and lost.
    pub fn rate(mut self, events: u32) -> Self {
        self.rate = events;
        self
    }

    pub(super) fn verdict(&self, seen: &Seen<'_>) -> Verdict {
        if self.except.contains(&seen.pid) {
            return Verdict::No;
        }
        let verdicts = self.choices.iter().map(|choice| choice.verdict(seen));
        verdicts.fold(Verdict::No, |all, one| match (all, one) {
            (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
            (Verdict::Maybe, _) | (_, Verdict::Maybe) => Verdict::Maybe,
            _ => Verdict::No,
        })
    }

    /// The nanoseconds that one event takes of the rate.
    pub(super) fn price(&self) -> u64 {
        Duration::from_secs(1).as_nanos() as u64 / u64::from(self.rate.max(1))
    }
}

/// Why a trace did not start. Nobody is traced by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// It chooses no process.
    Nobody,
    /// It tells nothing: no kind of event was asked for.
    Nothing,
    /// Its buffer has no room, or its rate is zero.
    NoRoom,
    /// It names a process of another node; it has to be traced there.
    Foreign,
    /// The node has 16 already.
    TooMany,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "the trace chooses no process",
            Self::Nothing => "the trace asks for no kind of event",
            Self::NoRoom => "the trace has a buffer or a rate of zero",
            Self::Foreign => "the trace names a process of another node",
            Self::TooMany => "the node has as many traces as it may have",
        })
    }
}

impl std::error::Error for TraceError {}
