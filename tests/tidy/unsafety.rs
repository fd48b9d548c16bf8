//! Where is `unsafe`?
//!
//! Role       In the listed rooms of the runtime only; every other crate forbids it, and no macro
//!            writes it.

use crate::allow::{Exceptions, words_outside};
use crate::source::{Source, none, read, rust_files};

/// Roots of crates that forbid it.
const FORBIDDING: &[&str] = &[
    "actors/src/lib.rs",
    "macros/src/lib.rs",
    "node/src/lib.rs",
    "src/lib.rs",
];

const FORBID: &str = "#![forbid(unsafe_code)]";

fn check(files: &[Source], stale: bool) -> Vec<String> {
    let mut exceptions = Exceptions::of("unsafe");
    // The macro crate looks for the keyword in what users write, and a test plants it there.
    let ours = files
        .iter()
        .filter(|file| !file.path.starts_with("tests/macros/"))
        .map(|file| Source {
            path: file.path.clone(),
            text: String::new(),
            code: file.code.replace("Token![unsafe]", ""),
        });
    let ours: Vec<Source> = ours.collect();
    let mut violations = words_outside("unsafe", &["unsafe"], &ours, &mut exceptions);
    if stale {
        violations.extend(exceptions.unneeded());
    }
    violations
}

fn forbids(path: &str, text: &str, manifest: &str) -> Option<String> {
    let lint = manifest.replace(' ', "").contains("unsafe_code=\"forbid\"");
    (!text.contains(FORBID) && !lint).then(|| format!("{path}: `{FORBID}` is missing"))
}

#[test]
fn only_the_listed_rooms_are_unsafe() {
    none(&check(&rust_files(), true));
}

#[test]
fn the_other_crates_forbid_it() {
    let missing: Vec<String> = FORBIDDING
        .iter()
        .filter_map(|path| {
            let manifest = path.replace("src/lib.rs", "Cargo.toml");
            forbids(path, &read(path), &read(&manifest))
        })
        .collect();
    none(&missing);
}

#[test]
fn every_rule_can_fail() {
    let planted = Source::new("actors/src/task.rs", "fn f() { unsafe { g() } }");
    assert_eq!(
        check(&[planted], false),
        ["actors/src/task.rs:1: unsafe: `unsafe`"]
    );
    let said = Source::new("actors/src/task.rs", "#![forbid(unsafe_code)] // no unsafe");
    none(&check(&[said], false));
    assert!(forbids("a.rs", "//! A crate.", "[package]").is_some());
    assert!(forbids("a.rs", FORBID, "[package]").is_none());
}
