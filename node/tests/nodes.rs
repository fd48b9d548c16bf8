//! Does a job on three nodes count what one counts, whatever becomes of the others?
//!
//! Role  Whole runs of the program as processes of the operating system: killed, stopped, and left
//!       behind by the first.

#![allow(
    clippy::disallowed_methods,
    reason = "tests look for processes, and wait"
)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use foundation_node::input::{Input, Source};
use foundation_node::log::{Report, plain};

fn foundation(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
    command.args(arguments.split_whitespace());
    command
}

/// Runs it, and compares all that a plain loop knows, too.
fn check(passes: u32, arguments: &str) -> Report {
    let mut command = foundation(&format!(
        "run --nodes 3 --json --repeat {passes} {arguments}"
    ));
    let output = command.output().expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {error}");
    let report: Report = serde_json::from_slice(&output.stdout).expect("it is a report");
    let mut input = Input::open(Source::Sample, passes).expect("it is there");
    let plain = plain::run(&mut input, passes, || 0.0).expect("it can be read");
    let run = report.run.clone();
    assert_eq!(report, Report { run, ..plain }, "{arguments}");
    let lost = (report.run.lost, report.run.doubled);
    assert_eq!(lost, (0, 0), "{arguments}");
    report
}

#[test]
fn three_nodes_count_what_one_does_and_share_the_clients() {
    let nodes = check(1, "").run.nodes.expect("there are some");
    assert_eq!(nodes.table, Some(2));
    let clients: Vec<u64> = nodes.nodes.iter().map(|node| node.clients).collect();
    assert_eq!(clients.iter().sum::<u64>(), 1753, "{clients:?}");
    assert!(clients.iter().all(|count| *count > 400), "{clients:?}");
    check(1, "--chaos 0.01 --seed 3");
    check(2, "--max-clients 50");
}

#[test]
fn nodes_are_killed_at_any_line_with_the_table_or_without() {
    let rows = [
        "--kill 2@1",
        "--kill 2@5000",
        "--kill 2@9900",
        "--kill 3@1",
        "--kill 3@6000",
        "--kill 2@2000 --kill 3@7000",
        "--kill 2@4000 --kill 3@4000",
        "--kill 3@3000 --kill 2@12000 --kill 3@18000 --chaos 0.01",
    ];
    for arguments in rows {
        let report = check(2, arguments);
        let nodes = report.run.nodes.expect("there are some");
        let kills = arguments.matches("--kill").count() as u64;
        assert_eq!(nodes.kills, kills, "{arguments}");
        let tables = u64::from(arguments.contains(" 2@"));
        assert!(tables <= nodes.tables_again, "{arguments}: {nodes:?}");
    }
}

#[test]
fn nodes_are_cut_off_with_the_table_or_without() {
    for arguments in [
        "--partition 2@4000",
        "--partition 3@4000",
        "--partition 2@1000 --kill 3@9000",
    ] {
        let report = check(2, arguments);
        let nodes = report.run.nodes.expect("there are some");
        assert_eq!(nodes.partitions, 1, "{arguments}");
        assert!(nodes.moved > 0, "{arguments}: {nodes:?}");
    }
}

#[test]
fn a_node_that_there_is_not_is_refused() {
    for (arguments, says) in [
        ("run --nodes 3 --kill 4@10", "there is no node 4"),
        ("run --nodes 3 --kill 1@10", "node 1 reads the input"),
        ("run --nodes 3 --kill 2", "names no line"),
        ("run --nodes 3 --partition x@1", "no number of a node"),
        ("run --kill 2@10", "--nodes"),
        ("run --nodes 1", "2..=9"),
        ("run --nodes 3 --plain", "--plain"),
    ] {
        let output = foundation(arguments).output().expect("it starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(says), "{arguments}: {error}");
    }
}

/// Far longer than any of it takes.
const BOUND: Duration = Duration::from_secs(60);

/// The parent of a process, and whether it is there; a zombie is not.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

fn children(of: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("there is one").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + BOUND;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(sent.expect("there is a kill").success());
}

/// A run that would go on for long, and its two children.
fn long_run(arguments: &str) -> (Child, Vec<u32>) {
    let mut command = foundation(&format!("run --nodes 3 --json {arguments}"));
    let run = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let run = run.spawn().expect("it starts");
    until("it has two children", || children(run.id()).len() == 2);
    let nodes = children(run.id());
    (run, nodes)
}

#[test]
#[cfg(target_os = "linux")]
fn no_node_outlives_the_first_one() {
    // Orphans come to this process. Elsewhere the system would wake those that are stopped: it does
    // so when nobody of their session is left above them, which in a container never happens.
    rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).expect("it may");
    for stopped in [false, true] {
        let (mut run, nodes) = long_run("--repeat 1000000");
        // They have their orders, and take part.
        std::thread::sleep(Duration::from_millis(1500));
        if stopped {
            signal("-STOP", nodes[1]);
        }
        run.kill().expect("it runs");
        run.wait().expect("it is ours");
        until("the nodes are gone", || {
            nodes.iter().all(|node| parent(*node).is_none())
        });
    }
}

#[test]
#[cfg(target_os = "linux")]
fn nodes_that_others_kill_are_started_again() {
    // Much longer than the pauses: the second is to be there when it is killed.
    let (run, nodes) = long_run("--repeat 40");
    for node in nodes {
        std::thread::sleep(Duration::from_millis(300));
        signal("-KILL", node);
    }
    let id = run.id();
    let ended = run.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    let report: Report = serde_json::from_slice(&ended.stdout).expect("it is a report");
    let mut input = Input::open(Source::Sample, 40).expect("it is there");
    let plain = plain::run(&mut input, 40, || 0.0).expect("it can be read");
    let run = report.run.clone();
    assert_eq!(report, Report { run, ..plain });
    assert!(children(id).is_empty());
}
