//! What has each other node said of its members?
//!
//! Owns       One view per node that has synced, and none of one that is lost.
//! Invariant  A view has pids of its own node alone, and no group without members.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Group, Member};

/// What one node has named.
type View<P> = BTreeMap<Group, Vec<P>>;

#[derive(Debug)]
pub(super) struct Peers<P: Member>(BTreeMap<P::Node, View<P>>);

impl<P: Member> Peers<P> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn nodes(&self) -> Vec<P::Node> {
        self.0.keys().copied().collect()
    }

    pub(super) fn has_members(&self, node: P::Node) -> bool {
        self.0.get(&node).is_some_and(|view| !view.is_empty())
    }

    pub(super) fn members(&self, group: &str, members: &mut Vec<P>) {
        for view in self.0.values() {
            members.extend(view.get(group).into_iter().flatten());
        }
    }

    pub(super) fn groups(&self, groups: &mut Vec<Group>) {
        for view in self.0.values() {
            groups.extend(view.keys().cloned());
        }
    }

    /// Puts a whole view in the place of the one before, and returns that.
    pub(super) fn replace(&mut self, node: P::Node, view: View<P>) -> View<P> {
        self.0.insert(node, view).unwrap_or_default()
    }

    /// Takes members of a node that has synced; says whether it did.
    pub(super) fn join(
        &mut self,
        node: P::Node,
        group: &Group,
        pids: &[P],
        members_max: usize,
    ) -> bool {
        let Some(view) = self.0.get_mut(&node) else {
            return false;
        };
        let count: usize = view.values().map(Vec::len).sum();
        if pids.is_empty() || members_max - count < pids.len() {
            return false;
        }
        view.entry(Arc::clone(group)).or_default().extend(pids);
        true
    }

    /// Takes away whom the view has, once for each time it is named; says whom.
    pub(super) fn leave(&mut self, node: P::Node, group: &str, pids: &[P]) -> Vec<P> {
        let Some(view) = self.0.get_mut(&node) else {
            return Vec::new();
        };
        let Some(members) = view.get_mut(group) else {
            return Vec::new();
        };
        let mut left = Vec::new();
        for pid in pids {
            if let Some(at) = members.iter().rposition(|member| member == pid) {
                members.remove(at);
                left.push(*pid);
            }
        }
        if members.is_empty() {
            view.remove(group);
        }
        left
    }

    /// Forgets a node, and says what it had.
    pub(super) fn lose(&mut self, node: P::Node) -> View<P> {
        self.0.remove(&node).unwrap_or_default()
    }

    pub(super) fn check(&self, own: P::Node, members_max: usize) {
        for (node, view) in &self.0 {
            assert!(*node != own, "a node is no peer of its own");
            let mut count = 0;
            for (group, members) in view {
                assert!(!members.is_empty(), "{group} is kept without members");
                for pid in members {
                    assert!(pid.node() == *node, "{pid:?} is in the view of {node:?}");
                }
                count += members.len();
            }
            assert!(count <= members_max, "a view is bounded");
        }
    }
}
