//! Where does a bench run?
//!
//! Role       Starts nodes, and runs code inside a process of one while a thread waits.
//! Inputs     A node, and a function that becomes a process.
//! Outputs    What the function returns.
//! Owns       Nothing.
//! Invariant  A node of [`over_and_over`] is gone, with all its processes, when it returns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use foundation::Message;
use foundation::prelude::*;

/// A node as a program starts it.
#[must_use]
pub fn node() -> Node {
    Node::builder().start().expect("a node starts")
}

/// What a process takes that is sent nothing.
#[derive(Debug, Message)]
#[message(local)]
pub struct Nothing;

/// Runs a function as a process of the node, and blocks this thread until it returns.
pub fn inside<M, T, F, Fut>(node: &Node, body: F) -> T
where
    M: Message,
    T: Send + 'static,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (report, reported) = mpsc::channel();
    let run = move |me| async move { report.send(body(me).await).expect("a thread waits") };
    node.spawn_fn(run).expect("the node takes a process");
    reported.recv().expect("the process returns")
}

/// Runs an operation `times` on a node of its own: for criterion, which asks again and again.
pub fn over_and_over(operation: fn(&Node, u64) -> Duration, times: u64) -> Duration {
    let node = node();
    let took = operation(&node, times);
    let ended = node.block_on(node.shutdown(secs(60)));
    ended.expect("every process yields");
    took
}

/// Builds the program of a workspace beside this one, which a peer has because what it depends on
/// is nothing to the project: where it lies.
///
/// # Errors
/// What cargo says.
pub fn workspace(folder: &str, program: &str) -> Result<PathBuf, String> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, target) = (benches.join(folder), benches.join("../target").join(folder));
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .status();
    match built {
        Ok(status) if status.success() => Ok(target.join("release").join(program)),
        Ok(status) => Err(format!("{} is not built: {status}", folder.display())),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

/// The middle one of some values, the higher one of two; NaN for none.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Says on what a bench runs.
pub fn print_machine() {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |rest| {
        rest.trim_matches([' ', '\t', ':'])
    });
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let git = ["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "HEAD"];
    let commit = Command::new("git").args(git).output();
    let commit = commit.map_or_else(|_| Vec::new(), |done| done.stdout);
    let commit = String::from_utf8_lossy(&commit);
    let (load, commit) = (load.trim(), commit.trim());
    println!("{cores} cores of {model}, load {load}, commit {commit}");
}
