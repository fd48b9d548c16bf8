//! What is a node that another one has started?
//!
//! Role       A process of the operating system that `foundation run --nodes` starts: a node with a
//!            host, and nothing else.
//! Inputs     Its [`Orders`], one line of JSON on the standard input; then nothing more.
//! Invariant  It ends when its standard input does: with the process that started it, also when that
//!            is killed. On Linux the system kills it then, even when it is stopped. The secret is on no command line, in no file and in no environment.

use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use foundation::Node;
use foundation::cluster::{Builder, Secret};
use serde::{Deserialize, Serialize};

use super::{CLUSTER, mesh};
use crate::job::host_tree;

const STOP_BOUND: Duration = Duration::from_millis(500);

/// What a node is told by the one that starts it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// What it is called.
    pub name: String,
    /// Where the first node listens.
    pub seed: String,
    /// What both prove themselves with.
    pub secret: [u8; 32],
    /// How many clients it may have.
    pub clients_max: usize,
    /// How many scheduler threads it has, unless one per core.
    pub workers: Option<usize>,
}

/// Runs such a node until its standard input ends, and returns the exit code.
#[must_use]
pub fn run() -> u8 {
    match serve() {
        Ok(()) => 0,
        Err(error) => {
            // Whoever reads our errors may be gone.
            drop(writeln!(io::stderr(), "error: {error}"));
            1
        }
    }
}

fn serve() -> Result<(), String> {
    end_with_parent().map_err(|error| error.to_string())?;
    let mut input = io::stdin().lock();
    let mut line = String::new();
    let read = input.read_line(&mut line);
    read.map_err(|error| error.to_string())?;
    let orders: Orders = serde_json::from_str(&line)
        .map_err(|error| format!("a node is started by `foundation run --nodes`: {error}"))?;
    let node = start(&orders)?;
    // Whoever started it holds the other end.
    drop(io::copy(
        &mut input.by_ref().take(u64::MAX),
        &mut io::sink(),
    ));
    // What did not end in time ends with the program.
    drop(node.shutdown_blocking(STOP_BOUND));
    Ok(())
}

/// A process that is stopped does not see its input end, and whether the system wakes it depends on who
/// becomes its parent: in a container, nobody whose group would count.
#[cfg(target_os = "linux")]
fn end_with_parent() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // A parent that is gone already has closed the input.
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Other systems wake and end a stopped process whose group has no parent any more.
#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> io::Result<()> {
    Ok(())
}

fn start(orders: &Orders) -> Result<Node, String> {
    let secret = Secret::new(orders.secret).map_err(|error| error.to_string())?;
    let mut node = Node::builder().name(orders.name.as_str());
    if let Some(workers) = orders.workers {
        node = node.workers(workers);
    }
    let node = Builder::new(node)
        .cluster(CLUSTER)
        .listen("127.0.0.1:0")
        .seed(orders.seed.as_str())
        .secret(secret)
        .mesh(mesh())
        .start_blocking()
        .map_err(|error| error.to_string())?;
    let tree = node.block_on(async { host_tree(orders.clients_max).start(&node).await });
    tree.map_err(|error| error.to_string())?;
    Ok(node)
}
