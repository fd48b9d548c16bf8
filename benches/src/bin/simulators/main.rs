//! How many seconds of how many nodes does a simulation go through in one second?
//!
//! Run: `cargo run --release -p foundation-benches --bin simulators -- [--json FILE] [--rounds N]
//! [--nodes N] [--seconds S] [--only WORD]`; 100 nodes and 35 seconds unless said otherwise, and of the sides
//! only those whose name has the word (for a profiler).
//! Sketch: an event of ours, a turn of a process and what it sends, takes 1 us. A node over few connections
//! has some 40 heartbeats and 10 other frames a second, of two turns each: 10,000 seconds of a node in one.
//! One in a full mesh of 100 has 400 frames: a tenth of that. murmer's nodes have connections to all, and no
//! heartbeats on them: what they do is one probe each 1.5 s.
//!
//! Role       The same on both: all nodes join, one crashes after five seconds, the others go on. Ours are
//!            whole nodes, each with a supervisor whose worker is linked with one on the next
//!            node, and a process that monitors it.
//! Outputs    `simulator, seconds of nodes a second, ratio_to_ours, turns`, and how many knew of the crash.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock, and starts programs"
)]

mod murmer;
mod ours;

use std::process::ExitCode;
use std::time::Duration;

use foundation::cluster::mesh::MeshConfig;
use foundation::cluster::overlay::{Overlay, hyparview};
use foundation_benches::stage::{median, print_machine};
use serde::Serialize;

const USAGE: &str = "simulators [--json FILE] [--rounds N] [--nodes N] [--seconds S] [--only WORD]: see the head of \
its main.rs";
const CRASHED_AT: u64 = 5;
const OURS: &str = "foundation, few connections";
/// murmer's nodes probe one another each 1.5 s, and have nothing else to do. Ours at their usual times do so each 0.5 s.
const PROBED: Duration = Duration::from_millis(1500);
const MURMER: &str = "murmer";

/// What is gone through.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    nodes: usize,
    seconds: u64,
    seed: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
struct Gone {
    wall_seconds: f64,
    /// How many nodes knew of the crash in the end.
    known: usize,
    /// How many turns the processes of all nodes had, where that is told.
    turns: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    simulator: &'static str,
    /// Virtual seconds times nodes, in a second of the machine.
    node_seconds: f64,
    /// How many times as many ours does, over few connections, if that was run.
    ratio_to_ours: Option<f64>,
    /// Turns of its processes that a node has in a second.
    turns: Option<f64>,
    known: usize,
    others: usize,
}

struct Args {
    json: Option<String>,
    rounds: u64,
    nodes: usize,
    seconds: u64,
    only: String,
}

fn args() -> Option<Args> {
    let mut args = Args {
        json: None,
        rounds: 5,
        nodes: 100,
        seconds: 35,
        only: String::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let value = given.next()?;
        match arg.as_str() {
            "--json" => args.json = Some(value),
            "--rounds" => args.rounds = value.parse().ok().filter(|rounds| *rounds > 0)?,
            "--nodes" => args.nodes = value.parse().ok().filter(|nodes| *nodes > 8)?,
            "--seconds" => args.seconds = value.parse().ok().filter(|it| *it > CRASHED_AT)?,
            "--only" => args.only = value,
            _ => return None,
        }
    }
    Some(args)
}

type Side<'a> = (
    &'static str,
    Box<dyn Fn(Scenario) -> Result<Gone, String> + 'a>,
    Vec<Gone>,
);

/// All times are in proportion to a tick, at which one member is probed.
fn slow() -> MeshConfig {
    let usual = MeshConfig::default();
    let times = PROBED.as_secs_f64() / usual.tick.as_secs_f64();
    MeshConfig {
        tick: PROBED,
        silence: usual.silence.mul_f64(times),
        ..usual
    }
}

fn run(args: &Args) -> Result<Vec<Row>, String> {
    let few = || Overlay::HyParView(hyparview::Config::default());
    let peer = MURMER.contains(&args.only).then(murmer::Murmer::prepare);
    let mut sides: Vec<Side<'_>> = vec![
        (
            OURS,
            Box::new(move |scenario| ours::go(scenario, (few(), MeshConfig::default()))),
            Vec::new(),
        ),
        (
            "foundation, few connections, probes as often as murmer",
            Box::new(move |scenario| ours::go(scenario, (few(), slow()))),
            Vec::new(),
        ),
        (
            "foundation, full mesh",
            Box::new(|scenario| ours::go(scenario, (Overlay::FullMesh, MeshConfig::default()))),
            Vec::new(),
        ),
    ];
    match &peer {
        Some(Ok(peer)) => sides.push((MURMER, Box::new(|it| peer.go(it)), Vec::new())),
        Some(Err(why)) => eprintln!("without murmer: {why}"),
        None => {}
    }
    sides.retain(|(name, ..)| name.contains(&args.only));
    if sides.is_empty() {
        return Err(format!("no side is called {:?}", args.only));
    }
    for seed in 1..=args.rounds {
        let scenario = Scenario {
            nodes: args.nodes,
            seconds: args.seconds,
            seed,
        };
        for (_, go, gone) in &mut sides {
            gone.push(go(scenario)?);
        }
    }
    let all = args.nodes as f64 * args.seconds as f64;
    let rate = |gone: &[Gone]| all / median(gone.iter().map(|it| it.wall_seconds));
    let own = sides.iter().find(|(name, ..)| *name == OURS);
    let own = own.map(|(.., gone)| rate(gone));
    let row = |(simulator, _, gone): &Side<'_>| Row {
        simulator,
        node_seconds: rate(gone),
        ratio_to_ours: own.map(|own| own / rate(gone)),
        turns: gone[0].turns.map(|turns| turns as f64 / all),
        known: gone.iter().map(|gone| gone.known).min().unwrap_or(0),
        others: args.nodes - 1,
    };
    Ok(sides.iter().map(row).collect())
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    print_machine();
    let rows = match run(&args) {
        Ok(rows) => rows,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "| simulator | node-seconds a second | ours, few connections, is | turns of a node in a second | know of the crash |"
    );
    println!("|---|---:|---:|---:|---:|");
    for row in &rows {
        let Row {
            simulator,
            node_seconds,
            ratio_to_ours,
            turns,
            known,
            others,
        } = row;
        let ratio = ratio_to_ours.map_or("-".into(), |ratio| format!("{ratio:.2} x"));
        let turns = turns.map_or("-".into(), |turns| format!("{turns:.1}"));
        println!("| {simulator} | {node_seconds:.0} | {ratio} | {turns} | {known} of {others} |");
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&rows).expect("rows are plain");
        if let Err(error) = std::fs::write(path, text) {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
