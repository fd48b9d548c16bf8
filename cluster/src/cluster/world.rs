//! How does a test get a cluster?
//!
//! Role       Nodes of a world that are connected, and the faults between them, in a few words.
//! Invariant  The same body runs in a simulated world and in a real one, where the network is in
//!            memory as well and real time passes.

use std::time::Duration;

use foundation_runtime::{Node, World};

use super::BuilderExt;
use crate::transport::simulated::SimNetwork;

/// How long nodes may take to find each other.
const TOGETHER: Duration = Duration::from_secs(60);

/// What a world can do for tests of clusters.
pub trait WorldClusterExt {
    /// Starts nodes of these names, and `app` on each; returns when every one is connected to every
    /// other. All join at the first.
    ///
    /// ```
    /// # use foundation_cluster::WorldClusterExt;
    /// # use foundation_runtime::World;
    /// # use std::time::Duration;
    /// World::simulate(3, |world| async move {
    ///     let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
    ///     world.partition(&a, &b);
    ///     let parted = async || a.peer("b").is_none() && b.peer("a").is_none();
    ///     world.eventually(Duration::from_secs(10), parted).await;
    ///     world.heal();
    ///     let together = async || a.peer("b") == Some(b.id());
    ///     world.eventually(Duration::from_secs(30), together).await;
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// When a node does not start, or they do not find each other within a minute.
    fn nodes<const N: usize>(
        &self,
        names: [&str; N],
        app: impl AsyncFn(&Node),
    ) -> impl Future<Output = [Node; N]>;

    /// The network between the world's nodes, with all its faults.
    fn network(&self) -> SimNetwork;

    /// Nothing passes between two nodes, either way, until [`WorldClusterExt::heal`].
    fn partition(&self, a: &Node, b: &Node);

    /// Everything that was cut passes again.
    fn heal(&self);
}

impl WorldClusterExt for World {
    async fn nodes<const N: usize>(&self, names: [&str; N], app: impl AsyncFn(&Node)) -> [Node; N] {
        let network = self.network();
        let mut nodes = Vec::with_capacity(N);
        for name in names {
            let seed = format!("{}:7000", names[0]);
            let started = Node::builder()
                .name(name)
                .seed(seed)
                .start_in(self, &network);
            let node = match started.await {
                Ok(node) => node,
                Err(error) => panic!("the node {name} did not start: {error}"),
            };
            app(&node).await;
            nodes.push(node);
        }
        let nodes: [Node; N] = nodes
            .try_into()
            .unwrap_or_else(|_| unreachable!("there is one for each name"));
        self.eventually(TOGETHER, async || {
            let mut pairs = nodes.iter().flat_map(|a| nodes.iter().map(move |b| (a, b)));
            pairs.all(|(a, b)| a.id() == b.id() || a.peer(b.name()) == Some(b.id()))
        })
        .await;
        nodes
    }

    fn network(&self) -> SimNetwork {
        SimNetwork::new(self)
    }

    fn partition(&self, a: &Node, b: &Node) {
        self.network().partition(a.name(), b.name());
    }

    fn heal(&self) {
        self.network().heal_all();
    }
}
