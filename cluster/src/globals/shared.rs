//! What do global names lead to, without asking anybody?
//!
//! Role       The tables of one node that the registry writes and everybody reads; what is left of a
//!            registry for the next one.
//! Invariant  A process of this node that has ended has no name here, before anybody is told of its
//!            end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foundation_actors::Name;
use foundation_runtime::{Codec, Held, Message, Node, Pid, Tag};

use super::driver::Globals;
use super::word::Claim;

pub(super) const GLOBALS: Name<Globals> = Name::new("foundation_globals");

/// A function of the program that says who keeps a name.
pub(super) type Decider = Arc<dyn Fn(&str, Pid, Pid) -> Option<Pid> + Send + Sync>;

/// A process of this node that had a name or a lock has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended(pub(super) Pid);

impl Message for Ended {
    const NAME: &'static str = "foundation::globals::Ended";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "globals::Ended", "")
    }
}

#[derive(Default)]
pub(super) struct Tables {
    /// What each name leads to.
    pub(super) shown: BTreeMap<Arc<str>, Pid>,
    /// The names of this node's processes.
    names: BTreeMap<String, Claim<Pid>>,
    of: BTreeMap<Pid, BTreeSet<String>>,
    /// Who of this node holds which lock.
    pub(super) locks: BTreeMap<String, Pid>,
    /// Functions that decide of a name that a process of this node has.
    pub(super) deciders: BTreeMap<(String, Pid), Decider>,
}

/// The tables of a node.
#[derive(Default)]
pub(super) struct Shared(RwLock<Tables>);

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The names that this node has given.
    pub(super) fn names(&self) -> Vec<(String, Claim<Pid>)> {
        let names = self.names.iter();
        names.map(|(name, claim)| (name.clone(), *claim)).collect()
    }

    pub(super) fn keep(&mut self, name: String, claim: Option<Claim<Pid>>) {
        if let Some(before) = self.names.remove(&name) {
            if let Some(names) = self.of.get_mut(&before.pid) {
                names.remove(&name);
                if names.is_empty() {
                    self.of.remove(&before.pid);
                }
            }
            if claim.is_none_or(|claim| claim.pid != before.pid) {
                self.deciders.remove(&(name.clone(), before.pid));
            }
        }
        if let Some(claim) = claim {
            self.of.entry(claim.pid).or_default().insert(name.clone());
            self.names.insert(name, claim);
        }
    }

    fn forget(&mut self, pid: Pid) {
        for name in self.of.remove(&pid).unwrap_or_default() {
            self.names.remove(&name);
            self.deciders.remove(&(name.clone(), pid));
            if self.shown.get(&*name) == Some(&pid) {
                self.shown.remove(&*name);
            }
        }
        self.locks.retain(|_, holder| *holder != pid);
    }
}

impl Held for Shared {
    fn release(&self, pid: Pid) {
        self.write().forget(pid);
        if let Some(node) = Node::current() {
            // Where there is no registry now, the next one finds nothing of it.
            let _ = node.send_named(GLOBALS.as_str(), Ended(pid));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}
