//! When does the first timer of a simulated world go off?
//!
//! Role       For each node a time before which none of its timers is due, in order: to find the
//!            next does not mean to ask every node.
//! Inputs     [`Due::sooner`] when an earlier timer is armed; [`Due::set`] when a node was asked.
//! Invariant  What is kept for a node is never later than its first timer; it may be earlier, when
//!            that was cancelled.

use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(super) struct Due {
    /// By time, then by node.
    order: BTreeSet<(u64, usize)>,
    of: Vec<Option<u64>>,
}

impl Due {
    /// The earliest time, and whose it is.
    pub(super) fn first(&self) -> Option<(u64, usize)> {
        self.order.first().copied()
    }

    /// A timer is armed that is earlier than those before.
    pub(super) fn sooner(&mut self, node: usize, at: u64) {
        if self
            .of
            .get(node)
            .copied()
            .flatten()
            .is_none_or(|old| at < old)
        {
            self.set(node, Some(at));
        }
    }

    /// No timer of this node is due before this time; without one, none will ever be.
    pub(super) fn set(&mut self, node: usize, at: Option<u64>) {
        if self.of.len() <= node {
            self.of.resize(node + 1, None);
        }
        if let Some(old) = std::mem::replace(&mut self.of[node], at) {
            self.order.remove(&(old, node));
        }
        self.order.extend(at.map(|at| (at, node)));
    }

    /// The nodes that may have something due at `now`, in order of their numbers.
    pub(super) fn at(&self, now: u64) -> Vec<usize> {
        let due = self.order.range(..=(now, usize::MAX));
        let mut nodes: Vec<usize> = due.map(|(_, node)| *node).collect();
        nodes.sort_unstable();
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_of_all_nodes_is_first() {
        let mut due = Due::default();
        assert_eq!(due.first(), None);
        due.sooner(2, 50);
        due.sooner(0, 70);
        due.sooner(0, 90);
        assert_eq!(due.first(), Some((50, 2)));
        due.sooner(0, 50);
        assert_eq!(due.at(49), []);
        assert_eq!(due.at(50), [0, 2], "by number, not by arming");
        due.set(2, Some(60));
        due.set(0, None);
        assert_eq!(due.first(), Some((60, 2)));
        assert_eq!(due.at(60), [2]);
    }
}
