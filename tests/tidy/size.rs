//! Is a file or a function too long to be read at one sitting?
//!
//! Role       At most 500 lines a file, those of tests excepted, and 70 a function, or a listed
//!            reason.

use crate::allow::Exceptions;
use crate::source::{Source, none, rust_files};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

fn files_check(files: &[Source], exceptions: &mut Exceptions) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        // Unit tests at the end of a file are not counted, and rooms of tests are read by row.
        let code = file.text.split("#[cfg(test)]\nmod ").next().unwrap_or("");
        let lines = code.lines().count();
        let of_tests = file.path.starts_with("tests/");
        if lines > FILE_LINES_MAX && !of_tests && !exceptions.covers(&file.path) {
            violations.push(format!("{}: {lines} lines", file.path));
        }
    }
    violations
}

fn functions_check(files: &[Source], exceptions: &mut Exceptions) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        for (line, name, length) in functions(&file.code) {
            if length > FUNCTION_LINES_MAX && !exceptions.covers(&file.path) {
                violations.push(format!("{}:{line}: `{name}` has {length} lines", file.path));
            }
        }
    }
    violations
}

/// All functions with a body, as (line, name, lines).
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let within_name = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let name: String = code[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if within_name || name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(&code[at..]) {
            let line = code[..at].matches('\n').count() + 1;
            found.push((line, name, code[at..at + end].matches('\n').count() + 1));
        }
    }
    found
}

/// Where the body of the function that begins here ends; `None` when it has none.
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            ';' if braces == 0 && others == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && others == 0 {
                    return Some(at);
                }
                if braces < 0 {
                    return None;
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn files_are_short() {
    let mut exceptions = Exceptions::of("file length");
    let mut violations = files_check(&rust_files(), &mut exceptions);
    violations.extend(exceptions.unneeded());
    none(&violations);
}

#[test]
fn functions_are_short() {
    let mut exceptions = Exceptions::of("function length");
    let mut violations = functions_check(&rust_files(), &mut exceptions);
    violations.extend(exceptions.unneeded());
    none(&violations);
}

#[test]
fn every_rule_can_fail() {
    let long = Source::new("actors/src/planted.rs", &"// a\n".repeat(501));
    let found = files_check(&[long], &mut Exceptions::of("file length"));
    assert_eq!(found, ["actors/src/planted.rs: 501 lines"]);

    let body = "    a();\n".repeat(69);
    let text = format!("fn short();\n\nfn long(a: [u8; 3]) -> u8 {{\n{body}}}\n");
    let planted = Source::new("actors/src/planted.rs", &text);
    let found = functions_check(&[planted], &mut Exceptions::of("function length"));
    assert_eq!(found, ["actors/src/planted.rs:3: `long` has 71 lines"]);
}
