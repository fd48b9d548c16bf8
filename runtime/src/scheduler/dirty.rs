//! Work that blocks or computes for long, away from the schedulers.
//!
//! Role       Two bounded pools of threads: one for computing (a thread per core), one for
//!            blocking calls (many, started as needed).
//! Limit      `DirtyLimits` bounds threads and queue; beyond, work is refused with the closure's
//!            fate clear: it was not run.
//! Source     otp: erts, "Dirty NIFs"

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::Scheduler;
use crate::Node;
use crate::heap;
use crate::platform::{current, threads};

/// Which pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DirtyKind {
    Cpu,
    Io,
}

/// The bounds of a node's dirty pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyLimits {
    /// Threads for `dirty_cpu`.
    pub cpu_threads: usize,
    /// Threads for `dirty_io`.
    pub io_threads: usize,
    /// Pieces of work that may wait in each pool.
    pub queue: usize,
}

impl Default for DirtyLimits {
    fn default() -> Self {
        Self {
            cpu_threads: threads::parallelism(),
            io_threads: 64,
            queue: 10_000,
        }
    }
}

/// Why dirty work was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirtyError {
    /// As much work waits as may. The closure was not run.
    Full,
    /// The node has shut down, or no thread could be started. The closure was not run.
    ShutDown,
    /// The code runs outside any process: there is no node whose pool it could use.
    NoProcess,
}

impl fmt::Display for DirtyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the dirty pool's queue is full",
            Self::ShutDown => "the dirty pool has no threads any more",
            Self::NoProcess => "dirty work was asked for outside any process",
        })
    }
}

impl std::error::Error for DirtyError {}

/// Figures of one dirty pool, as of a moment ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirtyPoolStats {
    /// How many threads it may have.
    pub threads_max: usize,
    /// How many it has.
    pub threads: usize,
    /// How many of them work.
    pub busy: usize,
    /// How many pieces of work may wait.
    pub queue_max: usize,
    /// How many wait.
    pub queued: usize,
    /// The most that ever waited.
    pub queued_peak: usize,
    /// Pieces of work that were begun.
    pub begun: u64,
    /// Pieces of work that were refused because as many waited as may.
    pub refused: u64,
    /// How long all that were begun had waited, together.
    pub waited: Duration,
    /// How long the one waited that waited longest.
    pub waited_max: Duration,
}

/// Figures of a node's dirty pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirtyStats {
    /// Of `dirty_cpu`.
    pub cpu: DirtyPoolStats,
    /// Of `dirty_io`.
    pub io: DirtyPoolStats,
}

/// A piece of work, and when it began to wait.
struct Job {
    work: Box<dyn FnOnce() + Send>,
    node: Node,
    since: u64,
}

impl Job {
    fn new(node: &Node, work: Box<dyn FnOnce() + Send>) -> Self {
        Self {
            work,
            node: node.clone(),
            since: node.core().clock().now(),
        }
    }
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
    busy: usize,
    peak: usize,
    begun: u64,
    refused: u64,
    waited: Duration,
    waited_max: Duration,
}

impl Jobs {
    fn note_begun(&mut self, waited: Duration) {
        self.begun += 1;
        self.waited += waited;
        self.waited_max = self.waited_max.max(waited);
    }
}

struct Pool {
    name: String,
    threads_max: usize,
    queue_max: usize,
    jobs: Mutex<Jobs>,
    bell: Condvar,
}

pub(crate) struct DirtyPools {
    cpu: Arc<Pool>,
    io: Arc<Pool>,
}

impl DirtyPools {
    pub(crate) fn new(node: &str, limits: DirtyLimits) -> Self {
        let pool = |kind: &str, threads_max: usize| {
            Arc::new(Pool {
                name: format!("{node}-dirty-{kind}"),
                threads_max: threads_max.max(1),
                queue_max: limits.queue,
                jobs: Mutex::default(),
                bell: Condvar::new(),
            })
        };
        Self {
            cpu: pool("cpu", limits.cpu_threads),
            io: pool("io", limits.io_threads),
        }
    }

    fn pool(&self, kind: DirtyKind) -> &Arc<Pool> {
        match kind {
            DirtyKind::Cpu => &self.cpu,
            DirtyKind::Io => &self.io,
        }
    }

    pub(crate) fn stats(&self) -> DirtyStats {
        DirtyStats {
            cpu: self.cpu.stats(),
            io: self.io.stats(),
        }
    }

    /// Ends the threads once what waits is done.
    pub(crate) fn close(&self) {
        for pool in [&self.cpu, &self.io] {
            pool.jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .closed = true;
            pool.bell.notify_all();
        }
    }
}

