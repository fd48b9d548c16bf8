//! What is in the source tree?
//!
//! Role       Reads files, and tells code from comments and texts.
//! Outputs    [`Source`]: a path, its text, and its code: the same text with comments, strings and
//!            character literals blanked out, so that words are found in code only.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub(crate) struct Source {
    /// From the root of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: code_of(text),
        }
    }

    /// The lines of code in which one of `words` stands, as (line number, word).
    pub(crate) fn lines_with(&self, words: &[&'static str]) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        for (at, line) in self.code.lines().enumerate() {
            for word in words {
                if has_word(line, word) {
                    found.push((at + 1, *word));
                }
            }
        }
        found
    }
}

/// Whether `word` stands in `line`, not as a part of a longer name.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open_start = word.starts_with(|c: char| !part(c));
        let open_end = word.ends_with(|c: char| !part(c));
        (open_start || !before.is_some_and(part)) && (open_end || !after.is_some_and(part))
    })
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of one file below the root.
pub(crate) fn read(path: &str) -> String {
    let full = root().join(path);
    match fs::read_to_string(&full) {
        Ok(text) => text,
        Err(error) => panic!("{}: {error}", full.display()),
    }
}

/// All Rust files of the workspace, sorted.
pub(crate) fn rust_files() -> Vec<Source> {
    let paths = paths("rs");
    assert!(100 < paths.len(), "the tree was not found: {paths:?}");
    paths
        .iter()
        .map(|path| Source::new(path, &read(path)))
        .collect()
}

/// All files with this ending, sorted.
pub(crate) fn paths(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let wanted = |path: &Path| path.extension().is_some_and(|own| own == ending);
    let mut paths: Vec<String> = found
        .iter()
        .filter(|path| wanted(path))
        .filter_map(|path| path.strip_prefix(root()).ok())
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .collect();
    paths.sort();
    paths
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // What is built is not source, and what begins with a dot is not ours.
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Blanks out comments, strings and character literals; line breaks stay where they were.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
            continue;
        }
        for c in &chars[at..end] {
            code.push(if *c == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    code
}

/// Where the comment, string or character that begins at `at` ends; `at` when none begins there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = |ahead: usize| chars.get(at + ahead).copied();
    let within_name = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next(1) == Some('/') => position(chars, at, |rest| rest[0] == '\n'),
        '/' if next(1) == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !within_name => raw_string_end(chars, at + 1).unwrap_or(at),
        'b' if !within_name && next(1) == Some('r') => raw_string_end(chars, at + 2).unwrap_or(at),
        // A character, not a lifetime: `'x'` or `'\n'`.
        '\'' if next(1) == Some('\\') => position(chars, at + 3, |rest| rest[0] == '\'') + 1,
        '\'' if next(2) == Some('\'') => at + 3,
        _ => at,
    }
    .min(chars.len())
}

fn position(chars: &[char], from: usize, found: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len())
        .find(|at| found(&chars[*at..]))
        .unwrap_or(chars.len())
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|c| **c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let closes = |rest: &[char]| {
        rest[0] == '"' && rest[1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    Some(position(chars, from + hashes + 1, closes) + 1 + hashes)
}

fn block_comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// Fails with the list, if there is one.
#[track_caller]
pub(crate) fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn comments_and_texts_are_no_code() {
    let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" i r#\"j\"k\"# l '\\'' m 'n' o<'p> 'q: r\n";
    let words: Vec<String> = code_of(text)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(words, ["a", "e", "i", "l", "m", "o<'p>", "'q:", "r"]);
    assert_eq!(code_of(text).lines().count(), text.lines().count());
}

#[test]
fn words_are_whole() {
    assert!(has_word("let x = Instant::now();", "Instant::now"));
    assert!(has_word("std::fs::read(x)", "fs::"));
    assert!(has_word("start.elapsed()", ".elapsed("));
    assert!(!has_word("let unsafety = 1;", "unsafe"));
    assert!(!has_word("defs::read", "fs::"));
}
