//! Who is called what on this node?
//!
//! Role       The registered names of one node.
//! Invariant  A name has one holder, a process one name. It is released before anybody learns of
//!            the holder's death. At most one entry per process, so `max_processes` bounds it.
//! Limit      A name of [`NAME_BYTES_MAX`]: other nodes can say it, too.
//! Source     otp: erlang:register/2

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHasher;

use crate::port::NAME_BYTES_MAX;
use crate::process::{ALIVE, Block, NAMED};
use crate::{Pid, RegisterError};

type Map<K, V> = HashMap<K, V, BuildHasherDefault<FxHasher>>;

#[derive(Default)]
struct Both {
    by_name: Map<Arc<str>, Pid>,
    by_pid: Map<Pid, Arc<str>>,
}

#[derive(Default)]
pub(crate) struct Names(RwLock<Both>);

impl Names {
    pub(crate) fn find(&self, name: &str) -> Option<Pid> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_name
            .get(name)
            .copied()
    }

    pub(crate) fn of(&self, pid: Pid) -> Option<Arc<str>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_pid
            .get(&pid)
            .cloned()
    }

    /// Whether a process may be called so.
    pub(crate) fn check(name: &str) -> Result<(), RegisterError> {
        if name.is_empty() || name == "undefined" || name.len() > NAME_BYTES_MAX {
            return Err(RegisterError::BadName(name.into()));
        }
        Ok(())
    }

    /// Takes the name for `pid`, whose control block is `block`.
    pub(crate) fn take(&self, name: &str, pid: Pid, block: &Block) -> Result<(), RegisterError> {
        Self::check(name)?;
        let mut both = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = both.by_name.get(name) {
            return Err(RegisterError::Taken(*holder));
        }
        if let Some(own) = both.by_pid.get(&pid) {
            return Err(RegisterError::HasName((&**own).into()));
        }
        // The process may be dying on another thread. Either it sees the flag when it takes ALIVE
        // away and then waits for our lock, or we see here that ALIVE is gone.
        let before = block.set_flag(NAMED);
        if (before >> 32) as u32 != pid.tenancy() || before & ALIVE == 0 {
            if before & NAMED == 0 {
                block.clear_flag(NAMED);
            }
            return Err(RegisterError::NoProc);
        }
        let name: Arc<str> = name.into();
        both.by_name.insert(Arc::clone(&name), pid);
        both.by_pid.insert(pid, name);
        Ok(())
    }

    /// Gives the name back, whoever holds it.
    pub(crate) fn release(&self, name: &str) -> Result<(), RegisterError> {
        let mut both = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let pid = both
            .by_name
            .remove(name)
            .ok_or(RegisterError::NotRegistered)?;
        both.by_pid.remove(&pid);
        Ok(())
    }

    /// Gives back the name of a process that ends.
    pub(crate) fn release_of(&self, pid: Pid) {
        let mut both = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = both.by_pid.remove(&pid) {
            both.by_name.remove(&name);
        }
    }

    /// All names, sorted.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Pid)> {
        let both = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = both
            .by_name
            .iter()
            .map(|(name, pid)| (Arc::clone(name), *pid))
            .collect();
        all.sort();
        all
    }
}
