//! Where does a cluster's secret come from?
//!
//! Role       A file that only its owner reads: made at first start, then the same for all nodes of
//!            this user. Nodes elsewhere get a copy.
//! Invariant  The file appears complete and with mode 0600; two nodes that make it at once use the
//!            same. One that others may read is refused.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use foundation_runtime::seed;

use super::private::others_may;
use crate::secret::{BadSecret, Secret};

/// The most bytes that are read of a secret.
const BYTES_MAX: u64 = 4096;

/// Why there is no secret. The file is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The system refused: which file, and why.
    Io(PathBuf, io::Error),
    /// Others than its owner may read or change it; `chmod 600` it, and make a new one if it may have been
    /// read.
    NotPrivate(PathBuf, u32),
    /// There is too little or too much in it.
    Bad(PathBuf, BadSecret),
    /// There is no home directory to keep it in; name a file.
    NoHome,
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NotPrivate(path, mode) => write!(
                f,
                "{}: others may read or change it (mode {mode:03o}); `chmod 600` it, and make a new one if \
                 somebody may have read it",
                path.display()
            ),
            Self::Bad(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoHome => f.write_str(
                "there is neither XDG_STATE_HOME nor HOME to keep the cluster's files in; name them",
            ),
        }
    }
}

impl std::error::Error for SecretFileError {}

/// Where nodes keep what is to outlive them, unless they are told otherwise: `foundation` below
/// `XDG_STATE_HOME`, else below `.local/state` of the home directory.
///
/// # Errors
/// [`SecretFileError::NoHome`].
pub fn state_folder() -> Result<PathBuf, SecretFileError> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    Ok(state.ok_or(SecretFileError::NoHome)?.join("foundation"))
}

/// Where the secret of a cluster is kept unless a file is named: in the [`state_folder`].
///
/// # Errors
/// [`SecretFileError::NoHome`].
pub fn default_secret_file(cluster: &str) -> Result<PathBuf, SecretFileError> {
    Ok(state_folder()?.join(format!("{cluster}.secret")))
}

/// The secret in this file; it is made of `fresh` when there is none.
///
/// # Errors
/// [`SecretFileError`]; a file that was there is as it was.
#[expect(clippy::disallowed_methods, reason = "the room that opens files")]
pub(crate) fn secret_file(path: &Path, fresh: [u8; 32]) -> Result<Secret, SecretFileError> {
    let error = |error| SecretFileError::Io(path.to_owned(), error);
    if !path.exists() {
        make(path, fresh).map_err(error)?;
    }
    let file = fs::File::open(path).map_err(error)?;
    let about = file.metadata().map_err(error)?;
    if let Some(mode) = others_may(&about) {
        return Err(SecretFileError::NotPrivate(path.to_owned(), mode));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, BYTES_MAX), &mut bytes).map_err(error)?;
    // An editor's or a shell's end of line is no part of it.
    let bytes = bytes.trim_ascii();
    Secret::new(bytes).map_err(|bad| SecretFileError::Bad(path.to_owned(), bad))
}

/// Makes the file, unless somebody else does at the same time.
#[expect(clippy::disallowed_methods, reason = "the room that opens files")]
fn make(path: &Path, fresh: [u8; 32]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder)?;
    let text: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
    // A name that nobody else writes to.
    let unique = seed();
    let draft = folder.join(format!(".secret-{}-{unique:016x}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        placed => placed,
    });
    let _ = fs::remove_file(&draft);
    placed
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
