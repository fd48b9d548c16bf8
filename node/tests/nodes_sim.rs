//! Does a job on three simulated nodes stay exact, whatever goes wrong and when?
//!
//! Role  Many seeds; each decides which nodes are killed and cut off, at which lines.

#![allow(clippy::disallowed_methods, reason = "tests write their input")]

mod common;

use std::path::{Path, PathBuf};

use common::Random;
use foundation_node::input::{Input, Source};
use foundation_node::job::{Blow, Mishap, Setup};
use foundation_node::log::{Report, plain};
use foundation_node::nodes;

const LINES: u64 = 600;

/// The first lines of the sample, and some that are no lines.
fn log() -> PathBuf {
    let mut input = Input::open(Source::Sample, 1).expect("it is there");
    let mut text = Vec::new();
    let blocks = input.pass().expect("it is in memory");
    let blocks: Vec<_> = blocks.map(|block| block.expect("as before")).collect();
    let lines = blocks.iter().flat_map(|block| block.lines());
    for (number, line) in lines.take(LINES as usize) {
        text.extend_from_slice(line);
        text.push(b'\n');
        if number % 97 == 0 {
            text.extend_from_slice(b"83.149.9.216 is no line\n");
        }
    }
    let path = std::env::temp_dir().join(format!("foundation-nodes-{}.log", std::process::id()));
    std::fs::write(&path, text).expect("there is room");
    path
}

fn open(path: &Path, passes: u32) -> Input {
    Input::open(Source::named(Some(path)), passes).expect("it is there")
}

fn run(path: &Path, seed: u64) -> (Report, Vec<Mishap>) {
    let mut random = Random::new(seed);
    let passes = 1 + random.below(2) as u32;
    let mut mishaps = Vec::new();
    for _ in 0..random.below(5) {
        mishaps.push(Mishap {
            blow: match random.below(2) {
                0 => Blow::Kill,
                _ => Blow::Partition,
            },
            node: 2 + random.below(2) as u32,
            line: 1 + random.below(LINES * u64::from(passes)),
        });
    }
    let setup = Setup {
        passes,
        chaos: [0.0, 0.01][random.below(2) as usize],
        seed,
        clients_max: [30, 10_000][random.below(2) as usize],
        paced: false,
        simulated: true,
    };
    let report = nodes::simulate(open(path, passes), setup, 3, &mishaps);
    let report = report.unwrap_or_else(|error| panic!("seed {seed}, {mishaps:?}: {error}"));
    let expected = plain::run(&mut open(path, passes), passes, || 0.0).expect("it can be read");
    let run = report.run.clone();
    assert_eq!(
        report,
        Report { run, ..expected },
        "seed {seed}, {mishaps:?}"
    );
    let lost = (report.run.lost, report.run.doubled);
    assert_eq!(lost, (0, 0), "seed {seed}, {mishaps:?}");
    (report, mishaps)
}

#[test]
fn totals_are_exact_under_every_seed() {
    let path = log();
    let seeds = std::env::var("FOUNDATION_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(120);
    let (mut kills, mut partitions, mut tables) = (0, 0, 0);
    for seed in 0..seeds {
        let (report, mishaps) = run(&path, seed);
        let nodes = report.run.nodes.expect("there are three");
        let struck = nodes.kills + nodes.partitions;
        assert_eq!(struck, mishaps.len() as u64, "seed {seed}");
        kills += nodes.kills;
        partitions += nodes.partitions;
        tables += nodes.tables_again;
    }
    // As many as there are seeds, about: each finds something to survive.
    assert!(kills.min(partitions).min(tables) > seeds / 2);
    for seed in [3, 5] {
        let hash = |(report, _): (Report, _)| report.run.trace_hash.expect("it was simulated");
        let again = run(&path, seed);
        assert_eq!(hash(run(&path, seed)), hash(again), "seed {seed} twice");
    }
    let _ = std::fs::remove_file(path);
}
