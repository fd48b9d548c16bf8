//! How are numbers, names and whole reports written?
//!
//! Role  Rows of figures; the summary of the sample as text, and its width under hostile names.

#![allow(clippy::disallowed_methods, reason = "golden files")]

mod common;

use std::time::Duration;

use common::Random;
use foundation_node::figures::{bytes, clock, fit, latency, short, thousands};
use foundation_node::input::{Input, Source};
use foundation_node::log::summary::{COLUMNS, Summary};
use foundation_node::log::{Report, Run, Totals, plain};
use unicode_width::UnicodeWidthStr;

#[test]
fn figures() {
    assert_eq!(thousands(0), "0");
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!(short(0.0), "0");
    assert_eq!(short(999.4), "999");
    assert_eq!(short(999.6), "1.00 k");
    assert_eq!(short(9_994.0), "9.99 k");
    assert_eq!(short(9_996.0), "10.0 k");
    assert_eq!(short(99_960.0), "100 k");
    assert_eq!(short(999_600.0), "1.00 M");
    assert_eq!(short(-1.0), "0");
    assert_eq!(bytes(512), "512 B");
    assert_eq!(bytes(1_536), "1.50 KiB");
    assert_eq!(bytes(2_747_282_505), "2.56 GiB");
    assert_eq!(clock(Duration::from_secs(7)), "0:07");
    assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
    assert_eq!(latency(Duration::from_nanos(850)), "850 ns");
    assert_eq!(latency(Duration::from_micros(4_560)), "4.56 ms");
    assert_eq!(latency(Duration::from_millis(12_345)), "12.35 s");
}

#[test]
fn names_fit() {
    assert_eq!(fit("abc", 5), "abc  ");
    assert_eq!(fit("abcde", 5), "abcde");
    assert_eq!(fit("abcdef", 5), "abcd…");
    assert_eq!(fit("abc", 1), "…");
    assert_eq!(fit("abc", 0), "");
    assert_eq!(fit("\u{1b}[2J\u{7f}\n", 8), "·[2J··  ");
    assert_eq!(fit("a\u{202e}b", 3), "a·b");
    assert_eq!(fit("日本語", 6), "日本語");
    assert_eq!(fit("日本語", 5), "日本…");
    assert_eq!(fit("日本語", 4), "日… ");
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let name: String = (0..random.below(30))
            .filter_map(|_| char::from_u32(random.below(0x3_0000) as u32))
            .collect();
        for width in 0..40 {
            assert_eq!(fit(&name, width).width(), width, "seed {seed}: {name:?}");
        }
    }
}

fn check(report: &Report, input: &str, passes: u32, golden: &str) {
    let text = Summary {
        report,
        input,
        passes,
    }
    .to_string();
    let path = format!("{}/tests/golden/{golden}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(
        text == expected,
        "{golden} differs; UPDATE_GOLDEN=1 renews it. Got:\n{text}"
    );
    narrow(&text);
}

fn narrow(text: &str) {
    for line in text.lines() {
        assert!(line.width() <= COLUMNS, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn summaries() {
    let mut input = Input::open(Source::Sample, 200).unwrap();
    let mut report = plain::run(&mut input, 1, || 0.002).unwrap();
    check(&report, "the shipped sample", 1, "summary_plain.txt");
    report.run = Run {
        processes_spawned: 1_760,
        crashes: 12,
        restarts: 11,
        peak_processes: 1_757,
        peak_bytes_per_process: 812,
        seed: 7,
        trace_hash: Some("9f86d081884c7d65".to_owned()),
        ..report.run
    };
    check(
        &report,
        "/var/log/apache2/access.log",
        200,
        "summary_run.txt",
    );
    let empty = Report::new(&Totals::default(), &Default::default(), Run::default());
    check(&empty, "empty.log", 1, "summary_empty.txt");
}

#[test]
fn a_summary_of_anything_is_narrow_and_harmless() {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let mut totals = Totals::default();
        for _ in 0..40 {
            let (client, path) = (random.bytes(200), random.bytes(200));
            let (epoch, status) = (random.below(1 << 37) as i64, random.below(1_000) as u16);
            for at in 0..12 {
                let sent = random.next() >> 8;
                totals.count_parts(0, &client, &path, epoch / 10 * 10 + at % 10, status, sent);
            }
        }
        totals.malformed = random.next() >> 30;
        let run = Run {
            processes_spawned: 1 << 40,
            crashes: 1 << 40,
            restarts: 1 << 40,
            peak_processes: 1 << 30,
            peak_bytes_per_process: 1 << 30,
            seconds: 1e9,
            lost: 1 << 30,
            doubled: 1 << 30,
            seed: u64::MAX,
            trace_hash: Some("9f86d081884c7d65".to_owned()),
            ..Run::default()
        };
        let report = Report::new(&totals, &totals.findings(0), run);
        let input = "a\u{1b}very/".repeat(50);
        narrow(
            &Summary {
                report: &report,
                input: &input,
                passes: u32::MAX,
            }
            .to_string(),
        );
    }
}
