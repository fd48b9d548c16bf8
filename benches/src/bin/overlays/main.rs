//! Do the overlays keep what their papers promise, at ten thousand nodes?
//!
//! Run: `cargo run --release -p foundation-benches --bin overlays -- [--nodes N] [--seed S] [--seeds N]
//! [--messages N] [--json FILE] [TABLE..]`. All time is virtual, so the figures of a seed are the same on
//! every machine.
//!
//! Sketch: a flood over five links reaches 10,000 nodes in about log4(10,000) = 7 hops. When half of
//! them fail, a node has none of its 5 neighbours and 30 in reserve left with probability 0.5^35, so
//! nobody is cut off; when 95 % fail, one node of six is, unless another node knows it.
//!
//! Role       Runs the tables of the papers on HyParView, X-BOT and Plumtree, and of circuits; prints
//!            them, and the parameters.
//! Outputs    Tables on stdout; JSON where asked for; progress on stderr.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock"
)]

mod circuits;
mod costs;
mod flood;
mod graph;
mod repairing;
mod table;
mod timed;
mod trees;

use std::process::ExitCode;
use std::time::Instant;

use foundation::cluster::overlay::{hyparview, plumtree};

use table::Table;

const USAGE: &str = "overlays [--nodes N] [--seed S] [--seeds N] [--messages N] [--json FILE] [TABLE..]: \
see the head of its main.rs";

const TABLES: &[&str] = &[
    "graph", "failures", "healing", "trees", "together", "costs", "circuits",
];

/// What is run, and how often.
pub(crate) struct Args {
    pub(crate) nodes: usize,
    seed: u64,
    seeds: u64,
    pub(crate) messages: usize,
    json: Option<String>,
    tables: Vec<String>,
}

fn args() -> Option<Args> {
    let mut args = Args {
        nodes: 10_000,
        seed: 1,
        seeds: 1,
        messages: 100,
        json: None,
        tables: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--nodes" => args.nodes = given.next()?.parse().ok().filter(|nodes| *nodes >= 100)?,
            "--seed" => args.seed = given.next()?.parse().ok()?,
            "--seeds" => args.seeds = given.next()?.parse().ok().filter(|seeds| *seeds > 0)?,
            "--messages" => args.messages = given.next()?.parse().ok().filter(|n| *n > 0)?,
            "--json" => args.json = Some(given.next()?),
            name if TABLES.contains(&name) => args.tables.push(arg),
            _ => return None,
        }
    }
    if args.tables.is_empty() {
        args.tables = TABLES.iter().map(ToString::to_string).collect();
    }
    Some(args)
}

fn run(args: &Args, seed: u64) -> Vec<Table> {
    let begun = Instant::now();
    let overlay = flood::settled(args.nodes, seed);
    eprintln!(
        "seed {seed}, overlay: {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let mut tables = Vec::new();
    for name in &args.tables {
        let begun = Instant::now();
        tables.push(match name.as_str() {
            "graph" => graph::table(&overlay, seed),
            "failures" => repairing::failures(&overlay, args, seed),
            "healing" => repairing::healing(&overlay, seed),
            "trees" => trees::stable(&overlay, seed),
            "costs" => costs::table(&overlay, seed),
            "circuits" => circuits::table(&overlay, seed),
            _ => trees::together(&overlay, seed),
        });
        eprintln!(
            "seed {seed}, {name}: {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    tables
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    println!(
        "{} nodes, {} seeds from {}, {} membership cycles before.\n",
        args.nodes,
        args.seeds,
        args.seed,
        flood::CYCLES
    );
    println!("{:?}\n", hyparview::Config::default());
    println!("{:?}\n", plumtree::Config::default());
    let runs = (args.seed..args.seed + args.seeds).map(|seed| run(&args, seed));
    let tables = table::means(runs.collect());
    for table in &tables {
        println!("{}", table.text());
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&tables).expect("tables are plain");
        if let Err(error) = std::fs::write(path, json) {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
