//! What graph do the active views make?
//!
//! Role       Table 1 of the paper on HyParView: clustering, shortest paths, degrees, and the hops of
//!            the last delivery of a flood.

use foundation::Rng;

use crate::flood::{Overlay, at};
use crate::table::Table;

const SOURCES: usize = 200;

/// The hops from a node to all that it reaches.
fn hops(overlay: &Overlay, source: usize) -> Vec<Option<u32>> {
    let mut hops = vec![None; overlay.nodes.len()];
    hops[source] = Some(0);
    let mut next = vec![source];
    let mut depth = 0;
    while !next.is_empty() {
        depth += 1;
        let mut after = Vec::new();
        for node in next {
            for &peer in overlay.nodes[node].active() {
                let peer = at(peer);
                if hops[peer].is_none() {
                    hops[peer] = Some(depth);
                    after.push(peer);
                }
            }
        }
        next = after;
    }
    hops
}

/// The share of pairs of neighbours that are neighbours of each other.
fn clustering(overlay: &Overlay, node: usize) -> f64 {
    let peers = overlay.nodes[node].active();
    let pairs = peers.len() * peers.len().saturating_sub(1);
    let linked = |peer: usize| {
        let active = overlay.nodes[peer].active();
        peers.iter().filter(|other| active.contains(other)).count()
    };
    let links: usize = peers.iter().map(|&peer| linked(at(peer))).sum();
    links as f64 / pairs.max(1) as f64
}

/// The mean shortest path from some nodes, and how many nodes each of them does not reach.
pub(crate) fn paths(overlay: &Overlay, seed: u64) -> (f64, f64) {
    const FEW: usize = 20;
    let mut rng = Rng::new(seed);
    let (mut sum, mut pairs, mut cut) = (0.0, 0.0, 0.0);
    for _ in 0..FEW {
        let hops = hops(overlay, rng.below(overlay.nodes.len()));
        let reached: Vec<u32> = hops.iter().flatten().copied().collect();
        cut += (hops.len() - reached.len()) as f64;
        sum += reached.iter().map(|hops| f64::from(*hops)).sum::<f64>();
        pairs += (reached.len() - 1) as f64;
    }
    (sum / pairs, cut / FEW as f64)
}

pub(crate) fn table(overlay: &Overlay, seed: u64) -> Table {
    let count = overlay.nodes.len();
    let mut rng = Rng::new(seed);
    let (mut sum, mut pairs, mut last, mut cut) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..SOURCES {
        let hops = hops(overlay, rng.below(count));
        let reached: Vec<u32> = hops.iter().flatten().copied().collect();
        cut += (count - reached.len()) as f64;
        sum += reached.iter().map(|hops| f64::from(*hops)).sum::<f64>();
        pairs += (reached.len() - 1) as f64;
        last += f64::from(reached.iter().copied().max().unwrap_or(0));
    }
    let clustered: f64 = (0..count).map(|node| clustering(overlay, node)).sum();
    let degrees: usize = overlay.nodes.iter().map(|node| node.active().len()).sum();
    let reserve: usize = overlay.nodes.iter().map(|node| node.passive().len()).sum();
    let mut named = vec![0_usize; count];
    for peer in overlay.nodes.iter().flat_map(|node| node.passive()) {
        named[at(*peer)] += 1;
    }
    let least = named.iter().copied().min().unwrap_or(0);
    let most = named.iter().copied().max().unwrap_or(0);
    let sources = SOURCES as f64;
    let mut table = Table::new("The graph of the active views", &["figure", "value"]);
    table.row(
        "average clustering coefficient",
        vec![Some(clustered / count as f64)],
    );
    table.row("average shortest path, hops", vec![Some(sum / pairs)]);
    table.row("last delivery of a flood, hops", vec![Some(last / sources)]);
    table.row("nodes not reached", vec![Some(cut / sources)]);
    table.row(
        "neighbours of a node, mean",
        vec![Some(degrees as f64 / count as f64)],
    );
    table.row(
        "peers in reserve, mean",
        vec![Some(reserve as f64 / count as f64)],
    );
    table.row(
        "in how many reserves a node is, least",
        vec![Some(least as f64)],
    );
    table.row(
        "in how many reserves a node is, most",
        vec![Some(most as f64)],
    );
    table
}
