//! How do the peers take turns?
//!
//! Role       Runs every peer of one workload, round after round, each time in a new child.
//! Inputs     The contenders, a workload, the number of rounds, the bound on a child's time.
//! Outputs    One [`Row`] per contender; progress on stderr.
//! Owns       At most one child at a time, so that no peer measures another.
//! Invariant  A child that crashes, hangs or prints nonsense costs its own row only.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::args::Args;
use crate::contender::Contender;
use crate::harness::Outcome;
use crate::meter::Sample;
use crate::rows::{self, Row};
use crate::workload::Workload;

/// What came of one contender so far.
#[derive(Default)]
struct Entry {
    samples: Vec<Sample>,
    excuse: Option<String>,
}

/// Runs one workload on everybody.
pub(crate) fn run(args: &Args, workload: Workload, contenders: &[Contender]) -> Vec<Row> {
    let mut entries: Vec<Entry> = contenders.iter().map(|_| Entry::default()).collect();
    for round in 0..args.rounds {
        for turn in 0..contenders.len() {
            // Each round begins with somebody else: nobody always follows the same neighbour.
            let place = (turn + round) % contenders.len();
            let (contender, entry) = (&contenders[place], &mut entries[place]);
            if entry.excuse.is_some() {
                continue;
            }
            eprintln!(
                "{workload}: round {} of {}: {}",
                round + 1,
                args.rounds,
                contender.name()
            );
            match measure(args, workload, contender, round + 1) {
                Ok(Outcome::Measured(sample)) => entry.samples.push(sample),
                Ok(Outcome::NotApplicable(reason)) => entry.excuse = Some(format!("n/a: {reason}")),
                Err(reason) => {
                    eprintln!("{workload}: {}: {reason}", contender.name());
                    entry.excuse = Some(reason);
                }
            }
        }
    }
    let rows = contenders.iter().zip(&entries).map(|(contender, entry)| {
        let note = entry
            .excuse
            .as_deref()
            .unwrap_or_else(|| contender.note(workload));
        Row::new(workload, contender.name(), &entry.samples, note)
    });
    rows::with_ratios(rows.collect())
}

fn measure(
    args: &Args,
    workload: Workload,
    contender: &Contender,
    round: usize,
) -> Result<Outcome, String> {
    let mut command = contender.command(workload, args.quick)?;
    let failed = |reason: String| format!("failed: {reason} (round {round})");
    let line = first_line(&mut command, args.timeout).map_err(failed)?;
    serde_json::from_str(&line).map_err(|error| failed(format!("its output: {error}")))
}

/// Runs a child to its end, or to ours; returns what it printed.
fn first_line(command: &mut Command, timeout: Duration) -> Result<String, String> {
    // Who captures a backtrace for each panic would be measured at that.
    command
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let line = read_all(child.stdout.take().expect("stdout is piped"));
    let complaint = read_first_line(child.stderr.take().expect("stderr is piped"));
    let Ok(text) = line.recv_timeout(timeout) else {
        end(&mut child);
        return Err(format!("no answer within {} seconds", timeout.as_secs()));
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(text);
    }
    // The text of a crash comes before the end of the process, so it is there or never.
    let complaint = complaint
        .recv_timeout(Duration::from_secs(1))
        .unwrap_or_default();
    Err(format!("{status}; {complaint}"))
}

fn read_all(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (report, reported) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        // A pipe that breaks has told what it had; whoever waits may have given up.
        let _ = pipe.read_to_string(&mut text);
        let _ = report.send(text);
    });
    reported
}

/// Keeps the first two lines (Rust puts the place and then the message of a panic there) and reads
/// on, so that a talkative child does not block.
fn read_first_line(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (report, reported) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        let mut kept = Vec::new();
        for line in lines {
            if kept.len() < 2 && !line.trim().is_empty() {
                kept.push(line);
            }
        }
        // Whoever waits may have given up.
        let _ = report.send(kept.join(" "));
    });
    reported
}

fn end(child: &mut Child) {
    // It may have ended by itself in between: then there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
}
