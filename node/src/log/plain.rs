//! What does the same job cost without processes?
//!
//! Role     The baseline that the supervised run is measured against: one thread, one loop.
//! Inputs   An input, how often to read it, and the caller's stopwatch.
//! Outputs  The same [`Report`], with no process in it.
//! Owns     The totals of all passes.
//! Absent   Crashes survived, chaos, a view: a bug in here loses everything counted.

use super::finding::Findings;
use super::line::parse;
use super::report::{Report, Run};
use super::tally::Totals;
use crate::input::{Input, InputError};

/// Reads `input` so many times, and counts and judges as it reads. `seconds` is asked once, at the
/// end, how long that took.
///
/// # Errors
/// [`InputError`] when the input breaks off; nothing is reported then.
pub fn run(
    input: &mut Input,
    passes: u32,
    seconds: impl FnOnce() -> f64,
) -> Result<Report, InputError> {
    let mut totals = Totals::default();
    let mut findings = Findings::default();
    for pass in 0..passes {
        for block in input.pass()? {
            for (_, line) in block?.lines() {
                match parse(line) {
                    Ok(line) => totals.count(pass, &line),
                    Err(_) => totals.malformed += 1,
                }
            }
        }
        findings = totals.close_pass(pass);
    }
    let run = Run {
        seconds: seconds(),
        ..Run::default()
    };
    Ok(Report::new(&totals, &findings, run))
}
