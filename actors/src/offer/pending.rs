//! Which starts for other nodes are not done yet?
//!
//! Role       Decides who may start one more, and which children end with their starters.
//! Inputs     Starts, what their starters say, ends of children, losses of nodes.
//! Outputs    The child that is to be let go, or to be ended.
//! Limit      So many starts of each node at once.
//! Invariant  A child is let go or ended once; one whose start is done is none of the desk's.

use std::collections::BTreeMap;

use foundation_runtime::{NodeId, Pid, TimerRef};

use super::words::StartId;

/// A child whose starter has not said yet that it knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    pub(super) child: Pid,
    /// Rings when the starter has had time enough.
    pub(super) bell: TimerRef,
}

/// The starts that are under way.
#[derive(Debug)]
pub(super) struct Pending {
    /// How many of each node.
    most: usize,
    starts: BTreeMap<StartId, Unsettled>,
}

impl Pending {
    pub(super) fn new(most: usize) -> Self {
        let starts = BTreeMap::new();
        Self { most, starts }
    }

    /// Whether that node may have one more.
    pub(super) fn has_room(&self, of: NodeId) -> bool {
        self.of(of).count() < self.most
    }

    /// A child is there. `false`, and nothing is noted, where there is such a start already.
    pub(super) fn begin(&mut self, id: StartId, start: Unsettled) -> bool {
        assert!(self.has_room(id.of), "more starts than allowed");
        let free = !self.starts.contains_key(&id);
        if free {
            self.starts.insert(id, start);
        }
        free
    }

    pub(super) fn has(&self, id: StartId) -> bool {
        self.starts.contains_key(&id)
    }

    /// The start is over: the starter knows, or does not want it, or said neither in time.
    pub(super) fn end(&mut self, id: StartId) -> Option<Unsettled> {
        self.starts.remove(&id)
    }

    /// A child has ended before its starter said anything.
    pub(super) fn ended(&mut self, child: Pid) -> Option<Unsettled> {
        let mut starts = self.starts.iter();
        let (id, _) = starts.find(|(_, start)| start.child == child)?;
        let id = *id;
        self.starts.remove(&id)
    }

    /// A node is lost: its starts are over, in their order.
    pub(super) fn lost(&mut self, node: NodeId) -> Vec<Unsettled> {
        let ids: Vec<StartId> = self.of(node).collect();
        let starts = ids.into_iter().filter_map(|id| self.starts.remove(&id));
        starts.collect()
    }

    fn of(&self, of: NodeId) -> impl Iterator<Item = StartId> {
        let (first, last) = (
            StartId { of, number: 0 },
            StartId {
                of,
                number: u64::MAX,
            },
        );
        self.starts.range(first..=last).map(|(id, _)| *id)
    }
}
