//! Has every rule of the BEAM's processes a test?
//!
//! Role       Each row of `rows.txt` is a test named by it, such as `b042_...`, or a line in the
//!            `impossible.md` beside the tests, which says why there is none.

use std::collections::BTreeSet;

use crate::source::{Source, none, read, root, rust_files};

const ROWS: &str = "tests/tidy/rows.txt";
const ROOMS: &[&str] = &["tests/conformance/", "tests/behaviours/", "tests/heaps/"];

/// The rows, as (id, what it is about).
fn rows() -> Vec<(String, String)> {
    let text = read(ROWS);
    let lines = text.lines().filter(|line| line.starts_with('B'));
    lines
        .filter_map(|line| line.split_once(" | "))
        .map(|(id, about)| (id.trim().to_owned(), about.trim().to_owned()))
        .collect()
}

fn check(rows: &[(String, String)], files: &[Source], impossible: &str) -> Vec<String> {
    let mut tests = BTreeSet::new();
    for file in files {
        if !ROOMS.iter().any(|room| file.path.starts_with(room)) {
            continue;
        }
        for (at, _) in file.code.match_indices("fn b") {
            // Four characters of ASCII, or it is another function.
            if let Some(id) = file.code.get(at + 3..at + 7) {
                tests.insert(id.to_uppercase());
            }
        }
    }
    let mut violations = Vec::new();
    for (id, about) in rows {
        let said = impossible.lines().any(|line| line.contains(id.as_str()));
        if !tests.contains(id) && !said {
            violations.push(format!("{id} has no test: {about}"));
        }
    }
    violations
}

fn impossible() -> String {
    let paths = ROOMS
        .iter()
        .map(|room| root().join(room).join("impossible.md"));
    paths
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect()
}

#[test]
fn every_row_has_a_test() {
    let rows = rows();
    assert!(100 < rows.len(), "{ROWS} was not read");
    none(&check(&rows, &rust_files(), &impossible()));
}

#[test]
fn every_rule_can_fail() {
    let rows = [("B042".to_owned(), "a monitor".to_owned())];
    let tested = Source::new("tests/conformance/a.rs", "async fn b042_a_monitor() {}");
    let elsewhere = Source::new("tests/programs.rs", "async fn b042_a_monitor() {}");
    assert_eq!(check(&rows, &[], ""), ["B042 has no test: a monitor"]);
    assert_eq!(check(&rows, &[elsewhere], "").len(), 1);
    none(&check(&rows, &[tested], ""));
    none(&check(&rows, &[], "- B042: cannot be written down.\n"));
}
