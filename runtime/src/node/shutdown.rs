//! How does a node end?
//!
//! Role       Asks the trees to stop, then everybody, then kills; names who does not yield; and
//!            returns within the caller's bound.
//! Source     otp: init:stop/0, application_controller

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::builder::Tokio;
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

    /// Ends the node in order: processes started from outside are asked to shut down, which ends
    /// supervision trees from the leaves; then everybody who is left is asked, then killed.
    /// Returns when all have ended, within `bound` in any case. Calling it again is no error.
    ///
    /// # Errors
    /// [`ShutdownError`] names processes that did not yield.
    pub async fn shutdown(&self, bound: Duration) -> Result<(), ShutdownError> {
        self.core().close();
        let start = self.now();
        let pause_max = match self.core().scheduler() {
            Scheduler::Real(_) => Duration::from_millis(10),
            // Time costs nothing there, but each look does.
            Scheduler::Simulated(_) => bound / 100,
        };
        for (share, reason, roots) in [
            (60, Reason::Shutdown, true),
            (80, Reason::Shutdown, false),
            (95, Reason::Kill, false),
        ] {
            self.ask_all(&reason, roots);
            let until = start + bound * share / 100;
            let mut pause = Duration::from_micros(100);
            while self.remaining(roots) && self.now() < until {
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

    /// The processes alive, with whether they were started from outside.
    fn living(&self) -> impl Iterator<Item = (Pid, bool)> + '_ {
        let table = self.core().table();
        (0..table.high()).filter_map(move |slot| {
            let block = table.block(slot);
            let generation = std::num::NonZeroU32::new(block.generation())?;
            block
                .is_alive(generation.get())
                .then(|| (Pid::new(self.id(), slot, generation), block.is_root()))
        })
    }

    /// All processes of the node that are alive now.
    #[must_use]
    pub fn processes(&self) -> Vec<Pid> {
        self.living().map(|(pid, _)| pid).collect()
    }

    fn ask_all(&self, reason: &Reason, roots: bool) {
        let asked: Vec<Pid> = self
            .living()
            .filter(|(_, root)| *root || !roots)
            .map(|(pid, _)| pid)
            .collect();
        for pid in asked {
            self.exit(pid, reason.clone());
        }
    }

    fn remaining(&self, roots: bool) -> bool {
        if self.core().table().count() == 0 {
            return false;
        }
        !roots || self.living().any(|(_, root)| root)
    }

    fn unyielding(&self) -> Vec<Unyielding> {
        let stuck = self.stuck();
        let about = |(pid, _)| Unyielding {
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
