//! On which nodes does a test's body run?
//!
//! Role       [`Scene`]: the subject of a test lives `here`, whoever it has to do with `there`. Both
//!            are one node, or two that are connected in memory, over a network in memory, or over
//!            sockets. A body sees no difference but by asking.
//! Invariant  What is looked at of a process is waited for on its own node: a monitor that somebody
//!            holds there is told after what the same process sent there before.

use std::time::Duration;

use foundation::cluster::{Builder, Secret};
use foundation::prelude::*;
use foundation::{Loopback, TestInput};

/// How long two nodes may take to find each other, or to lose each other.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A node of a cluster over sockets.
pub(crate) fn plan(name: &str) -> Builder {
    let secret = Secret::new([7; 32]).expect("it is long enough");
    Builder::new(Node::builder().name(name).workers(2)).secret(secret)
}

/// Where the processes of a test live.
pub(crate) struct Scene {
    pub(crate) world: World,
    here: Node,
    there: Node,
    between: Between,
}

/// What is between the two nodes.
enum Between {
    /// They are one.
    Nothing,
    Memory(Loopback),
    /// A cluster, over a network or sockets.
    Cluster,
}

impl TestInput for Scene {
    fn from_world(world: &World) -> Self {
        let node = world.node();
        Self::new(world, [node.clone(), node], Between::Nothing)
    }
}

impl Scene {
    fn new(world: &World, [here, there]: [Node; 2], between: Between) -> Self {
        Self {
            world: world.clone(),
            here,
            there,
            between,
        }
    }

    /// Two nodes that are connected in memory, and see what the other sends at once.
    pub(crate) fn in_memory(world: &World) -> Self {
        let nodes = [world.node(), world.start("there")];
        let wire = world.connect(&nodes[0], &nodes[1]);
        Self::new(world, nodes, Between::Memory(wire))
    }

    /// Two nodes of a cluster whose network is in memory: what one sends takes a while.
    pub(crate) async fn over_a_network(world: &World) -> Self {
        let nodes = world.nodes(["main", "there"], async |_| {}).await;
        Self::new(world, nodes, Between::Cluster)
    }

    /// Two nodes of a cluster over real sockets of this machine.
    pub(crate) async fn over_sockets(world: &World) -> Self {
        let here = plan("main").start().await.expect("it listens");
        let address = here.cluster().own().await.expect("it has one").address;
        let there = plan("there").seed(address).start().await;
        let there = there.expect("it listens");
        world
            .eventually(BOUND, async || {
                here.peer("there") == Some(there.id()) && there.peer("main") == Some(here.id())
            })
            .await;
        let nodes = [here.clone(), there.clone()];
        world.at_end(move || async move {
            for node in [here, there] {
                node.shutdown(BOUND).await.expect("its processes end");
            }
        });
        Self::new(world, nodes, Between::Cluster)
    }

    /// The node of the subject, and that of all others.
    pub(crate) fn nodes(&self) -> (Node, Node) {
        (self.here.clone(), self.there.clone())
    }

    /// Whether there are two nodes.
    pub(crate) fn is_apart(&self) -> bool {
        !matches!(self.between, Between::Nothing)
    }

    /// Both nodes lose each other.
    pub(crate) async fn cut(&self) {
        match &self.between {
            Between::Nothing => panic!("there is one node only"),
            Between::Memory(wire) => wire.cut(),
            Between::Cluster => {
                let left = self.here.cluster().leave(BOUND).await;
                left.expect("it is in a cluster");
                let alone =
                    async || self.here.peer("there").is_none() && self.there.peer("main").is_none();
                self.world.eventually(BOUND, alone).await;
            }
        }
    }
}

/// Runs bodies with their processes on two nodes, each over everything that can be between nodes.
macro_rules! on_two_nodes {
    ($($file:ident ($seeds:literal): $($test:ident),+ $(,)?;)+) => {
        $(mod $file {
            $(mod $test {
                use crate::scene::Scene;
                use foundation::prelude::*;

                #[foundation::test(seeds = $seeds)]
                async fn in_memory(w: World) {
                    crate::$file::$test(Scene::in_memory(&w)).await;
                }

                crate::scene::of_a_cluster!($file, $test, $seeds);
            })+
        })+
    };
}

/// The same over the connections of a cluster alone.
macro_rules! of_a_cluster {
    ($file:ident, $test:ident, $seeds:literal) => {
        #[foundation::test(seeds = $seeds)]
        async fn over_a_network(w: World) {
            crate::$file::$test(Scene::over_a_network(&w).await).await;
        }

        #[foundation::test(real)]
        async fn over_sockets(w: World) {
            crate::$file::$test(Scene::over_sockets(&w).await).await;
        }
    };
}

pub(crate) use {of_a_cluster, on_two_nodes};
