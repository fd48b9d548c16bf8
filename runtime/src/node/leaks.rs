//! What is there on a node that was not there before?
//!
//! Role       The leak check of tests: a [`Survey`] before, and what is left after it.
//! Outputs    [`Leaks`]: processes, names, timers, monitors and waits, each called by what people
//!            know: its code, its name, its ancestors.
//! Limit      `LEAKS_MAX` of each kind are named; the rest is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::timer::Action;
use crate::{Node, Pid, process};

const LEAKS_MAX: usize = 20;
/// How long a process has to say what it is.
const ASK_BOUND: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(1);

/// What was on a node at some moment.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    processes: BTreeSet<Pid>,
    names: BTreeSet<Box<str>>,
    timers: BTreeMap<TimerKey, usize>,
    /// How often each process watches each other.
    monitors: BTreeMap<(Pid, Pid), usize>,
    waits: usize,
}

/// Where a timer leads, what it brings, and when it is due.
type TimerKey = (String, &'static str, u64);

/// Something that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leak {
    /// A process that has not ended.
    Process {
        /// Which.
        pid: Pid,
        /// Its code, and its name or label.
        what: String,
        /// Who started it, who started that one, and so on.
        ancestors: Vec<String>,
    },
    /// A timer that has not fired.
    Timer {
        /// Where it leads.
        to: String,
        /// What it brings.
        message: &'static str,
        /// In how long.
        left: Duration,
    },
    /// A name that was given to a process that was there before.
    Name {
        /// The name.
        name: Box<str>,
        /// Who has it.
        pid: Pid,
    },
    /// A monitor of a process that was there before.
    Monitor {
        /// Who watches.
        watcher: Pid,
        /// Whom.
        target: Pid,
    },
    /// Code outside any process that waits for an end or an answer.
    Waits(usize),
    /// So many more.
    More(usize),
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process {
                pid,
                what,
                ancestors,
            } => {
                write!(f, "process {what} {pid}, started by ")?;
                match ancestors.is_empty() {
                    true => f.write_str("the test or code outside any process"),
                    false => f.write_str(&ancestors.join(", which was started by ")),
                }
            }
            Self::Timer { to, message, left } => {
                write!(f, "timer of `{message}` to {to}, due in {left:?}")
            }
            Self::Name { name, pid } => write!(f, "name `{name}` of {pid}"),
            Self::Monitor { watcher, target } => write!(f, "monitor of {target} by {watcher}"),
            Self::Waits(count) => {
                write!(f, "{count} waits outside any process for an end or answer")
            }
            Self::More(count) => write!(f, "and {count} more"),
        }
    }
}

/// Everything that is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks(pub Vec<Leak>);

impl Leaks {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        lines.try_for_each(|leak| write!(f, "\n  {leak}"))
    }
}

impl Survey {
    /// What is on the node now.
    pub async fn of(node: &Node) -> Self {
        let processes: BTreeSet<Pid> = node.processes().into_iter().collect();
        Self {
            monitors: monitors(node, &processes).await,
            names: names(node).into_keys().collect(),
            timers: count(timers(node)),
            waits: node.core().guests.len(),
            processes,
        }
    }

    /// What is on the node that was not there at the time of this survey. Waits at most `bound` for
    /// it to go.
    pub async fn leaks(&self, node: &Node, bound: Duration) -> Leaks {
        let until = node.now() + bound;
        loop {
            let leaks = self.leaks_now(node).await;
            if leaks.is_empty() || node.now() >= until {
                return leaks;
            }
            node.sleep(PAUSE).await;
        }
    }

