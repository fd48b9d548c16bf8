//! Which processes does an observer want to see, and in which order?
//!
//! Role       [`Query`]: what to show; [`Snapshot`]: what was found.
//! Limit      A snapshot shows at most `SHOWN_MAX` processes; `next` says where to go on.
//! Invariant  One pass over the table. Processes that do not qualify, by what stands in their control
//!            block, cost a few loads each.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::{Close, Glance, ProcessFacts, Seen};
use super::{ProcessKind, Sampler};
use crate::node::Core;
use crate::{Node, Pid};

/// How many processes a snapshot shows at most.
const SHOWN_MAX: usize = 100_000;
const SHOWN: usize = 1000;

/// The figure that the first processes of a snapshot are the largest in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// Messages handled since the process began.
    Reductions,
    /// Messages that wait. A process that runs or waits to run is counted by nobody: those come
    /// last, and [`Node::info`] asks them.
    Messages,
}

/// What to show of a node's processes: all, in the order of their slots, unless said otherwise.
///
/// ```
/// use foundation_runtime::{By, Node, Query};
/// let node = Node::builder().start().unwrap();
/// let busiest = node.snapshot(&Query::new().top(10, By::Reductions));
/// assert!(busiest.processes.len() <= 10);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query is answered by `Node::snapshot`"]
pub struct Query {
    top: Option<By>,
    after: Option<Pid>,
    limit: usize,
    kind: Option<ProcessKind>,
    parent: Option<Option<Pid>>,
    name_prefix: Option<String>,
    code: Option<String>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            top: None,
            after: None,
            limit: SHOWN,
            kind: None,
            parent: None,
            name_prefix: None,
            code: None,
        }
    }
}

impl Query {
    /// All processes, the first 1,000 of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the `count` that have the most, the largest first.
    pub fn top(mut self, count: usize, by: By) -> Self {
        self.top = Some(by);
        self.limit(count)
    }

    /// At most so many; never more than 100,000.
    pub fn limit(mut self, count: usize) -> Self {
        self.limit = count.min(SHOWN_MAX);
        self
    }

    /// Only those after this one, in the order of slots: the next page. Means nothing for
    /// [`Query::top`].
    pub fn after(mut self, last: Pid) -> Self {
        self.after = Some(last);
        self
    }

    /// Only processes of this kind.
    pub fn kind(mut self, kind: ProcessKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only those that this process has started.
    pub fn children_of(mut self, parent: Pid) -> Self {
        self.parent = Some(Some(parent));
        self
    }

    /// Only those that no process of this node has started: where the trees begin.
    pub fn roots(mut self) -> Self {
        self.parent = Some(None);
        self
    }

    /// Only those registered under a name that begins so.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.name_prefix = Some(prefix.into());
        self
    }

    /// Only those whose code's name contains this. Whose code is not known, because it is about to
    /// run, is left out.
    pub fn code(mut self, part: impl Into<String>) -> Self {
        self.code = Some(part.into());
        self
    }
}

/// What a look at a node's processes found.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The node's time.
    pub at: Duration,
    /// What was asked for. Each is as it was at its moment of the pass; they were not stopped.
    pub processes: Vec<ProcessFacts>,
    /// How many qualified, also those beyond the limit; of a page, those seen until it was full.
    pub matched: usize,
    /// The last process shown when there are more: give it to [`Query::after`].
    pub next: Option<Pid>,
}

impl Node {
    /// Looks at the processes of the node. It sends them nothing and stops none; from any thread.
    /// About a hundred nanoseconds for each process that is alive, a few for each that is left out.
    #[must_use]
    pub fn snapshot(&self, query: &Query) -> Snapshot {
        let core = self.core();
        let pass = Pass {
            core,
            seen: Seen::now(core),
            query,
            named: named(core, query),
        };
        match query.top {
            Some(By::Reductions) => pass.largest(|glance| u64::from(glance.reductions)),
            Some(By::Messages) => pass.longest(),
            None => pass.page(),
        }
    }

    /// What is known of one process without asking it; `None` when it is dead, or of another node.
    #[must_use]
    pub fn facts(&self, pid: impl Into<Pid>) -> Option<ProcessFacts> {
        let (core, pid) = (self.core(), pid.into());
        if pid.node() != core.id() {
            return None;
        }
        let glance = Glance::of(core, pid.slot()).filter(|glance| glance.pid == pid)?;
        ProcessFacts::of(core, &Seen::now(core), glance, None)
    }

