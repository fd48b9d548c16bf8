//! Where is the socket of a node on this machine?
//!
//! Role       A folder of this user's, with a socket for each node that runs; found again by name.
//! Invariant  The folder is its owner's alone. A socket that nobody listens to is no node.

use std::path::{Path, PathBuf};

use foundation::cluster::state_folder;

/// How many nodes of this machine are named when there is a choice.
const NAMED_MAX: usize = 20;

/// The folder of the sockets.
pub(super) fn folder() -> Result<PathBuf, String> {
    let state = state_folder().map_err(|error| error.to_string())?;
    Ok(state.join("nodes"))
}

/// The socket of the node of this name.
pub(super) fn socket(folder: &Path, name: &str) -> PathBuf {
    let mut file = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'-' | b'_' | b'.' => {
                file.push(char::from(byte));
            }
            other => file.push_str(&format!("%{other:02x}")),
        }
    }
    folder.join(file + ".sock")
}

/// The only node that runs on this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "a folder of sockets is looked through"
)]
pub(super) fn only(folder: &Path) -> Result<PathBuf, String> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "sock"))
        .filter(|path| std::os::unix::net::UnixStream::connect(path).is_ok())
        .collect();
    found.sort();
    match &found[..] {
        [path] => Ok(path.clone()),
        [] => Err(format!(
            "no node of yours runs on this machine: there is no live socket in {}. Start one with \
             `foundation run --config FILE`, or name its socket with `--socket PATH`",
            folder.display()
        )),
        several => {
            let names = several
                .iter()
                .filter_map(|path| path.file_stem()?.to_str())
                .map(|name| format!("`{name}`"));
            let names: Vec<String> = names.take(NAMED_MAX).collect();
            Err(format!(
                "{} nodes run on this machine; say which with `--node`: {}",
                several.len(),
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_the_folder() {
        let folder = Path::new("/run/nodes");
        let rows = [
            ("a@127.0.0.1", "/run/nodes/a@127.0.0.1.sock"),
            ("../../etc/x", "/run/nodes/..%2f..%2fetc%2fx.sock"),
            ("\u{e4}%", "/run/nodes/%c3%a4%25.sock"),
        ];
        for (name, path) in rows {
            assert_eq!(socket(folder, name), Path::new(path));
        }
    }
}
