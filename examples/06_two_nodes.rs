//! Two nodes in one program: the same calls, the same errors, and what a cut connection does.
//!
//! Run:      cargo run --example 06_two_nodes
//! Shows:    a loopback between two nodes, a name on another node, monitors across it,
//!           `noconnection`.
//! Expect:   b is not connected: no connection to the server's node
//!           the counter on b: 2
//!           the connection was cut: noconnection
//!           and a call: no connection to the server's node
//!           on b it still counts: 2
//! Next:     07_simulation

use foundation::Loopback;
use foundation::prelude::*;

#[derive(Default)]
struct Counter {
    n: i64,
}

#[actor]
impl Counter {
    #[call]
    fn get(&self) -> i64 {
        self.n
    }

    #[cast]
    fn add(&mut self, by: i64) {
        self.n += by;
    }
}

// ANCHOR: main
const COUNTER: Name<Counter> = Name::new("counter");

#[foundation::main]
async fn main(a: Node) -> foundation::Result {
    let b = Node::builder().name("b").start()?;
    let home = b.start::<Counter>(Counter::default()).name(COUNTER).await?;

    if let Err(error) = a.remote("b").at(COUNTER).get().await {
        println!("b is not connected: {error}");
    }

    let wire = Loopback::connect(&a, &b);
    let counter = a.remote("b").at(COUNTER);
    counter.add(2)?;
    println!("the counter on b: {}", counter.get().await?);

    // A pid works from everywhere; what it leads to is watched from everywhere.
    let mut watching = {
        let (node, pid) = (a.clone(), home.pid());
        Task::spawn_nolink(&a, async move { node.down(pid).await.reason })?
    };
    assert!(watching.join(ms(20)).await.is_err(), "it lives");
    wire.cut();
    println!("the connection was cut: {}", watching.join(secs(5)).await?);
    if let Err(error) = counter.get().await {
        println!("and a call: {error}");
    }
    println!("on b it still counts: {}", home.get().await?);
    b.shutdown(secs(5)).await?;
    Ok(())
}
// ANCHOR_END: main
