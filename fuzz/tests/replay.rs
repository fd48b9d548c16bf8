//! Does every decoder hold its promises for all that is known?
//!
//! Role       Each target with its seeds and its corpus, as they are, cut at every byte, and with each
//!            byte changed. One test: what is allocated is counted for one thread.

#![allow(
    clippy::disallowed_methods,
    reason = "a corpus is files, and a replay has a stack of its own"
)]

use std::path::Path;
use std::{fs, thread};

use foundation_fuzz::{TARGETS, Target};

/// As much as a scheduler's thread has.
const STACK_BYTES: usize = 2 << 20;
/// Longer inputs are tried as they are.
const SHORT: usize = 2048;

fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let seeds = (target.seeds)().into_iter().enumerate();
    let mut all: Vec<_> = seeds
        .map(|(at, bytes)| (format!("seed {at}"), bytes))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("it can be read").path();
        let bytes = fs::read(&path).expect("it can be read");
        all.push((path.display().to_string(), bytes));
    }
    all
}

fn spoilt(target: &Target, bytes: &[u8]) {
    for length in 0..bytes.len() {
        target.check(&bytes[..length]);
    }
    let mut other = bytes.to_vec();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xdd, 0xdf, 0xff, !bytes[at]] {
            other[at] = value;
            target.check(&other);
        }
        other[at] = bytes[at];
    }
    // A length or a number of things that is as large as it can be.
    for at in 0..bytes.len().saturating_sub(3) {
        other[at..at + 4].copy_from_slice(&[0xff; 4]);
        target.check(&other);
        other[at..at + 4].copy_from_slice(&bytes[at..at + 4]);
    }
}

fn replay() {
    for target in TARGETS {
        let corpus = corpus(target);
        let mut good = 0;
        for (name, bytes) in &corpus {
            println!("{}: {name}", target.name);
            good += usize::from(target.check(bytes));
            if bytes.len() < SHORT {
                spoilt(target, bytes);
            }
        }
        assert!(0 < good, "{} reads none of {}", target.name, corpus.len());
    }
}

#[test]
fn what_is_known_does_no_harm() {
    let replay = thread::Builder::new().stack_size(STACK_BYTES).spawn(replay);
    let ended = replay.expect("a thread can be started").join();
    ended.expect("every promise was kept");
}
