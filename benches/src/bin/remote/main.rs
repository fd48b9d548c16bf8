//! How fast are messages and calls between two nodes of one machine?
//!
//! And how fast do many nodes come together, and notice what breaks?
//!
//! Run: `cargo run --release -p foundation-benches --bin remote -- [--json FILE] [--rounds N]
//! [--minutes N] [WORK...]`; a WORK is one of `messages`, `form`, `killed`, `stopped`, `partition`,
//! `loss`, all of them unless named. `loss` takes `--minutes`, one unless set. The last two need root, and
//! `ip` and `nft`.
//! Sketch: a cast of 27 bytes is encoded in 0.1 us and decoded and delivered in 0.2, on two cores
//! that work side by side: 3 to 5 million a second. A call is two system calls at each end and two
//! wakes: 30 us. A program of ours starts in 5 ms and Erlang's in 150 ms of a core, so 20 nodes form in
//! 0.3 s beside 1.7 s; a silent node is lost after 4 s beside 45 to 75; a partition is over 2 s after it
//! is healed, beside 8.
//!
//! Role       Two programs on loopback, ours, Erlang's and ractor_cluster's in turn, several rounds; the median. Then
//!            many, as `breaking` has it.
//! Outputs    `work, peer, value, unit, ratio_to_ours` of each: a table, and JSON where asked for.
//! Owns       The programs of the other nodes, until it ends.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock, and starts programs"
)]

mod breaking;
mod erlang;
mod member;
mod members;
#[path = "../../../../node/tests/common/namespaces.rs"]
mod namespaces;
mod ours;
mod ractor;

use std::process::ExitCode;
use std::time::Duration;

use foundation_benches::stage::{median, print_machine};
use serde::Serialize;

use crate::breaking::Figure;
use crate::members::Side;

const USAGE: &str =
    "remote [--json FILE] [--rounds N] [--minutes N] [WORK...]: see the head of its main.rs";
const WORKS: [&str; 6] = ["messages", "form", "killed", "stopped", "partition", "loss"];
const SIZES: [usize; 2] = [20, 50];
const ROUNDS: usize = 5;
/// Messages one way, and calls one after the other, of a round.
const CASTS: u64 = 1_000_000;
const CALLS: u64 = 20_000;
/// How large a transfer is, beside which calls go on: what one frame takes, less its head.
const BYTES: usize = (64 << 20) - 1024;

/// Calls a second, sent at fixed times whether earlier ones were answered or not.
const RATES: [u32; 2] = [1_000, 10_000];

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

impl Load {
    /// As the programs of others take it.
    fn words(&self) -> Vec<String> {
        let numbers = [self.casts, self.calls, self.bytes as u64];
        let rates = RATES.map(u64::from);
        numbers.iter().chain(&rates).map(u64::to_string).collect()
    }
}

/// What one round of one side found.
#[derive(Clone, Copy, Debug)]
struct Measured {
    casts_per_second: f64,
    call_p50_us: f64,
    call_p99_us: f64,
    /// Median and 99th percentile at each of [`RATES`], from when a call was to be sent.
    open_us: [[f64; 2]; 2],
    /// Of calls, one a millisecond, while transfers go on between the same two nodes.
    beside_p99_us: f64,
    /// Of those transfers.
    bytes_per_second: f64,
}

impl Measured {
    /// From the line in which programs of others say it.
    fn read(text: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(text);
        let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
        match figures[..] {
            [
                casts_per_second,
                call_p50_us,
                call_p99_us,
                a,
                b,
                c,
                d,
                beside_p99_us,
                bytes_per_second,
            ] => Ok(Self {
                casts_per_second,
                call_p50_us,
                call_p99_us,
                open_us: [[a, b], [c, d]],
                beside_p99_us,
                bytes_per_second,
            }),
            _ => Err(format!("the client says `{}`", text.trim())),
        }
    }
}

#[derive(Serialize)]
struct Row {
    work: String,
    peer: &'static str,
    value: f64,
    unit: &'static str,
    /// How many times as good ours is.
    ratio_to_ours: f64,
}

type Column = (&'static str, &'static str, fn(&Measured) -> f64, bool);

