//! Who started whom?
//!
//! Role       Lays the processes of a node out as the forest of who started whom.
//! Limit      `CHILDREN_SHOWN` children of each process are kept, `KEPT_MAX` in all; the answer has as
//!            many rows as were asked for. What is left out is counted.
//! Invariant  A process whose starter has ended, or is not shown, is at the top.

use std::collections::BTreeMap;

use foundation_runtime::{Node, Pid, ProcessFacts, Query};

use super::gather::row;
use super::protocol::{Branch, Tree};

const PAGE: usize = 5000;
/// How many children of one process are shown, beside those that have children themselves.
const CHILDREN_SHOWN: u64 = 40;
const KEPT_MAX: usize = 20_000;

#[derive(Default)]
struct Forest {
    kept: BTreeMap<Pid, ProcessFacts>,
    counts: BTreeMap<Option<Pid>, u64>,
    all: u64,
}

impl Forest {
    fn add(&mut self, facts: ProcessFacts) {
        self.all += 1;
        let count = self.counts.entry(facts.parent).or_default();
        *count += 1;
        let worker = !matches!(
            facts.kind,
            foundation_runtime::ProcessKind::Supervisor
                | foundation_runtime::ProcessKind::Application
        );
        if (worker && *count > CHILDREN_SHOWN) || self.kept.len() >= KEPT_MAX {
            return;
        }
        self.kept.insert(facts.pid, facts);
    }

    /// The children of each, in the order of their pids.
    fn children(&self) -> BTreeMap<Option<Pid>, Vec<Pid>> {
        let mut children: BTreeMap<Option<Pid>, Vec<Pid>> = BTreeMap::new();
        for (pid, facts) in &self.kept {
            let parent = facts.parent.filter(|parent| self.kept.contains_key(parent));
            children.entry(parent).or_default().push(*pid);
        }
        children
    }

    fn lay_out(mut self, rows: usize) -> Tree {
        let children = self.children();
        let mut branches = Vec::new();
        let mut open: Vec<(u32, Pid)> = Vec::new();
        let push = |open: &mut Vec<(u32, Pid)>, depth, of: Option<Pid>| {
            let below = children.get(&of).into_iter().flatten().rev();
            open.extend(below.map(|pid| (depth, *pid)));
        };
        push(&mut open, 0, None);
        while let Some((depth, pid)) = open.pop() {
            if branches.len() == rows {
                break;
            }
            let Some(facts) = self.kept.remove(&pid) else {
                continue;
            };
            branches.push(Branch {
                depth,
                children: self.counts.get(&Some(pid)).copied().unwrap_or_default(),
                row: row(facts),
            });
            push(&mut open, depth + 1, Some(pid));
        }
        Tree {
            hidden: self.all.saturating_sub(branches.len() as u64),
            branches,
        }
    }
}

/// The forest of a node's processes, in at most so many rows.
pub(super) fn gather(node: &Node, rows: usize) -> Tree {
    let mut forest = Forest::default();
    let mut query = Query::new().limit(PAGE);
    loop {
        let page = node.snapshot(&query);
        page.processes
            .into_iter()
            .for_each(|facts| forest.add(facts));
        match page.next {
            Some(next) => query = query.after(next),
            None => break,
        }
    }
    forest.lay_out(rows.min(super::protocol::RANK_MAX as usize))
}
