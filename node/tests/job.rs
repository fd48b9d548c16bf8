//! Does a part of the tree that dies midway lose or double anything?
//!
//! Role  Kills branches while the job is underway, on real threads and in simulated worlds.

use std::time::Duration;

use foundation::{Node, World};
use foundation_node::input::{Input, Source};
use foundation_node::job::{self, Setup, Underway, Watcher};
use foundation_node::log::{Report, plain};
use foundation_node::screen::Phase;

const SETUP: Setup = Setup {
    passes: 1,
    chaos: 0.0,
    seed: 0,
    clients_max: 10_000,
    paced: false,
    simulated: false,
};

fn sample(passes: u32) -> Input {
    Input::open(Source::Sample, passes).unwrap()
}

/// The report of a plain loop, with the facts of another run.
fn plain(passes: u32, of: &Report) -> Report {
    let report = plain::run(&mut sample(passes), passes, || 0.0).unwrap();
    Report {
        run: of.run.clone(),
        ..report
    }
}

fn check(report: &Report, passes: u32, what: &str) {
    assert_eq!(report, &plain(passes, report), "{what}");
    assert_eq!((report.run.lost, report.run.doubled), (0, 0), "{what}");
}

/// Kills these branches, in turn, every so often, until all is counted.
async fn sabotage(node: &Node, underway: &mut Underway, names: &[&str], every: Duration) -> u32 {
    let mut kills = 0;
    while !underway
        .is_counted()
        .await
        .unwrap_or_else(|error| panic!("{names:?}, {kills}: {error}"))
    {
        node.sleep(every).await;
        if kills < 40 {
            underway.kill(names[kills as usize % names.len()]);
            kills += 1;
        }
    }
    kills
}

const VICTIMS: [&[&str]; 5] = [
    &["clients"],
    &["table"],
    &["router"],
    &["reader"],
    &["clients", "table", "reader", "router"],
];

#[test]
fn killed_branches_on_real_threads() {
    let passes = 30;
    for names in VICTIMS {
        let node = Node::builder().workers(2).start().unwrap();
        let report = node.block_on(async {
            let setup = Setup { passes, ..SETUP };
            let mut underway = job::start(&node, sample(passes), setup).await.unwrap();
            let every = Duration::from_millis(15);
            let kills = sabotage(&node, &mut underway, names, every).await;
            assert!(kills > 0, "{names:?}");
            let report = underway.report(0).await.unwrap();
            underway.stop(Duration::from_secs(5)).await;
            report
        });
        node.shutdown_blocking(Duration::from_secs(5)).unwrap();
        check(&report, passes, &format!("{names:?}"));
    }
}

#[test]
fn killed_branches_in_simulated_worlds() {
    for seed in 0..10 {
        for names in VICTIMS {
            let (report, _) = World::simulate(seed, |world| async move {
                let node = world.node();
                let setup = Setup {
                    seed,
                    chaos: 0.02,
                    simulated: true,
                    ..SETUP
                };
                let mut underway = job::start(&node, sample(1), setup).await.unwrap();
                let mut turns = 0;
                while !underway.is_counted().await.unwrap() {
                    foundation::time::yield_now().await;
                    turns += 1;
                    if turns % 200 == 0 && turns < 4_000 {
                        underway.kill(names[turns / 200 % names.len()]);
                    }
                    if turns > 4_000 {
                        node.sleep(Duration::from_millis(1)).await;
                    }
                }
                let report = underway.report(0).await.unwrap();
                // What was flagged as it came is what is found in the end.
                let mut watcher = Watcher::new(&underway, String::new());
                let seen = watcher.look(&underway, Phase::Finished).await;
                assert_eq!(
                    seen.bursts,
                    report.bursts.len() as u64,
                    "seed {seed}, {names:?}"
                );
                assert_eq!(
                    seen.storms,
                    report.storms.len() as u64,
                    "seed {seed}, {names:?}"
                );
                underway.stop(Duration::from_secs(5)).await;
                report
            })
            .unwrap();
            check(&report, 1, &format!("seed {seed}, {names:?}"));
        }
    }
}
