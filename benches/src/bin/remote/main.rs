//! How fast are messages and calls between two nodes of one machine?
//!
//! Run: `cargo run --release -p foundation-benches --bin remote -- [--json FILE] [--rounds N]`.
//! Sketch: a cast of 27 bytes is encoded in 0.1 us and decoded and delivered in 0.2, on two cores
//! that work side by side: 3 to 5 million a second. A call is two system calls at each end and two
//! wakes: 30 us.
//!
//! Role       Two programs on loopback, ours and Erlang's in turn, several rounds; the median.
//! Outputs    `work, peer, value, unit, ratio_to_ours` of each: a table, and JSON where asked for.
//! Owns       The programs of the other nodes, until it ends.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock, and starts programs"
)]

mod erlang;
mod ours;

use std::process::ExitCode;

use foundation_benches::stage::print_machine;
use serde::Serialize;

const USAGE: &str = "remote [--json FILE] [--rounds N]: see the head of its main.rs";
const ROUNDS: usize = 5;
/// Messages one way, and calls one after the other, of a round.
const CASTS: u64 = 1_000_000;
const CALLS: u64 = 20_000;
/// How large a transfer is, beside which calls go on: what one frame takes, less its head.
const BYTES: usize = (64 << 20) - 1024;

/// What is done in a round.
#[derive(Clone, Copy, Debug)]
struct Load {
    casts: u64,
    calls: u64,
    bytes: usize,
}

const LOAD: Load = Load {
    casts: CASTS,
    calls: CALLS,
    bytes: BYTES,
};

/// What one round of one side found.
#[derive(Clone, Copy, Debug)]
struct Measured {
    casts_per_second: f64,
    call_p50_us: f64,
    call_p99_us: f64,
    /// Of calls, one a millisecond, while transfers go on between the same two nodes.
    beside_p99_us: f64,
    /// Of those transfers.
    bytes_per_second: f64,
}

#[derive(Serialize)]
struct Row {
    work: &'static str,
    peer: &'static str,
    value: f64,
    unit: &'static str,
    /// How many times as good ours is.
    ratio_to_ours: f64,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

type Figure = (&'static str, &'static str, fn(&Measured) -> f64, bool);

/// Each figure, its unit, and whether more is better.
const FIGURES: [Figure; 5] = [
    ("one way", "messages/s", |it| it.casts_per_second, true),
    ("call, p50", "us", |it| it.call_p50_us, false),
    ("call, p99", "us", |it| it.call_p99_us, false),
    (
        "call beside 64 MiB, p99",
        "us",
        |it| it.beside_p99_us,
        false,
    ),
    (
        "64 MiB after 64 MiB",
        "bytes/s",
        |it| it.bytes_per_second,
        true,
    ),
];

fn rows(ours: &[Measured], erlang: &[Measured]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (work, unit, of, more_is_better) in FIGURES {
        let own = median(ours.iter().map(of).collect());
        let mut row = |peer, value: f64| {
            let ratio_to_ours = match more_is_better {
                true => own / value,
                false => value / own,
            };
            rows.push(Row {
                work,
                peer,
                value,
                unit,
                ratio_to_ours,
            });
        };
        row("foundation", own);
        if !erlang.is_empty() {
            row("Erlang", median(erlang.iter().map(of).collect()));
        }
    }
    rows
}

fn run(rounds: usize, json: Option<&str>) -> Result<(), String> {
    print_machine();
    let (mut ours, mut erlang) = (Vec::new(), Vec::new());
    let peer = erlang::Erlang::prepare();
    if let Err(reason) = &peer {
        eprintln!("without Erlang: {reason}");
    }
    for round in 0..rounds {
        ours.push(ours::measure(LOAD)?);
        if let Ok(peer) = &peer {
            erlang.push(peer.measure(LOAD)?);
        }
        eprint!("\rround {}/{rounds}  ", round + 1);
    }
    eprintln!();
    let rows = rows(&ours, &erlang);
    println!("| work | peer | value | unit | ratio to ours |\n|---|---|---:|---|---:|");
    for row in &rows {
        let Row {
            work,
            peer,
            value,
            unit,
            ratio_to_ours,
        } = row;
        println!("| {work} | {peer} | {value:.1} | {unit} | {ratio_to_ours:.2} |");
    }
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        std::fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let (mut json, mut rounds) = (None, ROUNDS);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = args.next(),
            // The other node, which this program starts.
            "--serve" => return ours::serve(args.next().as_deref()),
            "--rounds" => match args.next().and_then(|text| text.parse().ok()) {
                Some(number) if number > 0 => rounds = number,
                _ => {
                    eprintln!("--rounds needs a number above 0\n{USAGE}");
                    return ExitCode::FAILURE;
                }
            },
            other => {
                eprintln!("`{other}` is no option\n{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    match run(rounds, json.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
