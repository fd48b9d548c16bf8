//! Who has what came over a connection for a process of the node?
//!
//! Role       A place for each frame that membership, mesh, broadcasts or relay were given and have not done with.
//! Limit      [`HANDED_MAX`] frames of a connection: then it reads nothing until one is done with, or
//!            [`BOUND`] has passed.
//! Invariant  A connection that ends has waited for them: who says good-bye and closes has left, and is
//!            not lost.

use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{Node, time};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::association::Association;
use crate::handshake::Who;
use crate::mesh::Loss;

const HANDED_MAX: u32 = 16;
/// How long a connection waits for another process of its node.
const BOUND: Duration = Duration::from_secs(5);

/// The places of one connection.
#[derive(Debug)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(HANDED_MAX as usize)))
    }

    /// Waits for places. Without any when a process of the node is late: it may be given more all the same, as
    /// otherwise one that is stuck would keep from others what is for them.
    async fn take(&self, node: &Node, count: u32) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.0);
        if let Ok(taken) = Arc::clone(&places).try_acquire_many_owned(count) {
            return Some(taken);
        }
        let taken = time::timeout_on(node, BOUND, places.acquire_many_owned(count));
        taken.await.and_then(Result::ok)
    }
}

/// A frame that a process of the node was given, until that has done with it.
#[derive(Debug)]
pub(crate) struct Handed {
    of: Arc<Association>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Handed {
    /// A place for what came over this, once there is one.
    pub(super) async fn over(of: &Arc<Association>) -> Self {
        Self {
            of: Arc::clone(of),
            _place: of.places.take(&of.node, 1).await,
        }
    }

    /// As if this node had sent it.
    #[cfg(test)]
    pub(crate) async fn from_peer(node: &Node, peer: Who) -> Self {
        let keeper = super::Keeper::of(node, crate::channel::Channels::default());
        let of = Association::new(node, (peer, false), 1, keeper);
        Self::over(&Arc::new(of)).await
    }

    #[cfg(test)]
    pub(crate) fn association(&self) -> Arc<Association> {
        Arc::clone(&self.of)
    }

    /// The node that it came from.
    pub(crate) fn from(&self) -> &Who {
        &self.of.peer
    }

    /// What came ends the connection.
    pub(crate) fn refuse(&self, loss: Loss) {
        self.of.outgoing.close(loss);
    }
}

/// Waits until all that came over this is done with.
pub(super) async fn all_done(of: &Association) {
    of.places.take(&of.node, HANDED_MAX).await;
}

#[cfg(test)]
mod tests {
    use foundation_runtime::World;

    use super::*;
    use crate::BuilderExt as _;
    use crate::SimNetwork;

    const SOON: Duration = Duration::from_secs(1);

    #[test]
    fn a_connection_waits_for_those_who_have_its_frames_and_not_for_ever() {
        let run = |world: World| async move {
            let network = SimNetwork::new(&world);
            let plan = Node::builder().name("a").listen("a:7000");
            let a = plan.start_in(&world, &network).await.expect("it starts");
            let peer = Who {
                name: "b".into(),
                incarnation: 1,
                address: "b:7000".into(),
            };
            let first = Handed::from_peer(&a, peer).await;
            let of = first.association();
            let soon = async |of| time::timeout_on(&a, SOON, Handed::over(of)).await;
            let mut taken = vec![first];
            for _ in 1..HANDED_MAX {
                taken.push(soon(&of).await.expect("there is a place"));
            }
            assert!(soon(&of).await.is_none(), "there are no more places");
            taken.pop();
            let last = soon(&of).await.expect("one is done with");
            assert!(last._place.is_some());
            // A process that is stuck keeps nothing from others for longer than this.
            let before = a.now();
            let late = Handed::over(&of).await;
            assert_eq!(a.now() - before, BOUND);
            assert!(late._place.is_none());
            drop((late, taken));
            let done = time::timeout_on(&a, SOON, all_done(&of)).await;
            assert!(done.is_none(), "one is not done with");
            drop(last);
            let done = time::timeout_on(&a, SOON, all_done(&of)).await;
            assert!(done.is_some());
        };
        World::simulate(1, run).expect("it ends");
    }
}
