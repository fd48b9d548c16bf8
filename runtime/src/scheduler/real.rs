//! The real platform: worker threads, spares, and a timekeeper.
//!
//! Role       A worker per core. A worker stuck in a handler keeps its queue open to thieves, and a
//!            spare runs in its stead.
//! Limit      At most `spares_max` spares at a time.

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::idle::Idle;
use super::ring::Ring;
use super::shared::Shared;
use super::shift::Shift;
use super::stuck::{Reporter, Stuck, StuckList};
use super::{Priority, worker};
use crate::Node;
use crate::envelope::Table;
use crate::node::Core;
use crate::platform::current;
use crate::platform::stacks::Capture;
use crate::platform::threads::{Sleeper, start};

/// What the watchdog sees of a worker.
pub(crate) struct Stamp {
    /// Rises at each poll.
    pub(crate) polls: AtomicU64,
    /// The poll has lasted so long that it is to end after this message.
    pub(crate) overdue: AtomicBool,
    /// The process that runs, as a local word; 0 for none.
    pub(crate) process: AtomicU64,
    /// The kind of message it handles.
    pub(crate) message: AtomicPtr<Table>,
    pub(crate) code: AtomicPtr<u8>,
    pub(crate) code_len: AtomicUsize,
    /// The system's id of the worker's thread.
    pub(crate) thread: AtomicI64,
    /// Where that thread writes its stack when it is asked.
    pub(crate) capture: Arc<Capture>,
}

impl Default for Stamp {
    fn default() -> Self {
        Self {
            polls: AtomicU64::new(0),
            overdue: AtomicBool::new(false),
            process: AtomicU64::new(0),
            message: AtomicPtr::new(std::ptr::null_mut()),
            code: AtomicPtr::new(std::ptr::null_mut()),
            code_len: AtomicUsize::new(0),
            thread: AtomicI64::new(0),
            capture: Arc::default(),
        }
    }
}

impl Stamp {
    /// The process that the worker runs; nothing between two slices.
    pub(crate) fn running(&self) -> Option<Ran> {
        let polls = self.polls.load(Ordering::Acquire);
        let process = self.process.load(Ordering::Relaxed);
        let code = self.code.load(Ordering::Relaxed);
        let length = self.code_len.load(Ordering::Relaxed);
        let message = self.message.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if self.polls.load(Ordering::Relaxed) != polls || code.is_null() || process == 0 {
            return None;
        }
        // SAFETY: pointer and length were written before `polls` rose to this value, which it still
        // has: they are of one `&'static str`.
        let code = unsafe { std::slice::from_raw_parts(code, length) };
        Some(Ran {
            process,
            // SAFETY: as above.
            code: unsafe { std::str::from_utf8_unchecked(code) },
            // SAFETY: null or a `&'static Table`.
            message: unsafe { message.as_ref() }.map(|table| table.name),
        })
    }
}

/// A process that ran a moment ago.
pub(crate) struct Ran {
    /// Which, as a local word.
    pub(crate) process: u64,
    /// The name of its code.
    pub(crate) code: &'static str,
    /// The kind of message that it handled.
    pub(crate) message: Option<&'static str>,
}

/// A spare runs in the worker's stead: it ends when its handler returns.
pub(crate) const REPLACED: u8 = 1;
/// Something waits in the shared queue.
pub(crate) const ASIDE: u8 = 2;

/// One worker, as others see it.
#[repr(align(128))]
pub(crate) struct Worker {
    pub(crate) ring: Ring,
    pub(crate) stamp: Arc<Stamp>,
    pub(crate) sleeper: Sleeper,
    pub(crate) shift: Shift,
    /// A thread stands behind it.
    pub(crate) manned: AtomicBool,
    /// `REPLACED`, `ASIDE`: what it is asked for between two turns.
    pub(crate) asked: AtomicU8,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            ring: Ring::new(),
            stamp: Arc::default(),
            sleeper: Sleeper::default(),
            shift: Shift::default(),
            manned: AtomicBool::new(false),
            asked: AtomicU8::new(0),
        }
    }
}

