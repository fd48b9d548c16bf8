//! Do the accounts add up, whatever processes do with their memory?
//!
//! Role       A seeded walk: processes that allocate, grow, send, free on other threads, end, panic
//!            and are killed, beside a model that knows what each must be charged with; and beside
//!            an allocator underneath that counts by itself.
//! Invariant  The one test of its program: what another thread allocates meanwhile would be in the
//!            sums.

mod counting;
mod model;
mod puppet;

use std::sync::atomic::{AtomicI64, Ordering};

use counting::Counting;
use foundation::{Rng, TestOptions, World};

foundation::allocator!(Counting = Counting(AtomicI64::new(0)));

const STEPS: usize = 600;
const SEEDS: u64 = 12;

/// Bytes that the allocator underneath holds.
fn held() -> i64 {
    FOUNDATION_ALLOCATOR.inner().0.load(Ordering::SeqCst)
}

async fn walk(world: World) {
    let seed = world.random();
    let mut rng = Rng::new(seed);
    let mut model = model::Model::new(world.node(), seed);
    for step in 0..STEPS {
        model.step(&mut rng).await;
        if step % 20 == 19 {
            model.check(&world).await;
        }
    }
    model.end_all().await;
    model.check(&world).await;
}

#[test]
fn the_sum_of_all_accounts_is_what_the_allocator_holds() {
    for seed in 0..SEEDS {
        if let Err(error) = World::simulate(seed, walk) {
            panic!("seed {seed}: {error}");
        }
    }
    for _ in 0..4 {
        foundation::test_real("heap_walk", TestOptions::default(), |world| {
            Box::pin(walk(world))
        });
    }
}
