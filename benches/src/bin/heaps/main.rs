//! Is a heap of one's own worth it, and what does it cost?
//!
//! Run: `cargo run --release -p foundation-benches --bin heaps -- --json FILE [--quick] [NAME..]`.
//! Each figure is measured in children of its own, so that memory and page tables are fresh.
//!
//! Role       Runs the figures in turn and writes `name, ours, other, ratio` of each.
//! Outputs    A table on stdout; JSON where asked for; progress on stderr.
//! Owns       The accounting allocator over mimalloc, as a program would choose it.
//! Invariant  A child measures one side of one figure and prints one line of JSON.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock"
)]

mod accounting;
mod arenas;
mod beats;
mod messages;
mod row;
mod sessions;

use std::process::{Command, ExitCode};

use row::{Measured, Row};

foundation::allocator!(mimalloc::MiMalloc);

const USAGE: &str = "heaps [--json FILE] [--quick] [NAME..]: see the head of its main.rs";

/// One side of a figure: how it is called, and how it is measured.
type Side = (&'static str, fn(bool) -> Result<Measured, String>);

/// Every side there is.
const SIDES: &[Side] = &[
    ("beats idle", beats::idle),
    ("beats reaped", beats::reaped),
    ("beats dropped", beats::dropped),
    ("beats grown", beats::grown),
    ("beats grouped", beats::grouped),
    ("beats apart", beats::apart),
    ("messages ours", messages::ours),
    ("messages erlang", messages::erlang),
    ("sessions isolated", sessions::isolated),
    ("sessions map", sessions::map),
    ("arenas isolated", arenas::isolated),
    ("arenas shared", arenas::shared),
    ("accounts on", accounting::on),
    ("accounts off", accounting::off),
    ("walk told", messages::told),
    ("walk sealed", messages::sealed),
];

/// A figure: its name, and what is made of its sides.
type Figure = (&'static str, fn(&Bench) -> Result<Vec<Row>, String>);

/// Every figure there is.
const FIGURES: &[Figure] = &[
    ("beats", beats::rows),
    ("messages", messages::rows),
    ("sessions", sessions::rows),
    ("accounting", accounting::rows),
];

/// Measures sides in children.
pub(crate) struct Bench {
    quick: bool,
}

impl Bench {
    pub(crate) fn measure(&self, side: &str) -> Result<Measured, String> {
        eprintln!("  {side}");
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(own);
        child.args(["--child", side]);
        // Who frees gives the pages back: else a scheduler does, much later and all at once.
        child.env("MIMALLOC_PURGE_DELAY", "0");
        if self.quick {
            child.arg("--quick");
        }
        let output = child.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{side}: {}", text.trim()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(text.trim()).map_err(|error| format!("{side}: {error}"))
    }
}

fn main() -> ExitCode {
    let (mut json, mut child, mut quick, mut names) = (None, None, false, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = args.next(),
            "--child" => child = args.next(),
            "--quick" => quick = true,
            "--help" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            name if FIGURES.iter().any(|(figure, _)| *figure == name) => {
                names.push(name.to_owned())
            }
            other => {
                eprintln!("`{other}` is no figure and no option\n{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    let done = match child {
        Some(side) => measure_here(&side, quick),
        None => run(&Bench { quick }, &names, json.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A child's whole life.
fn measure_here(side: &str, quick: bool) -> Result<(), String> {
    let known = SIDES.iter().find(|(name, _)| *name == side);
    let (_, measure) = known.ok_or_else(|| format!("`{side}` is no side of a figure"))?;
    let measured = measure(quick)?;
    let line = serde_json::to_string(&measured).map_err(|error| error.to_string())?;
    println!("{line}");
    // What it holds need not be taken down.
    std::process::exit(0)
}

fn run(bench: &Bench, names: &[String], json: Option<&str>) -> Result<(), String> {
    let mut rows = Vec::new();
    for (name, figure) in FIGURES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("{name}");
        rows.extend(figure(bench)?);
    }
    println!("{}", row::table(&rows));
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        std::fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}
