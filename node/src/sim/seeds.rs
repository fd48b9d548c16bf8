//! Do the promises hold under many seeds?
//!
//! Role       Runs each seed in a process of its own, several at once, until one breaks a promise: what that
//!            one says is printed, with the command that shows it again and the shortest plan that does.
//! Invariant  Each tenth seed runs twice, and has the same hash in both processes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;

use super::args::SimArgs;
use super::fail;

/// Every so many seeds one runs twice.
const TWICE: u64 = 10;

/// A run that is under way.
struct Run {
    args: SimArgs,
    child: Child,
}

/// What a run came to.
struct Came {
    hash: String,
    messages: u64,
}

/// Runs so many seeds, and returns the program's exit code.
pub(super) fn run(args: &SimArgs, count: u32) -> u8 {
    match all(args, count) {
        Ok(line) => {
            // Whoever reads it may be gone.
            drop(io::stdout().write_all(line.as_bytes()));
            0
        }
        Err(error) => fail(&error),
    }
}

fn all(args: &SimArgs, count: u32) -> Result<String, String> {
    let cores = available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map_or(cores, |jobs| jobs as usize);
    let last = args.seed.saturating_add(count.into());
    let mut wanted = (args.seed..last).flat_map(|seed| match seed.is_multiple_of(TWICE) {
        true => vec![seed, seed],
        false => vec![seed],
    });
    let mut under_way: VecDeque<Run> = VecDeque::new();
    let (mut messages, mut before) = (0, None);
    loop {
        while under_way.len() < jobs
            && let Some(seed) = wanted.next()
        {
            under_way.push_back(begin(args.one(seed))?);
        }
        let Some(run) = under_way.pop_front() else {
            break;
        };
        let (seed, command) = (run.args.seed, run.args.command());
        match end(run) {
            Ok(came) => {
                messages += came.messages;
                if let Some((of, hash)) = before.replace((seed, came.hash.clone()))
                    && of == seed
                    && hash != came.hash
                {
                    stop(under_way);
                    let other = &came.hash;
                    return Err(format!(
                        "`{command}` is {hash}, and {other} in another process"
                    ));
                }
            }
            Err(error) => {
                stop(under_way);
                return Err(error);
            }
        }
    }
    let first = args.seed;
    Ok(format!(
        "{count} seeds from {first} hold: {messages} messages\n"
    ))
}

fn begin(args: SimArgs) -> Result<Run, String> {
    let command = args.command();
    let begun = std::env::current_exe().and_then(|program| {
        let words = command.split_whitespace().skip(1);
        let shrink = args.shrink.to_string();
        let mut command = Command::new(program);
        let command = command.args(words).args(["--json", "--shrink", &shrink]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn()
    });
    let child = begun.map_err(|error| format!("`{command}` does not start: {error}"))?;
    Ok(Run { args, child })
}

fn end(run: Run) -> Result<Came, String> {
    let command = run.args.command();
    let output = run.child.wait_with_output();
    let output = output.map_err(|error| format!("`{command}`: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let said = said.trim().trim_start_matches("error: ");
        return Err(match said.contains("Replay") {
            true => said.to_owned(),
            false => format!("{said}\n\n  {}\n  Replay      {command}", output.status),
        });
    }
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("`{command}`: {error}"))?;
    Ok(Came {
        hash: report["hash"].as_str().unwrap_or_default().to_owned(),
        messages: report["messages"].as_u64().unwrap_or_default(),
    })
}

/// Nobody needs these any more.
fn stop(under_way: VecDeque<Run>) {
    for mut run in under_way {
        // It may have ended by itself.
        drop(run.child.kill());
        drop(run.child.wait());
    }
}
