//! What does murmer's simulation of a cluster do?
//!
//! Run: by the bench `simulators`, as `simulator-murmer NODES SECONDS CRASHED_AT SEED`.
//!
//! Role       All nodes join, one crashes, and the others have the rest of the time to notice.
//! Outputs    One line: the wall time in seconds, and how many nodes knew of the crash in the end.

use std::time::{Duration, Instant};

use murmer::SimCluster;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One node crashes that is neither the first nor the last.
const CRASHED: usize = 7;

fn name(node: usize) -> String {
    format!("n{node}")
}

fn main() {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let mut number = || words.next().expect("four numbers").expect("a number");
    let (nodes, seconds, crashed_at, seed) = (number() as usize, number(), number(), number());

    let begun = Instant::now();
    let builder = (0..nodes).fold(SimCluster::builder(seed), |builder, node| {
        builder.node(name(node))
    });
    let mut cluster = builder.build();
    cluster.mesh();
    cluster.pump();
    let joined =
        (0..nodes).filter(|node| cluster.events(&name(*node)).joined_ids().len() + 1 == nodes);
    assert_eq!(joined.count(), nodes, "somebody does not see all");
    cluster.advance(Duration::from_secs(crashed_at));
    for node in 0..nodes {
        cluster.events(&name(node));
    }
    cluster.crash(&name(CRASHED));
    let crashed = cluster.endpoint_id(&name(CRASHED));
    // Who has much to tell is asked now and then, lest it forgets.
    let mut knows = vec![false; nodes];
    for _ in crashed_at..seconds {
        cluster.advance(Duration::from_secs(1));
        for (node, knows) in knows.iter_mut().enumerate() {
            *knows |= cluster.events(&name(node)).failed.contains(&crashed);
        }
    }
    let known = knows.iter().filter(|knows| **knows).count();
    println!("{} {known}", begun.elapsed().as_secs_f64());
}
