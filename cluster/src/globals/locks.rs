//! What of this node is locked by whom?
//!
//! Role       This node's say in every lock: a lock is held by whoever has it from all nodes.
//! Invariant  What is granted is granted to one, unless two parts of a cluster that had each granted it
//!            have found each other.

use foundation_runtime::planted::{self, Bug};
use std::collections::{BTreeMap, BTreeSet};

use super::word::Resource;

#[derive(Debug)]
pub(super) struct Locks<N>(BTreeMap<Resource, BTreeSet<(N, u64)>>);

impl<N: Ord + Copy> Locks<N> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Grants it to this number of this node, unless somebody else has it.
    pub(super) fn grant(&mut self, resource: &Resource, to: (N, u64)) -> bool {
        let is_free = self
            .0
            .get(resource)
            .is_none_or(|holders| holders.iter().all(|holder| *holder == to));
        if is_free {
            self.admit(resource, to);
        }
        is_free
    }

    /// It is held already, whoever has it here.
    pub(super) fn admit(&mut self, resource: &Resource, by: (N, u64)) {
        self.0.entry(resource.clone()).or_default().insert(by);
    }

    pub(super) fn release(&mut self, resource: &Resource, by: (N, u64)) {
        if let Some(holders) = self.0.get_mut(resource)
            && !planted::is(Bug::LockForgotten)
        {
            holders.remove(&by);
            if holders.is_empty() {
                self.0.remove(resource);
            }
        }
    }

    /// Nothing is held by that node any more.
    pub(super) fn forget(&mut self, node: N) {
        self.0.retain(|_, holders| {
            holders.retain(|(of, _)| *of != node);
            !holders.is_empty()
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
