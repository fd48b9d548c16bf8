//! What becomes of a whole cluster when things go wrong?
//!
//! Role       `foundation sim`: nodes in a simulated world, faults by a plan, traffic through all of
//!            it, and what came of it.
//! Outputs    A summary or one JSON object. Exit code 0 when everything held, 1 when a promise was
//!            broken or the plan is none, 2 for wrong arguments.
//! Invariant  Same nodes, seed, minutes and plan: same hash, also in another process.

pub mod args;
mod audit;
mod clerk;
mod crowd;
mod journal;
pub mod report;
mod rumour;
mod scenario;
mod seeds;
mod traffic;
mod verdict;

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use args::SimArgs;
use foundation::Node;
use foundation::cluster::faults::{Plan, shrink};
use report::Report;

use crate::memory;

/// Runs the simulation, and returns the program's exit code.
#[must_use]
pub fn run(args: &SimArgs) -> u8 {
    if let Some(count) = args.seeds {
        return seeds::run(args, count);
    }
    match plan(args).and_then(|plan| Ok((simulate(args, &plan)?, plan))) {
        Ok((report, plan)) => print(args, &report, &plan),
        Err(error) => fail(&error),
    }
}

fn plan(args: &SimArgs) -> Result<Plan, String> {
    match (&args.plan, args.random) {
        (Some(path), _) => read(path, args),
        (None, Some(count)) => {
            let (seed, length) = (args.seed, args.length());
            Ok(Plan::random(seed, args.nodes, length, count as usize))
        }
        (None, None) => Ok(Plan::shipped(args.nodes, args.length())),
    }
}

fn simulate(args: &SimArgs, plan: &Plan) -> Result<Report, String> {
    #[cfg(feature = "planted")]
    if let Some(bug) = args.plant {
        foundation::planted::plant(bug);
    }
    // A node does nothing here but tell the time.
    let clock = Node::builder().workers(1).start();
    let clock = clock.map_err(|error| error.to_string())?;
    let begun = clock.now();
    let mut report = scenario::run(args, plan)?;
    report.wall_seconds = (clock.now() - begun).as_secs_f64();
    report.peak_rss_bytes = memory::resident_peak().unwrap_or(0);
    Ok(report)
}

#[expect(clippy::disallowed_methods, reason = "the program reads its plan")]
fn read(path: &Path, args: &SimArgs) -> Result<Plan, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the plan {} can't be read: {error}", path.display()))?;
    Plan::read(&text, args.nodes, args.length())
        .map_err(|error| format!("{}, {error}", path.display()))
}

fn print(args: &SimArgs, report: &Report, plan: &Plan) -> u8 {
    let text = match args.json {
        true => report.to_json() + "\n",
        false => report.to_string(),
    };
    let broken = report.broken(&args.at_most);
    let code = u8::from(!broken.is_empty());
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        return fail(&error.to_string());
    }
    if !broken.is_empty() {
        let command = args.command();
        fail(&format!("{}\n\n  Replay      {command}", broken.join("; ")));
        blame(args, plan, &broken);
    }
    code
}

/// Says which faults it takes to break the same promises.
fn blame(args: &SimArgs, plan: &Plan, broken: &[String]) {
    if args.shrink == 0 || plan.faults().is_empty() {
        return;
    }
    // A run that comes to no end breaks nothing that was promised.
    let shrunk = shrink(plan, args.shrink, |plan| {
        let report = scenario::run(args, plan);
        report.is_ok_and(|report| breaks(&report.broken(&args.at_most), broken))
    });
    let (runs, lines) = (shrunk.runs, shrunk.plan.to_string());
    let what = match (lines.is_empty(), shrunk.is_minimal) {
        (true, _) => "No fault is needed for it".to_owned(),
        (false, true) => "None of these faults can be left out".to_owned(),
        (false, false) => "Faults that do it, and perhaps fewer would".to_owned(),
    };
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    drop(write!(io::stderr(), "\n  {what} ({runs} runs):\n{lines}"));
}

/// Whether all of these are among those, however often.
fn breaks(those: &[String], these: &[String]) -> bool {
    let what = |promise: &String| {
        let what = promise.split(',').next().unwrap_or_default();
        what.replace(|letter: char| letter.is_ascii_digit(), "")
    };
    let those: Vec<String> = those.iter().map(what).collect();
    these.iter().all(|promise| those.contains(&what(promise)))
}

fn fail(error: &str) -> u8 {
    // Whoever reads our errors may be gone, too: nothing is to be done about that.
    drop(writeln!(io::stderr(), "error: {error}"));
    1
}
