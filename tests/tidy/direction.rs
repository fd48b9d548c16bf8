//! Do the crates use each other one way only, and stay light?
//!
//! Role       `runtime` below `actors` below `cluster` below the facade below `node`; `macros`
//!            uses none of them. Programs, tests and examples see the facade alone, and its tree of
//!            crates is small.

use std::process::Command;

use crate::source::{Source, none, read, root, rust_files};

/// A crate's manifest, and which of our crates it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("runtime/Cargo.toml", &[]),
    ("runtime/models/Cargo.toml", &[]),
    ("macros/Cargo.toml", &[]),
    (
        "actors/Cargo.toml",
        &["foundation-macros", "foundation-runtime"],
    ),
    (
        "cluster/Cargo.toml",
        &[
            "foundation-actors",
            "foundation-macros",
            "foundation-runtime",
        ],
    ),
    (
        "Cargo.toml",
        &[
            "foundation-actors",
            "foundation-cluster",
            "foundation-macros",
            "foundation-runtime",
        ],
    ),
    (
        "fuzz/Cargo.toml",
        &[
            "foundation-actors",
            "foundation-cluster",
            "foundation-runtime",
        ],
    ),
    ("node/Cargo.toml", &["foundation"]),
    ("benches/Cargo.toml", &["foundation"]),
];

/// Where only the facade is seen.
const OUTSIDE: &[&str] = &["tests/", "examples/", "node/", "benches/", "book/"];
const INNER: &[&str] = &[
    "foundation_runtime",
    "foundation_actors",
    "foundation_cluster",
    "foundation_macros",
];

/// The most crates that a program gets with us, build-time crates of the macros included.
const CRATES_MAX: usize = 60;

fn uses(path: &str, manifest: &str, may: &[&str]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut of_dependencies = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            of_dependencies =
                section.ends_with("dependencies") && section != "workspace.dependencies";
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or("");
        if of_dependencies && name.starts_with("foundation") && !may.contains(&name) {
            violations.push(format!("{path}: may not use `{name}`"));
        }
    }
    violations
}

/// Members of the workspace that no rule speaks of.
fn unknown(manifest: &str) -> Vec<String> {
    let members = manifest
        .lines()
        .find(|line| line.starts_with("members"))
        .unwrap_or_default();
    members
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|member| {
            !MAY_USE
                .iter()
                .any(|(path, _)| *path == format!("{member}/Cargo.toml"))
        })
        .map(|member| format!("{member}: what may it use? say so in tests/tidy/direction.rs"))
        .collect()
}

fn sees(files: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        if !OUTSIDE.iter().any(|room| file.path.starts_with(room)) {
            continue;
        }
        for (line, word) in file.lines_with(INNER) {
            violations.push(format!(
                "{}:{line}: sees `{word}`, not the facade",
                file.path
            ));
        }
    }
    violations
}

/// The crates in what `cargo tree --prefix none` prints.
fn crates(tree: &str) -> Vec<&str> {
    let mut names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn crates_use_those_below() {
    for (path, may) in MAY_USE {
        none(&uses(path, &read(path), may));
    }
    none(&unknown(&read("Cargo.toml")));
}

#[test]
fn only_the_facade_is_seen() {
    none(&sees(&rust_files()));
}

#[test]
fn the_facade_is_light() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "-e",
            "normal",
            "-p",
            "foundation",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    let crates = crates(&tree);
    assert!(crates.contains(&"foundation-runtime"), "{tree}");
    assert!(
        crates.len() <= CRATES_MAX,
        "{} crates: {crates:?}",
        crates.len()
    );
}

#[test]
fn every_rule_can_fail() {
    let manifest = "[dependencies]\nserde = \"1\"\nfoundation-actors.workspace = true\n";
    assert_eq!(
        uses("runtime/Cargo.toml", manifest, &[]),
        ["runtime/Cargo.toml: may not use `foundation-actors`"]
    );
    let development = "[dev-dependencies]\nfoundation = { path = \"..\" }\n";
    assert_eq!(uses("actors/Cargo.toml", development, &[]).len(), 1);
    let table = "[workspace.dependencies]\nfoundation-actors = { path = \"actors\" }\n";
    none(&uses("Cargo.toml", table, &[]));

    none(&unknown("members = [\"runtime\", \"actors\"]\n"));
    assert_eq!(unknown("members = [\"runtime\", \"planted\"]\n").len(), 1);

    let planted = Source::new("examples/01_planted.rs", "use foundation_runtime::Node;");
    assert_eq!(sees(&[planted]).len(), 1);
    let below = Source::new("actors/src/lib.rs", "use foundation_runtime::Node;");
    none(&sees(&[below]));

    assert_eq!(crates("b v1.0.0\na v1.0.0\nb v1.0.0 (*)\n"), ["a", "b"]);
}
