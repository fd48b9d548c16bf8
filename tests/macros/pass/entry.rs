//! Do `#[foundation::main]` and `#[foundation::test]` take what the book shows?
#![deny(missing_docs, unused, warnings)]

use foundation::prelude::*;

/// Names that the tests must not disturb.
#[cfg(test)]
fn real() {}

#[foundation::test(seeds = 200, workers = 4)]
async fn both(w: World, node: Node) -> Result<(), String> {
    real();
    drop((w, node));
    Ok(())
}

#[foundation::test(real)]
#[should_panic(expected = "no")]
async fn panics(_: Node) {
    panic!("no");
}

/// Documented.
#[foundation::test(simulated)]
#[ignore = "slow"]
#[allow(clippy::unused_async)]
async fn neither() {}

mod inner {
    #[foundation::main]
    pub async fn main() {}
}

/// Starts.
#[foundation::main]
async fn main(_node: Node) -> foundation::Result {
    let _ = inner::main;
    Ok(())
}
