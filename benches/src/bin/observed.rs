//! What does an observer cost the node that it watches?
//!
//! Run: `cargo build --release -p foundation-node`, then `cargo run --release -p foundation-benches
//! --bin observed -- [--pairs N] [--json FILE] [NAME..]`.
//! Sketch: the observer looks once a second, and what a look costs is followed by fifty times as
//! long a rest; its own program draws a frame in a millisecond or two. So a few parts of a thousand.
//!
//! Role       Both workers of one node do the same operation for a second, alone and watched by
//!            `foundation observe` on a terminal, in turn; each pair is compared. Before that, the
//!            processor time that a node takes which does nothing, alone and watched.
//! Outputs    For each operation the median change, and where it lies with 95 %: the order
//!            statistics of the sign test, which assume nothing about the noise. For the node that
//!            does nothing, what share of the machine the observer takes, here and in its program.
//! Owns       A node with ten thousand processes to look at, and a folder for the socket.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use foundation::prelude::*;
use foundation_benches::micro;
use foundation_benches::stage::{Nothing, node, print_machine};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Serialize;

const USAGE: &str = "observed [--pairs N] [--json FILE] [NAME..]: see the head of its file";
const PAIRS: usize = 60;
/// Processes that are only looked at.
const IDLE: usize = 10_000;
const WINDOW: Duration = secs(1);
/// How long an observer has to come, and to go.
const SETTLE: Duration = ms(400);
/// How long a node that does nothing is looked at.
const LOOK: Duration = secs(20);
const LANES: u64 = 2;
/// The unit of `/proc/PID/stat` on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

type Operation = (&'static str, fn(&Node, u64) -> Duration);

const OPERATIONS: &[Operation] = &[
    ("call", micro::call),
    ("cast", micro::cast),
    ("life", micro::life),
];

#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// By how much the operations of one second change when there is an observer, in per cent.
    change: f64,
    /// In which range that lies with 95 %.
    low: f64,
    high: f64,
    pairs: usize,
}

/// What share of all processors an observer takes, in per cent.
#[derive(Serialize)]
struct Share {
    /// The node's part in it: it gathers and sends.
    node: f64,
    /// The part of the program that draws, its start included.
    program: f64,
    seconds: f64,
}

/// The program that watches, and the terminal that it believes to have.
struct Watcher {
    program: PathBuf,
    socket: PathBuf,
}

impl Watcher {
    fn come(&self) -> Result<Child, String> {
        let line = format!(
            "stty rows 40 cols 120; exec '{}' observe '{}'",
            self.program.display(),
            self.socket.display()
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]);
        script.env("TERM", "xterm");
        // A keyboard that nobody touches.
        script.stdin(Stdio::piped()).stdout(Stdio::null());
        script.stderr(Stdio::null());
        script
            .spawn()
            .map_err(|error| format!("`script`, which gives it a terminal: {error}"))
    }
}

fn leave(mut watcher: Child) -> Result<(), String> {
    if let Ok(Some(ended)) = watcher.try_wait() {
        return Err(format!("the observer did not watch: {ended}"));
    }
    // With its keyboard gone and its terminal closed it goes, too.
    drop(watcher.stdin.take());
    let _ = watcher.kill();
    watcher.wait().map_err(|error| error.to_string())?;
    Ok(())
}

/// Does it `times` on every worker at once: operations a second.
fn rate(node: &Node, operation: fn(&Node, u64) -> Duration, times: u64) -> f64 {
    let took: f64 = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|_| scope.spawn(|| operation(node, times)))
            .collect();
        let took = lanes
            .into_iter()
            .map(|lane| lane.join().expect("it counts"));
        took.map(|took| took.as_secs_f64()).sum()
    });
    (LANES * times) as f64 / (took / LANES as f64)
}

