//! Which promises of a cluster were broken?
//!
//! Role       The books of all processes of a simulated cluster, which no crash reaches, and what is
//!            wrong in them.
//! Invariant  What is counted here is a promise that was broken, whatever faults there were; but for
//!            [`Audit::rest`], which says when there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation::NodeId;
use foundation::prelude::*;

use super::journal::Disks;
use super::report::Broken;

/// How long a call of the audit may take.
pub(super) const CALL_BOUND: Duration = secs(2);
/// What a call may take longer than its bound: timers have whole milliseconds.
const SLACK: Duration = ms(2);

/// How exactly a loss is placed in time.
const MARGIN: Duration = ms(50);

/// From whom, to whom, and its number.
pub(super) type Letter = (Pid, Pid, u64);

/// What all processes have seen together.
#[derive(Debug, Default)]
pub(super) struct Audit(Mutex<Books>);

#[derive(Debug, Default)]
pub(super) struct Books {
    /// The last number that one process took of another.
    last: BTreeMap<(Pid, Pid), u64>,
    /// What was sent while nothing was wrong, and has not come.
    due: BTreeSet<Letter>,
    /// What is to be acknowledged, and how often it was taken.
    pub(super) sure: BTreeMap<Letter, u32>,
    /// When it was sent, on its sender's clock.
    pub(super) sure_sent: BTreeMap<Letter, Duration>,
    /// Who watches whom, and whether it was told.
    pub(super) watches: BTreeMap<(Pid, Pid), bool>,
    /// Calls under way, and when they began on the clock of their node.
    pub(super) calls: BTreeMap<(Pid, u64), Duration>,
    /// What was started on other nodes, by whom, and whether they are linked.
    pub(super) started: BTreeMap<Pid, (Pid, bool)>,
    /// Who lost whom last, on the clock of the one that noticed.
    losses: BTreeMap<(NodeId, NodeId), Duration>,
    /// When a process that is never done came round last, on its node's clock.
    pub(super) turns: BTreeMap<Pid, Duration>,
    /// When what was started so began to run, on its node's clock.
    pub(super) born: BTreeMap<Pid, Duration>,
    /// How often a node rested or its clock jumped, and why it cannot be measured at the moment.
    rests: BTreeMap<String, (u64, BTreeSet<Rest>)>,
    /// Nodes that do not run.
    down: BTreeSet<String>,
    /// Nothing is wrong at the moment.
    is_quiet: bool,
    /// What is kept on disks.
    pub(super) disks: Disks,
    /// Of which rumours one of the two has come.
    pub(super) heard: BTreeSet<(Pid, u64)>,
    broken: BTreeMap<&'static str, Broken>,
}

impl Books {
    /// A promise was broken; the first time is kept.
    pub(super) fn broke(&mut self, what: &'static str, first: impl Display) {
        let first = || Broken {
            times: 0,
            first: first.to_string(),
        };
        self.broken.entry(what).or_insert_with(first).times += 1;
    }
}

/// Why the time of a node cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// Nothing of it runs.
    Pause,
    /// Each turn takes long.
    Slow,
    /// Its clock has jumped.
    Jump,
}

/// Whether the books of a call may say that it is late: nothing came between.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Calm(Option<u64>);

/// How many bytes a letter of this number has: some are so large that they go in parts.
pub(super) fn size(number: u64) -> usize {
    match number % 256 {
        0 => 200_000 + number as usize % 1000,
        small => small as usize,
    }
}

/// What a letter of this number is full of.
pub(super) fn fill(number: u64) -> char {
    char::from(b'a' + (number % 23) as u8)
}

