//! Which names does a simulated network know?
//!
//! Role       What DNS is to a real one: names with addresses, which a test changes while nodes ask.
//! Invariant  A question takes as long as the world's link says, or for ever; the asker bounds it.

use std::time::Duration;

use foundation_runtime::Node;

use super::SimNetwork;
use super::stream::SimHost;
use crate::discovery::{Answer, Failure};

/// How long a question is on its way, there and back.
const ASKED: Duration = Duration::from_millis(2);

/// What a network says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimName {
    /// Nodes are at these addresses, hosts with ports; good for so long.
    At(Vec<Box<str>>, Duration),
    /// Nobody can be asked: why.
    Fails(Failure),
    /// No answer comes.
    Silent,
}

impl SimNetwork {
    /// What is said of this name from now on. Of a name of which nothing was said, nobody is there.
    ///
    /// ```
    /// use foundation_cluster::discovery::Finder;
    /// use foundation_cluster::transport::simulated::SimName;
    /// use foundation_cluster::{Builder, SimNetwork};
    /// use foundation_runtime::{Node, World};
    /// use std::time::Duration;
    /// World::simulate(1, |world| async move {
    ///     let network = SimNetwork::new(&world);
    ///     let both = vec!["a:7000".into(), "b:7000".into()];
    ///     network.set_name("nodes.example", SimName::At(both, Duration::from_secs(5)));
    ///     let mut nodes = Vec::new();
    ///     for name in ["a", "b"] {
    ///         let builder = Builder::new(Node::builder().name(name));
    ///         let builder = builder.find(Finder::hosts("nodes.example", 7000));
    ///         nodes.push(builder.start_in(&world, &network).await.expect("it starts"));
    ///     }
    ///     let together = async || nodes[0].peer("b") == Some(nodes[1].id());
    ///     world.eventually(Duration::from_secs(10), together).await;
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    pub fn set_name(&self, name: &str, says: SimName) {
        self.state().names.insert(name.into(), says);
    }
}

impl SimHost {
    /// What the network says of this name. It may take for ever.
    pub(crate) async fn look_up(&self, node: &Node, name: &str) -> Result<Answer, Failure> {
        self.pause(node, ASKED).await;
        match self.name_says(name) {
            None => Ok(Answer {
                addresses: Vec::new(),
                ttl: Duration::ZERO,
            }),
            Some(SimName::At(addresses, ttl)) => Ok(Answer { addresses, ttl }),
            Some(SimName::Fails(failure)) => Err(failure),
            Some(SimName::Silent) => std::future::pending().await,
        }
    }
}
