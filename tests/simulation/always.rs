//! Is a condition that has to hold at every moment looked at at every moment?
//!
//! Role       Conditions that break for a millisecond, between two moments, at the end, and never.
//! Sabotages  Seen red: conditions looked at when the body is done only; after every slice; never.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use foundation::NodeChange;
use foundation::prelude::*;

type Number = Arc<AtomicU32>;

/// A condition that a number is at most one.
fn at_most_one(world: &World) -> Number {
    let number = Number::default();
    let seen = Arc::clone(&number);
    world.always("the number is at most one", move || {
        seen.load(Ordering::Relaxed) <= 1
    });
    number
}

/// What a run panicked with.
fn words<T>(run: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => "nothing".to_owned(),
        Err(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default(),
    }
}

#[test]
fn what_is_broken_for_a_millisecond_is_seen() {
    let run = || {
        World::simulate(1, |world| async move {
            let number = at_most_one(&world);
            world.sleep(secs(3)).await;
            number.store(2, Ordering::Relaxed);
            world.sleep(ms(1)).await;
            number.store(0, Ordering::Relaxed);
            world.sleep(secs(3)).await;
        })
    };
    assert_eq!(
        words(run),
        "3s: it does not hold that the number is at most one"
    );
}

#[test]
fn what_is_broken_at_the_end_is_seen() {
    let run = || {
        World::simulate(1, |world| async move {
            at_most_one(&world).store(2, Ordering::Relaxed);
        })
    };
    assert!(words(run).contains("the number is at most one"));
}

#[test]
fn what_is_whole_again_before_time_passes_is_no_break() {
    let run = || {
        World::simulate(1, |world| async move {
            let number = at_most_one(&world);
            let node = world.node();
            for _ in 0..10 {
                let (begins, ends) = (Arc::clone(&number), Arc::clone(&number));
                let one = node.spawn_fn(async move |_: Process<NodeChange>| {
                    begins.store(2, Ordering::Relaxed);
                });
                let one = one.expect("there is room");
                node.down(&one).await;
                ends.store(0, Ordering::Relaxed);
                world.sleep(secs(1)).await;
            }
        })
    };
    assert_eq!(words(run), "nothing");
}

#[test]
fn a_run_is_the_same_with_conditions_and_without() {
    let run = |watched: bool| {
        World::simulate(5, |world| async move {
            let number = match watched {
                true => at_most_one(&world),
                false => Number::default(),
            };
            let node = world.node();
            for _ in 0..20 {
                let number = Arc::clone(&number);
                let one = node.spawn_fn(async move |me: Process<NodeChange>| {
                    number.fetch_add(1, Ordering::Relaxed);
                    me.node().sleep(ms(me.node().random() % 100)).await;
                    number.fetch_sub(1, Ordering::Relaxed);
                });
                node.down(&one.expect("there is room")).await;
            }
        })
    };
    let hash = |watched| run(watched).expect("it ends").1.trace_hash;
    assert_eq!(hash(true), hash(false));
}

#[test]
fn a_real_world_looks_while_it_waits() {
    let world = World::real(1);
    let node = world.node();
    let number = at_most_one(&world);
    let run = || {
        node.block_on(async {
            world.sleep(ms(1)).await;
            number.store(2, Ordering::Relaxed);
            world.sleep(ms(1)).await;
        })
    };
    assert!(words(run).contains("the number is at most one"));
    number.store(0, Ordering::Relaxed);
    assert!(node.shutdown_blocking(secs(5)).is_ok());
}
