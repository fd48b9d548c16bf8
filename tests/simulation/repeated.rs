//! Is a run the same in another process of the operating system?

use std::process::Command;

use foundation::prelude::*;
use foundation::{Delivery, SimReport, time};

/// Set for the child that only tells its hashes.
const CHILD: &str = "FOUNDATION_TEST_HASHES";

#[derive(Debug, Message)]
#[message(local)]
struct Ball(u32);

/// Processes that come and go, linked and watched, and throw balls to random others.
async fn scene(world: World) {
    let nodes = [world.start("a"), world.start("b")];
    let _wire = world.connect(&nodes[0], &nodes[1]);
    let mut players: Vec<ProcessRef<Ball>> = Vec::new();
    for nth in 0..40 {
        let others = players.clone();
        let mut dice = foundation::Rng::new(world.random());
        let play = move |mut me: Process<Ball>| async move {
            me.trap_exit(nth % 2 == 0);
            for other in others.iter().take(3) {
                let _ = me.link(other);
                me.monitor(other);
            }
            loop {
                let mail = me.receive(Ok::<_, Mail<Ball>>);
                match mail.timeout(ms(dice.below(50) as u64)).await {
                    Ok(Mail::Msg(Ball(0))) => panic!("dropped"),
                    Ok(Mail::Msg(Ball(n))) if !others.is_empty() => {
                        let _ = others[dice.below(others.len())].send(Ball(n - 1));
                    }
                    Ok(_) => time::yield_now().await,
                    Err(_) => return,
                }
            }
        };
        let node = &nodes[nth % 2];
        // A ball cannot travel, so each has players of one node only.
        let player = node.spawn_fn(play).expect("spawned");
        player.send(Ball(nth as u32)).expect("local");
        if nth % 2 == 0 {
            players.push(player);
        }
    }
    world.sleep(ms(100)).await;
}

fn hashes() -> String {
    let deliveries = [Delivery::AtOnce, Delivery::Late, Delivery::Pairwise];
    let runs = (0..20).flat_map(|seed| deliveries.map(|delivery| (seed, delivery)));
    let hash = |(seed, delivery)| {
        let run = World::simulate_with(seed, delivery, scene);
        let (_, SimReport { trace_hash, .. }) = run.expect("it ends");
        format!("{trace_hash:016x}")
    };
    runs.map(hash).collect::<Vec<String>>().join(" ")
}

#[test]
fn a_seed_gives_the_same_run_in_every_process() {
    let here = hashes();
    if std::env::var_os(CHILD).is_some() {
        println!("hashes: {here}.");
        return;
    }
    let program = std::env::current_exe().expect("this test is a program");
    for _ in 0..2 {
        let mut child = Command::new(&program);
        child.args(["--exact", "--nocapture"]);
        child.arg("repeated::a_seed_gives_the_same_run_in_every_process");
        let output = child.env(CHILD, "1").output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let there = text
            .split_once("hashes: ")
            .and_then(|(_, rest)| rest.split_once('.'));
        assert_eq!(there.map(|(hashes, _)| hashes), Some(&*here), "{text}");
    }
    let distinct: std::collections::BTreeSet<&str> = here.split(' ').collect();
    assert!(distinct.len() > 50, "the hashes tell runs apart: {here}");
}
