//! Where is the door, and who may pass?
//!
//! Role       The socket's file: made so that nobody else can ever connect, replaced when its owner
//!            is dead, taken away with the agent.
//! Inputs     A path.
//! Outputs    Connections of the operator.
//! Invariant  The file appears at its path complete, with mode 0600, in a directory that is the
//!            user's own; who connects has the user's id (or is root), as the system says.
//! Source     unix(7), "Pathname socket ownership and permissions"; SO_PEERCRED

use std::io;
use std::path::{Path, PathBuf};

use super::ServeError;

#[cfg(not(unix))]
pub(super) use absent::{Door, private};
#[cfg(unix)]
pub(super) use local::{Door, private};

/// Makes a directory that only its owner may enter, if it is not there: the place for a socket.
///
/// # Errors
/// What the operating system says.
pub fn private_directory(path: &Path) -> io::Result<PathBuf> {
    private(path)?;
    Ok(path.to_owned())
}

#[cfg(unix)]
mod local {
    use std::fs;
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    use super::ServeError;

    /// Nobody but its owner may write to the directory of a socket.
    const OTHERS_WRITE: u32 = 0o022;

    pub(crate) fn private(path: &Path) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }

    /// A socket that is bound, and its file.
    pub(crate) struct Door {
        listener: UnixListener,
        file: File,
    }

    /// The socket's file; dropped, it is removed, if it is still this one.
    struct File {
        path: PathBuf,
        inode: (u64, u64),
        owner: u32,
    }

    impl Drop for File {
        fn drop(&mut self) {
            if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.inode) {
                // If it cannot be removed, the next agent finds it stale.
                let _ = remove(&self.path);
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the socket's own file goes with it"
    )]
    fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn identity(file: &fs::Metadata) -> (u64, u64) {
        (file.dev(), file.ino())
    }

    impl Door {
        /// Binds the socket.
        pub(crate) fn open(path: PathBuf) -> Result<Self, ServeError> {
            let os = |error| ServeError::Os(path.clone(), error);
            vacant(&path)?;
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            // Bound where nobody else gets, then moved: at its path it is complete at once.
            let aside = folder.join(format!(".fnd{:x}", std::process::id()));
            let _ = fs::remove_dir_all(&aside);
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&aside)
                .map_err(os)?;
            let bound = bind(&aside.join("s"), folder, &path);
            let _ = fs::remove_dir_all(&aside);
            bound
        }

        pub(crate) fn listen(self) -> io::Result<Listening> {
            self.listener.set_nonblocking(true)?;
            Ok(Listening {
                listener: tokio::net::UnixListener::from_std(self.listener)?,
                file: self.file,
            })
        }
    }

    /// Whether there is nothing at the path, or a socket that nobody listens to.
    fn vacant(path: &Path) -> Result<(), ServeError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(ServeError::Os(path.to_owned(), error)),
            Ok(found) if !found.file_type().is_socket() => {
                Err(ServeError::NotASocket(path.to_owned()))
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(ServeError::Os(path.to_owned(), error)),
                Ok(_) => Err(ServeError::InUse(path.to_owned())),
            },
        }
    }

    fn bind(aside: &Path, folder: &Path, path: &Path) -> Result<Door, ServeError> {
        let os = |error| ServeError::Os(path.to_owned(), error);
        let listener = UnixListener::bind(aside).map_err(os)?;
        fs::set_permissions(aside, fs::Permissions::from_mode(0o600)).map_err(os)?;
        let made = fs::symlink_metadata(aside).map_err(os)?;
        let around = fs::metadata(folder).map_err(os)?;
        if around.uid() != made.uid() || around.mode() & OTHERS_WRITE != 0 {
            return Err(ServeError::Unsafe(path.to_owned()));
        }
        fs::rename(aside, path).map_err(os)?;
        let file = File {
            path: path.to_owned(),
            inode: identity(&made),
            owner: made.uid(),
        };
        Ok(Door { listener, file })
    }

    /// A door with somebody behind it.
    pub(crate) struct Listening {
        listener: tokio::net::UnixListener,
        file: File,
    }

    impl Listening {
        /// The next visitor who may come in.
        pub(crate) async fn accept(&self) -> io::Result<tokio::net::UnixStream> {
            let (stream, _) = self.listener.accept().await?;
            let visitor = stream.peer_cred()?.uid();
            match may_pass(visitor, self.file.owner) {
                true => Ok(stream),
                false => Err(io::Error::new(
                    ErrorKind::PermissionDenied,
                    format!("user {visitor} is not the owner of the socket"),
                )),
            }
        }
    }

    /// The owner may, and root, who could read the memory as well.
    fn may_pass(visitor: u32, owner: u32) -> bool {
        visitor == owner || visitor == 0
    }

    #[cfg(test)]
    mod tests {
        use super::may_pass;

        #[test]
        fn nobody_else_passes() {
            assert!(may_pass(1000, 1000) && may_pass(0, 1000));
            assert!(!may_pass(1001, 1000) && !may_pass(1000, 0));
        }
    }
}

#[cfg(not(unix))]
mod absent {
    use std::io;
    use std::path::{Path, PathBuf};

    use super::ServeError;

    pub(crate) fn private(path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    /// There are no local sockets here.
    pub(crate) enum Door {}

    impl Door {
        pub(crate) fn open(_: PathBuf) -> Result<Self, ServeError> {
            Err(ServeError::Unsupported)
        }

        pub(crate) fn listen(self) -> io::Result<Listening> {
            match self {}
        }
    }

    pub(crate) enum Listening {}

    impl Listening {
        pub(crate) async fn accept(&self) -> io::Result<tokio::io::DuplexStream> {
            match *self {}
        }
    }
}