/// Processor time so far of this program, in seconds.
fn processor() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(|error| error.to_string())?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Processor time so far of the children of a process, in seconds.
fn processor_below(parent: u32) -> Result<f64, String> {
    let list = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(&list).map_err(|error| format!("{list}: {error}"))?;
    let mut ticks = 0;
    for child in children.split_whitespace() {
        let file = format!("/proc/{child}/stat");
        let stat = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        // After the name in brackets: the twelfth and thirteenth are user and system time.
        let fields = stat.rsplit(')').next().unwrap_or_default().split(' ');
        ticks += fields
            .skip(12)
            .take(2)
            .flat_map(str::parse::<u64>)
            .sum::<u64>();
    }
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Nothing is done but to look, so what is taken is the observer's.
fn share(watcher: &Watcher) -> Result<Share, String> {
    let begun = processor()?;
    thread::sleep(LOOK);
    let alone = processor()? - begun;
    let begun = processor()?;
    let child = watcher.come()?;
    thread::sleep(LOOK);
    let watched = processor()? - begun;
    let program = processor_below(child.id())?;
    leave(child)?;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get()) as f64;
    let seconds = LOOK.as_secs_f64();
    let share = |taken: f64| taken / (seconds * cores) * 100.0;
    Ok(Share {
        node: share(watched - alone),
        program: share(program),
        seconds,
    })
}

fn change(row: &Operation, node: &Node, watcher: &Watcher, pairs: usize) -> Result<Row, String> {
    let (name, operation) = *row;
    let mut times = 1000;
    let per_second = loop {
        let rate = rate(node, operation, times);
        if times as f64 > rate / 10.0 {
            break rate;
        }
        times *= 4;
    };
    let times = (per_second / LANES as f64 * WINDOW.as_secs_f64()) as u64;
    let alone = || {
        thread::sleep(SETTLE);
        rate(node, operation, times)
    };
    let watched = || -> Result<f64, String> {
        let child = watcher.come()?;
        thread::sleep(SETTLE);
        let rate = rate(node, operation, times);
        leave(child)?;
        Ok(rate)
    };
    let mut changes = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        // Who comes first takes turns, too.
        let (alone, watched) = if pair % 2 == 0 {
            (alone(), watched()?)
        } else {
            let watched = watched()?;
            (alone(), watched)
        };
        changes.push((watched / alone - 1.0) * 100.0);
        eprint!("\r{name} {}/{pairs}  ", pair + 1);
    }
    eprintln!();
    changes.sort_by(f64::total_cmp);
    let half = pairs as f64 / 2.0;
    let low = (half - 0.98 * (pairs as f64).sqrt()).max(0.0) as usize;
    Ok(Row {
        name,
        change: changes[pairs / 2],
        low: changes[low],
        high: changes[pairs - 1 - low],
        pairs,
    })
}

fn run(pairs: usize, json: Option<&str>, names: &[String]) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("foundation");
    if !program.exists() {
        let hint = "cargo build --release -p foundation-node";
        return Err(format!("there is no {}: {hint}", program.display()));
    }
    let folder = std::env::temp_dir().join(format!("observed-{}", std::process::id()));
    make_private(&folder)?;
    let watcher = Watcher {
        program,
        socket: folder.join("socket"),
    };
    let node = node();
    for _ in 0..IDLE {
        let idle = async |mut me: Process<Nothing>| {
            me.recv().await;
        };
        node.spawn_fn(idle).expect("the node takes a process");
    }
    foundation::observe::serve(&node, &watcher.socket).map_err(|error| error.to_string())?;
    print_machine();
    let share = share(&watcher)?;
    println!(
        "of all processors: {:.2} % in the node, {:.2} % in the program that draws",
        share.node, share.program
    );
    let mut rows = Vec::new();
    for row in OPERATIONS {
        if names.is_empty() || names.iter().any(|name| name == row.0) {
            rows.push(change(row, &node, &watcher, pairs)?);
        }
    }
    for row in &rows {
        let Row {
            name,
            change,
            low,
            high,
            pairs,
        } = row;
        println!("{name:6} {change:+.2} % ({low:+.2} to {high:+.2}) in {pairs} pairs");
    }
    if let Some(file) = json {
        let text =
            serde_json::to_string_pretty(&(share, rows)).map_err(|error| error.to_string())?;
        fs::write(file, text).map_err(|error| format!("{file}: {error}"))?;
    }
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

fn make_private(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|error| format!("{}: {error}", folder.display()))
}

fn main() -> ExitCode {
    let (mut json, mut pairs, mut names) = (None, PAIRS, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = args.next(),
            "--pairs" => match args.next().and_then(|text| text.parse().ok()) {
                Some(number) if number > 0 => pairs = number,
                _ => {
                    eprintln!("--pairs needs a number above 0\n{USAGE}");
                    return ExitCode::FAILURE;
                }
            },
            name if OPERATIONS.iter().any(|row| row.0 == name) => names.push(name.to_owned()),
            other => {
                eprintln!("`{other}` is no operation and no option\n{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    match run(pairs, json.as_deref(), &names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
