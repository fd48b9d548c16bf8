//! Does every file say what it is?
//!
//! Role       A file opens with `//!`: what it is in one line, then its contract, as keys or as the
//!            question that it answers.

use crate::source::{Source, none, rust_files};

const KEYS: &[&str] = &[
    "Role",
    "Inputs",
    "Outputs",
    "Owns",
    "Limit",
    "Invariant",
    "Absent",
    "Source",
    "Run:",
    "Sketch:",
];

fn check(files: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        let header: Vec<&str> = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(str::trim)
            .collect();
        if header.is_empty() {
            violations.push(format!("{}: no `//!` header", file.path));
            continue;
        }
        let asks = header
            .iter()
            .take_while(|line| !line.is_empty())
            .any(|line| line.ends_with('?'));
        let key = |line: &&str| KEYS.iter().any(|key| line.starts_with(key));
        if !asks && !header.iter().any(key) {
            violations.push(format!(
                "{}: the header has neither a question nor a key such as Role",
                file.path
            ));
        }
    }
    violations
}

#[test]
fn every_file_has_a_header() {
    none(&check(&rust_files()));
}

#[test]
fn every_rule_can_fail() {
    let bad = |text: &str| check(&[Source::new("a.rs", text)]).len();
    assert_eq!(bad("use std::fs;\n"), 1);
    assert_eq!(bad("/// An item.\nfn main() {}\n"), 1);
    assert_eq!(bad("//! Things.\n"), 1);
    assert_eq!(bad("//! What is it?\n"), 0);
    assert_eq!(bad("//! A thing.\n//!\n//! Role       None.\n"), 0);
}
