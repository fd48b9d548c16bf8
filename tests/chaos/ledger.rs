//! What has been done, and what came of it?
//!
//! Role       The book that everybody keeps: who lives, what was sent and handled, how each call,
//!            monitor and timer ended. One thread runs a simulated world, so entries are in order.
//! Invariant  What contradicts an entry at once is noted as a violation, for the next check.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{DeadLetter, DeadReason, Exit, Mailbox, NodeId, WhenFull};

/// What a worker is.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) group: &'static str,
    pub(crate) traps: bool,
    pub(crate) mailbox: Mailbox,
}

impl Facts {
    /// How many messages may wait, and what becomes of the next one.
    pub(crate) fn bound(&self) -> Option<(usize, WhenFull)> {
        let bound = self.mailbox.bound()?;
        Some((bound.capacity, bound.when_full))
    }

    /// Whether senders are told that the mailbox is full.
    pub(crate) fn refuses(&self) -> bool {
        let refuses = |(_, when_full)| matches!(when_full, WhenFull::Block | WhenFull::Reject);
        self.bound().is_some_and(refuses)
    }
}

/// How an init fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InitFault {
    Stops,
    Panics,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Answered(u64),
    Failed(CallError),
    /// The caller died first.
    Abandoned,
}

#[derive(Debug)]
pub(crate) struct CallFate {
    pub(crate) caller: Pid,
    pub(crate) server: Pid,
    /// When the connection between them was cut, or found to be.
    pub(crate) cut: Option<Duration>,
    pub(crate) begun: Duration,
    pub(crate) bound: Duration,
    pub(crate) handled: u32,
    pub(crate) outcomes: Vec<(Duration, Outcome)>,
}

#[derive(Debug)]
pub(crate) struct MonitorFate {
    pub(crate) watcher: Pid,
    pub(crate) target: Pid,
    pub(crate) fired: u32,
    pub(crate) taken: bool,
    /// Whether the connection between them was cut meanwhile, or before.
    pub(crate) cut: bool,
}

#[derive(Debug)]
pub(crate) struct TimerFate {
    pub(crate) timer: TimerRef,
    pub(crate) owner: Pid,
    pub(crate) to: Pid,
    pub(crate) due: Duration,
    pub(crate) cancelled: bool,
    pub(crate) fired: u32,
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) living: Vec<Pid>,
    pub(crate) facts: BTreeMap<Pid, Facts>,
    pub(crate) deaths: BTreeMap<Pid, Duration>,
    /// Messages that are no calls and no timers.
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    pub(crate) dead: u64,
    /// Not sent, for want of a place: the sender was told.
    pub(crate) refused: u64,
    /// Ticks that had no place.
    pub(crate) ticks_dropped: BTreeMap<Pid, u32>,
    /// Groups whose children were terminated by request.
    pub(crate) terminated: BTreeSet<&'static str>,
    /// Numbers that workers were told.
    pub(crate) heard: Vec<(Pid, u32)>,
    /// Whether an init may fail at any time, how many fail next, and how many there were.
    pub(crate) stormy: bool,
    pub(crate) failing: u32,
    inits: u32,
    pub(crate) calls: BTreeMap<u64, CallFate>,
    pub(crate) monitors: BTreeMap<MonitorRef, MonitorFate>,
    pub(crate) timers: BTreeMap<u64, TimerFate>,
    pub(crate) exits: Vec<(Pid, Exit)>,
    pub(crate) violations: Vec<String>,
    /// Rights to answer that left the server: they live on when it dies.
    pub(crate) shelf: BTreeMap<NodeId, Vec<ReplyTo<u64>>>,
    /// Connections that are cut, from either side.
    cuts: BTreeSet<(NodeId, NodeId)>,
    tickets: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no entry panics")
    }
}

impl Book {
    pub(crate) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Whether what is sent from one to the other arrives.
    pub(crate) fn is_connected(&self, one: Pid, other: Pid) -> bool {
        !self.cuts.contains(&(one.node(), other.node()))
    }

    pub(crate) fn mended(&mut self, a: NodeId, b: NodeId) {
        self.cuts.remove(&(a, b));
        self.cuts.remove(&(b, a));
    }

