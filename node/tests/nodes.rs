//! Does a job on three nodes count what one counts, whatever becomes of the others?
//!
//! Role  Whole runs of the program as processes of the operating system: killed, stopped, and left
//!       behind by the first.

use std::process::Command;

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
