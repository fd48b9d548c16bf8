//! May others read a file?
//!
//! Role       Looks at the mode, where there are modes.

use std::fs::Metadata;

/// The mode of a file that others than its owner may read or change.
#[cfg(unix)]
pub(super) fn others_may(about: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn others_may(_: &Metadata) -> Option<u32> {
    None
}
