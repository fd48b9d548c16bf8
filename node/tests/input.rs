//! Which inputs are read, how, and what is said about the others?
//!
//! Role  One row per kind of input; walks that cut a stream at random places.

#![allow(
    clippy::disallowed_methods,
    reason = "the test writes input for the program"
)]

mod common;

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use bytes::Bytes;
use common::Random;
use foundation_node::blocks::{BLOCK_BYTES, Blocks};
use foundation_node::input::{Input, InputError, Source};
use foundation_node::log::{LINE_BYTES_MAX, Malformed, parse, plain};

fn file(name: &str, bytes: &[u8]) -> Source {
    let path = std::env::temp_dir().join(format!("foundation-input-{}-{name}", std::process::id()));
    fs::write(&path, bytes).unwrap();
    Source::Path(path)
}

fn remove(source: &Source) {
    if let Source::Path(path) = source {
        fs::remove_file(path).unwrap();
    }
}

const GOOD: &[u8] =
    br#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl""#;

fn refused(name: &str, bytes: &[u8]) -> String {
    let source = file(name, bytes);
    let error = Input::open(source.clone(), 1).unwrap_err();
    remove(&source);
    let Source::Path(path) = source else {
        unreachable!()
    };
    error
        .to_string()
        .replace(&path.display().to_string(), "LOG")
}

#[test]
fn what_is_no_log_is_refused() {
    let absent = PathBuf::from("/nowhere/access.log");
    let error = Input::open(Source::Path(absent.clone()), 1).unwrap_err();
    assert_eq!(error, InputError::Absent(Source::Path(absent)));
    assert_eq!(
        error.to_string(),
        "/nowhere/access.log does not exist: name an access log, or nothing for the shipped sample"
    );
    let directory = Source::Path(std::env::temp_dir());
    let error = Input::open(directory.clone(), 1).unwrap_err();
    assert_eq!(error, InputError::Directory(directory));
    assert_eq!(
        refused("gzip", &[0x1f, 0x8b, 8, 0, 0]),
        "LOG is compressed: gzip -dc LOG | foundation run -"
    );
    assert_eq!(
        refused("binary", b"\x7fELF\x02\x01\x01\0\0"),
        "LOG has a NUL at byte 8, so it is no access log: name a text file"
    );
    let mut late = GOOD.to_vec();
    late.extend_from_slice(b"\n\0");
    let says = format!("NUL at byte {}", GOOD.len() + 2);
    assert!(refused("late", &late).contains(&says));
}

#[test]
fn what_is_odd_is_read_all_the_same() {
    fn check(name: &str, bytes: &[u8], parsed: u64, malformed: u64) {
        let source = file(name, bytes);
        let mut input = Input::open(source.clone(), 2).unwrap();
        let report = plain::run(&mut input, 2, || 1.0).unwrap();
        remove(&source);
        assert_eq!(
            (report.parsed, report.malformed),
            (2 * parsed, 2 * malformed),
            "{name}"
        );
    }
    let good = std::str::from_utf8(GOOD).unwrap();
    check("empty", b"", 0, 0);
    check("blank", b"\n\r\n  \n", 0, 0);
    check("no_end", GOOD, 1, 0);
    check("crlf", format!("{good}\r\n\r\n{good}\r\n").as_bytes(), 2, 0);
    check("words", b"this is not an access log\nat all\n", 0, 2);
    check(
        "invalid_utf8",
        &[GOOD, b"\n", &GOOD[..60], b"\xff\xfe", &GOOD[60..]].concat(),
        1,
        1,
    );
    let agent = good
        .replace("curl", "c\u{fffd}rl")
        .replace('\u{fffd}', "\u{e9}");
    check("utf8", agent.as_bytes(), 1, 0);
    let huge = "x".repeat(10_000_000);
    check(
        "huge",
        format!("{good}\n{huge}\n{good}\n{huge}\r\n{good}").as_bytes(),
        3,
        2,
    );
    check("huge_end", format!("{good}\n{huge}").as_bytes(), 1, 1);
}

#[test]
fn the_sample_can_be_read_again_and_again() {
    let mut input = Input::open(Source::named(None), 3).unwrap();
    for _ in 0..3 {
        let blocks: Vec<_> = input.pass().unwrap().map(Result::unwrap).collect();
        assert_eq!(
            blocks
                .iter()
                .map(|block| block.lines().count())
                .sum::<usize>(),
            10_000
        );
        assert!(blocks.iter().all(|block| block.bytes.len() <= BLOCK_BYTES));
        assert_eq!(blocks.last().unwrap().lines().last().unwrap().0, 10_000);
    }
}

