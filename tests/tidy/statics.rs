//! Is there state outside a node?
//!
//! Role       A node is a value: ten of them fit in one test. So there is no `static` and no
//!            `thread_local!` but those in the list.

use crate::allow::{Exceptions, words_outside};
use crate::source::{Source, none, rust_files};

const WORDS: &[&str] = &["static", "thread_local!", "lazy_static!"];

fn check(files: &[Source], stale: bool) -> Vec<String> {
    // A lifetime is no static.
    let files: Vec<Source> = files
        .iter()
        .map(|file| Source {
            path: file.path.clone(),
            text: String::new(),
            code: file.code.replace("'static", "       "),
        })
        .collect();
    let mut exceptions = Exceptions::of("static");
    let mut violations = words_outside("static", WORDS, &files, &mut exceptions);
    if stale {
        violations.extend(exceptions.unneeded());
    }
    violations
}

#[test]
fn a_node_is_a_value() {
    none(&check(&rust_files(), true));
}

#[test]
fn every_rule_can_fail() {
    for planted in [
        "static COUNT: AtomicU64 = AtomicU64::new(0);",
        "thread_local! { }",
        "lazy_static! { }",
    ] {
        let file = Source::new("actors/src/planted.rs", planted);
        assert!(!check(&[file], false).is_empty(), "{planted}");
    }
    let lifetime = Source::new("actors/src/planted.rs", "fn f(text: &'static str) {}");
    none(&check(&[lifetime], false));
}
