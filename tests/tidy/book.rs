//! Is what the book says tied to the code?
//!
//! Role       Every page is in the summary; every block of Rust is compiled, as part of an example
//!            or as a doctest of the facade; every claim of the semantics page names its tests.

use std::collections::BTreeSet;

use crate::source::{none, paths, read, root, rust_files};

const SOURCE: &str = "book/src/";
const SUMMARY: &str = "book/src/SUMMARY.md";
/// Tables that programs write, and a page includes.
const INCLUDED: &[&str] = &["book/src/counts.md", "book/src/peers.md"];
const SEMANTICS: &str = "book/src/semantics.md";
const FACADE: &str = "src/lib.rs";

/// Whose programs are compiled and run by tests.
const COMPILED: &[&str] = &["examples/", "tests/ractor/"];

/// Languages of blocks that nobody compiles.
const PLAIN: &[&str] = &["text", "console", "toml", "erlang", "json"];

/// A fenced block: the line of its fence, its language, its lines.
fn blocks(page: &str) -> Vec<(usize, String, Vec<String>)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, Vec<String>)> = None;
    for (at, line) in page.lines().enumerate() {
        match (&mut open, line.trim().strip_prefix("```")) {
            (None, Some(language)) => open = Some((at + 1, language.to_owned(), Vec::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.2.push(line.to_owned()),
            (None, None) => {}
        }
    }
    found
}

/// `facade` is the text that names the pages whose blocks are doctests.
fn blocks_check(
    path: &str,
    page: &str,
    facade: &str,
    file: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut violations = Vec::new();
    for (line, language, lines) in blocks(page) {
        let mut say = |what: String| violations.push(format!("{path}:{line}: {what}"));
        if PLAIN.contains(&language.as_str()) {
            continue;
        }
        let include = lines.iter().find_map(|line| line.split_once("{{#include "));
        match (language.as_str(), include) {
            ("rust,ignore", Some((_, rest))) if lines.len() == 1 => {
                let target = rest.trim_end_matches('}');
                let (name, anchor) = target.split_once(':').unwrap_or((target, ""));
                let name = name.trim_start_matches("../");
                match file(name) {
                    None => say(format!("{name} does not exist")),
                    Some(text)
                        if anchor.is_empty() || text.contains(&format!("ANCHOR: {anchor}\n")) => {}
                    Some(_) => say(format!("{name} has no anchor `{anchor}`")),
                }
                if !COMPILED.iter().any(|room| name.starts_with(room)) {
                    say(format!("{name} is no example"));
                }
            }
            ("rust" | "rust,no_run" | "rust,should_panic", None) => {
                let compiled = format!("include_str!(\"../{path}\")");
                if !facade.contains(&compiled) {
                    say(format!("is not compiled: {FACADE} has no `{compiled}`"));
                }
            }
            _ => say(format!(
                "a block of `{language}` is neither included nor compiled"
            )),
        }
    }
    violations
}

fn summary_check(pages: &[String], summary: &str) -> Vec<String> {
    let listed: BTreeSet<String> = summary
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| format!("{SOURCE}{link}"))
        .collect();
    let exist: BTreeSet<String> = pages
        .iter()
        .filter(|page| *page != SUMMARY && !INCLUDED.contains(&page.as_str()))
        .cloned()
        .collect();
    let lost = exist
        .difference(&listed)
        .map(|page| format!("{page} is not in the summary"));
    let dead = listed
        .difference(&exist)
        .map(|page| format!("{page} does not exist"));
    lost.chain(dead).collect()
}

/// A claim is a list item that begins with its number, as in `- **S1** ... (b001, b002)`.
fn claims_check(page: &str, known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut violations = Vec::new();
    let mut number = 0;
    for claim in page.split("\n- **S").skip(1) {
        number += 1;
        let claim = claim.split("\n\n").next().unwrap_or("");
        let claim = claim.split("\n- ").next().unwrap_or("");
        if claim.split("**").next() != Some(&number.to_string()) {
            violations.push(format!("S{number} is missing, or out of order"));
            continue;
        }
        let tests: Vec<&str> = claim
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| named(word))
            .collect();
        if tests.is_empty() {
            violations.push(format!("S{number} names no test"));
        }
        for test in tests.into_iter().filter(|test| !known(test)) {
            violations.push(format!("S{number}: there is no test `{test}`"));
        }
    }
    violations
}