    async fn leaks_now(&self, node: &Node) -> Leaks {
        let mut leaks = Vec::new();
        let living = node.processes().into_iter();
        let new: Vec<Pid> = living.filter(|pid| !self.processes.contains(pid)).collect();
        for pid in new.iter().copied().take(LEAKS_MAX) {
            leaks.extend(process_leak(node, pid).await);
        }
        more(&mut leaks, new.len());
        let named = names(node).into_iter();
        let named = named.filter(|(name, pid)| !self.names.contains(name) && !new.contains(pid));
        leaks.extend(named.map(|(name, pid)| Leak::Name { name, pid }));
        self.new_timers(node, &mut leaks);
        for ((watcher, target), count) in monitors(node, &self.processes).await {
            let before = self.monitors.get(&(watcher, target)).copied();
            if count > before.unwrap_or(0) {
                leaks.push(Leak::Monitor { watcher, target });
            }
        }
        // Who looks waits for nothing now.
        let waits = node.core().guests.len();
        if waits > self.waits {
            leaks.push(Leak::Waits(waits - self.waits));
        }
        Leaks(leaks)
    }

    fn new_timers(&self, node: &Node, leaks: &mut Vec<Leak>) {
        let now = node.now();
        let mut new = Vec::new();
        for (key, count) in count(timers(node)) {
            let before = self.timers.get(&key).copied().unwrap_or(0);
            for _ in before..count {
                new.push(key.clone());
            }
        }
        let count = new.len();
        for (to, message, at) in new.into_iter().take(LEAKS_MAX) {
            let left = Duration::from_nanos(at).saturating_sub(now);
            leaks.push(Leak::Timer { to, message, left });
        }
        more(leaks, count);
    }
}

fn more(leaks: &mut Vec<Leak>, count: usize) {
    if count > LEAKS_MAX {
        leaks.push(Leak::More(count - LEAKS_MAX));
    }
}

fn names(node: &Node) -> BTreeMap<Box<str>, Pid> {
    let all = node.registered().into_iter();
    all.map(|(name, pid)| ((&*name).into(), pid)).collect()
}

/// The timers that bring a message; those of waits go with who waits.
fn timers(node: &Node) -> Vec<TimerKey> {
    let called = |pid: &Pid| match node.core().names().of(*pid) {
        Some(name) => format!("`{name}` {pid}"),
        None => pid.to_string(),
    };
    let looked = node.core().timers().list(|at, action| match action {
        Action::Deliver { to, message } => Some((called(to), message.inner_name(), at)),
        Action::DeliverNamed { to, message } => Some((format!("`{to}`"), message.name(), at)),
        Action::Wake(_) | Action::Waker(_) => None,
    });
    looked.into_iter().map(|(_, key)| key).collect()
}

fn count(keys: Vec<TimerKey>) -> BTreeMap<TimerKey, usize> {
    let mut counted = BTreeMap::new();
    for key in keys {
        *counted.entry(key).or_insert(0) += 1;
    }
    counted
}

async fn monitors(node: &Node, processes: &BTreeSet<Pid>) -> BTreeMap<(Pid, Pid), usize> {
    let mut counted = BTreeMap::new();
    for pid in processes {
        if let Ok(Some(info)) = node.info(*pid, ASK_BOUND).await {
            for target in info.monitors {
                *counted.entry((*pid, target)).or_insert(0) += 1;
            }
        }
    }
    counted
}

/// A process that is left, if it still is when it is asked who it is.
async fn process_leak(node: &Node, pid: Pid) -> Option<Leak> {
    let what = match node.info(pid, ASK_BOUND).await {
        Ok(None) => return None,
        Ok(Some(info)) => shown(&info),
        Err(_) => "(does not answer)".to_owned(),
    };
    let mut ancestors = Vec::new();
    for (ancestor, alive) in process::ancestors_of(node.core(), pid) {
        let what = match alive {
            true => node.info(ancestor, ASK_BOUND).await.ok().flatten(),
            false => None,
        };
        ancestors.push(match what {
            Some(info) => format!("{} {ancestor}", shown(&info)),
            None => format!("{ancestor} (ended)"),
        });
    }
    Some(Leak::Process {
        pid,
        what,
        ancestors,
    })
}

fn shown(info: &crate::ProcessInfo) -> String {
    let code = info.initial_call.trim_end_matches("::{{closure}}");
    match (&info.registered_name, &info.label) {
        (Some(name), _) => format!("`{name}` ({code})"),
        (None, Some(label)) => format!("{code} \"{label}\""),
        (None, None) => code.to_owned(),
    }
}
