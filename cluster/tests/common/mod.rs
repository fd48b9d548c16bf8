//! How do tests of whole nodes run?
//!
//! Role       One body under many seeds in a simulated world, or under `FOUNDATION_SEED` alone. Each
//!            tenth seed runs twice, and has to do the same.

use foundation_runtime::World;

pub(crate) fn simulate<Fut: Future<Output = ()>>(seeds: u64, body: impl Fn(World) -> Fut) {
    let of = std::env::var("FOUNDATION_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = of.map_or_else(|| (0..seeds).collect(), |seed| vec![seed]);
    for seed in seeds {
        let run = || World::simulate(seed, &body);
        let (_, first) = run().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        if seed % 10 == 0 {
            let (_, again) = run().expect("it did end");
            let same = first.trace_hash == again.trace_hash;
            assert!(same, "seed {seed} is not the same twice");
        }
    }
}
