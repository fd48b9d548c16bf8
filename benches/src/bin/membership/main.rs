//! How fast does a membership of a thousand nodes join, see a crash, and find together again?
//!
//! Run: `cargo run --release -p foundation-benches --bin membership -- [--nodes N] [--seed S]
//! [--json FILE] [--only NAME] [SCENARIO..]`. All time is virtual, so the figures of a seed are the same
//! on every machine.
//!
//! Sketch: news reach everybody in log(n) rounds of gossip, so 1,000 nodes are told within 2 s; a crash
//! is known everywhere after a probe (1 s), the shortest suspicion (4.5 s) and that.
//!
//! Role       Runs the scenarios on ours, ours without Lifeguard, and foca 2.0 alone and with a full
//!            exchange around it. The tables of the papers, `sizes`, `loss` and `parts`, are made when
//!            they are named.
//! Outputs    Tables on stdout; JSON where asked for; progress on stderr.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock"
)]

mod ours;
mod papers;
mod peer;
mod protocol;
mod scenarios;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use foundation::cluster::membership::Config;
use foundation_benches::stage::median;

use protocol::{Make, Protocol};
use scenarios::Trouble;
use table::Row;

const USAGE: &str = "membership [--nodes N] [--seed S] [--json FILE] [--only VARIANT] [SCENARIO..]: \
see the head of its main.rs";

/// How long wrong failures are counted.
const SPAN: Duration = Duration::from_secs(120);

const SCENARIOS: &[&str] = &["join", "crash", "merge", "wrong", "slow"];

struct Args {
    nodes: usize,
    seed: u64,
    json: Option<String>,
    only: Option<String>,
    scenarios: Vec<String>,
}

fn args() -> Option<Args> {
    let mut args = Args {
        nodes: 1000,
        seed: 1,
        json: None,
        only: None,
        scenarios: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--nodes" => args.nodes = given.next()?.parse().ok().filter(|nodes| *nodes > 2)?,
            "--seed" => args.seed = given.next()?.parse().ok()?,
            "--json" => args.json = Some(given.next()?),
            "--only" => args.only = Some(given.next()?),
            name if SCENARIOS.contains(&name) || papers::SCENARIOS.contains(&name) => {
                args.scenarios.push(arg);
            }
            _ => return None,
        }
    }
    if args.scenarios.is_empty() {
        args.scenarios = SCENARIOS.iter().map(ToString::to_string).collect();
    }
    Some(args)
}

fn run<P: Protocol>(args: &Args, variant: &str, make: &Make<P>, rows: &mut Vec<Row>) {
    if args.only.as_ref().is_some_and(|only| only != variant) {
        return;
    }
    for scenario in &args.scenarios {
        if !papers::concerns(scenario, variant) {
            continue;
        }
        let begun = Instant::now();
        let mut row = |figure: &str, unit: &'static str, value: Option<f64>| {
            let run = (args.nodes, args.seed);
            rows.push(Row::new(scenario, figure, variant, run, (unit, value)));
        };
        one(args, scenario, make, &mut row);
        eprintln!(
            "{variant}, {scenario}: {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
}

fn one<P: Protocol>(
    args: &Args,
    scenario: &str,
    make: &Make<P>,
    row: &mut dyn FnMut(&str, &'static str, Option<f64>),
) {
    let (nodes, seed) = (args.nodes, args.seed);
    let slow = (nodes / 100).max(1);
    match scenario {
        "join" => {
            let join = scenarios::join(nodes, seed, make);
            row("all views complete", "s", join.took);
            row("holes after 60 s", "", Some(join.holes as f64));
            row("sent by each until complete", "kB", Some(join.bytes / 1e3));
            row("sent by each when idle", "B/s", Some(join.idle_bytes));
        }
        "crash" => {
            for loss in [0.0, 0.05, 0.2] {
                let trouble = Trouble { loss, slow: 0 };
                let crashes = scenarios::crash_settled(nodes, seed, trouble, 5, make);
                let percent = loss * 100.0;
                let first = median(crashes.first.iter().copied());
                row(&format!("first knows, {percent} % lost"), "s", Some(first));
                let last = table::worst(&crashes.all);
                row(&format!("all know, {percent} % lost"), "s", last);
            }
        }
        "merge" => row(
            "two halves are one",
            "s",
            scenarios::merge(nodes, seed, make),
        ),
        "wrong" => {
            for loss in [0.0, 0.05, 0.2] {
                let trouble = Trouble { loss, slow: 0 };
                let wrong = scenarios::wrong(nodes, seed, trouble, SPAN, make);
                let percent = loss * 100.0;
                row(
                    &format!("wrong failures in 2 min, {percent} % lost"),
                    "",
                    Some(wrong.all as f64),
                );
            }
        }
        "slow" => {
            let trouble = Trouble { loss: 0.0, slow };
            let wrong = scenarios::wrong(nodes, seed, trouble, SPAN, make);
            row("wrong failures in 2 min", "", Some(wrong.all as f64));
            row(
                "of these, at nodes that are well",
                "",
                Some(wrong.at_well as f64),
            );
            row(
                "nodes that are well and taken for failed",
                "",
                Some(wrong.hosts as f64),
            );
        }
        _ => papers::one(scenario, nodes, seed, make, row),
    }
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let mut rows = Vec::new();
    let plain = Config::default().without_lifeguard();
    let every = Some(Duration::from_secs(5));
    run(&args, "ours", &ours::make(Config::default()), &mut rows);
    for (variant, config) in papers::parts() {
        run(&args, variant, &ours::make(config), &mut rows);
    }
    run(&args, "ours, no Lifeguard", &ours::make(plain), &mut rows);
    run(&args, "foca", &peer::make(args.nodes, None), &mut rows);
    let foca = peer::make(args.nodes, every);
    run(&args, "foca, full exchange", &foca, &mut rows);
    println!("{}", table::text(&rows));
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&rows).expect("rows are plain");
        if let Err(error) = std::fs::write(path, json) {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
