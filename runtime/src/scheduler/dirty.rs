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

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
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

impl Pool {
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
        drop(jobs);
        self.bell.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                drop(jobs);
                job();
                jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
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
    node.core().dirty().pool(kind).submit(job)?;
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
    run(&node, DirtyKind::Io, work).await
}
