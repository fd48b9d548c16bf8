//! What becomes of a whole cluster when things go wrong?
//!
//! Role       `foundation sim`: nodes in a simulated world, faults by a plan, traffic through all of
//!            it, and what came of it.
//! Outputs    A summary or one JSON object. Exit code 0 when everything held, 1 when a promise was
//!            broken or the plan is none, 2 for wrong arguments.
//! Invariant  Same nodes, seed, minutes and plan: same hash, also in another process.

pub mod args;
pub mod plan;
pub mod report;
mod scenario;
mod traffic;

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use args::SimArgs;
use foundation::Node;
use plan::Plan;
use report::Report;

use crate::memory;

/// Runs the simulation, and returns the program's exit code.
#[must_use]
pub fn run(args: &SimArgs) -> u8 {
    match simulate(args) {
        Ok(report) => print(args, &report),
        Err(error) => fail(&error),
    }
}

fn simulate(args: &SimArgs) -> Result<Report, String> {
    let plan = match &args.plan {
        Some(path) => read(path, args)?,
        None => Plan::shipped(args.nodes, args.length()),
    };
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

fn print(args: &SimArgs, report: &Report) -> u8 {
    let text = match args.json {
        true => report.to_json() + "\n",
        false => report.to_string(),
    };
    let broken = report.broken();
    let code = u8::from(!broken.is_empty());
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        return fail(&error.to_string());
    }
    if !broken.is_empty() {
        fail(&format!(
            "{}\n\n  Replay      {}",
            broken.join("; "),
            args.command()
        ));
    }
    code
}

fn fail(error: &str) -> u8 {
    // Whoever reads our errors may be gone, too: nothing is to be done about that.
    drop(writeln!(io::stderr(), "error: {error}"));
    1
}
