//! Who of this node is in which group, how many times?
//!
//! Owns       Each membership twice: under its group, in the order of joining, and under its
//!            process, so that a death costs what the dead had joined.
//! Invariant  Both say the same; no group and no process is kept without a membership.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::{Group, Member};

#[derive(Debug)]
pub(super) struct Local<P> {
    groups: BTreeMap<Group, BTreeMap<u64, P>>,
    /// By process: the numbers of its memberships, by group. Looked up, never walked.
    of: HashMap<P, BTreeMap<Group, Vec<u64>>, FxBuildHasher>,
    next: u64,
    count: usize,
}

impl<P: Member> Local<P> {
    pub(super) fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            of: HashMap::default(),
            next: 0,
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn knows(&self, pid: P) -> bool {
        self.of.contains_key(&pid)
    }

    pub(super) fn members(&self, group: &str) -> Vec<P> {
        let members = self.groups.get(group);
        members.map_or_else(Vec::new, |members| members.values().copied().collect())
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        self.groups.keys().cloned().collect()
    }

    pub(super) fn all(&self) -> Vec<(Group, Vec<P>)> {
        let groups = self.groups.iter();
        groups
            .map(|(group, members)| (Arc::clone(group), members.values().copied().collect()))
            .collect()
    }

    pub(super) fn join(&mut self, group: &Group, pid: P) {
        let number = self.next;
        self.next += 1;
        self.count += 1;
        let members = self.groups.entry(Arc::clone(group)).or_default();
        members.insert(number, pid);
        let of = self.of.entry(pid).or_default();
        of.entry(Arc::clone(group)).or_default().push(number);
    }

    /// Takes one membership away: the latest. Says whether there was one.
    pub(super) fn leave(&mut self, group: &str, pid: P) -> bool {
        let Some(of) = self.of.get_mut(&pid) else {
            return false;
        };
        let Some(number) = of.get_mut(group).and_then(Vec::pop) else {
            return false;
        };
        if of.get(group).is_some_and(Vec::is_empty) {
            of.remove(group);
        }
        if of.is_empty() {
            self.of.remove(&pid);
        }
        self.take(group, number);
        true
    }

    /// Takes all memberships of a process away: its groups, sorted, each as often as it was there.
    pub(super) fn remove(&mut self, pid: P) -> Vec<Group> {
        let mut left = Vec::new();
        for (group, numbers) in self.of.remove(&pid).unwrap_or_default() {
            for number in numbers {
                self.take(&group, number);
                left.push(Arc::clone(&group));
            }
        }
        left
    }

    fn take(&mut self, group: &str, number: u64) {
        let members = self.groups.get_mut(group);
        let members = members.expect("a membership stands under its group");
        assert!(
            members.remove(&number).is_some(),
            "a membership is taken once"
        );
        if members.is_empty() {
            self.groups.remove(group);
        }
        self.count -= 1;
    }

    pub(super) fn check(&self) {
        let mut count = 0;
        for (group, members) in &self.groups {
            assert!(!members.is_empty(), "{group} is kept without members");
            for (number, pid) in members {
                let numbers = self.of.get(pid).and_then(|of| of.get(group));
                let listed = numbers.is_some_and(|numbers| numbers.contains(number));
                assert!(listed, "{pid:?} is in {group}, and does not know it");
                count += 1;
            }
        }
        assert_eq!(count, self.count, "memberships were counted");
        let mut listed = 0;
        for of in self.of.values() {
            assert!(!of.is_empty(), "a process is kept without memberships");
            listed += of.values().map(Vec::len).sum::<usize>();
        }
        assert_eq!(
            listed, self.count,
            "no membership stands under a process alone"
        );
    }
}