    /// What goes across ends now.
    pub(crate) fn cut(&mut self, a: NodeId, b: NodeId, now: Duration) {
        self.cuts.extend([(a, b), (b, a)]);
        let across = |one: Pid, other: Pid| {
            let nodes = (one.node(), other.node());
            nodes == (a, b) || nodes == (b, a)
        };
        for fate in self.monitors.values_mut() {
            fate.cut |= fate.fired == 0 && across(fate.watcher, fate.target);
        }
        for call in self.calls.values_mut() {
            if call.outcomes.is_empty() && across(call.caller, call.server) {
                call.cut.get_or_insert(now);
            }
        }
    }

    /// When a worker died, if it has: long ago, for one of an earlier round.
    pub(crate) fn died_at(&self, pid: Pid) -> Option<Duration> {
        match self.living.contains(&pid) {
            true => None,
            false => Some(self.deaths.get(&pid).copied().unwrap_or_default()),
        }
    }

    /// How the init that runs now fails, if it does: seldom, unless it is said which.
    pub(crate) fn init_fails(&mut self) -> Option<InitFault> {
        self.inits += 1;
        let told = 0 < self.failing;
        self.failing -= u32::from(told);
        let fails = told || (self.stormy && self.inits.is_multiple_of(23));
        fails.then_some(match self.inits % 2 {
            0 => InitFault::Stops,
            _ => InitFault::Panics,
        })
    }

    /// What reached nobody, and why: only a mailbox of that kind drops messages.
    pub(crate) fn dead_letter(&mut self, letter: &DeadLetter) {
        // Orders of hands are not counted, nor are timers.
        self.dead += u64::from(letter.message != "Tick" && letter.message != "Grip");
        let facts = letter.to.and_then(|to| self.facts.get(&to));
        let bound = facts.and_then(Facts::bound).map(|(_, when_full)| when_full);
        let right = match letter.reason {
            DeadReason::DroppedOldest => bound == Some(WhenFull::DropOldest),
            DeadReason::DroppedNewest => bound == Some(WhenFull::DropNewest),
            // It was a tick, or came from another node.
            DeadReason::Full => facts.is_some_and(Facts::refuses),
            _ => return,
        };
        if !right {
            let text = format!("{letter:?}, sent to a mailbox of {facts:?}");
            self.wrong(text);
        }
        if let (Some(to), "Tick") = (letter.to, letter.message) {
            *self.ticks_dropped.entry(to).or_default() += 1;
        }
    }

    pub(crate) fn born(&mut self, pid: Pid, facts: Facts) {
        self.living.push(pid);
        if self.facts.insert(pid, facts).is_some() {
            self.wrong(format!("{pid} was born twice"));
        }
    }

    pub(crate) fn died(&mut self, pid: Pid, now: Duration) {
        let Some(at) = self.living.iter().position(|other| *other == pid) else {
            return self.wrong(format!("{pid} died, and was not alive"));
        };
        self.living.swap_remove(at);
        self.deaths.insert(pid, now);
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.violations.push(what);
    }

    pub(crate) fn call_handled(&mut self, ticket: u64, server: Pid) {
        match self.calls.get_mut(&ticket) {
            Some(call) if call.server == server => call.handled += 1,
            other => {
                let text = format!("{server} handled a call that is not its: {other:?}");
                self.wrong(text);
            }
        }
    }

    pub(crate) fn call_ended(&mut self, ticket: u64, now: Duration, outcome: Outcome) {
        match self.calls.get_mut(&ticket) {
            Some(call) => call.outcomes.push((now, outcome)),
            None => self.wrong(format!("call {ticket} ended after its time: {outcome:?}")),
        }
    }

    pub(crate) fn down(&mut self, watcher: Pid, down: &Down) {
        let Some(fate) = self.monitors.get_mut(&down.monitor) else {
            return self.wrong(format!("{watcher} got a down of no monitor: {down:?}"));
        };
        fate.fired += 1;
        if fate.watcher != watcher || Some(fate.target) != down.pid || fate.taken {
            let text = format!("{watcher} got {down:?} for {fate:?}");
            self.wrong(text);
        }
    }

    pub(crate) fn ticked(&mut self, ticket: u64, at: Pid, now: Duration) {
        let Some(fate) = self.timers.get_mut(&ticket) else {
            return self.wrong(format!("{at} got a tick of no timer"));
        };
        fate.fired += 1;
        if fate.cancelled || fate.fired > 1 || fate.to != at || now < fate.due {
            let text = format!("{at} got a tick at {now:?} for {fate:?}");
            self.wrong(text);
        }
    }
}
