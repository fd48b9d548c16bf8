//! What does everybody have to do, and how often?
//!
//! Sketch: a message between two tasks on one core costs two allocations and one queue each way, so
//! 100 to 300 ns; a spawn costs the first touch of its memory, about 1 ns for 4 bytes; a restart
//! costs an exit, a signal and a spawn, so 1 to 3 µs; `big_message` costs its 16,384 allocations.
//!
//! Role       The list of workloads and their sizes.
//! Inputs     A name from the command line, and whether the run is a quick one.
//! Outputs    [`Plan`]: how many operations, warm-up operations and processes.
//! Owns       Nothing.
//! Invariant  Every peer gets the same plan; a quick plan has a tenth of the operations.

use std::fmt;

/// Tokens that travel round a ring at once.
pub(crate) const TOKENS: u64 = 100;
/// Bytes of the shared payload of `fan_out`.
pub(crate) const PAYLOAD_BYTES: usize = 64 * 1024;
/// Children of one inner node of `skynet`.
pub(crate) const SKYNET_ARITY: u64 = 10;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Request and reply between one caller and one server, one at a time.
    Call,
    /// One-way messages to and fro between two processes.
    Cast,
    /// A million idle processes; the clock stops when each has started.
    Spawn,
    /// A hundred senders, one receiver.
    FanIn,
    /// A hundred tokens round ten thousand processes.
    Ring10k,
    /// A hundred tokens round a hundred thousand processes.
    Ring100k,
    /// One sender, a thousand receivers, one shared payload.
    FanOut,
    /// A supervised process that is told to exit and comes back.
    RestartExit,
    /// A supervised process that is told to panic and comes back.
    RestartPanic,
    /// One mebibyte of records, built, sent and summed.
    BigMessage,
    /// A tree with a million leaves that sums their numbers.
    Skynet,
    /// A million idle processes linked under a supervisor.
    IdleSupervised,
}

impl Workload {
    /// Every workload in the order of the table.
    pub(crate) const ALL: [Self; 12] = [
        Self::Call,
        Self::Cast,
        Self::Spawn,
        Self::FanIn,
        Self::Ring10k,
        Self::Ring100k,
        Self::FanOut,
        Self::RestartExit,
        Self::RestartPanic,
        Self::BigMessage,
        Self::Skynet,
        Self::IdleSupervised,
    ];

    /// The name used on the command line and in every output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Cast => "cast",
            Self::Spawn => "spawn",
            Self::FanIn => "fan_in",
            Self::Ring10k => "ring_10k",
            Self::Ring100k => "ring_100k",
            Self::FanOut => "fan_out",
            Self::RestartExit => "restart_exit",
            Self::RestartPanic => "restart_panic",
            Self::BigMessage => "big_message",
            Self::Skynet => "skynet",
            Self::IdleSupervised => "idle_supervised",
        }
    }

    /// The workload of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.name() == name)
    }

    /// How much of it to do.
    pub(crate) fn plan(self, quick: bool) -> Plan {
        let (ops, processes) = match self {
            Self::Call | Self::Cast => (1_000_000, 2),
            Self::Spawn | Self::IdleSupervised | Self::Skynet => (1_000_000, 0),
            Self::FanIn => (5_000_000, 100),
            Self::Ring10k => (5_000_000, 10_000),
            Self::Ring100k => (5_000_000, 100_000),
            Self::FanOut => (1_000_000, 1_000),
            Self::RestartExit | Self::RestartPanic => (100_000, 1),
            Self::BigMessage => (1_000, 2),
        };
        let ops = if quick { ops / 10 } else { ops };
        Plan {
            ops,
            warmup: ops / 10,
            processes,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// The size of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Operations that are timed: calls, hops, messages, spawns, restarts, or leaves.
    pub(crate) ops: u64,
    /// Operations of the same kind done before the clock starts.
    pub(crate) warmup: u64,
    /// Senders, receivers or ring members, where the workload has many.
    pub(crate) processes: u64,
}

/// How a supervised process comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It exits because it was told to.
    Exit,
    /// It panics because it was told to.
    Panic,
}
