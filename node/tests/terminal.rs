//! Does the full-screen view work on a real terminal?
//!
//! Role  Runs the program on a pseudo-terminal of `script`, presses every key, and waits for the end.

#![cfg(unix)]

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a key press is given before the next.
const PAUSE: Duration = Duration::from_millis(700);

#[test]
fn every_key_does_its_work() {
    on_a_terminal(
        "run --seed 7",
        &[" ", "c", "k", "b", "b", "q"],
        &[
            "Supervision tree",
            "chaos 0.01",
            "has held a scheduler for",
            "✖",
            "\u{1b}[?1049l",
            "lost 0, doubled 0",
            "did not yield",
            "Replay      foundation run --seed 7",
            "pub struct Counter",
        ],
    );
}

#[test]
fn nodes_are_killed_and_cut_off_by_keys() {
    on_a_terminal(
        "run --nodes 3 --seed 7",
        &[" ", "x", " ", "p", "k", "q"],
        &[
            "partition",
            "down",
            "lost 0, doubled 0",
            "1 killed, 1 cut off",
            "table begun again 1",
            "Replay      foundation run --nodes 3 --seed 7",
        ],
    );
}

#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn on_a_terminal(arguments: &str, pressed: &[&str], parts: &[&str]) {
    let command = format!(
        "stty rows 40 cols 120; exec {} {arguments}",
        env!("CARGO_BIN_EXE_foundation")
    );
    let script = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut script) = script else {
        eprintln!("SKIPPED: `script` of util-linux is not installed");
        return;
    };
    let mut keys = script.stdin.take().unwrap();
    let mut screen = script.stdout.take().unwrap();
    let shown = std::thread::spawn(move || {
        let mut shown = Vec::new();
        screen
            .read_to_end(&mut shown)
            .map(|_| String::from_utf8_lossy(&shown).into_owned())
    });
    for key in pressed {
        std::thread::sleep(PAUSE);
        keys.write_all(key.as_bytes()).unwrap();
    }
    let begun = Instant::now();
    let status = script.wait().unwrap();
    let shown = shown.join().unwrap().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "it took {:?} to end",
        begun.elapsed()
    );
    assert_eq!(status.code(), Some(0), "{shown}");
    for part in parts {
        assert!(shown.contains(*part), "{part:?} is missing:\n{shown}");
    }
}
