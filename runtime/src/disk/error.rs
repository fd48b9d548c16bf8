//! Why was something not done with a disk?

use std::fmt;

use crate::DirtyError;

/// Why something was not done with a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskError {
    /// The node was started without a folder: [`NodeBuilder::disk`](crate::NodeBuilder::disk) gives it one.
    NoDisk,
    /// A file cannot be called so.
    BadName(Box<str>),
    /// There is no such file.
    NotFound(Box<str>),
    /// A file would have the name of a folder, or a folder that of a file: one of `a` and `a/b` can be there.
    Taken(Box<str>),
    /// There is no room. Of a write that fails so a part may have been written.
    Full,
    /// Nothing can be written to this disk.
    ReadOnly,
    /// More than [`READ_MAX`](super::READ_MAX) bytes were asked for at once, or a file would be longer than
    /// [`FILE_MAX`](super::FILE_MAX).
    TooLong(u64),
    /// The simulated machine has lost its power since: what was not synced is lost, or not.
    PowerLost,
    /// The pool that blocking work runs in takes no more; nothing was done.
    Busy(DirtyError),
    /// The operating system says so. Of a write a part may have been done; what a sync that failed was to
    /// make safe may be lost, even if a later one succeeds.
    System(Box<str>),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisk => f.write_str(
                "the node has no disk: give it a folder where it is built, `Node::builder().disk(folder)`",
            ),
            Self::BadName(name) => write!(
                f,
                "a file cannot be called {name:?}: up to {} parts with `/` between them, each of letters, \
                 digits, `.`, `_` and `-`, and {} bytes in all",
                super::name::PARTS_MAX,
                super::name::NAME_MAX
            ),
            Self::NotFound(name) => write!(f, "there is no file {name:?}"),
            Self::Taken(name) => write!(
                f,
                "{name:?} cannot be: a file would have the name of a folder, or a folder that of a file"
            ),
            Self::Full => f.write_str("the disk is full"),
            Self::ReadOnly => f.write_str("nothing can be written to the disk"),
            Self::TooLong(bytes) => write!(f, "{bytes} bytes are too many"),
            Self::PowerLost => f.write_str("the machine has lost its power since"),
            Self::Busy(why) => why.fmt(f),
            Self::System(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for DiskError {}

impl From<DirtyError> for DiskError {
    fn from(why: DirtyError) -> Self {
        Self::Busy(why)
    }
}
