//! A simulated disk in the time of its world.
//!
//! Role       The disks of a world by the names of their machines; what a node does with its own, and what a
//!            test does to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DiskSpeed;
use super::machine::{Done, Machine};
use super::names::Inode;
use crate::disk::DiskError;
use crate::world::{Alarm, Sim};
use crate::{Rng, heap};

type Shared = Arc<Mutex<Machine>>;

/// The disks of a world.
#[derive(Default)]
pub(crate) struct Disks(Mutex<BTreeMap<Box<str>, Shared>>);

impl Disks {
    fn get(&self, name: &str) -> Shared {
        let mut disks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || heap::of_the_node(|| (name.into(), Shared::default()));
        if !disks.contains_key(name) {
            disks.extend([make()]);
        }
        Arc::clone(&disks[name])
    }
}

fn lock(machine: &Shared) -> MutexGuard<'_, Machine> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A machine's disk in a simulated world, to break it. Nodes use it as [`Disk`](super::super::Disk).
///
/// Given by [`World::disk`](crate::World::disk), by the name of the nodes whose disk it is.
#[derive(Clone)]
pub struct SimDisk {
    sim: Arc<Sim>,
    machine: Shared,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").finish_non_exhaustive()
    }
}

impl SimDisk {
    pub(crate) fn of(sim: &Arc<Sim>, name: &str) -> Self {
        Self {
            sim: Arc::clone(sim),
            machine: sim.disks().get(name),
        }
    }

    /// The machine loses its power. What was not synced is kept, lost, or torn into sectors of 512 bytes,
    /// each operation for itself and as the seed has it; of files that were made, renamed and removed, those up to
    /// some point. Whoever has a file open gets [`DiskError::PowerLost`] from then on: halt the node, too.
    pub fn lose_power(&self) {
        let mut rng = Rng::new(self.sim.random());
        lock(&self.machine).lose_power(self.sim.now(), &mut rng);
    }

    /// It is so fast from now on.
    pub fn set_speed(&self, speed: DiskSpeed) {
        lock(&self.machine).speed = speed;
    }

    /// How fast it is.
    #[must_use]
    pub fn speed(&self) -> DiskSpeed {
        lock(&self.machine).speed
    }

    /// It has room for so many bytes: 1 GiB unless set. What is there stays.
    pub fn set_capacity(&self, bytes: u64) {
        lock(&self.machine).capacity = bytes;
    }

    /// Nothing can be written any more, or again.
    pub fn set_read_only(&self, is_so: bool) {
        lock(&self.machine).is_read_only = is_so;
    }

    /// So many of the next syncs fail. As with a real one, what they were to make safe stays unsafe, whatever a
    /// later one says: see [`DiskFile::sync`](super::super::DiskFile::sync).
    pub fn fail_syncs(&self, count: u32) {
        lock(&self.machine).failing_syncs = count;
    }

    /// One bit of a file changes, as on a disk that rots; `false` where the file has no such bit.
    pub fn flip(&self, file: &str, bit: u64) -> bool {
        let mut machine = lock(&self.machine);
        machine
            .content(file)
            .is_some_and(|content| content.flip(bit))
    }

    /// What is in a file, without the time that it takes a node to read it.
    #[must_use]
    pub fn content(&self, file: &str) -> Option<Vec<u8>> {
        let mut machine = lock(&self.machine);
        machine
            .content(file)
            .map(|content| content.bytes().to_vec())
    }

    /// The names of its files.
    #[must_use]
    pub fn names(&self) -> Vec<Box<str>> {
        lock(&self.machine).all_names()
    }
}

/// What a node has of its disk, until the power fails.
#[derive(Clone)]
pub(in crate::disk) struct Station {
    sim: Arc<Sim>,
    machine: Shared,
    losses: u64,
}

impl Station {
    pub(in crate::disk) fn of(sim: &Arc<Sim>, name: &str) -> Self {
        let machine = sim.disks().get(name);
        let losses = lock(&machine).losses;
        Self {
            sim: Arc::clone(sim),
            machine,
            losses,
        }
    }

    fn machine(&self) -> Result<MutexGuard<'_, Machine>, DiskError> {
        let machine = lock(&self.machine);
        match machine.losses == self.losses {
            true => Ok(machine),
            false => Err(DiskError::PowerLost),
        }
    }

    /// Does it, and waits until it is done.
    async fn act<T>(&self, act: impl FnOnce(&mut Machine, u64) -> Done<T>) -> Result<T, DiskError> {
        let now = self.sim.now();
        // What is on a disk is nobody's memory.
        let (done, at) = heap::of_the_node(|| self.machine().map(|mut it| act(&mut it, now)))?;
        Alarm::new(Arc::clone(&self.sim), at).await;
        self.machine().map(drop)?;
        done
    }

    pub(in crate::disk) async fn open(&self, name: &str) -> Result<SimFile, DiskError> {
        let inode = self.act(|machine, now| machine.open(now, name)).await?;
        if !self.machine()?.opened(inode) {
            return Err(DiskError::NotFound(name.into()));
        }
        let station = self.clone();
        Ok(SimFile(Arc::new(Open { station, inode })))
    }

    pub(in crate::disk) async fn names(&self) -> Result<Vec<Box<str>>, DiskError> {
        self.act(Machine::names).await
    }

    pub(in crate::disk) async fn remove(&self, name: &str) -> Result<(), DiskError> {
        self.act(|machine, now| machine.remove(now, name)).await
    }

    pub(in crate::disk) async fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.act(|machine, now| machine.rename(now, from, to)).await
    }

    pub(in crate::disk) async fn sync_names(&self) -> Result<(), DiskError> {
        self.act(|machine, now| machine.sync(now, None)).await
    }
}

/// An open file of a simulated disk.
#[derive(Clone)]
pub(in crate::disk) struct SimFile(Arc<Open>);

struct Open {
    station: Station,
    inode: Inode,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Ok(mut machine) = self.station.machine() {
            machine.close(self.inode);
        }
    }
}

impl SimFile {
    async fn act<T>(
        &self,
        act: impl FnOnce(&mut Machine, u64, Inode) -> Done<T>,
    ) -> Result<T, DiskError> {
        let inode = self.0.inode;
        let station = &self.0.station;
        station.act(|machine, now| act(machine, now, inode)).await
    }

    pub(in crate::disk) fn len(&self) -> Result<u64, DiskError> {
        Ok(self.0.station.machine()?.len(self.0.inode))
    }

    pub(in crate::disk) async fn read_at(
        &self,
        offset: u64,
        bytes: usize,
    ) -> Result<Vec<u8>, DiskError> {
        let read = self.act(|machine, now, inode| machine.read(now, inode, offset, bytes));
        // The copy that the process has is its own.
        Ok(read.await?.clone())
    }

    pub(in crate::disk) async fn write_at(
        &self,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<(), DiskError> {
        self.act(|machine, now, inode| machine.write(now, inode, offset, bytes.clone()))
            .await
    }

    pub(in crate::disk) async fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.act(|machine, now, inode| machine.set_len(now, inode, bytes))
            .await
    }

    pub(in crate::disk) async fn sync(&self) -> Result<(), DiskError> {
        self.act(|machine, now, inode| machine.sync(now, Some(inode)))
            .await
    }
}
