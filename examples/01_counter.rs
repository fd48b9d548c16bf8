//! The smallest program: a struct in a process, one call, one cast.
//!
//! Run:      cargo run --example 01_counter
//! Shows:    `#[actor]`, `spawn`, a cast that does not wait and a call that does.
//! Expect:   counted to 2
//! Next:     02_tree

// ANCHOR: all
use foundation::prelude::*;

#[derive(Default)]
struct Counter {
    n: i64,
}

#[actor]
impl Counter {
    /// How many so far.
    #[call]
    fn get(&self) -> i64 {
        self.n
    }

    /// Some more.
    #[cast]
    fn add(&mut self, by: i64) {
        self.n += by;
    }
}

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let counter = node.spawn(Counter::default())?;
    counter.add(2)?;
    println!("counted to {}", counter.get().await?);
    Ok(())
}
// ANCHOR_END: all

// ANCHOR: unit
#[test]
fn a_handler_is_a_method() {
    let mut counter = Counter { n: 1 };
    counter.add(2);
    assert_eq!(counter.get(), 3);
}
// ANCHOR_END: unit
