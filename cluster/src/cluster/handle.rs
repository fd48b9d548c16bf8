//! What can be asked of a cluster?
//!
//! Role       The handle of one node's view: who is there, news of them, leaving, evicting.
//! Source     otp: net_kernel:monitor_nodes/1, erlang:nodes/0, erlang:disconnect_node/1

use std::time::Duration;

use foundation_actors::{NodeExt as _, Remote};
use foundation_runtime::{Node, Pid};

use super::{AskError, SwitchError};
use crate::broadcast::EVERYWHERE;
use crate::discovery::{self, FinderReport};
use crate::globals::Global;
use crate::handshake::{Refusal, Who};
use crate::membership::{self, Record};
use crate::mesh::{MeshRef, Peer};
use crate::overlay::{Epoch, Overlay};

/// How long the goodbye to all nodes may take unless said otherwise.
const LEAVE_PAUSE: Duration = Duration::from_millis(10);

/// The cluster, as one node sees it.
#[derive(Clone, Debug)]
pub struct Cluster {
    node: Node,
    mesh: MeshRef,
}

/// What a node of a cluster can do more.
pub trait NodeClusterExt {
    /// The cluster that this node is a part of. When it is of none, its questions fail with
    /// [`AskError::NotClustered`].
    fn cluster(&self) -> Cluster;

    /// Names and locks that are the same on all nodes of the cluster. When the node is of none, nobody has
    /// a name, and none is given.
    fn global(&self) -> Global;
}

impl NodeClusterExt for Node {
    fn cluster(&self) -> Cluster {
        let (node, mesh) = (self.clone(), MeshRef::of(self));
        Cluster { node, mesh }
    }

    fn global(&self) -> Global {
        Global::of(self)
    }
}

