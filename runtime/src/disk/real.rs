//! Files of the machine.
//!
//! Role       The only code of this crate that opens files. All of it runs in the pool for blocking work.

#![allow(
    clippy::disallowed_methods,
    reason = "the room that opens files: what a node keeps on its machine"
)]

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::DiskError;
use crate::Node;
use crate::scheduler::dirty_io_on;

/// How often a folder is made anew that somebody else takes away.
const TRIES: u32 = 8;

/// The folder of a node.
pub(crate) struct Folder {
    root: PathBuf,
    /// Folders in which names have changed since they were last synced.
    changed: Mutex<BTreeSet<PathBuf>>,
}

/// A file of it.
pub(super) struct RealFile(Mutex<File>);

fn failure(file: &str, error: &io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::NotFound => DiskError::NotFound(file.into()),
        ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::DirectoryNotEmpty => DiskError::Taken(file.into()),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DiskError::Full,
        ErrorKind::ReadOnlyFilesystem => DiskError::ReadOnly,
        _ => DiskError::System(error.to_string().into()),
    }
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        // It may be new itself, and then has no safe name where it is.
        let above = root
            .parent()
            .map(|above| match above.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => above.to_owned(),
            });
        Self {
            changed: Mutex::new(above.into_iter().collect()),
            root,
        }
    }

    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        node: &Node,
        file: &str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, DiskError> {
        let folder = Arc::clone(self);
        let work = move || match folder.root.try_exists()? && !folder.root.is_dir() {
            true => Err(io::Error::other(format!(
                "{} is no folder",
                folder.root.display()
            ))),
            false => work(&folder),
        };
        let done = dirty_io_on(node, work).await?;
        done.map_err(|error| failure(file, &error))
    }

    /// The folders from that of this file up to the node's have changed.
    fn change(&self, path: &Path) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let above = path.ancestors().skip(1);
        let own = above.take_while(|folder| folder.starts_with(&self.root));
        changed.extend(own.map(Path::to_owned));
    }

    /// A file is gone from there, and with it folders that were there for it alone.
    fn tidy(&self, path: &Path) {
        let above = path.ancestors().skip(1);
        let own = above.take_while(|folder| *folder != self.root);
        for folder in own {
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }

    /// Makes the folder of a file and then does this: again when somebody else took the folder away between
    /// the two.
    fn in_folder<T>(path: &Path, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut tries = 0;
        loop {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            tries += 1;
            match work() {
                Err(error) if error.kind() == ErrorKind::NotFound && tries < TRIES => {}
                done => return done,
            }
        }
    }

    pub(super) async fn open(
        self: &Arc<Self>,
        node: &Node,
        file: &str,
    ) -> Result<Arc<RealFile>, DiskError> {
        let name: Box<str> = file.into();
        let open = move |folder: &Self| {
            let path = folder.root.join(&*name);
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            match options.open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                opened => return opened,
            }
            folder.change(&path);
            options.create(true).truncate(false);
            Self::in_folder(&path, || options.open(&path))
        };
        let opened = self.work(node, file, open).await?;
        Ok(Arc::new(RealFile(Mutex::new(opened))))
    }

    pub(super) async fn names(self: &Arc<Self>, node: &Node) -> Result<Vec<Box<str>>, DiskError> {
        let list = |folder: &Self| {
            let mut names = Vec::new();
            list(&folder.root, "", &mut names)?;
            names.sort_unstable();
            Ok(names)
        };
        self.work(node, "", list).await
    }

    pub(super) async fn remove(self: &Arc<Self>, node: &Node, file: &str) -> Result<(), DiskError> {
        let name: Box<str> = file.into();
        let remove = move |folder: &Self| {
            let path = folder.root.join(&*name);
            is_there(&path)?;
            fs::remove_file(&path)?;
            folder.change(&path);
            folder.tidy(&path);
            Ok(())
        };
        self.work(node, file, remove).await
    }

    pub(super) async fn rename(
        self: &Arc<Self>,
        node: &Node,
        file: &str,
        to: &str,
    ) -> Result<(), DiskError> {
        let names: [Box<str>; 2] = [file.into(), to.into()];
        let rename = move |folder: &Self| {
            let [from, to] = names.map(|name| folder.root.join(&*name));
            is_there(&from)?;
            Ok(Self::in_folder(&to, || fs::rename(&from, &to)).map(|()| {
                folder.change(&from);
                folder.change(&to);
                if from != to {
                    folder.tidy(&from);
                }
            }))
        };
        let renamed = self.work(node, file, rename).await?;
        renamed.map_err(|error| failure(to, &error))
    }

    pub(super) async fn sync_names(self: &Arc<Self>, node: &Node) -> Result<(), DiskError> {
        let sync = |folder: &Self| {
            let changed = || {
                folder
                    .changed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
            };
            let mut all = std::mem::take(&mut *changed());
            let synced = all.iter().try_for_each(|path| sync_folder(path));
            if synced.is_err() {
                changed().append(&mut all);
            }
            synced
        };
        self.work(node, "", sync).await
    }
}

/// Whether this is a file: a folder of that name is none.
fn is_there(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotADirectory => Err(error),
        _ => Err(ErrorKind::NotFound.into()),
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(folder) => folder.sync_all(),
        // One that is gone has no names.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Other systems keep names without being asked, and open no folders.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The files below a folder: what cannot be one of a disk's is left out.
fn list(folder: &Path, before: &str, names: &mut Vec<Box<str>>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry
            .file_name()
            .to_str()
            .map(|name| format!("{before}{name}"))
        else {
            continue;
        };
        if super::name::check(&name).is_err() {
            continue;
        }
        match entry.file_type()? {
            kind if kind.is_dir() => list(&entry.path(), &format!("{name}/"), names)?,
            kind if kind.is_file() => names.push(name.into()),
            _ => {}
        }
    }
    Ok(())
}

impl RealFile {
    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        node: &Node,
        work: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
    ) -> Result<T, DiskError> {
        let file = Arc::clone(self);
        let work = move || work(&mut file.0.lock().unwrap_or_else(PoisonError::into_inner));
        let done = dirty_io_on(node, work).await?;
        done.map_err(|error| failure("", &error))
    }

    pub(super) async fn len(self: &Arc<Self>, node: &Node) -> Result<u64, DiskError> {
        self.work(node, |file| Ok(file.metadata()?.len())).await
    }

    pub(super) async fn read_at(
        self: &Arc<Self>,
        node: &Node,
        offset: u64,
        bytes: usize,
    ) -> Result<Vec<u8>, DiskError> {
        let read = move |file: &mut File| {
            file.seek(SeekFrom::Start(offset))?;
            let mut read = Vec::new();
            file.take(bytes as u64).read_to_end(&mut read)?;
            Ok(read)
        };
        self.work(node, read).await
    }

    pub(super) async fn write_at(
        self: &Arc<Self>,
        node: &Node,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<(), DiskError> {
        let write = move |file: &mut File| {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&bytes)
        };
        self.work(node, write).await
    }

    pub(super) async fn set_len(
        self: &Arc<Self>,
        node: &Node,
        bytes: u64,
    ) -> Result<(), DiskError> {
        self.work(node, move |file| file.set_len(bytes)).await
    }

    pub(super) async fn sync(self: &Arc<Self>, node: &Node) -> Result<(), DiskError> {
        self.work(node, |file| file.sync_all()).await
    }
}
