//! Who are the children of a dynamic supervisor?
//!
//! Role       The set of children by pid: O(1), and small for those that are never restarted.
//! Owns       A pid for each temporary child; a pid and what starts it again for each other child.
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
    Temporary(IndexSet<P, FxBuildHasher>),
    Kept(IndexMap<P, Kept<R>, FxBuildHasher>),
}

#[derive(Debug)]
struct Kept<R> {
    start: R,
    restarting: bool,
}

impl<P: Address, R: Clone> Kin<P, R> {
    pub(super) fn new(restart: Restart) -> Self {
        let table = match restart {
            Restart::Temporary => Table::Temporary(IndexSet::default()),
            Restart::Permanent | Restart::Transient => Table::Kept(IndexMap::default()),
        };
        Self {
            table,
            restarting: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.table {
            Table::Temporary(set) => set.len(),
            Table::Kept(map) => map.len(),
        }
    }

    pub(super) fn restarting(&self) -> usize {
        self.restarting
    }

    /// Where this child is; positions change with every removal.
    pub(super) fn find(&self, pid: P) -> Option<usize> {
        match &self.table {
            Table::Temporary(set) => set.get_index_of(&pid),
            Table::Kept(map) => map.get_index_of(&pid),
        }
    }

    pub(super) fn pid(&self, at: usize) -> P {
        match &self.table {
            Table::Temporary(set) => *set.get_index(at).expect("a child at this position"),
            Table::Kept(map) => *map.get_index(at).expect("a child at this position").0,
        }
    }

    pub(super) fn is_restarting(&self, at: usize) -> bool {
        match &self.table {
            Table::Temporary(_) => false,
            Table::Kept(map) => map[at].restarting,
        }
    }

    /// Whether what starts a child must be kept to start it again.
    pub(super) fn keeps_start(&self) -> bool {
        matches!(self.table, Table::Kept(_))
    }

    /// What starts this child again.
    pub(super) fn start(&self, at: usize) -> R {
        match &self.table {
            Table::Temporary(_) => panic!("a temporary child is never restarted"),
            Table::Kept(map) => map[at].start.clone(),
        }
    }

    /// Adds a running child. `start` is given exactly when it is kept.
    pub(super) fn insert(&mut self, pid: P, start: Option<R>) {
        let fresh = match (&mut self.table, start) {
            (Table::Temporary(set), None) => {
                // Grow by an eighth, where the map would double: the last doubling is what costs.
                if set.len() == set.capacity() {
                    set.reserve_exact(set.len() / 8 + 16);
                }
                set.insert(pid)
            }
            (Table::Kept(map), Some(start)) => {
                if map.len() == map.capacity() {
                    map.reserve_exact(map.len() / 8 + 16);
                }
                map.insert(
                    pid,
                    Kept {
                        start,
                        restarting: false,
                    },
                )
                .is_none()
            }
            _ => panic!("what starts a child is kept for all children or for none"),
        };
        assert!(fresh, "{pid:?} was started twice");
    }

    /// The child's restart failed: it waits, under the pid it had.
    pub(super) fn set_restarting(&mut self, at: usize) {
        let Table::Kept(map) = &mut self.table else {
            panic!("a temporary child is restarted")
        };
        if !std::mem::replace(&mut map[at].restarting, true) {
            self.restarting += 1;
        }
        assert!(
            self.restarting <= map.len(),
            "more restarting than there are"
        );
    }

    /// Takes a child out and returns what starts it, when that was kept. The last child moves to
    /// its position.
    pub(super) fn remove(&mut self, at: usize) -> Option<R> {
        let len = self.len();
        assert!(at < len, "no child at {at}");
        match &mut self.table {
            Table::Temporary(set) => {
                set.swap_remove_index(at);
                if len > SHRINK_LEN_MIN && set.capacity() > 4 * len {
                    set.shrink_to(2 * len);
                }
                None
            }
            Table::Kept(map) => {
                let (_, kept) = map.swap_remove_index(at)?;
                self.restarting -= usize::from(kept.restarting);
                if len > SHRINK_LEN_MIN && map.capacity() > 4 * len {
                    map.shrink_to(2 * len);
                }
                Some(kept.start)
            }
        }
    }

    pub(super) fn swap(&mut self, one: usize, other: usize) {
        assert!(one.max(other) < self.len(), "no child at {one} or {other}");
        match &mut self.table {
            Table::Temporary(set) => set.swap_indices(one, other),
            Table::Kept(map) => map.swap_indices(one, other),
        }
    }

    /// Panics when the set is impossible. O(1): there may be millions.
    pub(super) fn check(&self) {
        assert!(
            self.restarting <= self.len(),
            "more restarting than there are"
        );
        assert!(
            self.keeps_start() || self.restarting == 0,
            "a temporary child is restarted"
        );
    }
}