impl Audit {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises that were broken, and how often.
    pub(super) fn broken(&self) -> BTreeMap<&'static str, Broken> {
        self.books().broken.clone()
    }

    /// Nothing is wrong from here on, or something may be again.
    pub(super) fn rest(&self, is_quiet: bool) {
        self.books().is_quiet = is_quiet;
    }

    /// A node was started, or is gone.
    pub(super) fn is_up(&self, node: &str, is_up: bool) {
        let mut books = self.books();
        match is_up {
            true => books.down.remove(node),
            false => books.down.insert(node.to_owned()),
        };
    }

    /// A node rests or goes on, or its clock has jumped: its calls cannot be measured.
    pub(super) fn disturbed(&self, node: &str, why: Rest, rests: bool) {
        let mut books = self.books();
        let (times, whys) = books.rests.entry(node.to_owned()).or_default();
        *times += 1;
        match rests {
            true => whys.insert(why),
            false => whys.remove(&why),
        };
    }

    /// A node is new, or nothing is wrong with it any more.
    pub(super) fn undisturbed(&self, node: &str) {
        for why in [Rest::Pause, Rest::Slow, Rest::Jump] {
            self.disturbed(node, why, false);
        }
    }

    pub(super) fn calm(&self, node: &str) -> Calm {
        match self.books().rests.get(node) {
            Some((times, whys)) => Calm(whys.is_empty().then_some(*times)),
            None => Calm(Some(0)),
        }
    }

    pub(super) fn called(&self, caller: Pid, number: u64, now: Duration) {
        self.books().calls.insert((caller, number), now);
    }

    /// A call to that node has ended, on one that was so when it began.
    pub(super) fn ended(&self, me: Me, of: &str, number: u64, before: &Calm, is_answered: bool) {
        let (node, now) = (me.node(), me.node().now());
        let after = self.calm(node.name());
        let mut books = self.books();
        let begun = books.calls.remove(&(me.pid(), number)).unwrap_or(now);
        let is_late = CALL_BOUND + SLACK < now - begun;
        if is_late && before.0.is_some() && *before == after {
            let took = now - begun;
            let (me, node) = (me.pid(), node.name());
            let example = format!("{me} on {node} called {of} for {took:?} at {begun:?}");
            books.broke("a call ended after its deadline", example);
        }
        if books.is_quiet && !is_answered && !books.down.contains(of) {
            let example = format!("{} called {of} at {begun:?}", me.pid());
            books.broke("a call failed though nothing was wrong", example);
        }
    }

    /// A node has noticed a loss.
    pub(super) fn lost(&self, node: &Node, other: NodeId) {
        let mut books = self.books();
        books.losses.insert((node.id(), other), node.now());
    }

    /// A call to that node has come to no answer in its time, on a node that was so when it began.
    pub(super) fn timed_out(&self, node: &Node, of: NodeId, begun: Duration, before: &Calm) {
        let after = self.calm(node.name());
        let mut books = self.books();
        let lost = books.losses.get(&(node.id(), of)).copied();
        // Calls that begin when a loss is noticed may go over the next connection.
        let is_within = |lost| begun + MARGIN < lost && lost + MARGIN < node.now();
        let is_calm = before.0.is_some() && *before == after;
        if is_calm && lost.is_some_and(is_within) {
            let example = format!(
                "{} called {of:?} at {begun:?}, lost at {lost:?}",
                node.name()
            );
            books.broke("a call was not told of the loss of its node", example);
        }
    }

    /// A process that is never done came round.
    pub(super) fn turned(&self, me: Me) {
        let now = me.node().now();
        self.books().turns.insert(me.pid(), now);
    }

    /// Whether nothing is wrong at the moment.
    pub(super) fn is_quiet(&self) -> bool {
        self.books().is_quiet
    }

    /// A letter leaves, unless it says otherwise.
    pub(super) fn sent(&self, letter: Letter) {
        let mut books = self.books();
        if books.is_quiet {
            books.due.insert(letter);
        }
    }

    /// A letter came to `at`.
    pub(super) fn took(&self, at: Pid, letter: Letter, body: &str) {
        let (from, to, number) = letter;
        let mut books = self.books();
        if at != to {
            let example = format!("{at} took {letter:?}");
            books.broke("a process took a message for another incarnation", example);
        }
        let is_whole =
            body.len() == size(number) && body.chars().all(|letter| letter == fill(number));
        if !is_whole {
            books.broke("a message came with other bytes", format!("{letter:?}"));
        }
        let last = books.last.insert((from, to), number);
        if last == Some(number) {
            books.broke("a message came twice", format!("{letter:?}"));
        } else if last > Some(number) {
            let example = format!("{letter:?} came after {last:?}");
            books.broke("messages of a pair came out of order", example);
        }
        books.due.remove(&letter);
    }

    pub(super) fn took_sure(&self, letter: Letter) {
        *self.books().sure.entry(letter).or_default() += 1;
    }

    /// Whether this one is to be watched: it is not at the moment.
    pub(super) fn watches(&self, watcher: Pid, whom: Pid) -> bool {
        let mut books = self.books();
        let before = books.watches.insert((watcher, whom), false);
        before != Some(false)
    }

    /// A watcher was told of an end by a loss.
    pub(super) fn told(&self, watcher: Pid, whom: Pid, reason: &Reason) {
        let mut books = self.books();
        let example = format!("{watcher} was told of {whom}: {reason}");
        if books.watches.insert((watcher, whom), true) == Some(true) {
            books.broke("a monitor fired twice", &example);
        }
        if *reason != Reason::NoConnection {
            books.broke("a monitor fired with a reason that was none", &example);
        }
        if books.is_quiet {
            books.broke("a monitor fired though nothing was wrong", &example);
        }
    }

    /// What was sent while nothing was wrong has had the time to come.
    pub(super) fn look_at_due(&self) {
        let mut books = self.books();
        for letter in std::mem::take(&mut books.due) {
            books.broke(
                "a message was lost though nothing was wrong",
                format!("{letter:?}"),
            );
        }
    }
}