/// Each figure, its unit, and whether more is better.
const FIGURES: [Column; 9] = [
    ("one way", "messages/s", |it| it.casts_per_second, true),
    ("call, p50", "us", |it| it.call_p50_us, false),
    ("call, p99", "us", |it| it.call_p99_us, false),
    ("1,000 calls/s, p50", "us", |it| it.open_us[0][0], false),
    ("1,000 calls/s, p99", "us", |it| it.open_us[0][1], false),
    ("10,000 calls/s, p50", "us", |it| it.open_us[1][0], false),
    ("10,000 calls/s, p99", "us", |it| it.open_us[1][1], false),
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

/// The first are ours.
fn rows(sides: &[(&'static str, Vec<Measured>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (work, unit, of, more_is_better) in FIGURES {
        let value = |all: &[Measured]| median(all.iter().map(of));
        let own = value(&sides[0].1);
        for (peer, all) in sides {
            let value = value(all);
            let ratio_to_ours = match more_is_better {
                true => own / value,
                false => value / own,
            };
            rows.push(Row {
                work: work.to_owned(),
                peer,
                value,
                unit,
                ratio_to_ours,
            });
        }
    }
    rows
}

type Measure<'a> = Box<dyn Fn(Load) -> Result<Measured, String> + 'a>;

/// Two programs, in rounds. A peer that fails is left out.
fn messages(rounds: usize, peer: Option<&erlang::Erlang>) -> Result<Vec<Row>, String> {
    let mut sides: Vec<(&str, Measure<'_>, Vec<Measured>)> =
        vec![("foundation", Box::new(ours::measure), Vec::new())];
    if let Some(peer) = peer {
        let measure = |load| peer.measure(load);
        sides.push(("Erlang", Box::new(measure), Vec::new()));
    }
    match ractor::Ractor::prepare() {
        Ok(ractor) => {
            let measure = move |load| ractor.measure(load);
            sides.push(("ractor_cluster", Box::new(measure), Vec::new()));
        }
        Err(reason) => eprintln!("without ractor_cluster: {reason}"),
    }
    for round in 0..rounds {
        for (peer, measure, found) in &mut sides {
            found.push(measure(LOAD).map_err(|error| format!("{peer}: {error}"))?);
        }
        eprint!("\rround {}/{rounds}  ", round + 1);
    }
    eprintln!();
    let sides: Vec<_> = sides
        .into_iter()
        .map(|(peer, _, found)| (peer, found))
        .collect();
    Ok(rows(&sides))
}

/// Many programs, ours and then Erlang's; the median of the rounds of each figure.
fn many(work: &str, plan: &Plan, peer: Option<&erlang::Erlang>) -> Result<Vec<Row>, String> {
    let measure = |side| match work {
        "form" => breaking::form(side, &SIZES),
        "killed" => breaking::killed(side),
        "stopped" => breaking::stopped(side),
        "partition" => breaking::parted(side),
        _ => breaking::lossy(side, 60 * Duration::from_secs(plan.minutes)),
    };
    // What waits for Erlang to give somebody up takes minutes.
    let rounds = if work == "form" { plan.rounds } else { 1 };
    let (mut ours, mut erlang) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(told("foundation", measure(Side::Ours)?));
        if let Some(peer) = peer {
            erlang.push(told("Erlang", measure(Side::Erlang(peer))?));
        }
    }
    let of = |all: &[Vec<Figure>], at: usize| median(all.iter().map(|it| it[at].value));
    let mut rows = Vec::new();
    for (at, Figure { work, unit, .. }) in ours[0].iter().enumerate() {
        let own = of(&ours, at);
        let mut row = |peer, value: f64| {
            rows.push(Row {
                work: work.clone(),
                peer,
                value,
                unit,
                ratio_to_ours: value / own,
            });
        };
        row("foundation", own);
        if !erlang.is_empty() {
            row("Erlang", of(&erlang, at));
        }
    }
    Ok(rows)
}

/// Says what was found, since all of it takes minutes.
fn told(peer: &str, figures: Vec<Figure>) -> Vec<Figure> {
    for Figure { work, unit, value } in &figures {
        eprintln!("{peer}: {work}: {value:.2} {unit}");
    }
    figures
}

struct Plan {
    json: Option<String>,
    rounds: usize,
    minutes: u64,
    works: Vec<String>,
}

fn run(plan: &Plan) -> Result<(), String> {
    print_machine();
    let peer = erlang::Erlang::prepare();
    if let Err(reason) = &peer {
        eprintln!("without Erlang: {reason}");
    }
    let (peer, mut rows) = (peer.as_ref().ok(), Vec::new());
    for work in &plan.works {
        let measured = match work.as_str() {
            "messages" => messages(plan.rounds, peer),
            other => many(other, plan, peer),
        };
        match measured {
            Ok(measured) => rows.extend(measured),
            Err(error) => eprintln!("`{work}` is left out: {error}"),
        }
    }
    println!("| work | peer | value | unit | ratio to ours |\n|---|---|---:|---|---:|");
    for row in &rows {
        let Row {
            work,
            peer,
            value,
            unit,
            ratio_to_ours,
        } = row;
        // Nothing beside nothing has none.
        let ratio = match ratio_to_ours.is_finite() {
            true => format!("{ratio_to_ours:.2}"),
            false => "-".into(),
        };
        println!("| {work} | {peer} | {value:.1} | {unit} | {ratio} |");
    }
    if let Some(file) = &plan.json {
        let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        std::fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    match rows.is_empty() {
        true => Err("nothing was measured".to_owned()),
        false => Ok(()),
    }
}

fn parse(args: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        json: None,
        rounds: ROUNDS,
        minutes: 1,
        works: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || {
            let number = args.next().and_then(|text| text.parse().ok());
            let positive = number.filter(|number| *number > 0);
            positive.ok_or_else(|| format!("{arg} needs a number above 0"))
        };
        match arg.as_str() {
            "--rounds" => plan.rounds = number()? as usize,
            "--minutes" => plan.minutes = number()?,
            "--json" => plan.json = args.next().cloned(),
            work if WORKS.contains(&work) => plan.works.push(work.to_owned()),
            other => return Err(format!("`{other}` is no option")),
        }
    }
    if plan.works.is_empty() {
        plan.works = WORKS.map(str::to_owned).to_vec();
    }
    Ok(plan)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // The other nodes, which this program starts.
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve", seed] => return ours::serve(seed),
        ["--member", name, listen, seed] => return member::serve(name, listen, seed),
        _ => {}
    }
    let done = parse(&args)
        .map_err(|error| format!("{error}\n{USAGE}"))
        .and_then(|plan| run(&plan));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
