//! Which nodes of a simulated world may not run for now?
//!
//! Role       Nodes that are paused, and slow ones between two turns: their processes that could run
//!            are kept here meanwhile.
//! Inputs     Faults, turns that were run, and the time by now.
//! Outputs    Whether a node rests, and the processes that can run again.
//! Invariant  A node that rests has nobody in the run queue; one that does not has nobody here.

use std::collections::{BTreeMap, BTreeSet};

use super::ready::Entry;
use crate::scheduler::Priority;

#[derive(Debug, Default)]
struct Resting {
    is_paused: bool,
    /// A slow node has had its turn, and waits for the next until then.
    until: Option<u64>,
    kept: Vec<(Priority, Entry)>,
}

/// Nodes that rest, and those that are slow.
#[derive(Debug, Default)]
pub(super) struct Rest {
    resting: BTreeMap<usize, Resting>,
    /// When slow nodes go on.
    ends: BTreeSet<(u64, usize)>,
    /// How long a turn takes on nodes where it takes time, in nanoseconds.
    costs: BTreeMap<usize, u64>,
}

impl Rest {
    pub(super) fn is_resting(&self, node: usize) -> bool {
        !self.resting.is_empty() && self.resting.contains_key(&node)
    }

    /// Keeps a process of a node that rests.
    pub(super) fn keep(&mut self, level: Priority, entry: Entry) {
        let resting = self.resting.get_mut(&entry.node);
        let resting = resting.expect("only who rests is kept");
        resting.kept.push((level, entry));
    }

    /// How many processes of a node are kept.
    pub(super) fn of_node(&self, node: usize) -> usize {
        self.resting
            .get(&node)
            .map_or(0, |resting| resting.kept.len())
    }

    /// Pauses a node, whose processes that could run are these.
    pub(super) fn pause(&mut self, node: usize, ready: Vec<(Priority, Entry)>) {
        let resting = self.resting.entry(node).or_default();
        resting.is_paused = true;
        resting.kept.extend(ready);
    }

    /// A node is paused no more. What is given back can run now.
    pub(super) fn resume(&mut self, node: usize) -> Vec<(Priority, Entry)> {
        if let Some(resting) = self.resting.get_mut(&node) {
            resting.is_paused = false;
        }
        self.release(node)
    }

    /// From now on each turn of a node takes so long; with 0 none takes any time.
    pub(super) fn slow(&mut self, node: usize, cost: u64) {
        match cost {
            0 => self.costs.remove(&node),
            cost => self.costs.insert(node, cost),
        };
    }

    /// How long a turn of this node takes.
    pub(super) fn cost(&self, node: usize) -> Option<u64> {
        self.costs.get(&node).copied()
    }

    /// A slow node has had a turn; its processes that could run are these.
    pub(super) fn rest_until(&mut self, node: usize, at: u64, ready: Vec<(Priority, Entry)>) {
        let resting = self.resting.entry(node).or_default();
        resting.until = Some(at);
        resting.kept.extend(ready);
        self.ends.insert((at, node));
    }

    /// When the first slow node goes on.
    pub(super) fn next(&self) -> Option<u64> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Whoever can run again by now.
    pub(super) fn wake(&mut self, now: u64) -> Vec<(Priority, Entry)> {
        let mut awake = Vec::new();
        while let Some((at, node)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.ends.remove(&(at, node));
            if let Some(resting) = self.resting.get_mut(&node) {
                resting.until = None;
            }
            awake.extend(self.release(node));
        }
        awake
    }

    /// Nothing rests or is slow any more: everybody who was kept.
    pub(super) fn end(&mut self) -> Vec<(Priority, Entry)> {
        let all = std::mem::take(self).resting.into_values();
        all.flat_map(|resting| resting.kept).collect()
    }

    fn release(&mut self, node: usize) -> Vec<(Priority, Entry)> {
        let goes_on = |resting: &Resting| !resting.is_paused && resting.until.is_none();
        match self.resting.get(&node).is_some_and(goes_on) {
            true => self.resting.remove(&node).map_or(Vec::new(), |it| it.kept),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(slot: u32) -> (Priority, Entry) {
        let (node, since) = (3, 0);
        (Priority::Normal, Entry { node, slot, since })
    }

    #[test]
    fn a_paused_node_rests_until_it_is_resumed() {
        let mut rest = Rest::default();
        assert!(!rest.is_resting(3));
        rest.pause(3, vec![some(1)]);
        rest.keep(some(2).0, some(2).1);
        assert!(rest.is_resting(3) && !rest.is_resting(2));
        assert_eq!((rest.of_node(3), rest.wake(u64::MAX)), (2, vec![]));
        assert_eq!(rest.resume(3), [some(1), some(2)]);
        assert!(!rest.is_resting(3));
        assert_eq!(rest.resume(3), [], "again is no harm");
    }

    #[test]
    fn a_slow_node_rests_after_each_turn() {
        let mut rest = Rest::default();
        rest.slow(3, 10);
        assert_eq!((rest.cost(3), rest.cost(2)), (Some(10), None));
        rest.rest_until(3, 10, vec![some(1)]);
        assert_eq!((rest.next(), rest.wake(9)), (Some(10), vec![]));
        assert_eq!(rest.wake(10), [some(1)]);
        assert_eq!((rest.next(), rest.is_resting(3)), (None, false));
        rest.slow(3, 0);
        assert_eq!(rest.cost(3), None);
    }

    #[test]
    fn both_must_be_over() {
        let mut rest = Rest::default();
        rest.rest_until(3, 10, vec![some(1)]);
        rest.pause(3, vec![]);
        assert_eq!(rest.wake(10), []);
        assert_eq!(rest.resume(3), [some(1)]);
        rest.rest_until(3, 20, vec![some(2)]);
        rest.pause(3, vec![]);
        assert_eq!(rest.resume(3), []);
        assert_eq!(rest.wake(20), [some(2)]);
    }
}
