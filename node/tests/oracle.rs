//! Does an independent program come to the same numbers?
//!
//! Role  The plain loop against `oracle.py` and against the golden numbers: on the sample, and on
//!       logs made nasty by a seed.

#![allow(
    clippy::disallowed_methods,
    reason = "the test compares with a file and writes input for the program"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Random;
use foundation_node::input::{Input, Source};
use foundation_node::log::{Report, plain};
use serde_json::Value;

const SAMPLE: &[u8] = include_bytes!("../data/access.log");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn ours(source: Source, passes: u32) -> Report {
    let mut input = Input::open(source, passes).unwrap();
    plain::run(&mut input, passes, || 2.0).unwrap()
}

/// What the oracle says about a file; nothing, and loudly so, where there is no Python.
fn oracle(log: &Path) -> Option<Value> {
    let run = Command::new("python3")
        .arg(root().join("tests/oracle.py"))
        .arg(log)
        .output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: python3 is not installed, so the oracle was not asked");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Every field of `expected` is in the report, with that value.
fn check(report: &Report, expected: &Value, what: &str) {
    let report = serde_json::to_value(report).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 10);
    for (field, value) in expected {
        assert_eq!(&report[field], value, "{what}: {field}");
    }
}

#[test]
fn the_sample_has_the_golden_numbers() {
    let golden = fs::read(root().join("tests/golden/sample.json")).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    check(&ours(Source::Sample, 1), &golden, "golden");
    if let Some(oracle) = oracle(&root().join("data/access.log")) {
        assert_eq!(oracle, golden);
    }
}

#[test]
fn every_pass_finds_the_same_and_one_is_listed() {
    let (once, thrice) = (ours(Source::Sample, 1), ours(Source::Sample, 3));
    assert_eq!(
        (thrice.lines, thrice.parsed, thrice.malformed),
        (30_000, 29_997, 3)
    );
    assert_eq!(
        (thrice.bytes, thrice.clients),
        (once.bytes * 3, once.clients)
    );
    assert_eq!(
        (&thrice.bursts, &thrice.storms),
        (&once.bursts, &once.storms)
    );
    assert_eq!(thrice.top_paths[0].requests, once.top_paths[0].requests * 3);
    assert_eq!(thrice.run.lines_per_second, 15_000.0);
}

#[test]
fn the_object_has_the_fields_of_the_issue_in_their_order() {
    let report = ours(Source::Sample, 1);
    let json = report.to_json();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let fields = "lines parsed malformed clients bytes by_status top_clients top_paths bursts \
        storms processes_spawned crashes restarts peak_processes peak_bytes_per_process seconds \
        lines_per_second lost doubled seed trace_hash";
    let mut from = 0;
    for field in fields.split_whitespace() {
        let at = json[from..].find(&format!("\"{field}\":")).expect(field);
        from += at;
    }
    assert_eq!(
        serde_json::to_value(&report)
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        21
    );
    assert!(!json.contains('\n'));
}

/// A log with blank lines, carriage returns, broken lines, hot clients and hot windows.
fn nasty(seed: u64) -> PathBuf {
    let mut random = Random::new(seed);
    let lines: Vec<_> = SAMPLE.split(|&byte| byte == b'\n').collect();
    let mut log = Vec::new();
    for _ in 0..4_000 {
        let line = lines[random.below(lines.len() as u64 - 1) as usize];
        match random.below(20) {
            0..4 => log.extend_from_slice(&random.mutate(line)),
            4 => log.extend_from_slice(&random.bytes(60)),
            5 => log.extend_from_slice(b" \r"),
            6 => {}
            7..12 => {
                let (host, second) = (random.below(4), random.below(25));
                let (minute, status) = (
                    random.below(2),
                    [200, 304, 404, 500][random.below(4) as usize],
                );
                let east = ["+0000", "-0130", "+0530"][random.below(3) as usize];
                let line = format!(
                    "host{host} - - [01/Mar/2016:00:0{minute}:{second:02} {east}] \
                     \"GET /{minute} HTTP/1.1\" {status} {second} \"-\" \"-\"\r"
                );
                log.extend_from_slice(line.as_bytes());
            }
            _ => log.extend_from_slice(line),
        }
        log.push(b'\n');
    }
    log.extend_from_slice(lines[0]); // No line feed at the end.
    log.retain(|&byte| byte != 0); // That would be no text.
    let path =
        std::env::temp_dir().join(format!("foundation-oracle-{}-{seed}", std::process::id()));
    fs::write(&path, log).unwrap();
    path
}

#[test]
fn nasty_logs_come_to_the_same_numbers() {
    let mut malformed = 0;
    for seed in 0..8 {
        let log = nasty(seed);
        if let Some(expected) = oracle(&log) {
            let report = ours(Source::Path(log.clone()), 1);
            check(&report, &expected, &format!("seed {seed}"));
            assert!(!report.bursts.is_empty() && !report.storms.is_empty());
            malformed += report.malformed;
        }
        fs::remove_file(log).unwrap();
    }
    assert!(malformed == 0 || malformed > 1_000, "{malformed}");
}