impl Cluster {
    /// The nodes that are connected to this one, by name; it is not among them.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn nodes(&self) -> Result<Vec<Peer>, AskError> {
        Ok(self.mesh.mesh().peers().await?)
    }

    /// Which overlay this node takes part in, whether all nodes are connected to all, and how often it
    /// was switched so far.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn epoch(&self) -> Result<Epoch, AskError> {
        Ok(self.mesh.mesh().epoch().await?)
    }

    /// Orders another overlay for the whole cluster. It returns when this node has it; the others hear
    /// of it from each other, whoever is cut off when it is reached again. No connection breaks: those
    /// that the new overlay does not need end once nothing is under way on them, so that no message is
    /// lost or doubled by the switch. When two nodes order something at the same time, one of the two is
    /// what all come to.
    ///
    /// A node that is started anew begins with what its builder said, and takes over the cluster's
    /// overlay from the first node that it meets. When all nodes have been down the switch is forgotten.
    ///
    /// ```
    /// # use foundation_cluster::overlay::{Overlay, hyparview};
    /// # use foundation_cluster::{NodeClusterExt, WorldClusterExt};
    /// # use foundation_runtime::World;
    /// # use std::time::Duration;
    /// World::simulate(3, |world| async move {
    ///     let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
    ///     let few = Overlay::HyParView(hyparview::Config::default());
    ///     let ordered = a.cluster().switch(few).await.expect("nobody has switched just now");
    ///     assert_eq!(ordered.number, 1);
    ///     let agreed = async || b.cluster().epoch().await == Ok(ordered.clone());
    ///     world.eventually(Duration::from_secs(5), agreed).await;
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Errors
    /// [`SwitchError`]; the overlay is what it was.
    pub async fn switch(&self, overlay: Overlay) -> Result<Epoch, SwitchError> {
        overlay.check().map_err(SwitchError::Overlay)?;
        let answer = self.mesh.mesh().switch(overlay).await;
        let answer = answer.map_err(|error| SwitchError::Ask(error.into()))?;
        answer.map_err(SwitchError::CoolingDown)
    }

    /// Who belongs to the cluster, as this node knows it, by name: how each is, and which start and
    /// revision of it that is. This node is among them, and so is who failed, left or was evicted
    /// and is not forgotten yet. A member need not be connected: see [`Cluster::nodes`].
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn members(&self) -> Result<Vec<Record>, AskError> {
        Ok(membership::of(&self.node).members().await?)
    }

    /// Who this node is to the others: its name, and where it takes connections.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn own(&self) -> Result<Who, AskError> {
        Ok(self.mesh.mesh().own().await?)
    }

    /// The addresses that are dialled while nobody there is connected, and why the last dial came
    /// to nothing.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn dialled(&self) -> Result<Vec<(Box<str>, Option<Refusal>)>, AskError> {
        Ok(self.mesh.mesh().dialled().await?)
    }

    /// What each of the node's finders yields, and why it fails, if it does.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn finders(&self) -> Result<Vec<FinderReport>, AskError> {
        Ok(discovery::of(&self.node).reports().await?)
    }

    /// Sends a [`NodeEvent`](crate::NodeEvent) to a process of this node whenever a node is
    /// connected or is not any more; over few connections that is no matter of life and death, and
    /// [`Me::monitor_nodes`](foundation_runtime::Me::monitor_nodes) tells of members. Who is connected
    /// already is not told of.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn watch(&self, watcher: impl Into<Pid>) -> Result<(), AskError> {
        match self.mesh.mesh().watch(watcher.into()).await? {
            true => Ok(()),
            false => Err(AskError::Full),
        }
    }

    /// A node of this name is not wanted any more: all nodes close their connections to it, and
    /// refuse it until it is started anew.
    ///
    /// # Errors
    /// [`AskError::NoNode`] when no member of this name is known.
    pub async fn evict(&self, name: &str) -> Result<(), AskError> {
        match membership::of(&self.node).evict(name.into()).await? {
            true => Ok(()),
            false => Err(AskError::NoNode(name.into())),
        }
    }

    /// All nodes of the cluster, to send them a message each: what is cast to a name there comes to the
    /// process of that name on every node, this one too, and nowhere where there is none. Calls are
    /// refused, and there is nothing to link with or to monitor.
    ///
    /// The message goes from neighbour to neighbour of the overlay, over a tree that forms by itself, so
    /// that no node sends it to all. Each process is given it once; there is no order between two messages.
    /// A node that was cut off for a while is given what it lacks of the last 1,024 messages by its
    /// neighbours; one that starts later is given nothing of what was before. One message has at most
    /// 1 MiB.
    ///
    /// ```
    /// # use foundation_actors::{Name, NodeExt};
    /// # use foundation_cluster::{NodeClusterExt, WorldClusterExt};
    /// # use foundation_macros::actor;
    /// # use foundation_runtime::World;
    /// # use std::time::Duration;
    /// #[derive(Default)]
    /// struct Cache { cleared: u32 }
    ///
    /// #[actor(crate = foundation_actors)]
    /// impl Cache {
    ///     #[init] fn init() -> Self { Self::default() }
    ///     #[cast] fn clear(&mut self) { self.cleared += 1; }
    ///     #[call] fn cleared(&self) -> u32 { self.cleared }
    /// }
    /// const CACHE: Name<Cache> = Name::new("cache");
    ///
    /// World::simulate(3, |world| async move {
    ///     let [a, b, c] = world.nodes(["a", "b", "c"], async |node| {
    ///         node.start::<Cache>(()).name(CACHE).await.expect("the name is free");
    ///     }).await;
    ///     // Nodes that have just started have to hear from each other first.
    ///     world.advance(Duration::from_secs(6)).await;
    ///     a.cluster().everywhere().at(CACHE).clear().expect("it is sent");
    ///     world.advance(Duration::from_secs(6)).await;
    ///     for node in [&a, &b, &c] {
    ///         assert_eq!(node.at(CACHE).cleared().await, Ok(1));
    ///     }
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    #[must_use]
    pub fn everywhere(&self) -> Remote {
        self.node.remote(EVERYWHERE)
    }

    /// Says goodbye to all nodes, and closes the connections to them. Returns when that is done,
    /// or `bound` is over; the node goes on alone. What was sent before goes first, over lanes until the other
    /// end has seen it, for half of `bound` at most.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn leave(&self, bound: Duration) -> Result<(), AskError> {
        let begun = self.node.now();
        let (half, until) = (begun.saturating_add(bound / 2), begun.saturating_add(bound));
        while !self.mesh.mesh().is_drained().await? && self.node.now() < half {
            self.node.sleep(LEAVE_PAUSE).await;
        }
        membership::of(&self.node).leave().await?;
        self.mesh.mesh().leave().await?;
        while !self.nodes().await?.is_empty() && self.node.now() < until {
            self.node.sleep(LEAVE_PAUSE).await;
        }
        Ok(())
    }
}
