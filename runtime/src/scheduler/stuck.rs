//! Which handlers hold a worker, and who is told?
//!
//! Role       The list of them, and the thread that reports: to put a stack into words takes longer
//!            than the timekeeper has.
//! Limit      [`STUCK_KEPT_MAX`] entries, the oldest goes first. Two reports and more of one handler
//!            are each four times as far apart as the one before.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::platform::threads;
use crate::report::quietly;
use crate::{Pid, Stack};

/// The target of watchdog reports, for filters.
pub(super) const WATCHDOG: &str = "foundation::watchdog";

/// A handler that holds a worker, or held one.
///
/// Two are equal when all but their stacks is.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// The process.
    pub pid: Pid,
    /// Its code: an actor's type or a function's name.
    pub code: String,
    /// Its registered name.
    pub name: Option<String>,
    /// The kind of message it handles, if it handles one.
    pub message: Option<&'static str>,
    /// How long it had not come back when last looked at.
    pub held: Duration,
    /// Whether it has come back since.
    pub returned: bool,
    /// Where it was when last looked at; `None` where the system does not let us see, the node was
    /// told not to look, or the thread did not answer. Names are found when it is printed.
    pub stack: Option<Stack>,
}

impl PartialEq for Stuck {
    fn eq(&self, other: &Self) -> bool {
        let of = |stuck: &Self| (stuck.pid, stuck.message, stuck.held, stuck.returned);
        of(self) == of(other) && self.code == other.code && self.name == other.name
    }
}

impl Eq for Stuck {}

const STUCK_KEPT_MAX: usize = 64;

#[derive(Default)]
pub(crate) struct StuckList(Mutex<Vec<Stuck>>);

impl StuckList {
    pub(crate) fn now(&self) -> Vec<Stuck> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note(&self, stuck: &Stuck) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match list
            .iter_mut()
            .find(|known| known.pid == stuck.pid && !known.returned)
        {
            Some(known) => {
                known.held = stuck.held;
                known.stack = stuck.stack.clone().or(known.stack.take());
            }
            None => {
                if list.len() == STUCK_KEPT_MAX {
                    list.remove(0);
                }
                list.push(stuck.clone());
            }
        }
    }

    pub(super) fn returned(&self, pid: Pid) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = list
            .iter_mut()
            .find(|known| known.pid == pid && !known.returned)
        {
            known.returned = true;
        }
    }
}

/// What is reported.
pub(super) enum Said {
    Stuck(Stuck),
    Back(Pid),
}

impl Said {
    fn report(&self) {
        quietly(|| match self {
            Self::Stuck(stuck) => report(stuck),
            Self::Back(pid) => tracing::warn!(target: WATCHDOG, %pid, "the handler came back"),
        });
    }
}

/// The thread that reports, once there is something to report.
#[derive(Default)]
pub(crate) struct Reporter(Mutex<Option<Sender<Said>>>);

impl Reporter {
    pub(super) fn say(&self, node: &str, said: Said) {
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.is_none() {
            let (to, from) = channel::<Said>();
            let reports = move || from.iter().for_each(|said| said.report());
            let started = threads::start(format!("{node}-watchdog"), reports);
            *sender = started.is_ok().then_some(to);
        }
        let unsent = match &*sender {
            Some(to) => to.send(said).err().map(|unsent| unsent.0),
            None => Some(said),
        };
        drop(sender);
        if let Some(said) = unsent {
            said.report();
        }
    }
}

fn report(stuck: &Stuck) {
    let stack = stuck.stack.as_ref().map(ToString::to_string);
    tracing::warn!(
        target: WATCHDOG,
        pid = %stuck.pid,
        process = stuck.code,
        name = stuck.name.as_deref(),
        handling = stuck.message,
        held_ms = stuck.held.as_millis() as u64,
        stack = stack.as_deref(),
        "a handler holds a scheduler and has not come back; work that blocks or computes for \
         long belongs in dirty_io or dirty_cpu"
    );
}
