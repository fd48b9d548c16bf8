//! Does exploration find a planted race, and show what matters of it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use foundation::prelude::*;
use foundation::{Delivery, Explore, ExploreFailure, Schedule, time};

#[derive(Debug, Message)]
#[message(local)]
enum Word {
    Go,
}

/// Each of `count` processes reads the number, gives way, and writes one more.
async fn lost_update(world: World, count: u64) {
    let node = world.node();
    let number = Arc::new(AtomicU64::new(0));
    let adders: Vec<_> = (0..count)
        .map(|_| {
            let number = Arc::clone(&number);
            let add = |mut me: Process<Word>| async move {
                me.recv().await;
                let before = number.load(Ordering::Relaxed);
                time::yield_now().await;
                number.store(before + 1, Ordering::Relaxed);
            };
            node.spawn_fn(add).expect("spawned")
        })
        .collect();
    for adder in &adders {
        adder.send(Word::Go).expect("local");
    }
    for adder in &adders {
        node.down(adder).await;
    }
    assert_eq!(number.load(Ordering::Relaxed), count, "an update was lost");
}

#[track_caller]
fn found(outcome: Result<foundation::Explored, Box<ExploreFailure>>) -> ExploreFailure {
    *outcome.expect_err("the race is found")
}

#[test]
fn a_race_is_found_and_cut_down_to_one_switch() {
    let explore = Explore::runs(100);
    let failure = found(World::explore(&explore, |world| lost_update(world, 4)));
    assert!(failure.what.contains("an update was lost"), "{failure}");
    assert_eq!(failure.schedule.deviations(), 1, "{failure}");
    // Its text repeats it.
    let text = failure.schedule.to_string();
    let schedule: Schedule = text.parse().expect("it was written");
    let again = World::replay(&schedule, Delivery::Late, |world| lost_update(world, 4));
    let again = again.expect_err("it fails again");
    assert_eq!(again.what, failure.what);
    assert_eq!(again.trace, failure.trace);
    assert_eq!(failure.trace.matches("\n>").count(), 1, "{failure}");
    assert!(failure.trace.contains("lost_update"), "{failure}");
    // Without its one deviation it does not fail.
    let ordinary = Schedule::ordinary(0);
    World::replay(&ordinary, Delivery::Late, |world| lost_update(world, 4)).expect("it does not");
}

#[test]
fn the_same_search_finds_the_same() {
    let search = || {
        let explore = Explore::runs(60);
        let failure = found(World::explore(&explore, |world| lost_update(world, 3)));
        (failure.schedule, failure.run, failure.trace)
    };
    assert_eq!(search(), search());
}

/// Two processes write to each other; whether each wrote before it read can only be if what they
/// sent crossed.
async fn cross(world: World) -> bool {
    let node = world.node();
    let crossed = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
    let (reply, answer) = foundation::promise::<ProcessRef<Word>>(&node);
    let flags = Arc::clone(&crossed);
    let b = node.spawn_fn(move |mut me: Process<Word>| async move {
        let a: ProcessRef<Word> = answer.timeout(secs(9)).await.expect("given");
        let early = me.receive(Ok::<_, Mail<Word>>).timeout(ms(0)).await;
        a.send(Word::Go).expect("local");
        flags.0.store(early.is_err(), Ordering::Relaxed);
    });
    let b = b.expect("spawned");
    let (to, flags) = (b.clone(), Arc::clone(&crossed));
    let a = node.spawn_fn(move |mut me: Process<Word>| async move {
        to.send(Word::Go).expect("local");
        let early = me.receive(Ok::<_, Mail<Word>>).timeout(ms(0)).await;
        flags.1.store(early.is_err(), Ordering::Relaxed);
    });
    let a = a.expect("spawned");
    reply.send(a.clone());
    node.down(&a).await;
    node.down(&b).await;
    crossed.0.load(Ordering::Relaxed) && crossed.1.load(Ordering::Relaxed)
}

#[test]
fn signals_cross_unless_they_arrive_at_once() {
    let crossings = |delivery| {
        let crossed = |seed| {
            let (crossed, _) = World::simulate_with(seed, delivery, cross).expect("it ends");
            crossed
        };
        (0..200).filter(|seed| crossed(*seed)).count()
    };
    assert_eq!(crossings(Delivery::AtOnce), 0);
    assert!(crossings(Delivery::Late) > 0);
    assert!(crossings(Delivery::Pairwise) > 0);
}

#[test]
fn a_deadlock_is_a_failure_too() {
    let stuck = |world: World| async move {
        let node = world.node();
        let taken = Arc::new(AtomicBool::new(false));
        let each = |_| {
            let taken = Arc::clone(&taken);
            node.spawn_fn(move |mut me: Process<Word>| async move {
                let free = !taken.load(Ordering::Relaxed);
                time::yield_now().await;
                if !free || taken.swap(true, Ordering::Relaxed) {
                    me.recv().await;
                }
            })
            .expect("spawned")
        };
        let both = [each(0), each(1)];
        for one in &both {
            node.down(one).await;
            taken.store(false, Ordering::Relaxed);
        }
    };
    let failure = found(World::explore(&Explore::runs(100), stuck));
    assert!(failure.what.contains("nothing can run"), "{failure}");
}

#[foundation::test(explore = 50, seeds = 5)]
async fn what_is_right_passes(node: Node) {
    let (reply, answer) = foundation::promise(&node);
    let echo = node.spawn_fn(|mut me: Process<Word>| async move {
        me.recv().await;
        reply.send(7);
    });
    echo.expect("spawned").send(Word::Go).expect("local");
    assert_eq!(answer.await, Ok(7));
}

#[test]
fn different_schedules_are_counted() {
    let explored = World::explore(&Explore::runs(60), |world| async move {
        let node = world.node();
        let workers: Vec<_> = (0..4)
            .map(|_| {
                node.spawn_fn(|_: Process<Word>| time::yield_now())
                    .expect("spawned")
            })
            .collect();
        for worker in workers {
            node.down(worker).await;
        }
    });
    let explored = explored.expect("nothing is wrong");
    assert_eq!(explored.runs, 60);
    assert!(explored.distinct > 30, "{explored:?}");
}
