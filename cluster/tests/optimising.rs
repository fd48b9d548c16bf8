//! Do nodes choose neighbours that are near?
//!
//! Role       Whole nodes over HyParView in two places that are far from each other, in a simulated
//!            world: what a link costs is measured, and X-BOT changes the dear ones.
//! Sabotages  Seen red: nobody looks for a cheaper neighbour; a question is not answered; who is not
//!            connected is not dialled, or not asked when it is.

mod common;
#[path = "common/graph.rs"]
mod graph;

use std::cell::Cell;
use std::time::Duration;

use foundation_cluster::overlay::{Overlay, hyparview};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{BuilderExt, SimNetwork};
use foundation_runtime::{Node, World};

use graph::{neighbours, reached};

const MINUTE: Duration = Duration::from_secs(60);
/// In each place.
const NODES: usize = 8;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Nodes in two places, that look at so many of their reserve now and then.
async fn two_places(world: &World, scan: usize) -> Vec<Node> {
    let network = SimNetwork::new(world);
    network.set_default_link(Link::new(ms(1), ms(2), 0.0).expect("it is a link"));
    let far = Link::new(ms(40), ms(45), 0.0).expect("it is a link");
    let names = |place: &'static str| (0..NODES).map(move |number| format!("{place}{number}"));
    for here in names("a") {
        names("b").for_each(|there| network.set_link(&here, &there, far));
    }
    let config = hyparview::Config {
        active_max: 4,
        optimise_scan: scan,
        unbiased: 0,
        ..hyparview::Config::default()
    };
    let mut nodes = Vec::new();
    // By turns, so that the views are mixed.
    for (here, there) in names("a").zip(names("b")) {
        for name in [here, there] {
            let builder = Node::builder().name(&*name).seed("a0:7000");
            let builder = builder.overlay(Overlay::HyParView(config.clone()));
            let node = builder.start_in(world, &network).await;
            nodes.push(node.expect("it starts"));
        }
    }
    nodes
}

/// How many of all links are between the places.
async fn far(nodes: &[Node]) -> (u32, u32) {
    let (mut far, mut all) = (0, 0);
    for node in 0..nodes.len() {
        for other in neighbours(nodes, node).await {
            all += 1;
            far += u32::from(nodes[node].name().as_bytes()[0] != nodes[other].name().as_bytes()[0]);
        }
    }
    (far, all)
}

/// The share of the links that are between the places, after a while.
fn share(scan: usize) -> f64 {
    let sum = Cell::new((0, 0));
    common::simulate(2, |world| {
        let sum = &sum;
        async move {
            let nodes = two_places(&world, scan).await;
            world.advance(12 * MINUTE).await;
            let one = async || reached(&nodes).await == nodes.len();
            world.eventually(MINUTE, one).await;
            let (far, all) = far(&nodes).await;
            let before = sum.get();
            sum.set((before.0 + far, before.1 + all));
        }
    });
    let (far, all) = sum.get();
    f64::from(far) / f64::from(all)
}

#[test]
fn dear_neighbours_are_changed_for_cheap_ones() {
    let (chance, chosen) = (share(0), share(2));
    assert!(
        chosen < chance / 2.0,
        "of the links {chosen} are far, {chance} by chance"
    );
}
