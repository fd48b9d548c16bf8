//! What is there to see at one moment?
//!
//! Role       Everything that a frame shows, gathered before it is drawn.
//! Inputs     The job fills it in, several times a second.
//! Outputs    Read by [`super::draw`] alone.
//! Owns       Copies: drawing never waits for the job, and the job never for the terminal.
//! Invariant  Plain data; lists are in the order in which they are to be shown.

use std::time::Duration;

use crate::job::Nodes;

/// One moment of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What is read: `access.log`.
    pub input: String,
    /// The pass being read, from 1.
    pub pass: u32,
    /// How many there are to be.
    pub passes: u32,
    /// How much has been read, 0 to 1; nothing when the end is not known.
    pub progress: Option<f64>,
    /// Since the run began.
    pub elapsed: Duration,
    /// What the run is doing.
    pub phase: Phase,
    /// What chaos follows from.
    pub seed: u64,
    /// The probability with which a line kills its process; nothing when chaos is off.
    pub chaos: Option<f64>,
    /// The supervision tree, parents before their children.
    pub tree: Vec<Branch>,
    /// The nodes that share the job, when they are several.
    pub nodes: Option<Nodes>,
    /// How fast, and how many.
    pub throughput: Throughput,
    /// The latest findings, newest first.
    pub findings: Vec<Found>,
    /// Bursts found so far.
    pub bursts: u64,
    /// Storms found so far.
    pub storms: u64,
    /// What the watchdog has to say, newest first: one line for each stuck process.
    pub watchdog: Vec<String>,
    /// Whether every line is accounted for.
    pub ledger: Ledger,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Lines are being read and counted.
    Running,
    /// Reading is held up until the processes have caught up.
    Paused,
    /// The operator wants it to end; processes are being shut down in order.
    Stopping,
    /// All is counted. The view stays until it is left.
    Finished,
}

/// A row of the tree: a process, or many of a kind as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What it is called.
    pub name: String,
    /// How far below the root; the root is at 0.
    pub depth: u16,
    /// How it is.
    pub state: State,
    /// Its living children.
    pub children: u64,
    /// How often one of its children was started again.
    pub restarts: u64,
    /// Messages handled a second.
    pub rate: f64,
    /// Messages waiting.
    pub mailbox: u64,
    /// Memory in bytes, where it is known.
    pub memory: Option<u64>,
}

/// How a branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ok,
    /// It is dead.
    Red,
    /// It has been started again, and catches up.
    Recovering,
}

/// How fast the run is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Throughput {
    /// Lines counted a second, now.
    pub rate: f64,
    /// The most it was.
    pub peak_rate: f64,
    /// The rate over time, oldest first; the latest that fit are shown.
    pub history: Vec<u64>,
    /// Living processes.
    pub processes: u64,
    /// The most there were.
    pub peak_processes: u64,
    /// Processes that have crashed.
    pub crashes: u64,
    /// Processes started again after that.
    pub restarts: u64,
    /// 99 of 100 messages waited no longer than this, lately.
    pub p99: Option<Duration>,
}

/// A burst or a storm, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Many requests in ten seconds.
    #[expect(missing_docs, reason = "the fields say it")]
    Burst {
        start: i64,
        client: String,
        requests: u64,
    },
    /// Many errors in a minute.
    #[expect(missing_docs, reason = "the fields say it")]
    Storm {
        start: i64,
        client: String,
        responses: u64,
        errors: u64,
    },
}

/// Where every line that was read has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Lines read.
    pub read: u64,
    /// Well-formed lines counted.
    pub counted: u64,
    /// Malformed lines recorded.
    pub malformed: u64,
    /// Lines handed out and not counted yet.
    pub waiting: u64,
    /// Lines that will never be counted.
    pub lost: u64,
    /// Lines counted twice.
    pub doubled: u64,
}

impl Ledger {
    /// Whether every line is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.lost == 0
            && self.doubled == 0
            && self.read == self.counted + self.malformed + self.waiting
    }
}
