//! What if `#[foundation::test]` is given words that make no sense?

use foundation::prelude::*;

#[foundation::test(seed = 200)]
async fn unknown(w: World) {
    drop(w);
}

#[foundation::test(real, seeds = 200)]
async fn seeds_without_simulation(w: World) {
    drop(w);
}

#[foundation::test(simulated, workers = 4)]
async fn workers_without_threads(w: World) {
    drop(w);
}

#[foundation::test(seeds = 0)]
async fn never(w: World) {
    drop(w);
}

fn main() {}
