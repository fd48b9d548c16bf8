//! How many instructions does an operation take?
//!
//! Run by `counts.sh` under callgrind, with two numbers: start and end cancel out.
//!
//! Role       Does one operation of [`micro::ALL`] so often, on a node with one worker.
//! Inputs     `counts OPERATION TIMES`, or `counts --list`.
//! Outputs    Nothing, or each operation's name and what it is.
//! Owns       Nothing.
//! Invariant  Everything happens on the one worker's thread; no watchdog, no spare worker.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "it ends without its destructors")]

use std::process::ExitCode;

use foundation::{Node, secs};
use foundation_benches::micro::{self, Micro};

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match given.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => {
            for one in micro::ALL {
                println!("{}\t{}", one.name, one.what);
            }
            ExitCode::SUCCESS
        }
        [name, times] => match (named(name), times.parse()) {
            (Some(one), Ok(times)) => run(one, times),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn named(name: &str) -> Option<&'static Micro> {
    micro::ALL.iter().find(|one| one.name == name)
}

fn usage() -> ExitCode {
    eprintln!("usage: counts OPERATION TIMES | counts --list");
    ExitCode::FAILURE
}

fn run(one: &Micro, times: u64) -> ! {
    let node = Node::builder()
        .workers(1)
        .spare_workers(0)
        .watchdog(secs(3600))
        .start()
        .expect("a node starts");
    (one.run)(&node, times);
    // What is left need not be taken down: that would be counted.
    std::process::exit(0)
}
