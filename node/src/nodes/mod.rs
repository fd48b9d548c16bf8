//! How does the job run on several nodes of one machine?
//!
//! Role       `foundation run --nodes N`: starts the other nodes, as processes of the operating system
//!            or in a simulated world, has them start again when they end, and lets happen to them what
//!            the operator asks for.
//! Invariant  No node outlives the first one, however that ends.

pub mod child;
mod fleet;
mod launcher;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use foundation::NodeBuilder;
use foundation::cluster::mesh::MeshConfig;
use foundation::cluster::{Builder, Secret};
use foundation::prelude::*;

pub(crate) use fleet::Fleet;
pub use stage::simulate;

use crate::cli::RunArgs;
use crate::job::JobError;
use crate::job::Nothing;

/// The cluster that the nodes of a job are.
pub(crate) const CLUSTER: &str = "foundation-run";

/// A node that says nothing for so long is lost: its clients are needed elsewhere.
const SILENCE: Duration = Duration::from_secs(2);

/// Times of nodes that have a job to do together, on one machine.
pub(crate) fn mesh() -> MeshConfig {
    MeshConfig {
        tick: Duration::from_millis(250),
        silence: SILENCE,
        redial: Duration::from_millis(50),
        redial_max: Duration::from_millis(500),
        ..MeshConfig::default()
    }
}

/// Starts the first node of a job, which reads the input.
pub(crate) fn first(node: NodeBuilder, secret: [u8; 32]) -> Result<Node, String> {
    let secret = Secret::new(secret).map_err(|error| error.to_string())?;
    let builder = Builder::new(node).cluster(CLUSTER).listen("127.0.0.1:0");
    let started = builder.secret(secret).mesh(mesh()).start_blocking();
    started.map_err(|error| error.to_string())
}

/// Starts the other nodes, and looks after them.
pub(crate) async fn others(
    node: &Node,
    args: &RunArgs,
    nodes: u32,
    secret: [u8; 32],
    quiet: bool,
) -> Result<Arc<Fleet>, JobError> {
    let failed = |error: String| JobError::Nodes(error);
    let own = node.cluster().own().await;
    let own = own.map_err(|error| failed(error.to_string()))?;
    let orders = child::Orders {
        name: String::new(),
        seed: own.address.into(),
        secret,
        clients_max: args.max_clients.get(),
        workers: args.workers.map(Into::into),
    };
    let fleet = Fleet::start(nodes, orders, quiet).map_err(|error| failed(error.to_string()))?;
    let (tended, here) = (Arc::clone(&fleet), node.clone());
    let tender = node.spawn_fn(|_: Process<Nothing>| Fleet::tend(tended, here));
    tender.map_err(|error| failed(error.to_string()))?;
    Ok(fleet)
}
