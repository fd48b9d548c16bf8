//! Does any file speak of something that is not here?
//!
//! Role       A reader can follow every mention: a name such as `README.md` in capitals is a file,
//!            and nothing refers to a numbered issue.

use crate::source::{none, paths, read, root};

fn check(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut violations = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        let numbered = lower.split("issue ").skip(1).any(|rest| {
            rest.trim_start_matches('#')
                .starts_with(|c: char| c.is_ascii_digit())
        });
        if numbered {
            violations.push(format!("{path}:{}: an issue is no source", at + 1));
        }
        for (dot, ending) in line.match_indices(".md") {
            let name: String = line[..dot]
                .chars()
                .rev()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '-')
                .collect();
            let name: String = name.chars().rev().chain(ending.chars()).collect();
            if name.len() > ending.len() && !exists(&name) {
                violations.push(format!("{path}:{}: there is no {name}", at + 1));
            }
        }
    }
    violations
}

#[test]
fn every_document_is_here() {
    let mut violations = Vec::new();
    // These tests speak of files in other folders, and plant mentions of their own.
    let ours = |path: &String| !path.starts_with("tests/tidy/");
    for path in ["rs", "md", "toml"]
        .into_iter()
        .flat_map(paths)
        .filter(ours)
    {
        let exists = |name: &str| {
            let folder = root().join(&path).with_file_name(name);
            root().join(name).exists()
                || folder.exists()
                || root().join("book/src").join(name).exists()
        };
        violations.extend(check(&path, &read(&path), exists));
    }
    none(&violations);
}

#[test]
fn every_rule_can_fail() {
    let here = |name: &str| name == "README.md";
    let planted = check(
        "a.rs",
        "//! See PLAN.md and README.md, and notes.md.\n",
        here,
    );
    assert_eq!(planted, ["a.rs:1: there is no PLAN.md"]);
    assert_eq!(check("a.rs", "//! Source     issue 3\n", here).len(), 1);
    none(&check("a.rs", "//! Source     the issue is old\n", here));
}
