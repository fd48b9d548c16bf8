//! Who are the children of a dynamic supervisor?
//!
//! Role       The set of children by pid: O(1), and small for those that are never restarted.
//! Owns       A pid for each temporary child; a pid and what starts it again for each other child. A
//!            few of another kind among temporary ones cost no more than themselves.
//! Invariant  A child waiting to be restarted goes by the pid it had. Order is that of insertions
//!            and removals, never that of hashes.
//! Source     otp: supervisor, simple_one_for_one

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

use super::{Address, Restart};

/// Below this many children no memory is given back.
const SHRINK_LEN_MIN: usize = 1024;

/// The children of a dynamic supervisor.
#[derive(Debug)]
pub(super) struct Kin<P, R> {
    table: Table<P, R>,
    /// How many wait to be restarted.
    restarting: usize,
}

#[derive(Debug)]
enum Table<P, R> {
    /// Most are temporary, and all are in the set; those that are not are in the map as well.
    Temporary(IndexSet<P, FxBuildHasher>, Map<P, R>),
    Kept(Map<P, R>),
}

type Map<P, R> = IndexMap<P, Kept<R>, FxBuildHasher>;

#[derive(Debug)]
struct Kept<R> {
    start: R,
    restart: Restart,
    restarting: bool,
}

impl<P: Address, R: Clone> Kin<P, R> {
    pub(super) fn new(restart: Restart) -> Self {
        let table = match restart {
            Restart::Temporary => Table::Temporary(IndexSet::default(), IndexMap::default()),
            Restart::Permanent | Restart::Transient => Table::Kept(IndexMap::default()),
        };
        Self {
            table,
            restarting: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.table {
            Table::Temporary(set, _) => set.len(),
            Table::Kept(map) => map.len(),
        }
    }

    pub(super) fn restarting(&self) -> usize {
        self.restarting
    }

    /// Where this child is; positions change with every removal.
    pub(super) fn find(&self, pid: P) -> Option<usize> {
        match &self.table {
            Table::Temporary(set, _) => set.get_index_of(&pid),
            Table::Kept(map) => map.get_index_of(&pid),
        }
    }

    pub(super) fn pid(&self, at: usize) -> P {
        match &self.table {
            Table::Temporary(set, _) => *set.get_index(at).expect("a child at this position"),
            Table::Kept(map) => *map.get_index(at).expect("a child at this position").0,
        }
    }

    pub(super) fn is_restarting(&self, at: usize) -> bool {
        self.restarting > 0 && self.kept(at).is_some_and(|kept| kept.restarting)
    }

    /// How this child is restarted.
    pub(super) fn restart(&self, at: usize) -> Restart {
        let kept = self.kept(at);
        kept.map_or(Restart::Temporary, |kept| kept.restart)
    }

    /// What is kept to start this child again, if that is kept.
    fn kept(&self, at: usize) -> Option<&Kept<R>> {
        match &self.table {
            Table::Temporary(_, others) if others.is_empty() => None,
            Table::Temporary(set, others) => others.get(set.get_index(at)?),
            Table::Kept(map) => map.get_index(at).map(|(_, kept)| kept),
        }
    }

    /// Whether what starts a child that is restarted so must be kept.
    pub(super) fn keeps_start(&self, restart: Restart) -> bool {
        restart != Restart::Temporary || matches!(self.table, Table::Kept(_))
    }

    /// What starts this child again.
    pub(super) fn start(&self, at: usize) -> R {
        let kept = self.kept(at);
        kept.expect("a temporary child is never restarted")
            .start
            .clone()
    }

    /// Adds a running child. `start` is given exactly when it is kept.
    pub(super) fn insert(&mut self, pid: P, start: Option<(Restart, R)>) {
        let kept = start.map(|(restart, start)| Kept {
            start,
            restart,
            restarting: false,
        });
        let fresh = match (&mut self.table, kept) {
            (Table::Temporary(set, others), kept) => {
                // Grow by an eighth, where the map would double: the last doubling is what costs.
                if set.len() == set.capacity() {
                    set.reserve_exact(set.len() / 8 + 16);
                }
                if let Some(kept) = kept {
                    others.insert(pid, kept);
                }
                set.insert(pid)
            }
            (Table::Kept(map), Some(kept)) => {
                if map.len() == map.capacity() {
                    map.reserve_exact(map.len() / 8 + 16);
                }
                map.insert(pid, kept).is_none()
            }
            (Table::Kept(_), None) => panic!("what starts a child is kept here for all"),
        };
        assert!(fresh, "{pid:?} was started twice");
    }

    /// The child's restart failed: it waits, under the pid it had.
    pub(super) fn set_restarting(&mut self, at: usize) {
        let kept = match &mut self.table {
            Table::Temporary(set, others) => {
                let pid = set.get_index(at).expect("a child at this position");
                others.get_mut(pid).expect("a temporary child is restarted")
            }
            Table::Kept(map) => &mut map[at],
        };
        if !std::mem::replace(&mut kept.restarting, true) {
            self.restarting += 1;
        }
        assert!(
            self.restarting <= self.len(),
            "more restarting than there are"
        );
    }

    /// Takes a child out and returns what starts it, when that was kept. The last child moves to
    /// its position.
    pub(super) fn remove(&mut self, at: usize) -> Option<(Restart, R)> {
        let len = self.len();
        assert!(at < len, "no child at {at}");
        let kept = match &mut self.table {
            Table::Temporary(set, others) => {
                let pid = set.swap_remove_index(at)?;
                if len > SHRINK_LEN_MIN && set.capacity() > 4 * len {
                    set.shrink_to(2 * len);
                }
                others.swap_remove(&pid)?
            }
            Table::Kept(map) => {
                let (_, kept) = map.swap_remove_index(at)?;
                if len > SHRINK_LEN_MIN && map.capacity() > 4 * len {
                    map.shrink_to(2 * len);
                }
                kept
            }
        };
        self.restarting -= usize::from(kept.restarting);
        Some((kept.restart, kept.start))
    }

    pub(super) fn swap(&mut self, one: usize, other: usize) {
        assert!(one.max(other) < self.len(), "no child at {one} or {other}");
        match &mut self.table {
            Table::Temporary(set, _) => set.swap_indices(one, other),
            Table::Kept(map) => map.swap_indices(one, other),
        }
    }

    /// Panics when the set is impossible. O(1): there may be millions.
    pub(super) fn check(&self) {
        assert!(
            self.restarting <= self.len(),
            "more restarting than there are"
        );
        if let Table::Temporary(set, others) = &self.table {
            assert!(others.len() <= set.len(), "more others than children");
            assert!(
                self.restarting <= others.len(),
                "a temporary child is restarted"
            );
        }
    }
}
