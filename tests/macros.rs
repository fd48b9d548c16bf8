//! Do the macros say what is wrong, at the right place, in these words?
//!
//! Role       Programs in `macros/pass` compile; those in `macros/fail` are refused with the text
//!            beside them. `TRYBUILD=overwrite cargo test --test macros` writes the texts anew:
//!            read them as prose before they are kept.
//! Limit      The compiler's own lines differ between releases, so that the texts are compared
//!            with the release that the project is tested with only.

use std::process::Command;

/// The release whose wording the texts have.
const TESTED: &str = "rustc 1.95.";

fn is_tested_release() -> bool {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output();
    version.is_ok_and(|output| output.stdout.starts_with(TESTED.as_bytes()))
}

#[test]
fn macros() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/macros/pass/*.rs");
    if is_tested_release() {
        cases.compile_fail("tests/macros/fail/*.rs");
    } else {
        eprintln!("skipped: the refusals are compared with {TESTED}x only");
    }
}
