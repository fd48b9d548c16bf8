//! What do an observer and an agent say to each other?
//!
//! Role       The values in the frames, both ways.
//! Limit      Lists are cut where their field says so; texts at [`TEXT_MAX`] bytes.
//! Invariant  A request is answered once, in the order of requests; [`Answer::Figures`] and
//!            [`Answer::Traced`] come between them, unasked, while a watch lasts.

use std::fmt;
use std::time::Duration;

use foundation_runtime::{Activity, Pid, ProcessKind};
use serde::{Deserialize, Serialize};

/// The version of this protocol: the two must have the same.
pub const VERSION: u16 = 3;
/// The most rows of a [`Page`].
pub const ROWS_MAX: u32 = 500;
/// How far a sorted list can be paged.
pub const RANK_MAX: u32 = 10_000;
/// The most bytes of a text that a process shows of itself.
pub const TEXT_MAX: usize = 16 * 1024;
/// How long a part of a node may take to answer an operator.
pub const OPERATE_MAX: Duration = Duration::from_secs(60);
/// The most events of a trace in one answer.
pub const EVENTS_MAX: usize = 200;

/// What an observer asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Request {
    /// Figures of the node, now and then every so often (a tenth of a second at least); zero: no
    /// more. Answered by the first [`Answer::Figures`], or [`Answer::Done`].
    Watch(Duration),
    /// Processes.
    Processes(PageQuery),
    /// Who started whom, at most so many rows.
    Tree(u32),
    /// One process in detail.
    Process(Pid),
    /// With each figures of the watch, what this process did since the last; `None`: no more.
    Trace(Option<Pid>),
    /// Ends a process at once.
    Kill(Pid),
    /// Asks a part of the node, such as its cluster, which answers in its own words.
    Operate(Operate),
}

/// A question to a part of a node: a process that speaks [`Operable`](crate::Operable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operate {
    /// The name that the part is registered under.
    pub part: String,
    /// What it is asked.
    pub question: Vec<u8>,
    /// How long it may take to answer, at most [`OPERATE_MAX`].
    pub bound: Duration,
}

/// Which processes, in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageQuery {
    /// The order.
    pub sort: Sort,
    /// How many to leave out at the front, at most [`RANK_MAX`].
    pub skip: u32,
    /// How many to show, at most [`ROWS_MAX`].
    pub rows: u32,
    /// Only those whose code's name contains this.
    pub code: Option<String>,
}

/// The order of a list of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sort {
    /// Who handled the most since this observer looked last.
    #[default]
    Recent,
    /// Who handled the most.
    Reductions,
    /// Who has the most messages waiting.
    Messages,
    /// Who holds the most memory.
    Memory,
}

impl Sort {
    /// All, in the order in which keys go through them.
    pub const ALL: [Self; 4] = [Self::Recent, Self::Reductions, Self::Messages, Self::Memory];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recent => "recent",
            Self::Reductions => "reductions",
            Self::Messages => "messages",
            Self::Memory => "memory",
        }
    }

    /// The one that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer {
    /// The first frame: who is observed.
    Welcome(Welcome),
    /// What was asked for is done.
    Done,
    /// Figures of the node.
    Figures(Box<Figures>),
    /// Processes.
    Page(Page),
    /// Who started whom.
    Tree(Tree),
    /// One process; `None` when it has ended.
    Process(Option<Box<Detail>>),
    /// What the traced process did.
    Traced(Traced),
    /// Whether there was such a process to kill.
    Killed(bool),
    /// What a part of the node answers; or why it does not.
    Operated(Result<Vec<u8>, String>),
    /// It was not done, for this reason.
    Refused(String),
    /// The last frame: why the session ends.
    Goodbye(String),
}

/// Who is observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The node's name.
    pub node: String,
    /// Its incarnation: another one is another life of the node.
    pub incarnation: u64,
    /// The operating system's process.
    pub os_pid: u32,
    /// Whether killing and tracing are refused.
    pub read_only: bool,
}

/// A node at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The node's time.
    pub at: Duration,
    /// Processes alive.
    pub processes: u64,
    /// The most there ever were.
    pub processes_peak: u64,
    /// Processes started so far.
    pub spawned: u64,
    /// Processes ended so far.
    pub ended: u64,
    /// Of those, not in order.
    pub crashed: u64,
    /// Messages that reached nobody.
    pub dead_letters: u64,
    /// Timers that run.
    pub timers: u64,
    /// Names registered.
    pub names: u64,
    /// Bytes that the program holds, if it keeps accounts.
    pub memory: Option<u64>,
    /// Of those, its living processes.
    pub process_memory: Option<u64>,
    /// The schedulers.
    pub schedulers: Vec<SchedulerFigures>,
    /// Processes that wait to run and belong to no scheduler.
    pub shared_queue: u64,
    /// What an operator should look at, the gravest first; at most 32.
    pub alarms: Vec<Alarm>,
    /// Processes that wait for each other; at most 10 circles.
    pub circles: Vec<Circle>,
    /// Figures that this observer missed because it did not read in time.
    pub skipped: u64,
    /// What it took to gather these.
    pub took: Duration,
}

