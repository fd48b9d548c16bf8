//! Channels: what goes to another node over a way of its own.
//!
//! Run:      cargo run --example 10_channels
//! Shows:    a channel of a program's own on which the newest message wins, a call that passes it,
//!           a time after which a message is of no use, and a channel that does not exist.
//! Expect:   it is at 100000 degrees
//!           a call passes: true
//!           some readings were never sent: true
//!           this node has no channel `reedings`, only data, coordination, gossip, events, readings: declare it where the node is built
//! Next:     11_remote_spawn

use foundation::SendOptions;
use foundation::cluster::channel::Channel;
use foundation::prelude::*;

#[derive(Default)]
struct Display {
    degrees: u32,
}

#[actor]
impl Display {
    #[cast]
    fn reading(&mut self, degrees: u32) {
        self.degrees = degrees;
    }

    #[call]
    fn degrees(&self) -> u32 {
        self.degrees
    }
}

const DISPLAY: Name<Display> = Name::new("display");

// ANCHOR: start
/// A node with a channel for readings, of which only the newest matters.
async fn start(name: &str, seed: Option<&str>) -> foundation::Result<Node> {
    let readings = Channel::named("readings")
        .priority(Priority::Low)
        .monotonic();
    let plan = Node::builder()
        .name(name)
        .listen("127.0.0.1:0")
        .channel(readings);
    let plan = match seed {
        Some(seed) => plan.seed(seed),
        None => plan,
    };
    Ok(plan.start().await?)
}
// ANCHOR_END: start

#[tokio::main]
async fn main() -> foundation::Result {
    let a = start("a", None).await?;
    let seed = a.cluster().own().await?.address;
    let b = start("b", Some(&seed)).await?;
    b.start::<Display>(Display::default()).name(DISPLAY).await?;
    while a.peer("b").is_none() {
        a.sleep(ms(10)).await;
    }

    // ANCHOR: over
    let display = a.remote("b").at(DISPLAY);
    let readings = display.over(SendOptions::channel("readings").key("boiler"))?;
    for degrees in 1..=100_000 {
        readings.reading(degrees)?;
    }
    // It goes its own way: it waits for none of them.
    let before = display.over("coordination")?.degrees().await?;
    // ANCHOR_END: over
    while display.degrees().await? < 100_000 {
        a.sleep(ms(10)).await;
    }
    println!("it is at {} degrees", display.degrees().await?);
    println!("a call passes: {}", before <= 100_000);
    let peers = a.cluster().nodes().await?;
    let figures = peers.iter().flat_map(|peer| &peer.channels);
    let superseded: u64 = figures.map(|channel| channel.superseded).sum();
    println!("some readings were never sent: {}", superseded > 0);

    // ANCHOR: missing
    if let Err(error) = display.over("reedings") {
        println!("{error}");
    }
    // ANCHOR_END: missing
    for node in [a, b] {
        node.shutdown(secs(5)).await?;
    }
    Ok(())
}
