//! What do the others make of a node that crashes, rests, is slow, or has a clock that goes wrong?
//!
//! Role       Whole nodes of a simulated world, under seeds, and the faults of one of them.

mod common;

use std::time::Duration;

use foundation_actors::{Cx, Name, NodeExt};
use foundation_cluster::{NodeClusterExt, WorldClusterExt};
use foundation_macros::actor;
use foundation_runtime::{CallError, Node, NodeChange, Pid, Process, Reason, Status, promise};

use common::simulate;

const SEEDS: u64 = 20;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Default)]
struct Store {
    kept: u64,
}

const STORE: Name<Store> = Name::new("store");

#[actor(crate = foundation_actors)]
impl Store {
    #[call]
    fn keep(&mut self, number: u64) -> u64 {
        std::mem::replace(&mut self.kept, number)
    }

    #[cast]
    fn heap(&mut self, _load: String) {}

    #[call]
    fn whose(&self, cx: &mut Cx<Self>) -> Pid {
        cx.self_ref().pid()
    }
}

async fn app(node: &Node) {
    let started = node.start::<Store>(Store::default()).name(STORE).await;
    started.expect("the name is free");
}

fn see_each_other(a: &Node, b: &Node) -> bool {
    a.peer(b.name()) == Some(b.id()) && b.peer(a.name()) == Some(a.id())
}

#[test]
fn a_node_that_crashed_comes_back_as_another() {
    for silent in [false, true] {
        simulate(SEEDS, |world| async move {
            let [a, b, c] = world.nodes(["a", "b", "c"], app).await;
            let store = a.remote("b").at(STORE);
            assert_eq!(store.keep(5).await, Ok(0));
            let there = store.whose().await.expect("it answers");
            let watcher = a.clone();
            let begun = world.now();
            match silent {
                true => world.power_off(&b),
                false => world.crash(&b),
            }
            let down = watcher.down(there).await;
            assert_eq!(down.reason, Reason::NoConnection);
            let known = world.now() - begun;
            assert_eq!(ms(3_000) <= known, silent, "it was known after {known:?}");
            let again = world.restart(&b, app).await;
            assert!(b.incarnation() < again.incarnation());
            let seen = async || see_each_other(&a, &again) && see_each_other(&c, &again);
            world.eventually(ms(30_000), seen).await;
            assert_eq!(store.keep(6).await, Ok(0), "its memory is lost");
            assert!(b.processes().is_empty(), "nothing of it runs");
        });
    }
}

/// What it sends to a node that takes nothing holds it, and yet its call ends when it is to.
#[test]
fn who_is_held_hears_in_time_that_nobody_answers() {
    simulate(SEEDS, |world| async move {
        let [a, _] = world.nodes(["a", "b"], app).await;
        let store = a.remote("b").at(STORE);
        world.network().partition("a", "b");
        let bound = ms(1_000);
        let (told, heard) = promise(&a);
        let sender = async move |me: Process<NodeChange>| {
            let node = me.node();
            let load = "x".repeat(1 << 20);
            store.heap(load.clone()).expect("there is room");
            store.heap(load).expect("there is room");
            for _ in 0..2 {
                let begun = node.now();
                let answer = store.keep(1).timeout(bound).await;
                assert_eq!(answer, Err(CallError::Timeout));
                assert_eq!(node.now() - begun, bound);
            }
            told.send(());
        };
        let sender = a.spawn_fn(sender).expect("there is room");
        world.sleep(bound / 2).await;
        let info = a.info(&sender, ms(100)).await.expect("it answers");
        let status = info.map(|info| info.status);
        assert_eq!(status, Some(Status::Suspended), "it is held");
        assert_eq!(heard.await, Ok(()), "it is held, and not for ever");
    });
}

/// All join at the first, and yet it can be gone.
#[test]
fn the_first_node_comes_back_as_another() {
    simulate(SEEDS, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        world.crash(&a);
        let again = world.restart(&a, app).await;
        world
            .eventually(ms(30_000), async || see_each_other(&again, &b))
            .await;
    });
}