/// A scheduler at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchedulerFigures {
    /// Which it is.
    pub index: u64,
    /// Whether it stands in for one that is stuck.
    pub spare: bool,
    /// The share of its time that it worked since the last figures, 0 to 1.
    pub utilisation: Option<f64>,
    /// Processes that wait in its own queue.
    pub run_queue: u64,
    /// How often it ran a process, so far.
    pub polls: u64,
}

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AlarmKind {
    /// A handler holds a scheduler.
    Stuck,
    /// Messages pile up.
    Mailbox,
    /// A process crashed since the last figures, or some more did.
    Crashes,
    /// Processes wait for each other in a circle.
    Deadlock,
}

/// Something that an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What kind of trouble.
    pub kind: AlarmKind,
    /// Whose.
    pub pid: Option<Pid>,
    /// In words.
    pub text: String,
}

/// Processes that call each other: each waits for the next, and the last for the first.
///
/// ```
/// use foundation_actors::observe::protocol::{Circle, Hop};
/// use foundation_runtime::{NodeId, Pid};
/// let pid = Pid::nobody(NodeId::unconnected("shop"));
/// let hop = |name: &str, message: &str| Hop {
///     pid,
///     name: Some(name.to_owned()),
///     message: message.to_owned(),
///     taken: true,
/// };
/// let circle = Circle { hops: vec![hop("a", "Ping"), hop("b", "Pong")], hidden: 0 };
/// assert_eq!(circle.to_string(), format!("a {pid} -(Ping)-> b {pid} -(Pong)-> a {pid}"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circle {
    /// Who waits, each for the next; at most 40.
    pub hops: Vec<Hop>,
    /// How many more are between the last of these and the first.
    pub hidden: u64,
}

/// A process in a [`Circle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Who waits.
    pub pid: Pid,
    /// Its name; else its code.
    pub name: Option<String>,
    /// What it asked the next one: the message's type, or the method, such as `Counter::add`.
    pub message: String,
    /// Whether the next one has begun to handle that; else it lies in its mailbox.
    pub taken: bool,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} {}", self.pid),
            None => write!(f, "{}", self.pid),
        }
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hop in &self.hops {
            write!(f, "{hop} -({})-> ", hop.message)?;
        }
        if self.hidden > 0 {
            write!(f, "{} more -> ", self.hidden)?;
        }
        self.hops.first().map_or(Ok(()), |hop| hop.fmt(f))
    }
}

/// Processes, in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The question.
    pub query: PageQuery,
    /// How many qualified, also those not shown.
    pub matched: u64,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One process in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Who it is.
    pub pid: Pid,
    /// Its name; else what it calls itself.
    pub name: Option<String>,
    /// Its code.
    pub code: Option<String>,
    /// What it is.
    pub kind: ProcessKind,
    /// Who started it.
    pub parent: Option<Pid>,
    /// What it was doing.
    pub activity: Activity,
    /// Messages handled.
    pub reductions: u64,
    /// The same, a second, since this observer saw it last.
    pub rate: Option<f64>,
    /// Messages that wait; not known of one that ran.
    pub messages: Option<u64>,
    /// Bytes that it holds, if the program keeps accounts.
    pub memory: Option<u64>,
}

/// Who started whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// From the top down, each before its children.
    pub branches: Vec<Branch>,
    /// How many processes are in no row.
    pub hidden: u64,
}

/// A process in its tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// How far below the top.
    pub depth: u32,
    /// How many it started that are alive.
    pub children: u64,
    /// Itself.
    pub row: Row,
}

/// One process in detail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// What lists show.
    pub row: Row,
    /// How urgent it is: `low`, `normal`, `high` or `max`.
    pub priority: String,
    /// Whether it traps exits.
    pub trap_exit: bool,
    /// What it told of itself; `None` when it did not come to answer in time.
    pub told: Option<Told>,
    /// Its state, if it allows that.
    pub state: Option<String>,
    /// Its last messages, if its log is on.
    pub log: Vec<Event>,
}

/// What only the process itself knows. Lists are cut at 200.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Processes it is linked to.
    pub links: Vec<Pid>,
    /// Processes it watches.
    pub monitors: Vec<Pid>,
    /// Processes that watch it.
    pub monitored_by: Vec<Pid>,
    /// The keys of its dictionary.
    pub dictionary: Vec<String>,
}

/// Something that a process did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, on its node's clock.
    pub at: Duration,
    /// In words.
    pub text: String,
}

/// What the traced process did since the last answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// Who.
    pub pid: Pid,
    /// The last [`EVENTS_MAX`] of it, oldest first.
    pub events: Vec<Event>,
    /// How many more there were.
    pub missed: u64,
    /// Why there will be no more.
    pub ended: Option<String>,
}
