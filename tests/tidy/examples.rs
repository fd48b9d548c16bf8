//! Is each example numbered, described, and in the catalogue?
//!
//! Role       The headers of `examples/` make `examples/README.md`, so that neither can be wrong
//!            alone. `UPDATE_EXAMPLES=1 cargo test --test tidy examples` writes the page.

use std::fmt::Write;

use crate::source::{none, paths, read, root};

const PAGE: &str = "examples/README.md";

/// What the header of an example says.
#[derive(Debug, Default, PartialEq)]
struct Example {
    name: String,
    title: String,
    run: String,
    shows: String,
    expect: Vec<String>,
    next: String,
}

fn parse(name: &str, text: &str) -> Example {
    let mut example = Example {
        name: name.to_owned(),
        ..Example::default()
    };
    let mut key = "title";
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        let mut line = line.trim();
        for next in ["Run:", "Shows:", "Expect:", "Next:"] {
            if let Some(value) = line.strip_prefix(next) {
                (key, line) = (next, value.trim());
            }
        }
        let field = match key {
            "Expect:" => {
                example.expect.push(line.to_owned());
                continue;
            }
            "title" => &mut example.title,
            "Run:" => &mut example.run,
            "Shows:" => &mut example.shows,
            _ => &mut example.next,
        };
        *field = format!("{field} {line}").trim().to_owned();
    }
    example
}

fn check(examples: &[Example]) -> Vec<String> {
    let mut violations = Vec::new();
    for (at, example) in examples.iter().enumerate() {
        let name = &example.name;
        let mut say = |what: &str| violations.push(format!("examples/{name}.rs: {what}"));
        if !name.starts_with(&format!("{:02}_", at + 1)) {
            say(&format!("it is number {}", at + 1));
        }
        if example.run != format!("cargo run --example {name}") {
            say("its `Run` is another command");
        }
        if example.title.is_empty() || example.shows.is_empty() || example.expect.is_empty() {
            say("a key of its header is missing");
        }
        match examples.get(at + 1) {
            Some(next) if example.next != next.name => {
                say(&format!("its `Next` is not {}", next.name))
            }
            None if example.next.is_empty() => say("its `Next` is missing"),
            _ => {}
        }
    }
    violations
}

fn page(examples: &[Example]) -> String {
    let mut page = String::from(
        "# Examples\n\nEach adds one idea to the one before, and runs under `cargo test`, which compares \
         what it\nprints. This page is made from the headers of the programs.\n\n\
         | program | what it is | what it shows |\n|---|---|---|\n",
    );
    for Example {
        name, title, shows, ..
    } in examples
    {
        let _ = writeln!(page, "| `{name}` | {title} | {shows} |");
    }
    for example in examples {
        let _ = write!(
            page,
            "\n## {}\n\n```console\n$ {}\n",
            example.name, example.run
        );
        for line in &example.expect {
            let _ = writeln!(page, "{line}");
        }
        page.push_str("```\n");
    }
    page
}

fn examples() -> Vec<Example> {
    let own = |path: &String| path.starts_with("examples/");
    let paths = paths("rs").into_iter().filter(own);
    paths
        .map(|path| {
            let name = path.trim_start_matches("examples/").trim_end_matches(".rs");
            parse(name, &read(&path))
        })
        .collect()
}

#[test]
fn examples_describe_themselves() {
    let examples = examples();
    assert!(!examples.is_empty());
    none(&check(&examples));
}

#[test]
fn the_catalogue_is_made_from_them() {
    let wanted = page(&examples());
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        std::fs::write(root().join(PAGE), &wanted).expect("the page can be written");
    }
    let update = "UPDATE_EXAMPLES=1 cargo test --test tidy examples";
    assert!(
        read(PAGE) == wanted,
        "{PAGE} is not what the headers say. Update it:\n  {update}"
    );
}

#[test]
fn every_rule_can_fail() {
    let header = "//! A thing.\n//!\n//! Run:      cargo run --example 01_a\n//! Shows:    one,\n\
                  //!           two.\n//! Expect:   x\n//!           y\n//! Next:     02_b\n\nuse a;\n";
    let first = parse("01_a", header);
    assert_eq!(
        (first.title.as_str(), first.shows.as_str()),
        ("A thing.", "one, two.")
    );
    assert_eq!(first.expect, ["x", "y"]);
    none(&check(&[first]));
    assert_eq!(
        check(&[parse("02_a", header)]).len(),
        2,
        "number and command"
    );
    assert_eq!(
        check(&[parse("01_a", "//! A thing.\n")]).len(),
        3,
        "run, keys, next"
    );
    let two = [
        parse("01_a", header),
        parse("02_c", &header.replace("01_a", "02_c")),
    ];
    assert_eq!(check(&two), ["examples/01_a.rs: its `Next` is not 02_c"]);
    assert!(page(&two).contains("```console\n$ cargo run --example 01_a\nx\ny\n```"));
}
