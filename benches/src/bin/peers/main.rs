//! Who is faster at the same work, and by how much?
//!
//! Run: `cargo run --release -p foundation-benches --bin peers -- --json FILE [--quick]`.
//! Each (workload, peer) pair runs in a child of its own, so that memory is honest and a crash or a
//! hang of one peer is one row; peers take turns within a workload, round after round.
//!
//! Role       Reads the command line, lets the runner run, writes the table in every form.
//! Inputs     [`args::Args`].
//! Outputs    Table on stdout; JSON, Markdown and SVG where asked for; progress on stderr.
//! Owns       Nothing; the library of this crate brings mimalloc, the same for every Rust peer.
//! Invariant  A child measures one workload of one peer and prints one line of JSON.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock, and its peers make their own threads and tasks"
)]

mod args;
mod contender;
mod erlang;
mod gate;
mod harness;
mod machine;
mod meter;
mod peer;
mod plot;
mod rows;
mod runner;
mod table;
mod workload;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use args::{Args, Command};
use machine::Machine;
use rows::Row;

/// What `--json` writes.
#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    rows: &'a [Row],
}

fn main() -> ExitCode {
    let done = match args::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Ok(Command::Child(child)) => measure(&child),
        Ok(Command::Run(args)) => run(&args),
        Err(reason) => Err(format!("{reason}\n\n{}", args::USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// The child's whole life.
fn measure(child: &args::Child) -> Result<(), String> {
    let plan = child.workload.plan(child.quick);
    let outcome = peer::measure(child.peer, child.workload, &plan);
    let line = serde_json::to_string(&outcome).map_err(|error| error.to_string())?;
    println!("{line}");
    // A million processes need not be taken down one by one.
    std::process::exit(0)
}

fn run(args: &Args) -> Result<(), String> {
    let contenders = contender::all(args)?;
    let machine = Machine::read(args, &contenders);
    println!("{}", table::heading(&machine));
    let mut rows = Vec::new();
    for workload in &args.workloads {
        let of_workload = runner::run(args, *workload, &contenders);
        println!("{}", table::block(*workload, &of_workload));
        rows.extend(of_workload);
    }
    if let Some(file) = &args.json {
        let report = Report {
            machine: &machine,
            rows: &rows,
        };
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        write(file, &text)?;
    }
    if let Some(file) = &args.markdown {
        write(file, &table::markdown(&machine, &rows))?;
    }
    if let Some(file) = &args.svg {
        write(file, &plot::svg(&machine, &rows))?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
