//! On what, and with which versions, was this measured?
//!
//! Role       The facts without which a figure means nothing.
//! Inputs     `/proc`, the lock file, git, the contenders.
//! Outputs    [`Machine`].
//! Owns       Nothing.
//! Invariant  A fact that cannot be found is absent; a run never fails for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use serde::Serialize;

use crate::args::Args;
use crate::contender::Contender;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The facts.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// The processor's own name for itself.
    pub(crate) cpu_model: Option<String>,
    /// Release of the kernel.
    pub(crate) kernel: Option<String>,
    /// Load when the run began: a machine that others use too shows here.
    pub(crate) load_average: Option<String>,
    /// The commit of this checkout.
    pub(crate) commit: Option<String>,
    /// The allocator of every Rust peer.
    pub(crate) allocator: String,
    /// Whether it was a quick run.
    pub(crate) quick: bool,
    /// Rounds per pair.
    pub(crate) rounds: usize,
    /// Version of every contender.
    pub(crate) versions: BTreeMap<&'static str, String>,
}

impl Machine {
    /// Reads all that can be found.
    pub(crate) fn read(args: &Args, contenders: &[Contender]) -> Self {
        let lock = lock_file().unwrap_or_default();
        let version = |contender: &Contender| match contender {
            Contender::Rust(peer) => locked_version(&lock, peer.package()),
            Contender::Erlang(erlang) => Some(erlang.version().to_owned()),
            Contender::Missing(_) => None,
        };
        let versions = contenders
            .iter()
            .filter_map(|one| Some((one.name(), version(one)?)));
        Self {
            cores: thread::available_parallelism().map_or(1, |cores| cores.get()),
            cpu_model: cpu_model(),
            kernel: line_of("/proc/sys/kernel/osrelease"),
            load_average: line_of("/proc/loadavg"),
            commit: commit(),
            allocator: format!(
                "mimalloc {}",
                locked_version(&lock, "mimalloc").unwrap_or_default()
            ),
            quick: args.quick,
            rounds: args.rounds,
            versions: versions.collect(),
        }
    }
}

fn line_of(file: &str) -> Option<String> {
    Some(fs::read_to_string(file).ok()?.trim().to_owned())
}

fn cpu_model() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> Option<String> {
    let done = Command::new("git")
        .args(["-C", FOLDER, "rev-parse", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| text.trim().to_owned())
}

/// The lock file of the workspace, or of this crate where it stands alone.
fn lock_file() -> Option<String> {
    let folders = Path::new(FOLDER).ancestors().take(2);
    folders
        .map(|folder| folder.join("Cargo.lock"))
        .find_map(|file| fs::read_to_string(file).ok())
}

/// The highest version in the lock file: several are listed in ascending order.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let entry = lock
        .split("[[package]]")
        .filter(|one| one.lines().any(|line| line == name));
    let version = entry
        .last()?
        .lines()
        .find_map(|line| line.strip_prefix("version = "))?;
    Some(version.trim_matches('"').to_owned())
}
