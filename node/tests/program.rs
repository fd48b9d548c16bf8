//! Does the program give the same totals whatever happens to its processes?
//!
//! Role  Runs the binary: on the sample in many ways, on every odd kind of input, and ended early.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const GOLDEN: &str = include_str!("golden/sample.json");

fn foundation(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
    command
        .args(arguments.split_whitespace())
        .stdin(Stdio::null());
    command
}

fn output(arguments: &str) -> Output {
    foundation(arguments).output().expect("the program starts")
}

fn json_of(arguments: &str) -> Value {
    let output = output(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// What the plain loop makes of so many passes over the sample.
fn golden(passes: u64) -> Value {
    let mut golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let times = |value: &mut Value| *value = json!(value.as_u64().unwrap() * passes);
    for field in ["lines", "parsed", "malformed", "bytes"] {
        times(&mut golden[field]);
    }
    golden["by_status"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(times);
    for top in golden["top_clients"].as_array_mut().unwrap() {
        times(&mut top["requests"]);
        times(&mut top["bytes"]);
    }
    let paths = golden["top_paths"].as_array_mut().unwrap();
    paths.iter_mut().for_each(|top| times(&mut top["requests"]));
    golden
}

fn check(arguments: &str, passes: u64) -> Value {
    let found = json_of(&format!("run --json {arguments}"));
    for (field, expected) in golden(passes).as_object().unwrap() {
        assert_eq!(&found[field], expected, "{arguments}: {field}");
    }
    assert_eq!(
        (&found["lost"], &found["doubled"]),
        (&json!(0), &json!(0)),
        "{arguments}"
    );
    found
}

#[test]
fn totals_and_findings_are_those_of_the_plain_loop() {
    check("", 1);
    check("--plain", 1);
    check("--plain --repeat 3", 3);
    check("--repeat 3", 3);
    check("--repeat 20 --workers 1", 20);
    check("--max-clients 50", 1);
    check("--max-clients 1", 1);
    check("--repeat 5 --max-clients 50 --chaos 0.02 --seed 1", 5);
}

#[test]
fn chaos_changes_nothing_and_follows_from_its_seed() {
    for seed in 1..=4 {
        let found = check(&format!("--chaos 0.05 --seed {seed}"), 1);
        assert!(
            (300..700).contains(&found["crashes"].as_u64().unwrap()),
            "seed {seed}"
        );
        assert_eq!(found["crashes"], found["restarts"]);
        let again = check(&format!("--chaos 0.05 --seed {seed} --workers 3"), 1);
        assert_eq!(found["crashes"], again["crashes"], "seed {seed}");
        check(&format!("--chaos 0.3 --seed {seed}"), 1);
    }
    let always = check("--chaos 1", 1);
    assert_eq!(always["crashes"], json!(10_001));
}

#[test]
fn a_simulated_run_repeats() {
    let mut hashes = Vec::new();
    for seed in 1..=5 {
        let first = check(&format!("--simulate {seed}"), 1);
        let again = check(&format!("--simulate {seed}"), 1);
        assert_eq!(first, again, "seed {seed}");
        hashes.push(first["trace_hash"].as_str().unwrap().to_owned());
        check(
            &format!("--simulate {seed} --chaos 0.1 --max-clients 100"),
            1,
        );
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
    assert_eq!(check("", 1)["trace_hash"], Value::Null);
}

#[test]
fn the_figures_are_there() {
    let found = check("", 1);
    assert_eq!(
        (found["crashes"].as_u64(), found["restarts"].as_u64()),
        (Some(1), Some(1))
    );
    assert!(found["processes_spawned"].as_u64().unwrap() > 1753);
    assert!(found["peak_processes"].as_u64().unwrap() > 1753);
    assert!(found["lines_per_second"].as_f64().unwrap() > 0.0);
    let capped = check("--max-clients 50", 1);
    assert!(capped["peak_processes"].as_u64().unwrap() <= 50 + 15);
    if cfg!(target_os = "linux") {
        assert!(found["peak_bytes_per_process"].as_u64().unwrap() > 0);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of real files")]
fn scratch(name: &str, content: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

const LINE: &str = r#"::1 - - [29/Feb/2024:10:00:00 +0100] "GET /a HTTP/1.1" 200 12 "-" "curl""#;

/// What a file comes to: how many lines are well-formed and malformed, or the error.
fn check_file(name: &str, content: &[u8], expected: Result<(u64, u64), &str>) {
    let path = scratch(name, content);
    let path = path.to_str().unwrap();
    for mode in ["", "--plain", "--simulate 1"] {
        let output = output(&format!("run --json {mode} {path}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        match expected {
            Ok((parsed, malformed)) => {
                assert_eq!(output.status.code(), Some(0), "{name} {mode}: {errors}");
                let found: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(found["parsed"], json!(parsed), "{name} {mode}");
                assert_eq!(found["malformed"], json!(malformed), "{name} {mode}");
                assert_eq!(found["lines"], json!(parsed + malformed), "{name} {mode}");
                assert_eq!(found["lost"], json!(0), "{name} {mode}");
            }
            Err(says) => {
                assert_eq!(output.status.code(), Some(1), "{name} {mode}");
                assert!(errors.contains(says), "{name} {mode}: {errors}");
                assert!(output.stdout.is_empty(), "{name} {mode}");
            }
        }
    }
}

#[test]
fn every_odd_input_has_a_clear_outcome() {
    let line = LINE.as_bytes();
    let join = |lines: &[&[u8]], end: &[u8]| {
        lines
            .iter()
            .flat_map(|line| [line, end].concat())
            .collect::<Vec<u8>>()
    };
    check_file("empty", b"", Ok((0, 0)));
    check_file("blank", b"\n \n\r\n\t\n", Ok((0, 0)));
    check_file("one", line, Ok((1, 0)));
    check_file("crlf", &join(&[line, line, b""], b"\r\n"), Ok((2, 0)));
    check_file("text", b"hello\nworld, hello\n\n", Ok((0, 2)));
    let bad = [&line[..20], b"\xff\xfe\xfd"].concat();
    let odd = LINE.replace("/a", "/\u{1}").into_bytes();
    check_file(
        "mixed",
        &join(&[line, &bad, &odd, b"\xc3\x28", line], b"\n"),
        Ok((3, 2)),
    );
    let mut invalid = line.to_vec();
    let at = LINE.find("/a").unwrap();
    invalid[at + 1] = 0xff;
    check_file("invalid_utf8", &join(&[&invalid], b"\n"), Ok((1, 0)));
    let long = [line, &vec![b'x'; 10 << 20], b"\n", line].concat();
    check_file("long", &long, Ok((1, 1)));
    check_file("gzip", &[0x1f, 0x8b, 8, 0], Err("is compressed"));
    check_file("binary", b"\x7fELF\0\0", Err("has a NUL at byte 5"));
    let hopeless = join(&[&b"same client, no log"[..]; 2_000], b"\n");
    check_file("hopeless", &hopeless, Ok((0, 2_000)));
}

#[test]
fn what_cannot_be_read_is_an_error_and_wrong_arguments_another() {
    fn check(arguments: &str, code: i32, says: &str) {
        let output = output(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {errors}");
        assert!(errors.contains(says), "{arguments}: {errors}");
    }
    check("run /nowhere/access.log", 1, "does not exist");
    check("/nowhere/access.log", 1, "does not exist");
    check("run /tmp", 1, "is a directory");
    check("run --chaos 2", 2, "between 0 and 1");
    check("run --nonsense", 2, "unexpected argument");
    check("run --repeat 2 -", 1, "can be read once only");
    check("--help", 0, "");
    check("--version", 0, "");
}

/// Starts it with pipes.
fn piped(arguments: &str) -> Child {
    let mut command = foundation(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn the_standard_input_is_read_as_it_comes() {
    let mut child = piped("run --json -");
    let mut input = child.stdin.take().unwrap();
    for _ in 0..3 {
        writeln!(input, "{LINE}").unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["parsed"], &found["lost"]), (&json!(3), &json!(0)));
}

#[test]
fn a_closed_output_is_no_failure() {
    let mut child = piped("run");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn a_signal_ends_it_in_order() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = piped("run --json -");
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{LINE}").unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let kill = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code));
        let mut text = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&found["parsed"], &found["lost"]),
            (&json!(1), &json!(0)),
            "{signal}"
        );
    }
}

#[test]
fn the_summary_says_how_to_see_it_again() {
    let output = output("run --chaos 0.05 --seed 7 --repeat 2");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Replay      foundation run --repeat 2 --chaos 0.05 --seed 7\n"),
        "{text}"
    );
    assert!(
        text.contains("20,000 read = 19,998 counted + 2 malformed, lost 0, doubled 0"),
        "{text}"
    );
    assert!(text.contains("pub struct Counter"), "{text}");
}