    /// The processes that handled the most messages since this sampler looked last; the first time,
    /// since they began.
    #[must_use]
    pub fn snapshot_since(&self, sampler: &mut Sampler, query: &Query) -> Snapshot {
        let core = self.core();
        let pass = Pass {
            core,
            seen: Seen::now(core),
            query,
            named: named(core, query),
        };
        sampler.begin();
        let snapshot = pass.largest(|glance| sampler.recent(glance));
        sampler.end();
        snapshot
    }
}

/// The processes whose names qualify, if names were asked for.
fn named(core: &Core, query: &Query) -> Option<BTreeMap<Pid, ()>> {
    let prefix = query.name_prefix.as_deref()?;
    let all = core.names().all().into_iter();
    let fit = all.filter(|(name, _)| name.starts_with(prefix));
    Some(fit.map(|(_, pid)| (pid, ())).collect())
}

struct Pass<'a> {
    core: &'a Core,
    seen: Seen,
    query: &'a Query,
    named: Option<BTreeMap<Pid, ()>>,
}

impl Pass<'_> {
    /// The living that qualify by what stands in their control blocks.
    fn glances(&self, from: u32) -> impl Iterator<Item = Glance> {
        let slots = from..self.core.table().high();
        let living = slots.filter_map(|slot| Glance::of(self.core, slot));
        living.filter(|glance| self.fits(glance))
    }

    fn fits(&self, glance: &Glance) -> bool {
        let query = self.query;
        query.kind.is_none_or(|kind| kind == glance.kind())
            && query.parent.is_none_or(|parent| parent == glance.parent)
            && self
                .named
                .as_ref()
                .is_none_or(|named| named.contains_key(&glance.pid))
    }

    fn facts(&self, glance: Glance, close: Option<Close>) -> Option<ProcessFacts> {
        let facts = ProcessFacts::of(self.core, &self.seen, glance, close)?;
        let code = facts.code.unwrap_or_default();
        let fits = self
            .query
            .code
            .as_deref()
            .is_none_or(|part| !code.is_empty() && code.contains(part));
        fits.then_some(facts)
    }

    fn snapshot(&self, processes: Vec<ProcessFacts>, matched: usize, more: bool) -> Snapshot {
        let last = processes.last().map(|facts| facts.pid);
        Snapshot {
            at: Duration::from_nanos(self.core.clock().now()),
            next: last.filter(|_| more),
            processes,
            matched,
        }
    }

    fn page(&self) -> Snapshot {
        let from = self
            .query
            .after
            .map_or(0, |last| last.slot().saturating_add(1));
        let mut processes = Vec::new();
        for glance in self.glances(from) {
            let Some(facts) = self.facts(glance, None) else {
                continue;
            };
            if processes.len() == self.query.limit {
                let matched = processes.len();
                return self.snapshot(processes, matched, true);
            }
            processes.push(facts);
        }
        let matched = processes.len();
        self.snapshot(processes, matched, false)
    }

    /// The largest by what stands in the control block: only those are looked at closely.
    fn largest(&self, mut key: impl FnMut(&Glance) -> u64) -> Snapshot {
        let mut all: Vec<(u64, Glance)> = Vec::new();
        for glance in self.glances(0) {
            all.push((key(&glance), glance));
        }
        let order = |(key, glance): &(u64, Glance)| (Reverse(*key), glance.pid.slot());
        let matched = all.len();
        all.sort_unstable_by_key(order);
        let shown = all
            .into_iter()
            .filter_map(|(_, glance)| self.facts(glance, None));
        let processes = shown.take(self.query.limit).collect();
        self.snapshot(processes, matched, false)
    }

    fn longest(&self) -> Snapshot {
        let closely = |glance: Glance| (Close::of(self.core, glance.pid), glance);
        let mut all: Vec<(Option<Close>, Glance)> = self.glances(0).map(closely).collect();
        all.sort_by_key(|(close, glance)| {
            let messages = close.as_ref().map(|close| close.messages);
            (Reverse(messages), glance.pid.slot())
        });
        let matched = all.len();
        let shown = all
            .into_iter()
            .filter_map(|(close, glance)| self.facts(glance, close));
        let processes = shown.take(self.query.limit).collect();
        self.snapshot(processes, matched, false)
    }
}
