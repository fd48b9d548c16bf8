//! Who lets a node and the others meet?
//!
//! Role       One process with the node's listener, which outlives it: the next one goes on with it. It
//!            takes what others dial, and has the seeds dialled.
//! Invariant  It begins when all of the node that others speak to has its name.

use std::sync::Arc;
use std::time::Duration;

use foundation_actors::child_fn;
use foundation_actors::supervisor::Child;
use foundation_runtime::Process;
use tokio::sync::Mutex;

use crate::connection::Context;
use crate::mesh::{MeshRef, NodeEvent};
use crate::transport::Listener;

/// How long the acceptor rests when the system gives it no connection: it may be out of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the node listens, from one acceptor to the next.
pub(super) struct Door {
    pub(super) address: Box<str>,
    listener: Mutex<Option<Listener>>,
}

impl Door {
    pub(super) fn new(address: Box<str>, listener: Listener) -> Self {
        let listener = Mutex::new(Some(listener));
        Self { address, listener }
    }
}

/// The child of the cluster's tree.
pub(super) fn child(
    context: &Arc<Context>,
    door: Arc<Door>,
    seeds: Vec<Box<str>>,
) -> Child<NodeEvent> {
    let (context, seeds) = (Arc::clone(context), Arc::new(seeds));
    child_fn("acceptor", move |_: Process<NodeEvent>| {
        accept(Arc::clone(&context), Arc::clone(&door), Arc::clone(&seeds))
    })
}

/// Takes connections for the mesh, for ever.
async fn accept(context: Arc<Context>, door: Arc<Door>, seeds: Arc<Vec<Box<str>>>) {
    let mesh = MeshRef::of(&context.node);
    for seed in &*seeds {
        let _ = mesh.mesh().seed(seed.clone());
    }
    let mut listener = door.listener.lock().await;
    loop {
        let listener = match &mut *listener {
            Some(listener) => listener,
            // The one before this has crashed.
            empty => match context.transport.listen(&door.address).await {
                Ok(listener) => empty.insert(listener),
                Err(error) => {
                    tracing::error!(target: "foundation::cluster", %error, "cannot listen");
                    context.node.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        match listener.accept(&context.node).await {
            Ok((stream, from)) => {
                // Dropped where there is no room, it is closed.
                let _ = mesh.mesh().accept(stream, from).await;
            }
            Err(error) => {
                tracing::warn!(target: "foundation::cluster", %error, "no connection was taken");
                context.node.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
