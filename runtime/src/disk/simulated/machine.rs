//! What does a disk do, and what is left of it when the power fails?
//!
//! Role       All files of one machine, and how long what is asked of it takes.
//! Inputs     Operations with the time, losses of power with a seed.
//! Outputs    Results, and when each is there.
//! Invariant  What a sync that was done has covered survives; of what was done since, any part may.

use std::collections::BTreeMap;

use super::DiskSpeed;
use super::content::Content;
use super::names::{Inode, Names};
use crate::Rng;
use crate::disk::DiskError;
use crate::time::nanos;

/// As large is a disk unless it is said otherwise.
const CAPACITY: u64 = 1 << 30;

/// A sync that is under way.
#[derive(Debug)]
struct Sync {
    at: u64,
    /// Of this file, or of the names.
    of: Option<Inode>,
    upto: u64,
}

#[derive(Debug)]
pub(super) struct Machine {
    files: BTreeMap<Inode, Content>,
    names: Names,
    /// The number of the last operation.
    serial: u64,
    syncs: Vec<Sync>,
    pub(super) speed: DiskSpeed,
    busy_until: u64,
    pub(super) capacity: u64,
    pub(super) is_read_only: bool,
    /// How many of the next syncs fail.
    pub(super) failing_syncs: u32,
    /// How often the power has failed.
    pub(super) losses: u64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            names: Names::default(),
            serial: 0,
            syncs: Vec::new(),
            speed: DiskSpeed::default(),
            busy_until: 0,
            capacity: CAPACITY,
            is_read_only: false,
            failing_syncs: 0,
            losses: 0,
        }
    }
}

/// What there is, and from when on.
pub(super) type Done<T> = (Result<T, DiskError>, u64);

impl Machine {
    /// When something of so many bytes that begins now is done.
    fn take(&mut self, now: u64, bytes: u64) -> u64 {
        let begin = self.busy_until.max(now);
        self.busy_until = begin.saturating_add(nanos(self.speed.time(bytes)));
        self.busy_until
    }

    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn used(&self) -> u64 {
        self.files.values().map(Content::len).sum()
    }

    /// Whether so many bytes more may be written.
    fn may_grow(&self, bytes: u64) -> Result<(), DiskError> {
        if self.is_read_only {
            return Err(DiskError::ReadOnly);
        }
        match bytes == 0 || self.used().saturating_add(bytes) <= self.capacity {
            true => Ok(()),
            false => Err(DiskError::Full),
        }
    }

    /// What was to be safe by now is.
    fn settle(&mut self, now: u64) {
        let due = self.syncs.extract_if(.., |sync| sync.at <= now);
        for Sync { of, upto, .. } in due.collect::<Vec<_>>() {
            match of {
                None => self.names.synced(upto),
                Some(inode) => {
                    if let Some(content) = self.files.get_mut(&inode) {
                        content.synced(upto);
                    }
                }
            }
        }
        self.forget();
    }

    /// Files that have no name, and that nobody has open.
    fn forget(&mut self) {
        let named = self.names.inodes();
        self.files
            .retain(|inode, content| content.opened > 0 || named.contains(inode));
    }

    pub(super) fn open(&mut self, now: u64, name: &str) -> Done<Inode> {
        self.settle(now);
        let at = self.take(now, 0);
        let inode = match self.names.get(name) {
            Some(inode) => inode,
            None if self.names.is_taken(name) => return (Err(DiskError::Taken(name.into())), at),
            None if self.is_read_only => return (Err(DiskError::ReadOnly), at),
            None => {
                let inode = self.next();
                self.names.set(inode, name, inode);
                self.files.insert(inode, Content::default());
                inode
            }
        };
        (Ok(inode), at)
    }

    /// Somebody has it open; `false` when it has gone meanwhile.
    pub(super) fn opened(&mut self, inode: Inode) -> bool {
        let content = self.files.get_mut(&inode);
        content.map(|content| content.opened += 1).is_some()
    }

    pub(super) fn close(&mut self, inode: Inode) {
        if let Some(content) = self.files.get_mut(&inode) {
            content.opened = content.opened.saturating_sub(1);
        }
    }

