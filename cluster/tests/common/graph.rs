//! Who is whose neighbour, among whole nodes?

use std::collections::BTreeSet;

use foundation_cluster::NodeClusterExt;
use foundation_runtime::Node;

/// The numbers of the nodes that the overlay keeps connected to this one.
pub(crate) async fn neighbours(nodes: &[Node], of: usize) -> Vec<usize> {
    let peers = nodes[of].cluster().nodes().await.expect("it has a cluster");
    let near = peers.iter().filter(|peer| peer.is_neighbour);
    let number = |name: &str| nodes.iter().position(|node| node.name() == name);
    near.filter_map(|peer| number(&peer.who.name)).collect()
}

/// How many nodes are connected through neighbours, and these through theirs.
pub(crate) async fn reached(nodes: &[Node]) -> usize {
    let (mut reached, mut next) = (BTreeSet::from([0]), vec![0]);
    while let Some(node) = next.pop() {
        let near = neighbours(nodes, node).await;
        next.extend(near.into_iter().filter(|other| reached.insert(*other)));
    }
    reached.len()
}