impl Node {
    /// What the dirty pools do, and how long work waits for them.
    ///
    /// ```
    /// # use foundation_runtime::{Node, Process, Codec, Message, Tag, dirty_io};
    /// # struct Nothing;
    /// # impl Message for Nothing {
    /// #     const NAME: &'static str = "Nothing";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Nothing", "") }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().start()?;
    /// let process = node.spawn_fn(|_: Process<Nothing>| async { dirty_io(|| ()).await })?;
    /// node.block_on(node.down(process));
    /// let io = node.dirty_stats().io;
    /// assert_eq!((io.begun, io.queued, io.refused), (1, 0, 0));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dirty_stats(&self) -> DirtyStats {
        self.core().dirty().stats()
    }
}

impl Pool {
    fn stats(&self) -> DirtyPoolStats {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        DirtyPoolStats {
            threads_max: self.threads_max,
            threads: jobs.threads,
            busy: jobs.busy,
            queue_max: self.queue_max,
            queued: jobs.waiting.len(),
            queued_peak: jobs.peak,
            begun: jobs.begun,
            refused: jobs.refused,
            waited: jobs.waited,
            waited_max: jobs.waited_max,
        }
    }

    fn note_at_once(&self) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.note_begun(Duration::ZERO);
    }

    fn submit(self: &Arc<Self>, job: Job) -> Result<(), DirtyError> {
        // Threads and the room in the queue are the node's, whoever needs them first.
        heap::of_the_node(|| self.push(job))
    }

    fn push(self: &Arc<Self>, job: Job) -> Result<(), DirtyError> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.closed {
            return Err(DirtyError::ShutDown);
        }
        if jobs.waiting.len() >= self.queue_max {
            jobs.refused += 1;
            return Err(DirtyError::Full);
        }
        if jobs.idle <= jobs.waiting.len() && jobs.threads < self.threads_max {
            let pool = Arc::clone(self);
            match threads::start(self.name.clone(), move || pool.work()) {
                Ok(_) => jobs.threads += 1,
                Err(_) if jobs.threads == 0 => return Err(DirtyError::ShutDown),
                Err(_) => {}
            }
        }
        jobs.waiting.push_back(job);
        jobs.peak = jobs.peak.max(jobs.waiting.len());
        drop(jobs);
        self.bell.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                let now = job.node.core().clock().now();
                jobs.note_begun(Duration::from_nanos(now.saturating_sub(job.since)));
                jobs.busy += 1;
                drop(jobs);
                drop(job.node);
                (job.work)();
                jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
                jobs.busy -= 1;
                continue;
            }
            if jobs.closed {
                jobs.threads -= 1;
                return;
            }
            jobs.idle += 1;
            jobs = self.bell.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            jobs.idle -= 1;
        }
    }
}

type Outcome<T> = Result<T, Box<dyn std::any::Any + Send>>;

struct Slot<T> {
    outcome: Option<Outcome<T>>,
    waker: Option<Waker>,
}

async fn run<T: Send + 'static>(
    node: &Node,
    kind: DirtyKind,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DirtyError> {
    if matches!(node.core().scheduler(), Scheduler::Simulated(_)) {
        // One thread, virtual time: here and now, as if it took none.
        node.core().dirty().pool(kind).note_at_once();
        return Ok(work());
    }
    let slot = Arc::new(Mutex::new(Slot {
        outcome: None,
        waker: None,
    }));
    let theirs = Arc::clone(&slot);
    let job = Box::new(move || {
        let outcome = catch_unwind(AssertUnwindSafe(work));
        let mut slot = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        slot.outcome = Some(outcome);
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
    });
    node.core().dirty().pool(kind).submit(Job::new(node, job))?;
    let outcome = std::future::poll_fn(|cx| {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
    .await;
    match outcome {
        Ok(value) => Ok(value),
        Err(payload) => resume_unwind(payload),
    }
}

/// Computes on a thread of the node's own pool while the process waits. A panic in `work` is the
/// calling process's.
///
/// # Errors
/// [`DirtyError`]; `work` was not run.
pub async fn dirty_cpu<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DirtyError> {
    let running = current::process().ok_or(DirtyError::NoProcess)?;
    let node = running.node.clone();
    run(&node, DirtyKind::Cpu, work).await
}

/// Blocks on a thread of the node's own pool while the process waits. A panic in `work` is the
/// calling process's.
///
/// # Errors
/// [`DirtyError`]; `work` was not run.
pub async fn dirty_io<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DirtyError> {
    let running = current::process().ok_or(DirtyError::NoProcess)?;
    let node = running.node.clone();
    dirty_io_on(&node, work).await
}

/// [`dirty_io`] on this node, whoever waits for it.
pub(crate) async fn dirty_io_on<T: Send + 'static>(
    node: &Node,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DirtyError> {
    run(node, DirtyKind::Io, work).await
}
