//! Does this call close a circle?
//!
//! Role       In debug builds each call of a process to another of its node is noted while it waits;
//!            one that closes a circle is reported when it is made, with everybody in it. In release
//!            builds nothing is noted, and [`Node::deadlocks`] is there to look.
//! Limit      A chain is followed for [`CHAIN_MAX`] calls.
//! Invariant  The call is made all the same, so that both builds do the same: it ends by an answer,
//!            or by its bound. Of calls that close a circle together the last one is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::graph;
use crate::feed::{Feed, Stream};
use crate::{Node, Pid};

/// How many calls are followed, from a server to whom it waits for.
const CHAIN_MAX: usize = 1_000;

/// Calls that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallCycle {
    /// Each calls the next, and the last the first.
    pub processes: Vec<Pid>,
    /// Their names, where they have one.
    pub names: Vec<Option<String>>,
    /// What each of them asks the next.
    pub messages: Vec<&'static str>,
}

impl fmt::Display for CallCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processes = self.processes.iter().zip(&self.names);
        let hops = processes.clone().zip(&self.messages);
        for ((pid, name), message) in hops {
            write_process(f, *pid, name.as_deref())?;
            write!(f, " -({message})-> ")?;
        }
        match processes.clone().next() {
            Some((pid, name)) => write_process(f, *pid, name.as_deref()),
            None => Ok(()),
        }
    }
}

fn write_process(f: &mut fmt::Formatter<'_>, pid: Pid, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => write!(f, "`{name}` {pid}"),
        None => write!(f, "{pid}"),
    }
}

/// Cycles of calls, from the moment of subscription on.
pub type CallCycleStream = Stream<CallCycle>;

/// Who waits for whom, and for the answers to what.
type Waits = BTreeMap<Pid, BTreeMap<Pid, Vec<&'static str>>>;

/// The node's part of it; in a release build nobody waits.
#[derive(Default)]
pub(crate) struct Watch {
    waits: Mutex<Waits>,
    feed: Feed<CallCycle>,
}

impl Watch {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits; over when it is dropped.
pub(crate) struct Waiting {
    node: Node,
    edge: (Pid, Pid),
    message: &'static str,
}

impl Waiting {
    /// The first of `edge` is about to wait for what the second says to `message`.
    pub(crate) fn new(node: &Node, edge: (Pid, Pid), message: &'static str) -> Self {
        let (caller, server) = edge;
        let cycle = {
            let mut waits = node.core().watch().waits();
            let servers = waits.entry(caller).or_default();
            servers.entry(server).or_default().push(message);
            chain(&waits, server, caller).map(|cycle| with_messages(&waits, &cycle))
        };
        if let Some(cycle) = cycle {
            report(node, cycle);
        }
        Self {
            node: node.clone(),
            edge,
            message,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waits = self.node.core().watch().waits();
        let (caller, server) = self.edge;
        let Some(servers) = waits.get_mut(&caller) else {
            return;
        };
        if let Some(asked) = servers.get_mut(&server) {
            let at = asked.iter().position(|asked| *asked == self.message);
            at.map(|at| asked.remove(at));
            if asked.is_empty() {
                servers.remove(&server);
            }
        }
        if servers.is_empty() {
            waits.remove(&caller);
        }
    }
}

/// How `from` waits for `to`, breadth first; both are in it.
fn chain(waits: &Waits, from: Pid, to: Pid) -> Option<Vec<Pid>> {
    let mut before: BTreeMap<Pid, Pid> = BTreeMap::new();
    let mut seen = BTreeSet::from([from]);
    let mut ahead = std::collections::VecDeque::from([from]);
    while let Some(at) = ahead.pop_front() {
        if at == to {
            let step = |at: &Pid| before.get(at).copied();
            let mut way: Vec<Pid> = std::iter::successors(Some(to), step).collect();
            way.reverse();
            return Some(way);
        }
        for next in waits.get(&at).into_iter().flat_map(BTreeMap::keys).copied() {
            if seen.len() < CHAIN_MAX && seen.insert(next) {
                before.insert(next, at);
                ahead.push_back(next);
            }
        }
    }
    None
}

/// The members of a cycle, each with what it asked the next last.
fn with_messages(waits: &Waits, cycle: &[Pid]) -> Vec<(Pid, &'static str)> {
    let next = cycle.iter().cycle().skip(1);
    let asked = |(from, to)| waits.get(from)?.get(to)?.last().copied();
    let hops = cycle.iter().zip(next);
    hops.map(|hop| (*hop.0, asked(hop).unwrap_or_default()))
        .collect()
}

fn report(node: &Node, cycle: Vec<(Pid, &'static str)>) {
    let (processes, messages): (Vec<Pid>, Vec<_>) = graph::from_smallest(cycle).into_iter().unzip();
    let name = |pid: &Pid| node.core().names().of(*pid).map(|name| name.to_string());
    let names = processes.iter().map(name).collect();
    let cycle = CallCycle {
        processes,
        names,
        messages,
    };
    tracing::error!(
        target: "foundation::deadlock",
        %cycle,
        "processes call each other in a circle: each waits for the next, until a call's time is up"
    );
    node.core().watch().feed.tell(&cycle);
}

impl Node {
    /// Cycles of calls from now on, each told when the call that closes it is made. In debug builds
    /// only; in release builds it is silent, and [`Node::deadlocks`] finds them.
    #[must_use]
    pub fn call_cycles(&self, capacity: usize) -> CallCycleStream {
        self.core().watch().feed.subscribe(capacity)
    }
}
