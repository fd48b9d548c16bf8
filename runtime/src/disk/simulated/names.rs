//! Which files are there, and which would be?
//!
//! Role       Names as they are now and as they are safe. Disks keep a journal of them: what was done later is
//!            never safe without what was done before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Rng;

/// What a name stands for.
pub(super) type Inode = u64;

#[derive(Debug)]
enum Op {
    Set(Box<str>, Inode),
    Remove(Box<str>),
    Rename(Box<str>, Box<str>),
}

impl Op {
    fn apply(&self, names: &mut BTreeMap<Box<str>, Inode>) {
        match self {
            Self::Set(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Names {
    now: BTreeMap<Box<str>, Inode>,
    safe: BTreeMap<Box<str>, Inode>,
    unsynced: VecDeque<(u64, Op)>,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<Inode> {
        self.now.get(name).copied()
    }

    /// Whether a file of this name would be a folder of another, or have another as its folder.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let mut above = name.match_indices('/').map(|(at, _)| &name[..at]);
        let below = format!("{name}/");
        let next = self.now.range(Box::from(&*below)..).next();
        above.any(|folder| self.now.contains_key(folder))
            || next.is_some_and(|(other, _)| other.starts_with(&below))
    }

    pub(super) fn all(&self) -> Vec<Box<str>> {
        self.now.keys().cloned().collect()
    }

    pub(super) fn set(&mut self, serial: u64, name: &str, inode: Inode) {
        self.act(serial, Op::Set(name.into(), inode));
    }

    pub(super) fn remove(&mut self, serial: u64, name: &str) {
        self.act(serial, Op::Remove(name.into()));
    }

    pub(super) fn rename(&mut self, serial: u64, from: &str, to: &str) {
        self.act(serial, Op::Rename(from.into(), to.into()));
    }

    fn act(&mut self, serial: u64, op: Op) {
        op.apply(&mut self.now);
        self.unsynced.push_back((serial, op));
    }

    /// What was done up to this is safe.
    pub(super) fn synced(&mut self, upto: u64) {
        while self
            .unsynced
            .front()
            .is_some_and(|(serial, _)| *serial <= upto)
        {
            if let Some((_, op)) = self.unsynced.pop_front() {
                op.apply(&mut self.safe);
            }
        }
    }

    /// Of what is not safe some is there, up to a point.
    pub(super) fn lose_power(&mut self, rng: &mut Rng) {
        let count = rng.below(self.unsynced.len() + 1);
        for (_, op) in self.unsynced.drain(..).take(count) {
            op.apply(&mut self.safe);
        }
        self.now = self.safe.clone();
    }

    /// What some name stands for, or would stand for.
    pub(super) fn inodes(&self) -> BTreeSet<Inode> {
        let set = |(_, op): &(u64, Op)| match op {
            Op::Set(_, inode) => Some(*inode),
            _ => None,
        };
        let now = self.now.values().chain(self.safe.values()).copied();
        now.chain(self.unsynced.iter().filter_map(set)).collect()
    }
}