/// Whether a word in backquotes names a test: `b042`, or `test:name`.
fn named(word: &str) -> bool {
    let digits = word.strip_prefix('b').unwrap_or("");
    word.starts_with("test:") || (digits.len() == 3 && digits.bytes().all(|c| c.is_ascii_digit()))
}

#[test]
fn every_page_is_in_the_summary() {
    let pages: Vec<String> = paths("md")
        .into_iter()
        .filter(|path| path.starts_with(SOURCE))
        .collect();
    none(&summary_check(&pages, &read(SUMMARY)));
}

#[test]
fn every_block_is_compiled() {
    let facade = read(FACADE);
    let file = |name: &str| std::fs::read_to_string(root().join(name)).ok();
    let pages = paths("md")
        .into_iter()
        .filter(|path| path.starts_with(SOURCE) || path == "README.md");
    let violations = pages.flat_map(|page| blocks_check(&page, &read(&page), &facade, file));
    none(&violations.collect::<Vec<String>>());
}

#[test]
fn every_claim_names_its_tests() {
    let rows = read("tests/tidy/rows.txt");
    let files = rust_files();
    let known = |name: &str| match name.strip_prefix("test:") {
        Some(test) => files
            .iter()
            .any(|file| file.code.contains(&format!("fn {test}("))),
        None => rows.contains(&format!("\n{} |", name.to_uppercase())),
    };
    let page = read(SEMANTICS);
    assert!(page.contains("**S1**"), "{SEMANTICS} has no claims");
    none(&claims_check(&page, known));
}

#[test]
fn every_rule_can_fail() {
    let file = |name: &str| (name == "examples/a.rs").then(|| "// ANCHOR: x\n".to_owned());
    let check = |block: &str| blocks_check("book/src/a.md", block, "", file).len();
    assert_eq!(
        check("```rust,ignore\n{{#include ../../examples/a.rs:x}}\n```\n"),
        0
    );
    assert_eq!(
        check("```rust,ignore\n{{#include ../../examples/a.rs:y}}\n```\n"),
        1
    );
    assert_eq!(
        check("```rust,ignore\n{{#include ../../examples/b.rs}}\n```\n"),
        1
    );
    assert_eq!(check("```rust,ignore\nfn f() {}\n```\n"), 1);
    assert_eq!(check("```rust\nfn f() {}\n```\n"), 1);
    assert_eq!(check("```\nfn f() {}\n```\n"), 1);
    assert_eq!(check("```text\nfn f() {}\n```\n"), 0);
    let facade = "#[doc = include_str!(\"../book/src/a.md\")]";
    none(&blocks_check(
        "book/src/a.md",
        "```rust\nfn f() {}\n```\n",
        facade,
        file,
    ));

    let pages = [SUMMARY.to_owned(), "book/src/a.md".to_owned()];
    none(&summary_check(&pages, "- [A](a.md)\n"));
    assert_eq!(summary_check(&pages, "").len(), 1);
    assert_eq!(summary_check(&pages, "- [A](a.md)\n- [B](b.md)\n").len(), 1);

    let known = |name: &str| name == "b001";
    none(&claims_check(
        "\n- **S1** In order (`b001`).\n- **S2** Too (`b001`).\n",
        known,
    ));
    assert_eq!(
        claims_check("\n- **S1** In order.\n", known),
        ["S1 names no test"]
    );
    assert_eq!(
        claims_check("\n- **S1** So (`b002`).\n", known),
        ["S1: there is no test `b002`"]
    );
    assert_eq!(claims_check("\n- **S2** So (`b001`).\n", known).len(), 1);
}
