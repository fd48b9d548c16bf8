//! What crashed, for code that wants to know: a test, a screen.
//!
//! Role       Keeps crash reports as values, beside what is told to `tracing`.
//! Outputs    [`CrashReports`]: the reports of one or more nodes, from the subscription on.
//! Limit      A subscriber keeps at most `CAPACITY` reports, or as many as it says; the oldest go, and
//!            are counted.
//! Invariant  A node that nobody asked makes no reports for it.
//! Source     otp: proc_lib, crash reports

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::{Neighbour, Node, Pid, Reason, time};

/// How many reports a subscriber keeps.
const CAPACITY: usize = 10_000;

/// A process that did not end in order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrashReport {
    /// Which process.
    pub pid: Pid,
    /// Its code: the actor's type, or the function.
    pub process: String,
    /// The name it was registered under.
    pub name: Option<String>,
    /// Why it ended.
    pub reason: Reason,
    /// What it was handling, if it was handling something.
    pub handling: Option<String>,
    /// Who started it, who started that one, and so on.
    pub ancestors: Vec<Pid>,
    /// Who asked for what it did, the nearest first, if it worked for others, as a task does.
    pub callers: Vec<Pid>,
    /// The processes that it takes along, the nearest first: linked to it, or to one of these, and not
    /// trapping exits. At most 15.
    pub neighbours: Vec<Neighbour>,
    /// The whole report, as it stands in the log.
    pub text: String,
}

impl std::fmt::Display for CrashReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The subscribers of one node.
#[derive(Default)]
pub(crate) struct CrashLog {
    watched: AtomicBool,
    subscribers: Mutex<Vec<Weak<Kept>>>,
}

struct Kept {
    capacity: usize,
    state: Mutex<State>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            capacity: CAPACITY,
            state: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct State {
    reports: VecDeque<CrashReport>,
    lost: u64,
    wakers: Vec<Waker>,
}

impl Kept {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, report: CrashReport) -> Vec<Waker> {
        let mut state = self.state();
        while state.reports.len() >= self.capacity {
            state.reports.pop_front();
            state.lost += 1;
        }
        state.reports.push_back(report);
        std::mem::take(&mut state.wakers)
    }
}

impl CrashLog {
    /// Whether somebody wants reports.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    pub(crate) fn tell(&self, report: &CrashReport) {
        let mut wakers = Vec::new();
        let subscribers = self.subscribers.lock();
        let mut subscribers = subscribers.unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| match subscriber.upgrade() {
            Some(subscriber) => {
                wakers.extend(subscriber.put(report.clone()));
                true
            }
            None => false,
        });
        self.watched
            .store(!subscribers.is_empty(), Ordering::Release);
        drop(subscribers);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Crash reports from the moment of subscription on, the oldest first. Clones share them.
#[derive(Clone, Default)]
pub struct CrashReports(Arc<Kept>);

impl CrashReports {
    /// Takes the reports of this node, too, from now on.
    pub(crate) fn attach(&self, node: &Node) {
        let log = &node.core().crashes;
        let subscribers = log.subscribers.lock();
        let mut subscribers = subscribers.unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        subscribers.push(Arc::downgrade(&self.0));
        log.watched.store(true, Ordering::Release);
    }

    /// Takes the oldest report that fits.
    pub fn take_if(&self, fits: impl FnMut(&CrashReport) -> bool) -> Option<CrashReport> {
        let mut state = self.0.state();
        let at = state.reports.iter().position(fits)?;
        state.reports.remove(at)
    }

    /// Takes the oldest report that fits, waiting for it at most `bound` on this node's clock.
    pub async fn wait_for(
        &self,
        node: &Node,
        bound: Duration,
        mut fits: impl FnMut(&CrashReport) -> bool,
    ) -> Option<CrashReport> {
        let found = std::future::poll_fn(|cx| match self.take_if(&mut fits) {
            Some(report) => Poll::Ready(report),
            None => {
                self.0.state().wakers.push(cx.waker().clone());
                // One may have come between the look and the waker.
                self.take_if(&mut fits).map_or(Poll::Pending, Poll::Ready)
            }
        });
        time::timeout_on(node, bound, found).await
    }

    /// Takes all reports that nobody has taken.
    #[must_use]
    pub fn take_all(&self) -> Vec<CrashReport> {
        self.0.state().reports.drain(..).collect()
    }

    /// A copy of all reports that nobody has taken.
    #[must_use]
    pub fn all(&self) -> Vec<CrashReport> {
        self.0.state().reports.iter().cloned().collect()
    }

    /// How many reports were lost because there were too many.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.state().lost
    }
}

impl std::fmt::Debug for CrashReports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

impl Node {
    /// The reports of processes that crash from now on, as values: those that `tracing` is told, and
    /// told or not.
    ///
    /// ```
    /// # use foundation_runtime::{Message, Node, Process, Codec, Tag};
    /// # enum Never {}
    /// # impl Message for Never {
    /// #     const NAME: &'static str = "Never";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Never", "") }
    /// # }
    /// # let node = Node::builder().start().unwrap();
    /// let crashes = node.capture_crashes();
    /// let process = node.spawn_fn(|_: Process<Never>| async { panic!("no fuel") }).unwrap();
    /// node.block_on(node.down(&process));
    /// assert_eq!(crashes.take_all()[0].pid, process.pid());
    /// ```
    #[must_use]
    pub fn capture_crashes(&self) -> CrashReports {
        let reports = CrashReports::default();
        reports.attach(self);
        reports
    }

    /// The same, of the last so many crashes, one at least: older ones go, and are counted as lost.
    #[must_use]
    pub fn capture_last_crashes(&self, capacity: usize) -> CrashReports {
        let reports = CrashReports(Arc::new(Kept {
            capacity: capacity.max(1),
            ..Kept::default()
        }));
        reports.attach(self);
        reports
    }
}