#[test]
fn a_short_pause_is_not_noticed_and_a_long_one_is() {
    simulate(SEEDS, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let store = a.remote("b").at(STORE);
        world.pause(&b);
        world.sleep(ms(2_500)).await;
        assert!(
            see_each_other(&a, &b),
            "it is silent, and no longer than that"
        );
        world.resume(&b);
        world.sleep(ms(10_000)).await;
        assert!(see_each_other(&a, &b));
        world.pause(&b);
        world
            .eventually(ms(6_000), async || a.peer("b").is_none())
            .await;
        assert!(store.keep(1).timeout(ms(500)).await.is_err());
        world.sleep(ms(20_000)).await;
        world.resume(&b);
        world
            .eventually(ms(30_000), async || see_each_other(&a, &b))
            .await;
        world
            .eventually(ms(1_000), async || store.keep(2).await == Ok(0))
            .await;
        assert_eq!(a.cluster().nodes().await.expect("it has one").len(), 1);
    });
}

#[test]
fn a_slow_node_answers_late() {
    simulate(SEEDS, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let store = a.remote("b").at(STORE);
        let begun = world.now();
        assert_eq!(store.keep(1).await, Ok(0));
        assert!(world.now() - begun <= ms(5));
        world.slow(&b, ms(50));
        let begun = world.now();
        assert_eq!(store.keep(2).await, Ok(1));
        let took = world.now() - begun;
        assert!(ms(50) <= took && took <= ms(1_000), "it took {took:?}");
        world.sleep(ms(20_000)).await;
        assert!(see_each_other(&a, &b), "it is alive");
    });
}

/// Too fast, its silence is over before the others' heartbeats can come; too slow, its own come when
/// theirs is over. It probes and is probed all the same, and whomever it loses it finds again.
#[test]
fn a_clock_that_goes_wrong_costs_no_more_than_its_node() {
    simulate(SEEDS, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], app).await;
        world.clock_rate(&b, 1.02);
        world.clock_rate(&c, 0.98);
        world.sleep(ms(20_000)).await;
        let all = || see_each_other(&a, &b) && see_each_other(&a, &c) && see_each_other(&b, &c);
        assert!(
            all(),
            "clocks that drift as those of machines do are no matter"
        );
        for rate in [10.0, 0.1] {
            world.clock_rate(&b, rate);
            world.sleep(ms(20_000)).await;
            assert!(see_each_other(&a, &c), "the others are not concerned");
        }
        world.clock_rate(&b, 1.0);
        world.eventually(ms(60_000), async || all()).await;
        world.clock_jump(&b, ms(3_600_000));
        world.eventually(ms(60_000), async || all()).await;
        let store = a.remote("b").at(STORE);
        world
            .eventually(ms(30_000), async || store.keep(3).await.is_ok())
            .await;
    });
}

#[test]
fn who_loses_its_power_loses_what_was_not_synced_and_who_crashes_does_not() {
    let torn = std::sync::Mutex::new([0, 0]);
    for silent in [false, true] {
        simulate(SEEDS, |world| {
            let torn = &torn;
            async move {
                let [_a, b] = world.nodes(["a", "b"], app).await;
                let file = b.disk().open("kept").await.expect("it opens");
                b.disk().sync_names().await.expect("they sync");
                file.write_at(0, vec![7; 2_000])
                    .await
                    .expect("there is room");
                match silent {
                    false => world.crash(&b),
                    true => world.power_off(&b),
                }
                let again = world.restart(&b, app).await;
                let file = again.disk().open("kept").await.expect("it opens");
                let left = file.read_at(0, 3_000).await.expect("it reads");
                let is_torn = left != vec![7; 2_000];
                torn.lock().expect("free")[usize::from(silent)] += u64::from(is_torn);
            }
        });
    }
    let [crashes, losses] = torn.into_inner().expect("free");
    assert_eq!(crashes, 0);
    assert!(3 < losses && losses < SEEDS, "{losses} of {SEEDS}");
}
