//! Do the examples run, and print what they say they do?
//!
//! Role       Runs each program of `examples/` and compares its output with the `Expect` key of
//!            its header, line by line.
//! Inputs     The programs as `cargo test` has built them.

#![allow(
    clippy::disallowed_methods,
    reason = "starts the examples and reads their headers"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of a header's `Expect` key.
fn expected(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut within = false;
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.trim();
        if let Some(first) = line.strip_prefix("Expect:") {
            (within, lines) = (true, vec![first.trim().to_owned()]);
        } else if line.starts_with("Next:") {
            within = false;
        } else if within {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The program as cargo has built it, beside this test; built here when it is missing or older
/// than its source, as after `cargo test --test examples`.
fn program(source: &Path, name: &str) -> PathBuf {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("target/debug/deps/test");
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(file);
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if modified(&program) < modified(source) {
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        build.args(["build", "--offline", "--example", name]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.current_dir(root()).status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "{name} was not built"
        );
    }
    program
}

fn check(source: &Path, name: &str) {
    let text = fs::read_to_string(source).expect("an example can be read");
    let expected = expected(&text);
    assert!(!expected.is_empty(), "{name}: its header has no `Expect`");
    let output = Command::new(program(source, name))
        // What an example keeps, a cluster's secret say, is not the user's.
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("an example can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}\n{errors}",
        output.status
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed, expected, "{name} printed something else\n{errors}");
}

#[test]
fn examples_print_what_they_say() {
    let entries = fs::read_dir(root().join("examples")).expect("there are examples");
    let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    names.sort();
    assert!(7 <= names.len(), "examples are missing: {names:?}");
    for source in names {
        let name = source.file_stem().expect("it has a name").to_string_lossy();
        check(&source, &name);
    }
}
