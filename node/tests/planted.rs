//! Does `foundation sim --seeds` find faults in the code of nodes?
//!
//! Role       Plants each fault that there is, one at a time, and looks until a seed breaks a promise.
//! Run        `cargo test --release -p foundation-node --features planted --test planted -- --nocapture`
//!            prints what each was found by.

#![allow(clippy::disallowed_methods, reason = "a test of the program runs it")]

use std::process::Command;

use foundation::planted::Bug;

/// Within how many seeds each is found.
const SEEDS: u32 = 500;

/// What the program says of so many seeds, when it does not say that all of them hold.
fn broken(arguments: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_foundation");
    let output = Command::new(program)
        .args(["sim", "--shrink", "0"])
        .args(arguments.split_whitespace())
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => None,
        Some(1) => Some(error.into_owned()),
        other => panic!("{arguments}: {other:?}, {error}"),
    }
}

#[test]
fn each_fault_is_found() {
    assert!(15 <= Bug::ALL.len());
    for bug in Bug::ALL {
        let said = broken(&format!("--seeds {SEEDS} --plant {bug:?}"));
        let said = said.unwrap_or_else(|| panic!("{bug:?} was not found"));
        let mut lines = said.lines().filter(|line| !line.trim().is_empty());
        let what = lines.next().unwrap_or_default();
        println!("{bug:?}: {what}\n{}", lines.next().unwrap_or_default());
        assert!(said.contains(&format!("--plant {bug:?}")), "{said}");
    }
}

#[test]
fn what_was_never_planted_is_not_found() {
    assert_eq!(broken("--seeds 20"), None);
}
