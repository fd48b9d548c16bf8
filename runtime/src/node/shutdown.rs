//! How does a node end?
//!
//! Role       Asks the tops of the trees to stop, then everybody, then kills; names who does not
//!            yield; and returns within the caller's bound.
//! Invariant  Everybody is asked in the name of its parent, whom also those obey that trap exits;
//!            who has a living parent is left to it as long as there is time.
//! Source     otp: init:stop/0, application_controller

use std::collections::BTreeSet;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::builder::Tokio;
use crate::envelope::ExitKind;
use crate::platform::signals;
use crate::scheduler::Scheduler;
use crate::{Node, Pid, Reason};

/// A process that did not yield although it was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unyielding {
    /// The process.
    pub pid: Pid,
    /// Its code, as far as the watchdog saw it.
    pub code: Option<String>,
    /// Its registered name.
    pub name: Option<String>,
}

/// Some processes did not end in time. Everything else of the node has ended; their threads run
/// on until the program exits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownError {
    /// Those that did not yield, up to a hundred.
    pub unyielding: Vec<Unyielding>,
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("processes that did not yield:")?;
        for process in &self.unyielding {
            write!(f, " {}", process.pid)?;
            if let Some(name) = process.name.as_ref().or(process.code.as_ref()) {
                write!(f, " ({name})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ShutdownError {}

const NAMED_MAX: usize = 100;
/// A bound that nobody outlives, with which one can reckon.
const BOUND_MAX: Duration = Duration::from_secs(u32::MAX as u64);
/// How long the first look at who is left waits.
const PAUSE_MIN: Duration = Duration::from_micros(100);

/// A process that is alive, and who started it; also when that one has ended.
#[derive(Clone, Copy)]
struct Life {
    pid: Pid,
    parent: Pid,
}

impl Node {
    /// Runs a future to its end on this thread, with the node's tokio underneath. For `main`.
    ///
    /// # Panics
    /// Inside another runtime's task.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.core().tokio {
            Some(Tokio::Own(runtime)) => runtime.block_on(future),
            Some(Tokio::Theirs(handle)) => handle.block_on(future),
            None => panic!("a simulated node is driven by its world"),
        }
    }

    /// Has `hook` run when the node is shut down, before any process is asked to end; the last one first.
    /// It is given the time that it may take: six tenths of the bound, all hooks together. It may use
    /// what runs, and start nothing.
    ///
    /// ```
    /// # use foundation_runtime::Node;
    /// # use std::time::Duration;
    /// let node = Node::builder().start()?;
    /// node.before_shutdown(|_, _| Box::pin(async { println!("the last words") }));
    /// node.shutdown_blocking(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn before_shutdown(
        &self,
        hook: impl Fn(Node, Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>
        + Send
        + Sync
        + 'static,
    ) {
        self.core().endings().add(Box::new(hook));
    }

    /// Says that the node cannot go on, for this reason: [`Node::failed`] resolves. Processes run on,
    /// until whoever waits for that shuts the node down; `#[foundation::main]` does, and ends the
    /// program with exit code 1.
    pub fn fail(&self, why: &str) {
        self.core().endings().fail(why);
    }

    /// Resolves when the node has failed, with the first reason that was given to [`Node::fail`].
    pub async fn failed(&self) -> Arc<str> {
        poll_fn(|cx| self.core().endings().poll_failed(cx)).await
    }

    /// Ends the node in order. What was asked for by [`Node::before_shutdown`] comes first. Then processes that were started from outside, or whose starter has
    /// ended, are asked to shut down, which ends supervision trees from the leaves. Who is left
    /// after six tenths of `bound` is asked, whosever child it is, and nobody can start anything
    /// any more; after eight tenths it is killed. Returns when all have ended, within `bound` in
    /// any case. Calling it again is no error.
    ///
    /// # Errors
    /// [`ShutdownError`] names processes that did not yield.
    pub async fn shutdown(&self, bound: Duration) -> Result<(), ShutdownError> {
        self.core().close();
        let bound = bound.min(BOUND_MAX);
        let start = self.now();
        while let Some(hook) = self.core().endings().next() {
            let left = (start + bound * 60 / 100).saturating_sub(self.now());
            crate::time::timeout_on(self, left, hook(self.clone(), left)).await;
        }
        let pause_max = match self.core().scheduler() {
            Scheduler::Real(_) => Duration::from_millis(10),
            // Time costs nothing there, but each look does.
            Scheduler::Simulated(_) => bound / 100,
        };
        self.end_tops(start + bound * 60 / 100, pause_max).await;
        self.core().close_to_all();
        for (share, reason) in [(80, Reason::Shutdown), (95, Reason::Kill)] {
            let until = start + bound * share / 100;
            self.living().for_each(|life| self.ask(life, &reason));
            let mut pause = PAUSE_MIN;
            while self.core().table().count() > 0 && self.now() < until {
                self.sleep(pause).await;
                pause = (pause * 2).min(pause_max);
            }
        }
        let left = self.unyielding();
        self.core().disconnect_all();
        self.core().dirty().close();
        if let Scheduler::Real(real) = self.core().scheduler() {
            real.stop(
                (start + bound)
                    .saturating_sub(self.now())
                    .min(Duration::from_secs(1)),
            );
        }
        self.core().timers().clear(self.core().clock().now());
        if left.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError { unyielding: left })
        }
    }

    /// [`Node::shutdown`] for code outside any runtime.
    ///
    /// # Errors
    /// As [`Node::shutdown`].
    pub fn shutdown_blocking(&self, bound: Duration) -> Result<(), ShutdownError> {
        self.block_on(self.shutdown(bound))
    }

    /// Resolves when the operating system asks the program to end (SIGINT, SIGTERM), with the
    /// signal's name.
    pub async fn termination(&self) -> &'static str {
        signals::termination().await
    }

    /// Asks whoever has no living parent, and then those who have lost theirs by that, until
    /// nobody is left or the time is up.
    async fn end_tops(&self, until: Duration, pause_max: Duration) {
        let mut asked = BTreeSet::new();
        let mut pause = PAUSE_MIN;
        loop {
            let tops: Vec<Life> = self.living().filter(|life| self.is_top(*life)).collect();
            if tops.is_empty() || self.now() >= until {
                return;
            }
            for life in tops {
                if asked.insert(life.pid) {
                    self.ask(life, &Reason::Shutdown);
                }
            }
            self.sleep(pause).await;
            pause = (pause * 2).min(pause_max);
        }
    }

    /// The processes alive.
    fn living(&self) -> impl Iterator<Item = Life> + '_ {
        let table = self.core().table();
        (0..table.high()).filter_map(move |slot| {
            let block = table.block(slot);
            let generation = std::num::NonZeroU32::new(block.generation())?;
            let parent = block.parent_if_alive(generation.get())?;
            Some(Life {
                pid: Pid::new(self.id(), slot, generation),
                parent: crate::process::parent_of(self.id(), parent)?,
            })
        })
    }

    /// Whether nobody is above it: it was started from outside, or its starter has ended.
    fn is_top(&self, life: Life) -> bool {
        let parent = self.core().table().find(life.parent.slot());
        !parent.is_some_and(|block| block.is_alive(life.parent.generation().get()))
    }

    /// All processes of the node that are alive now.
    #[must_use]
    pub fn processes(&self) -> Vec<Pid> {
        self.living().map(|life| life.pid).collect()
    }

    /// Asks a process to end, in the name of its parent.
    fn ask(&self, life: Life, reason: &Reason) {
        self.core()
            .exit_signal(life.pid, life.parent, reason.clone(), ExitKind::Sent);
    }

    fn unyielding(&self) -> Vec<Unyielding> {
        let stuck = self.stuck();
        let about = |Life { pid, .. }| Unyielding {
            pid,
            code: stuck
                .iter()
                .find(|stuck| stuck.pid == pid)
                .map(|stuck| stuck.code.clone()),
            name: self.core().names().of(pid).map(|name| name.to_string()),
        };
        self.living().map(about).take(NAMED_MAX).collect()
    }

    /// How many crashes there were, for those who only want to know whether there were any.
    #[must_use]
    pub fn crash_count(&self) -> u64 {
        self.core().counters.crashed.load(Ordering::Relaxed)
    }
}
