//! Does a tree of processes keep its rules whatever happens to it?
//!
//! Role       A random supervision tree (every strategy, restart type, and dynamic ones) in a simulated
//!            world, under random crashes, kills, exits, links, monitors, timers, calls, casts, names,
//!            suspensions and inits that fail; some mailboxes are bounded. Two more nodes have workers
//!            of their own, and connections come and go. Every few hundred events it comes to rest and everything is checked
//!            against a [`ledger`]; at the end nothing may be left.
//! Limit      20 seeds of 20,000 events in `cargo test`. The long one is `ignored`:
//!            `RUST_BACKTRACE=0 cargo test --release --test chaos -- --ignored --nocapture`, whose
//!            size `CHAOS_SEEDS` and `CHAOS_EVENTS` set (100 and 1,000,000), from seed `CHAOS_FIRST` on.
//! Invariant  A failure names seed and event; the same seed fails in the same event.
//!
//! `tests/chaos/faults.sh` plants faults into the runtime and the supervisors, one at a time, and
//! sees that each is found; the list is there.

mod check;
mod events;
mod ledger;
mod limits;
mod nodes;
mod scenes;
mod tree;
mod worker;

use foundation::prelude::*;
use foundation::testkit::Survey;
use foundation::{Delivery, Rng};

use events::Chaos;

/// One seed. Every third delivers pairwise, every third late, every third at once.
fn run(seed: u64, events: u64) -> u64 {
    let deliveries = [Delivery::Late, Delivery::Pairwise, Delivery::AtOnce];
    let delivery = deliveries[seed as usize % deliveries.len()];
    let outcome = World::simulate_with(seed, delivery, |world| async move {
        let mut chaos = Chaos::begin(&world, Rng::new(seed), seed).await;
        for _ in 0..events {
            chaos.event().await;
        }
        chaos.end().await;
        for node in &chaos.nodes {
            let leaks = Survey::default().leaks(node, ms(0)).await;
            assert!(leaks.is_empty(), "seed {seed}: left at the end:{leaks}");
        }
    });
    match outcome {
        Ok((_, report)) => report.steps,
        Err(error) => panic!("seed {seed}: {error}"),
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

macro_rules! short {
    ($($name:ident: $seeds:expr;)*) => {
        $(
            #[test]
            fn $name() {
                for seed in $seeds {
                    run(seed, number("CHAOS_EVENTS", 20_000));
                }
            }
        )*
    };
}

// Side by side, for machines with cores.
short! {
    short_0: 0..5;
    short_1: 5..10;
    short_2: 10..15;
    short_3: 15..20;
}

#[test]
#[ignore = "minutes: the long suite"]
fn long() {
    let (seeds, events) = (
        number("CHAOS_SEEDS", 100),
        number("CHAOS_EVENTS", 1_000_000),
    );
    let first = number("CHAOS_FIRST", 1000);
    for seed in first..first + seeds {
        let steps = run(seed, events);
        println!("seed {seed}: {events} events, {steps} slices");
    }
}
