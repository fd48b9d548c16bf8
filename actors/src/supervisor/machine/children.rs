//! Who are the children of a static supervisor, in which order, and what are they doing?
//!
//! Role       The table of children: by position, by id and by pid.
//! Owns       Every specification, and what is known of its process.
//! Invariant  Positions are start order; a pid names at most one child, and only while that child
//!            is `Running` or `Exited`.
//! Source     otp: supervisor, "Child specification"

use foundation_runtime::Reason;
use indexmap::IndexMap;
use indexmap::map::Entry as Slot;
use rustc_hash::FxBuildHasher;

use super::{Address, AutoShutdown, CHILDREN_MAX, ChildId, ChildSpec, Restart, SpecError};

/// A map whose order is that of insertions and removals, never that of hashes.
pub(super) type FxIndexMap<K, V> = IndexMap<K, V, FxBuildHasher>;

/// What one child is doing, as far as the supervisor knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State<P> {
    /// No process: not yet started, ignored, terminated, or ended and not wanted back.
    Absent,
    /// It runs.
    Running(P),
    /// It has ended, and the supervisor has not yet acted upon that.
    Exited(P, Reason),
    /// Its restart failed; `TryAgain` will come.
    Restarting,
}

impl<P: Copy> State<P> {
    fn pid(&self) -> Option<P> {
        match self {
            Self::Running(pid) | Self::Exited(pid, _) => Some(*pid),
            Self::Absent | Self::Restarting => None,
        }
    }
}

#[derive(Debug)]
struct Entry<P, R> {
    spec: ChildSpec<R>,
    state: State<P>,
}

/// The children in start order.
#[derive(Debug)]
pub(super) struct Children<P, R> {
    entries: FxIndexMap<ChildId, Entry<P, R>>,
    ids: FxIndexMap<P, ChildId>,
}

impl<P: Address, R> Children<P, R> {
    /// Children of these specifications, none of them started.
    pub(super) fn new(specs: Vec<ChildSpec<R>>, auto: AutoShutdown) -> Result<Self, SpecError> {
        if specs.len() > CHILDREN_MAX {
            return Err(SpecError::TooManyChildren(specs.len()));
        }
        let mut entries = FxIndexMap::default();
        for spec in specs {
            spec.validate(auto)?;
            match entries.entry(spec.id.clone()) {
                Slot::Occupied(slot) => return Err(SpecError::DuplicateId(slot.key().clone())),
                Slot::Vacant(slot) => slot.insert(Entry {
                    spec,
                    state: State::Absent,
                }),
            };
        }
        Ok(Self {
            entries,
            ids: FxIndexMap::default(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The position of the child of this id.
    pub(super) fn find(&self, id: &ChildId) -> Option<usize> {
        self.entries.get_index_of(id)
    }

    /// The position of the child that is, or until just now was, this process.
    pub(super) fn find_pid(&self, pid: P) -> Option<usize> {
        let id = self.ids.get(&pid)?;
        let at = self.find(id);
        assert!(at.is_some(), "{pid:?} belongs to {id:?}, which is no child");
        at
    }

    pub(super) fn spec(&self, at: usize) -> &ChildSpec<R> {
        &self.entries[at].spec
    }

    pub(super) fn state(&self, at: usize) -> &State<P> {
        &self.entries[at].state
    }

    /// Every child in start order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ChildSpec<R>, &State<P>)> {
        self.entries
            .values()
            .map(|entry| (&entry.spec, &entry.state))
    }

    /// Adds a child behind all others.
    pub(super) fn push(&mut self, spec: ChildSpec<R>, pid: Option<P>) {
        assert!(self.len() < CHILDREN_MAX, "one child too many");
        let id = spec.id.clone();
        let (at, former) = self.entries.insert_full(
            id,
            Entry {
                spec,
                state: State::Absent,
            },
        );
        assert!(former.is_none(), "two children of one id");
        if let Some(pid) = pid {
            self.set(at, State::Running(pid));
        }
    }

    /// Notes what a child is doing now.
    pub(super) fn set(&mut self, at: usize, state: State<P>) {
        let (id, entry) = self
            .entries
            .get_index_mut(at)
            .expect("a child at this position");
        let (former, latter) = (entry.state.pid(), state.pid());
        entry.state = state;
        if former == latter {
            return;
        }
        if let Some(pid) = former {
            let known = self.ids.swap_remove(&pid);
            assert!(known.is_some(), "{pid:?} had no child");
        }
        if let Some(pid) = latter {
            let other = self.ids.insert(pid, id.clone());
            assert!(other.is_none(), "{pid:?} is two children");
        }
    }

    /// The child has no process and will not get one by itself: a temporary one is forgotten.
    pub(super) fn settle(&mut self, at: usize) {
        self.set(at, State::Absent);
        assert!(
            self.state(at).pid().is_none(),
            "an absent child has a process"
        );
        if self.spec(at).restart == Restart::Temporary {
            self.forget(at);
        }
    }

    /// Forgets a child that has no process.
    pub(super) fn forget(&mut self, at: usize) {
        assert!(
            matches!(self.state(at), State::Absent),
            "a child in use was forgotten"
        );
        self.entries.shift_remove_index(at);
    }

    /// Whether a significant child runs or will run.
    pub(super) fn has_significant_active(&self) -> bool {
        self.iter()
            .any(|(spec, state)| spec.significant && !matches!(state, State::Absent))
    }

    /// Panics when the table is impossible.
    pub(super) fn check(&self) {
        assert!(self.len() <= CHILDREN_MAX, "too many children");
        let mut pids = 0;
        for (id, entry) in &self.entries {
            assert_eq!(*id, entry.spec.id, "a child under another's id");
            if let Some(pid) = entry.state.pid() {
                assert_eq!(
                    self.ids.get(&pid),
                    Some(id),
                    "{pid:?} does not lead to {id:?}"
                );
                pids += 1;
            }
        }
        assert_eq!(pids, self.ids.len(), "a pid without child");
    }
}