pub(crate) struct RealScheduler {
    pub(crate) workers: Vec<Worker>,
    pub(crate) regular: usize,
    pub(crate) shared: Shared,
    pub(crate) idle: Idle,
    pub(crate) timekeeper: Sleeper,
    pub(crate) stopping: AtomicBool,
    /// Whether the timekeeper sleeps without ticking because nobody runs.
    pub(crate) resting: AtomicBool,
    pub(crate) stuck: StuckList,
    pub(crate) reporter: Reporter,
    /// Whether stuck threads are asked for their stacks.
    pub(crate) stacks: bool,
    pub(crate) watch_after: Duration,
    threads: Mutex<Vec<JoinHandle<()>>>,
    name: OnceLock<Arc<str>>,
}

impl RealScheduler {
    pub(crate) fn new(workers: usize, spares_max: usize, watch_after: Duration) -> Self {
        Self {
            workers: (0..workers + spares_max)
                .map(|_| Worker::default())
                .collect(),
            regular: workers,
            shared: Shared::default(),
            idle: Idle::default(),
            timekeeper: Sleeper::default(),
            stopping: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            stuck: StuckList::default(),
            reporter: Reporter::default(),
            stacks: true,
            watch_after,
            threads: Mutex::default(),
            name: OnceLock::new(),
        }
    }

    /// Whether stuck threads are asked for their stacks.
    pub(crate) fn stacks(mut self, on: bool) -> Self {
        self.stacks = on;
        self
    }

    /// Starts the threads of a new node.
    pub(crate) fn start(&self, node: &Node) -> std::io::Result<()> {
        let _ = self.name.set(node.core().name().clone());
        for index in 0..self.regular {
            self.man(node, index)?;
        }
        let keeper = node.fork();
        self.spawn_thread("timekeeper", move || super::watchdog::run(&keeper))
    }

    /// Puts a thread behind a worker.
    pub(crate) fn man(&self, node: &Node, index: usize) -> std::io::Result<()> {
        self.workers[index].manned.store(true, Ordering::SeqCst);
        let own = node.fork();
        let started =
            self.spawn_thread(&format!("worker-{index}"), move || worker::run(own, index));
        if started.is_err() {
            self.workers[index].manned.store(false, Ordering::SeqCst);
        }
        started
    }

    fn spawn_thread(
        &self,
        role: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let name = self.name.get().map_or("node", |name| name);
        let thread = start(format!("{name}-{role}"), body)?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Enqueues what has no place in the ring of the worker that runs this code.
    #[cold]
    pub(crate) fn enqueue(&self, core: &Core, slot: u32, priority: Priority) {
        match current::scheduler() {
            Some(running) if priority == Priority::Normal && std::ptr::eq(running.core(), core) => {
                let ring = &self.workers[running.worker].ring;
                ring.push(slot, |batch| self.shared.normal.push(batch));
                self.wake_one();
            }
            _ => {
                self.shared.of(priority).push(&[slot]);
                self.wake_one();
            }
        }
    }

    /// Wakes one sleeping worker, if there is one.
    pub(crate) fn wake_one(&self) {
        if let Some(worker) = self.idle.pick() {
            self.workers[worker].sleeper.wake();
            if self.resting.load(Ordering::SeqCst) {
                self.timekeeper.wake();
            }
        }
    }

    /// Whether a worker runs, also one that a spare has replaced.
    pub(crate) fn is_busy(&self) -> bool {
        let manned = |worker: &&Worker| worker.manned.load(Ordering::SeqCst);
        self.idle.count() < self.workers.iter().filter(manned).count()
    }

    pub(crate) fn wake_timekeeper(&self) {
        self.timekeeper.wake();
    }

    /// Whether any queue holds work for more than the worker it belongs to.
    pub(crate) fn has_work(&self) -> bool {
        !self.shared.is_empty() || self.workers.iter().any(|worker| worker.ring.len() > 1)
    }

    /// Handlers that hold a worker now, or did.
    pub(crate) fn stuck(&self) -> Vec<Stuck> {
        self.stuck.now()
    }

    /// Ends the threads; waits for those that come back within `bound`.
    pub(crate) fn stop(&self, bound: Duration) {
        self.stopping.store(true, Ordering::SeqCst);
        for worker in &self.workers {
            worker.sleeper.wake();
        }
        self.timekeeper.wake();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let rest = Sleeper::default();
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(1);
        while waited < bound && threads.iter().any(|thread| !thread.is_finished()) {
            rest.sleep(Some(step));
            waited += step;
        }
    }
}
