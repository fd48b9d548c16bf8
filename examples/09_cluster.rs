//! A cluster: nodes find each other over TCP, and a process of one is called from another.
//!
//! Run:      cargo run --example 09_cluster
//! Shows:    joining at a seed, news of nodes that come and go, a call to another node, and what is
//!           left when it has gone.
//! Expect:   b is up
//!           c is up
//!           the tally on c: 3
//!           c is down: it has left
//!           and a call: no connection to the server's node
//! Next:     10_channels

// As one node of several, each in a terminal of its own:
//     cargo run --example 09_cluster -- a 127.0.0.1:7001
//     cargo run --example 09_cluster -- b 127.0.0.1:7002 127.0.0.1:7001

use foundation::cluster::{Builder, NodeEvent};
use foundation::prelude::*;

#[derive(Default)]
struct Tally {
    n: u64,
}

#[actor]
impl Tally {
    #[call]
    fn add(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }
}

const TALLY: Name<Tally> = Name::new("tally");

// ANCHOR: start
/// A node of the cluster, with a tally of its own.
async fn start(name: &str, listen: &str, seed: Option<&str>) -> foundation::Result<Node> {
    let plan: Builder = Node::builder().name(name).listen(listen);
    let plan = match seed {
        Some(seed) => plan.seed(seed),
        None => plan,
    };
    let node = plan.start().await?;
    node.start::<Tally>(Tally::default()).name(TALLY).await?;
    Ok(node)
}
// ANCHOR_END: start

// ANCHOR: watch
/// Prints who comes and goes, as seen from a node, until so many have gone.
async fn watch(node: &Node, departures: u32) -> foundation::Result<ProcessRef<NodeEvent>> {
    let watcher = node.spawn_fn(async move |mut me: Process<NodeEvent>| {
        let mut gone = 0;
        while gone < departures {
            match me.recv().await {
                Mail::Msg(NodeEvent::Up(name)) => println!("{name} is up"),
                Mail::Msg(NodeEvent::Down(name, why)) => {
                    println!("{name} is down: {why}");
                    gone += 1;
                }
                _ => {}
            }
        }
    })?;
    node.cluster().watch(&watcher).await?;
    Ok(watcher)
}
// ANCHOR_END: watch

/// All in one program, so that there is something to see at once.
async fn demonstration() -> foundation::Result {
    let a = start("a", "127.0.0.1:0", None).await?;
    let news = watch(&a, 1).await?;
    let seed = a.cluster().own().await?.address;
    let b = start("b", "127.0.0.1:0", Some(&seed)).await?;
    joined(&a, "b").await?;
    let c = start("c", "127.0.0.1:0", Some(&seed)).await?;
    joined(&a, "c").await?;
    joined(&b, "c").await?;
    // `b` was told of `c`, and is connected to it: nothing goes through the seed.
    let tally = b.remote("c").at(TALLY);
    tally.add(1).await?;
    println!("the tally on c: {}", tally.add(2).await?);
    c.cluster().leave(secs(5)).await?;
    a.down(&news).await;
    while b.peer("c").is_some() {
        b.sleep(ms(10)).await;
    }
    if let Err(error) = tally.add(1).await {
        println!("and a call: {error}");
    }
    for node in [a, b, c] {
        node.shutdown(secs(5)).await?;
    }
    Ok(())
}

/// Waits until a node of this name is connected, at most ten seconds.
async fn joined(node: &Node, name: &str) -> foundation::Result {
    for _ in 0..1000 {
        if node.peer(name).is_some() {
            return Ok(());
        }
        node.sleep(ms(10)).await;
    }
    Err(format!("{name} did not come").into())
}

/// One node, which adds to the tallies of all others once a second.
async fn one(name: &str, listen: &str, seed: Option<&str>) -> foundation::Result {
    let node = start(name, listen, seed).await?;
    watch(&node, u32::MAX).await?;
    loop {
        node.sleep(secs(1)).await;
        for peer in node.cluster().nodes().await? {
            let name = peer.who.name;
            match node.remote(&name).at(TALLY).add(1).timeout(secs(1)).await {
                Ok(sum) => println!("the tally on {name}: {sum}"),
                Err(error) => println!("the tally on {name}: {error}"),
            }
        }
    }
}

#[tokio::main]
async fn main() -> foundation::Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => demonstration().await,
        [name, listen] => one(name, listen, None).await,
        [name, listen, seed] => one(name, listen, Some(seed)).await,
        _ => Err("it takes nothing, or a name, an address, and perhaps a seed's address".into()),
    }
}
