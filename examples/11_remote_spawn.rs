//! Remote spawn: an actor is started on another node, linked with who wanted it.
//!
//! Run:      cargo run --example 11_remote_spawn
//! Shows:    what a node offers to others, a start there with its arguments, its errors, and a link
//!           over nodes.
//! Expect:   thumbnail of cat.png, made on b
//!           its init failed: "no such size: 0"
//!           node `b` does not offer `Shredder`: give its builder `.offer::<Shredder>()`
//!           the worker has ended: shutdown
//! Next:     12_global_names

use foundation::cluster::NodeEvent;
use foundation::prelude::*;

// ANCHOR: worker
/// Makes thumbnails of one size.
struct Worker {
    size: u32,
}

#[actor]
impl Worker {
    #[init]
    fn init(size: u32) -> Result<Self, Stop> {
        match size {
            0 => Err(Stop::new(Reason::other("no such size: 0"))),
            size => Ok(Self { size }),
        }
    }

    #[call]
    fn thumbnail(&self, picture: String, cx: &mut Cx<Self>) -> String {
        assert!(self.size > 0);
        format!("thumbnail of {picture}, made on {}", cx.node().name())
    }
}
// ANCHOR_END: worker

/// An actor that no node offers.
struct Shredder;

#[actor]
impl Shredder {
    #[init]
    fn init(_path: String) -> Self {
        Self
    }
}

// ANCHOR: spawn
/// What a process does that has its work done on the node `b`.
async fn client(me: Process<NodeEvent>) -> Result<(), foundation::RemoteSpawnError> {
    let b = me.node().remote("b");
    let worker = b.spawn::<Worker>(64).await?;
    let made = worker.thumbnail("cat.png".into()).or_exit().await;
    println!("{made}");

    for refused in [
        b.spawn::<Worker>(0).await.map(drop),
        b.spawn::<Shredder>("/".into()).await.map(drop),
    ] {
        if let Err(error) = refused {
            println!("{error}");
        }
    }

    // An end there is told here: by an exit over a link, or, as here, by a monitor.
    let (worker, monitor) = b.spawn_monitor::<Worker>(32).await?;
    me.exit(&worker, Reason::Shutdown);
    let Down { reason, .. } = me.down(monitor).await;
    println!("the worker has ended: {reason}");
    Ok(())
}
// ANCHOR_END: spawn

#[tokio::main]
async fn main() -> foundation::Result {
    // ANCHOR: offer
    let b = Node::builder().name("b").listen("127.0.0.1:0");
    let b = b.offer::<Worker>().start().await?;
    // ANCHOR_END: offer
    let seed = b.cluster().own().await?.address;
    let a = Node::builder().name("a").seed(seed).start().await?;
    while a.peer("b").is_none() {
        a.sleep(ms(10)).await;
    }
    let client = a.spawn_fn(client)?;
    a.down(&client).await;
    for node in [a, b] {
        node.shutdown(secs(5)).await?;
    }
    Ok(())
}
