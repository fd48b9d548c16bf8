//! Nodes that are told of nobody: they find each other on their segment.
//!
//! Run:      cargo run --example 13_discovery
//! Shows:    finders instead of seeds, what they find, and that a new node is found, too.
//! Expect:   a and b have found each other
//!           c has found a and b
//! Next:     the main job, `cargo run --release`

use foundation::cluster::discovery::{Finder, Multicast};
use foundation::cluster::{Builder, Secret};
use foundation::prelude::*;

// ANCHOR: start
async fn start(name: &str, segment: &Multicast) -> foundation::Result<Node> {
    // One secret for all; without this line it is in a file.
    let secret = Secret::new([7; 32])?;
    let builder = Builder::new(Node::builder().name(name)).secret(secret);
    Ok(builder
        .find(Finder::multicast(segment.clone()))
        .start()
        .await?)
}
// ANCHOR_END: start

async fn meet(node: &Node, others: &[&Node]) {
    while others.iter().any(|other| node.peer(other.name()).is_none()) {
        node.sleep(ms(10)).await;
    }
}

#[foundation::main]
async fn main(_: Node) -> foundation::Result {
    // Two of these programs at once do not hear each other.
    let port = 40_000 + (std::process::id() % 20_000) as u16;
    let segment = Multicast {
        port,
        beat: ms(100),
        ..Multicast::default()
    };

    let (a, b) = (start("a", &segment).await?, start("b", &segment).await?);
    meet(&a, &[&b]).await;
    println!("a and b have found each other");

    let c = start("c", &segment).await?;
    meet(&c, &[&a, &b]).await;
    println!("c has found a and b");

    for node in [a, b, c] {
        node.shutdown(secs(5)).await?;
    }
    Ok(())
}
