//! What does the router's machine hear, and what does it say?
//!
//! Role       The whole surface of the machine: what is not in here can't happen.
//! Outputs    [`Limits`], [`Input`], [`Effect`], and [`Facts`] to be shown.

use crate::blocks::Block;
use crate::job::client::End;
use crate::job::work::{ClientName, Mark, Work};

/// How much is held, at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Client processes that live at once.
    pub(crate) clients: usize,
    /// Windows that are handed out at a time, beside the one that is being filled.
    pub(crate) windows: usize,
    /// A window of so many bytes is full ...
    pub(crate) window_bytes: usize,
    /// ... or of so many lines.
    pub(crate) window_lines: usize,
    /// Slices that are with clients' processes at a time: the queue of processes stays short, and
    /// what one has just read another finds in the cache.
    pub(crate) out: usize,
}

impl Limits {
    /// Those of a job.
    pub(crate) fn new(clients: usize) -> Self {
        assert!(clients > 0, "somebody has to do the work");
        Self {
            clients,
            windows: 2,
            window_bytes: 16 << 20,
            window_lines: 128 << 10,
            out: 256,
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// These blocks were read. Reading goes on only when it is asked for.
    Read(Vec<(u32, Block)>),
    /// There is nothing more to read.
    Ended,
    /// Whoever reads has been started again, and knows of no wish.
    ReaderUp,
    /// The process of this client is there.
    Started(u32),
    /// The process of this client is not there any more.
    Gone(u32, End),
    /// Of these clients, everything up to there is counted.
    Acked(Vec<(u32, Mark)>),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Read more.
    Read,
    /// Start a process for this client.
    Start(u32, ClientName),
    /// Give this work to the client's process.
    Send(u32, Work),
    /// Let the client's process end.
    Retire(u32),
    /// Every line of the passes before this one is counted.
    Passed(u32),
    /// Every line is counted.
    Finish,
}

/// What there is to see.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Facts {
    /// Lines read.
    pub(crate) read: u64,
    /// Of these, lines that were counted before this router began.
    pub(crate) skipped: u64,
    /// All lines that were counted before this router began.
    pub(crate) before: u64,
    /// Lines read and not counted yet.
    pub(crate) waiting: u64,
    /// Client processes that crashed.
    pub(crate) crashes: u64,
    /// Processes started after a crash.
    pub(crate) restarts: u64,
    /// The pass that is read, from 0.
    pub(crate) pass: u32,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// Clients with a process.
    pub(crate) living: u64,
    /// Slices that are with processes.
    pub(crate) out: u64,
    /// Whether reading waits for the clients.
    pub(crate) held_up: bool,
}

impl Facts {
    /// Lines that were handed out, or will be, by whichever router.
    pub(crate) fn taken_on(&self) -> u64 {
        self.before + self.read - self.skipped
    }
}
