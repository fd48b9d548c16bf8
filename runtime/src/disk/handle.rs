//! What does a program do with a disk?

use std::fmt;
use std::sync::Arc;

use super::real::{Folder, RealFile};
use super::simulated::{SimFile, Station};
use super::{DiskError, FILE_MAX, READ_MAX, name};
use crate::Node;
use crate::planted::{self, Bug};
use crate::scheduler::Scheduler;

/// The disk of a node: files that outlive it. See [`crate::disk`].
///
/// Files have names with `/` between parts; folders come and go with what is in them. Each operation of a real disk
/// blocks a thread of the pool of [`dirty_io`](crate::dirty_io), not the process. Operations take as long as the
/// disk takes: bound them with [`time::timeout`](crate::time::timeout). One that is given up may still be done.
#[derive(Clone)]
pub struct Disk(Kind);

#[derive(Clone)]
enum Kind {
    None,
    Real(Node, Arc<Folder>),
    Simulated(Station),
}

impl Node {
    /// Its disk.
    #[must_use]
    pub fn disk(&self) -> Disk {
        let core = self.core();
        Disk(match (core.scheduler(), &core.disk) {
            (Scheduler::Simulated(scheduler), _) => {
                Kind::Simulated(Station::of(scheduler.world(), self.name()))
            }
            (_, Some(folder)) => Kind::Real(self.clone(), Arc::clone(folder)),
            (_, None) => Kind::None,
        })
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::None => "Disk(none)",
            Kind::Real(..) => "Disk(real)",
            Kind::Simulated(_) => "Disk(simulated)",
        })
    }
}

impl Disk {
    /// A file, made where there is none. Until [`Disk::sync_names`] a loss of power may take one that was made.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn open(&self, file: &str) -> Result<DiskFile, DiskError> {
        name::check(file)?;
        let opened = match &self.0 {
            Kind::None => return Err(DiskError::NoDisk),
            Kind::Real(node, folder) => {
                let file = folder.open(node, file).await?;
                Opened::Real(node.clone(), file)
            }
            Kind::Simulated(station) => Opened::Simulated(station.open(file).await?),
        };
        let name = file.into();
        Ok(DiskFile { name, opened })
    }

    /// The names of all files, in their order.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn names(&self) -> Result<Vec<Box<str>>, DiskError> {
        match &self.0 {
            Kind::None => Err(DiskError::NoDisk),
            Kind::Real(node, folder) => folder.names(node).await,
            Kind::Simulated(station) => station.names().await,
        }
    }

    /// Removes a file. Whoever has it open goes on with it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn remove(&self, file: &str) -> Result<(), DiskError> {
        name::check(file)?;
        match &self.0 {
            Kind::None => Err(DiskError::NoDisk),
            Kind::Real(node, folder) => folder.remove(node, file).await,
            Kind::Simulated(station) => station.remove(file).await,
        }
    }

    /// A file has another name from now on, in the place of the one that had it: nobody ever sees
    /// neither or a part, and after a loss of power it is one of the two. Sync the file before, or it may be its name
    /// alone that is kept.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn rename(&self, file: &str, to: &str) -> Result<(), DiskError> {
        name::check(file)?;
        name::check(to)?;
        match &self.0 {
            Kind::None => Err(DiskError::NoDisk),
            Kind::Real(node, folder) => folder.rename(node, file, to).await,
            Kind::Simulated(station) => station.rename(file, to).await,
        }
    }

    /// When this is done, files that were made, renamed and removed before stay so.
    ///
    /// # Errors
    /// [`DiskError`]; then they may not.
    pub async fn sync_names(&self) -> Result<(), DiskError> {
        match &self.0 {
            Kind::None => Err(DiskError::NoDisk),
            Kind::Real(node, folder) => folder.sync_names(node).await,
            Kind::Simulated(station) => station.sync_names().await,
        }
    }
}

/// A file of a [`Disk`]. Clones are the same file.
#[derive(Clone)]
pub struct DiskFile {
    name: Arc<str>,
    opened: Opened,
}

#[derive(Clone)]
enum Opened {
    Real(Node, Arc<RealFile>),
    Simulated(SimFile),
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DiskFile").field(&self.name).finish()
    }
}

impl DiskFile {
    /// Under which name it was opened.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn len(&self) -> Result<u64, DiskError> {
        match &self.opened {
            Opened::Real(node, file) => file.len(node).await,
            Opened::Simulated(file) => file.len(),
        }
    }

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len().await? == 0)
    }

    /// Up to so many bytes from there on: fewer where the file ends.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn read_at(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, DiskError> {
        if READ_MAX < bytes {
            return Err(DiskError::TooLong(bytes as u64));
        }
        if FILE_MAX <= offset {
            return Ok(Vec::new());
        }
        match &self.opened {
            Opened::Real(node, file) => file.read_at(node, offset, bytes).await,
            Opened::Simulated(file) => file.read_at(offset, bytes).await,
        }
    }

    /// Writes bytes there. Where the file ended before, there are zeros.
    ///
    /// # Errors
    /// [`DiskError`]; a part may have been written.
    pub async fn write_at(&self, offset: u64, bytes: impl Into<Vec<u8>>) -> Result<(), DiskError> {
        let bytes = bytes.into();
        check_end(offset.saturating_add(bytes.len() as u64))?;
        match &self.opened {
            Opened::Real(node, file) => file.write_at(node, offset, bytes).await,
            Opened::Simulated(file) => file.write_at(offset, bytes).await,
        }
    }

    /// Makes it so long: what was behind that is gone, what is new is zeros.
    ///
    /// # Errors
    /// [`DiskError`].
    pub async fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        check_end(bytes)?;
        match &self.opened {
            Opened::Real(node, file) => file.set_len(node, bytes).await,
            Opened::Simulated(file) => file.set_len(bytes).await,
        }
    }

    /// When this is done, what was written before stays, whatever happens to the machine. Whether the file has
    /// its name then, [`Disk::sync_names`] sees to.
    ///
    /// # Errors
    /// [`DiskError`]; then what was written since the last sync may be lost, whatever a later one says. Write it
    /// again, or end.
    pub async fn sync(&self) -> Result<(), DiskError> {
        if planted::is(Bug::SyncSkipped) {
            return Ok(());
        }
        match &self.opened {
            Opened::Real(node, file) => file.sync(node).await,
            Opened::Simulated(file) => file.sync().await,
        }
    }
}

fn check_end(bytes: u64) -> Result<(), DiskError> {
    match bytes <= FILE_MAX {
        true => Ok(()),
        false => Err(DiskError::TooLong(bytes)),
    }
}
