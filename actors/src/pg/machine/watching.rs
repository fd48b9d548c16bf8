//! Who is told of which group?
//!
//! Owns       The monitors, by number and by watcher.
//! Invariant  A number is used once. Monitors of one change are told in the order of their numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Change, Effect, Group, Member};

#[derive(Debug)]
struct Monitor<P> {
    watcher: P,
    /// None: all groups.
    group: Option<Group>,
}

#[derive(Debug)]
pub(super) struct Watching<P> {
    monitors: BTreeMap<u64, Monitor<P>>,
    of: BTreeMap<P, BTreeSet<u64>>,
    of_scope: BTreeSet<u64>,
    of_group: BTreeMap<Group, BTreeSet<u64>>,
    next: u64,
}

impl<P: Member> Watching<P> {
    pub(super) fn new() -> Self {
        Self {
            monitors: BTreeMap::new(),
            of: BTreeMap::new(),
            of_scope: BTreeSet::new(),
            of_group: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.monitors.len()
    }

    pub(super) fn has(&self, watcher: P) -> bool {
        self.of.contains_key(&watcher)
    }

    pub(super) fn watcher(&self, id: u64) -> Option<P> {
        self.monitors.get(&id).map(|monitor| monitor.watcher)
    }

    pub(super) fn add(&mut self, watcher: P, group: Option<Group>) -> u64 {
        self.next += 1;
        let id = self.next;
        self.of.entry(watcher).or_default().insert(id);
        match &group {
            Some(group) => self
                .of_group
                .entry(Arc::clone(group))
                .or_default()
                .insert(id),
            None => self.of_scope.insert(id),
        };
        self.monitors.insert(id, Monitor { watcher, group });
        id
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<P> {
        let Monitor { watcher, group } = self.monitors.remove(&id)?;
        match &group {
            Some(group) => remove_from(&mut self.of_group, group, id),
            None => self.of_scope.remove(&id),
        };
        remove_from(&mut self.of, &watcher, id);
        Some(watcher)
    }

    /// A watcher has ended.
    pub(super) fn forget(&mut self, watcher: P) {
        for id in self.of.get(&watcher).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }

    pub(super) fn tell(
        &self,
        change: Change,
        group: &Group,
        pids: &[P],
        effects: &mut Vec<Effect<P>>,
    ) {
        let of_group = self.of_group.get(group);
        let mut ids: Vec<u64> = self.of_scope.iter().copied().collect();
        ids.extend(of_group.into_iter().flatten());
        ids.sort_unstable();
        for id in ids {
            effects.push(Effect::Notify {
                watcher: self.monitors[&id].watcher,
                id,
                change,
                group: Arc::clone(group),
                pids: pids.to_vec(),
            });
        }
    }

    pub(super) fn check(&self) {
        for (id, monitor) in &self.monitors {
            let listed = self
                .of
                .get(&monitor.watcher)
                .is_some_and(|ids| ids.contains(id));
            assert!(listed, "monitor {id} has a watcher");
            let indexed = match &monitor.group {
                Some(group) => self.of_group.get(group).is_some_and(|ids| ids.contains(id)),
                None => self.of_scope.contains(id),
            };
            assert!(indexed, "monitor {id} is found by what it watches");
        }
        let listed: usize = self.of.values().map(BTreeSet::len).sum();
        let of_group: usize = self.of_group.values().map(BTreeSet::len).sum();
        assert_eq!(listed, self.monitors.len(), "a monitor has one watcher");
        assert_eq!(
            of_group + self.of_scope.len(),
            self.monitors.len(),
            "and one subject"
        );
    }
}

/// Takes a number out of its set, and the set with its last one.
fn remove_from<K: Ord>(map: &mut BTreeMap<K, BTreeSet<u64>>, key: &K, id: u64) -> bool {
    let Some(ids) = map.get_mut(key) else {
        return false;
    };
    let removed = ids.remove(&id);
    if ids.is_empty() {
        map.remove(key);
    }
    removed
}
