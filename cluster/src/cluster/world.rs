//! How does a test get a cluster?
//!
//! Role       Nodes of a world that are connected, and the faults between them, in a few words.
//! Invariant  The same body runs in a simulated world and in a real one, where the network is in
//!            memory as well and real time passes.

use std::sync::OnceLock;
use std::time::Duration;

use foundation_runtime::{Node, World};

use super::BuilderExt;
use crate::transport::simulated::SimNetwork;

/// How long nodes may take to find each other.
const TOGETHER: Duration = Duration::from_secs(60);

/// What a world can do for tests of clusters.
pub trait WorldClusterExt {
    /// Starts nodes of these names, and `app` on each; returns when every one of them is connected to
    /// every other. All join at the first node that was so started in this world.
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

    /// The node's program is killed: nothing of it runs any more, and the others find its connections
    /// reset. See [`World::halt`].
    ///
    /// ```
    /// # use foundation_cluster::WorldClusterExt;
    /// # use foundation_runtime::World;
    /// # use std::time::Duration;
    /// World::simulate(3, |world| async move {
    ///     let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
    ///     world.crash(&b);
    ///     world.eventually(Duration::from_secs(1), async || a.peer("b").is_none()).await;
    ///     let again = world.restart(&b, async |_| {}).await;
    ///     assert_ne!(again.id(), b.id());
    ///     let back = async || a.peer("b") == Some(again.id());
    ///     world.eventually(Duration::from_secs(30), back).await;
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    fn crash(&self, node: &Node);

    /// The node's machine loses its power: as [`WorldClusterExt::crash`], but the others are not
    /// told. They find out by its silence.
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    fn power_off(&self, node: &Node);

    /// A node is started in the place of one that is gone: the same name, a new incarnation, nothing
    /// of its memory. It joins at the first node that [`WorldClusterExt::nodes`] started, and `app`
    /// is started on it. The others find it by themselves.
    ///
    /// # Panics
    /// When it does not start.
    fn restart(&self, node: &Node, app: impl AsyncFn(&Node)) -> impl Future<Output = Node>;

    /// Everything that was cut passes again.
    fn heal(&self);
}

/// At which node the others of a world join.
#[derive(Default)]
struct First(OnceLock<Box<str>>);

async fn start(world: &World, name: &str, app: &impl AsyncFn(&Node)) -> Node {
    let first = world.shared::<First>();
    let seed = format!("{}:7000", first.0.get_or_init(|| name.into()));
    let builder = Node::builder().name(name).seed(seed);
    match builder.start_in(world, &world.network()).await {
        Ok(node) => {
            app(&node).await;
            node
        }
        Err(error) => panic!("the node {name} did not start: {error}"),
    }
}

impl WorldClusterExt for World {
    async fn nodes<const N: usize>(&self, names: [&str; N], app: impl AsyncFn(&Node)) -> [Node; N] {
        let mut nodes = Vec::with_capacity(N);
        for name in names {
            nodes.push(start(self, name, &app).await);
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

    fn crash(&self, node: &Node) {
        self.halt(node);
        self.network().kill(node.name());
    }

    fn power_off(&self, node: &Node) {
        self.halt(node);
        self.network().cut_power(node.name());
        self.disk(node.name()).lose_power();
    }

    async fn restart(&self, node: &Node, app: impl AsyncFn(&Node)) -> Node {
        start(self, node.name(), &app).await
    }

    fn heal(&self) {
        self.network().heal_all();
    }
}
