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
}

impl fmt::Display for CallCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.processes.iter().zip(&self.names).take(1);
        for (at, (pid, name)) in self
            .processes
            .iter()
            .zip(&self.names)
            .chain(first)
            .enumerate()
        {
            if 0 < at {
                f.write_str(" calls ")?;
            }
            match name {
                Some(name) => write!(f, "`{name}` {pid}")?,
                None => write!(f, "{pid}")?,
            }
        }
        Ok(())
    }
}

/// Cycles of calls, from the moment of subscription on.
pub type CallCycleStream = Stream<CallCycle>;

/// Who waits for whom, and how often.
type Waits = BTreeMap<Pid, BTreeMap<Pid, usize>>;

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
}

impl Waiting {
    /// `caller` is about to wait for `server`.
    pub(crate) fn new(node: &Node, caller: Pid, server: Pid) -> Self {
        let edge = (caller, server);
        let cycle = {
            let mut waits = node.core().watch().waits();
            *waits.entry(caller).or_default().entry(server).or_default() += 1;
            chain(&waits, server, caller)
        };
        if let Some(cycle) = cycle {
            report(node, &cycle);
        }
        Self {
            node: node.clone(),
            edge,
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
        if let Some(count) = servers.get_mut(&server) {
            *count -= 1;
            if *count == 0 {
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

fn report(node: &Node, cycle: &[Pid]) {
    let processes = graph::from_smallest(cycle.to_vec());
    let name = |pid: &Pid| node.core().names().of(*pid).map(|name| name.to_string());
    let names = processes.iter().map(name).collect();
    let cycle = CallCycle { processes, names };
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
