//! Does every conformance test run on two nodes as well, or say why not?
//!
//! Role       Each test of `tests/conformance` is in the table of `two_nodes.rs`, or excused in
//!            `one_node.md`, by its name or with its file; what is excused exists.

use std::collections::BTreeSet;

use crate::source::{Source, has_word, none, read, rust_files};

const ROOM: &str = "tests/conformance/";
const TABLE: &str = "tests/conformance/two_nodes.rs";
const EXCUSES: &str = "tests/conformance/one_node.md";
/// Before each test that runs on one node.
const MARK: &str = "#[foundation::test";

/// The tests of a file, by name.
fn tests(file: &Source) -> Vec<String> {
    let marks = file.code.match_indices(MARK);
    marks
        .filter_map(|(at, _)| file.code[at..].split_once("async fn "))
        .filter_map(|(_, rest)| rest.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The words between backquotes.
fn excused(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn check(files: &[Source], excuses: &str) -> Vec<String> {
    let (mut violations, mut known) = (Vec::new(), BTreeSet::new());
    let table = files.iter().find(|file| file.path == TABLE);
    let table = table.map_or("", |file| &*file.code);
    let excused = excused(excuses);
    for file in files.iter().filter(|file| file.path.starts_with(ROOM)) {
        let whole = excuses.contains(&format!("`{}` (all)", &file.path[ROOM.len()..]));
        for test in tests(file) {
            match (has_word(table, &test), whole || excused.contains(&test)) {
                (true, true) => violations.push(format!("{test} runs on two nodes: no excuse")),
                (false, false) => violations.push(format!("{test} runs on one node only: why?")),
                _ => {}
            }
            known.insert(test);
        }
    }
    let names = excused.into_iter().filter(|word| !word.contains('.'));
    let unknown = names.filter(|name| !known.contains(name) && !has_word(table, name));
    violations.extend(unknown.map(|name| format!("{EXCUSES}: there is no test {name}")));
    violations
}

#[test]
fn every_test_runs_on_two_nodes_or_says_why_not() {
    none(&check(&rust_files(), &read(EXCUSES)));
}

#[test]
fn every_rule_can_fail() {
    let table = Source::new(TABLE, "on_two_nodes! { a (1): b001_a; }");
    let tests = "#[foundation::test(seeds = 2)]\npub(crate) async fn b001_a(s: Scene) {}\n\
                 #[foundation::test]\nasync fn b002_b(node: Node) {}";
    let files = [table, Source::new("tests/conformance/a.rs", tests)];
    let said = |excuses| check(&files, excuses);
    assert_eq!(said(""), ["b002_b runs on one node only: why?"]);
    none(&said("- `b002_b`: is about one process."));
    assert_eq!(
        said("`a.rs` (all)"),
        ["b001_a runs on two nodes: no excuse"]
    );
    let gone = "tests/conformance/one_node.md: there is no test b003_c";
    assert_eq!(said("`b002_b`, `b003_c`"), [gone]);
}