    pub(super) fn names(&mut self, now: u64) -> Done<Vec<Box<str>>> {
        (Ok(self.names.all()), self.take(now, 0))
    }

    pub(super) fn remove(&mut self, now: u64, name: &str) -> Done<()> {
        self.settle(now);
        let at = self.take(now, 0);
        (self.removed(name), at)
    }

    fn removed(&mut self, name: &str) -> Result<(), DiskError> {
        self.may_grow(0)?;
        self.names
            .get(name)
            .ok_or_else(|| DiskError::NotFound(name.into()))?;
        let serial = self.next();
        self.names.remove(serial, name);
        Ok(())
    }

    pub(super) fn rename(&mut self, now: u64, from: &str, to: &str) -> Done<()> {
        self.settle(now);
        let at = self.take(now, 0);
        (self.renamed(from, to), at)
    }

    fn renamed(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.may_grow(0)?;
        self.names
            .get(from)
            .ok_or_else(|| DiskError::NotFound(from.into()))?;
        if self.names.is_taken(to) {
            return Err(DiskError::Taken(to.into()));
        }
        if from != to {
            let serial = self.next();
            self.names.rename(serial, from, to);
        }
        Ok(())
    }

    pub(super) fn len(&self, inode: Inode) -> u64 {
        self.files.get(&inode).map_or(0, Content::len)
    }

    pub(super) fn read(
        &mut self,
        now: u64,
        inode: Inode,
        offset: u64,
        bytes: usize,
    ) -> Done<Vec<u8>> {
        self.settle(now);
        let content = self.files.get(&inode);
        let read = content.map_or_else(Vec::new, |content| content.read(offset, bytes));
        let at = self.take(now, read.len() as u64);
        (Ok(read), at)
    }

    pub(super) fn write(
        &mut self,
        now: u64,
        inode: Inode,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Done<()> {
        self.settle(now);
        let at = self.take(now, bytes.len() as u64);
        let grows = (offset + bytes.len() as u64).saturating_sub(self.len(inode));
        let may = self.may_grow(grows);
        if may.is_ok() {
            let serial = self.next();
            if let Some(content) = self.files.get_mut(&inode) {
                content.write(serial, offset, bytes);
            }
        }
        (may, at)
    }

    pub(super) fn set_len(&mut self, now: u64, inode: Inode, length: u64) -> Done<()> {
        self.settle(now);
        let at = self.take(now, 0);
        let may = self.may_grow(length.saturating_sub(self.len(inode)));
        if may.is_ok() {
            let serial = self.next();
            if let Some(content) = self.files.get_mut(&inode) {
                content.set_len(serial, length);
            }
        }
        (may, at)
    }

    /// Of a file, or of the names. Whether or not somebody waits for it, what was done before is safe when
    /// it is done.
    pub(super) fn sync(&mut self, now: u64, of: Option<Inode>) -> Done<()> {
        self.settle(now);
        let at = self.take(now, 0).saturating_add(nanos(self.speed.sync));
        self.busy_until = at;
        let upto = self.serial;
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            if let Some(content) = of.and_then(|inode| self.files.get_mut(&inode)) {
                content.forgotten(upto);
            }
            let error = "the disk could not write what was to be synced";
            return (Err(DiskError::System(error.into())), at);
        }
        self.syncs.push(Sync { at, of, upto });
        (Ok(()), at)
    }

    /// The power fails, and comes back.
    pub(super) fn lose_power(&mut self, now: u64, rng: &mut Rng) {
        self.settle(now);
        self.syncs.clear();
        self.names.lose_power(rng);
        for content in self.files.values_mut() {
            content.lose_power(rng);
        }
        self.forget();
        self.busy_until = now;
        self.losses += 1;
    }

    /// What is in a file.
    pub(super) fn content(&mut self, name: &str) -> Option<&mut Content> {
        let inode = self.names.get(name)?;
        self.files.get_mut(&inode)
    }

    pub(super) fn all_names(&self) -> Vec<Box<str>> {
        self.names.all()
    }
}