#[test]
fn a_file_that_grows_is_the_same_in_every_pass() {
    let source = file("grows", b"one\ntwo\n");
    let Source::Path(path) = &source else {
        unreachable!()
    };
    let mut input = Input::open(source.clone(), 2).unwrap();
    let lines = |input: &mut Input| -> usize {
        input
            .pass()
            .unwrap()
            .map(|block| block.unwrap().lines().count())
            .sum()
    };
    assert_eq!(lines(&mut input), 2);
    fs::write(path, b"one\ntwo\nthree\n").unwrap();
    assert_eq!(lines(&mut input), 2);
    remove(&source);
}

#[test]
fn a_stream_can_be_read_once() {
    assert_eq!(Source::named(Some("-".as_ref())), Source::Stdin);
    let error = Input::open(Source::Stdin, 2).unwrap_err();
    assert_eq!(error, InputError::Once(Source::Stdin));
    assert_eq!(
        error.to_string(),
        "the standard input can be read once only: save it to a file to --repeat it"
    );
}

/// Delivers what it has in pieces of random length.
struct Drip {
    rest: Vec<u8>,
    random: Random,
}

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.random.below(4) == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = (1 + self.random.below(30) as usize)
            .min(self.rest.len())
            .min(buffer.len());
        buffer[..len].copy_from_slice(&self.rest[..len]);
        self.rest.drain(..len);
        Ok(len)
    }
}

fn all(blocks: Blocks) -> Vec<(u64, Vec<u8>)> {
    let blocks: Vec<_> = blocks.map(Result::unwrap).collect();
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines
        .map(|(number, line)| (number, line.to_vec()))
        .collect()
}

#[test]
fn lines_do_not_depend_on_where_a_stream_is_cut() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut text = Vec::new();
        for _ in 0..random.below(40) {
            text.extend_from_slice(&random.bytes(50));
            text.extend_from_slice(&b"\r\n\n"[random.below(3) as usize..]);
        }
        text.extend_from_slice(&random.bytes(20));
        let expected: Vec<_> = (1..)
            .zip(text.split(|&byte| byte == b'\n'))
            .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
            .map(|(number, line)| (number, line.to_vec()))
            .collect();
        let memory = Blocks::of_memory(Bytes::from(text.clone()));
        assert_eq!(all(memory), expected, "seed {seed}");
        let drip = Blocks::of_reader(Drip { rest: text, random });
        assert_eq!(all(drip), expected, "seed {seed}");
    }
}

#[test]
fn of_a_line_too_long_only_so_much_is_kept_as_shows_that() {
    for (end, extra) in [
        ("\n", 0),
        ("\r\n", 0),
        ("\n", 1),
        ("\r\n", 1),
        ("\n", 9_000_000),
    ] {
        let long = "x".repeat(LINE_BYTES_MAX + extra);
        let text = format!("before\n{long}{end}after\n");
        let lines = all(Blocks::of_reader(io::Cursor::new(text)));
        let numbers: Vec<_> = lines.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(lines[2].1, b"after");
        assert!(lines[1].1.len() <= LINE_BYTES_MAX + 2 + BLOCK_BYTES);
        assert_eq!(
            parse(&lines[1].1) == Err(Malformed::TooLong),
            extra > 0,
            "{extra}"
        );
    }
}

#[test]
fn a_carriage_return_where_a_long_line_is_cut_does_not_shorten_it() {
    let text = format!("{}\r{}\n", "x".repeat(LINE_BYTES_MAX), "y".repeat(1 << 20));
    let lines = all(Blocks::of_reader(io::Cursor::new(text)));
    assert_eq!(lines.len(), 1);
    assert_eq!(parse(&lines[0].1), Err(Malformed::TooLong));
}

#[test]
fn a_block_shares_its_lines() {
    let mut blocks = Blocks::of_memory(Bytes::from_static(b"one\ntwo\n"));
    let block = blocks.next().unwrap().unwrap();
    let line = block.lines().nth(1).unwrap().1;
    let shared = block.share(line);
    assert_eq!(shared, "two");
    assert_eq!(shared.as_ptr(), line.as_ptr());
    assert!(blocks.next().is_none());
}

#[test]
fn a_reader_that_breaks_delivers_what_came_before() {
    struct Breaks(bool);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            buffer[..4].copy_from_slice(b"one\n");
            Ok(4)
        }
    }
    let mut blocks = Blocks::of_reader(Breaks(false));
    assert_eq!(blocks.next().unwrap().unwrap().bytes, "one\n");
    assert_eq!(
        blocks.next().unwrap().unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
}
