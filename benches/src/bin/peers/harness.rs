//! Which steps of a workload are the same for every peer?
//!
//! Role       Warm-up, weighing, the big message, the checks.
//! Inputs     A [`Plan`] and closures that do the peer's part.
//! Outputs    An [`Outcome`]; a wrong result panics, which the parent reports as a failure.
//! Owns       Nothing.
//! Invariant  Warm-up comes before the clock, and no peer can skip the work unnoticed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::gate::Idle;
use crate::meter::{Clock, Sample, resident_bytes};
use crate::workload::{PAYLOAD_BYTES, Plan};

/// Records of one big message: 8192 of 56 bytes with 72 bytes of text make one mebibyte.
pub(crate) const RECORDS: u64 = 8192;

/// What a peer answers to a workload.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It did the work and the result was right.
    Measured(Sample),
    /// It has nothing of that kind, for the reason given.
    NotApplicable(String),
}

/// The answer of a peer that has nothing of that kind.
pub(crate) fn not_applicable(reason: &str) -> Outcome {
    Outcome::NotApplicable(reason.to_owned())
}

/// Runs a phase once to warm up and once for the figure. The phase measures itself.
pub(crate) fn warmed(plan: &Plan, mut phase: impl FnMut(u64) -> Sample) -> Outcome {
    phase(plan.warmup);
    Outcome::Measured(phase(plan.ops))
}

/// Spawns idle processes, weighs them, sends each a message, weighs them again.
///
/// `spawn` returns the handles of that many processes; each arrives at `ready` when it has started
/// and at `handled` when `poke` has reached it.
pub(crate) fn weigh<H>(
    plan: &Plan,
    spawn: impl Fn(u64, &'static Idle) -> Vec<H>,
    poke: impl Fn(&[H]),
) -> Outcome {
    let warm = Idle::new(plan.warmup / 10);
    let warm_handles = spawn(plan.warmup / 10, warm);
    warm.ready.wait();
    poke(&warm_handles);
    warm.handled.wait();

    let idle = Idle::new(plan.ops);
    let before = resident_bytes();
    let clock = Clock::start();
    let handles = spawn(plan.ops, idle);
    idle.ready.wait();
    let mut sample = clock.stop(plan.ops);
    expect("handles", handles.len() as u64, plan.ops);
    sample.bytes_per_process = Some(growth(before, plan.ops));
    poke(&handles);
    idle.handled.wait();
    sample.bytes_per_process_after_message = Some(growth(before, plan.ops));
    // The handles, and the processes with them, live until both weights are known.
    drop((handles, warm_handles));
    Outcome::Measured(sample)
}

fn growth(before: u64, processes: u64) -> f64 {
    resident_bytes().saturating_sub(before) as f64 / processes as f64
}

/// Panics, and so fails the run, when a result is wrong.
pub(crate) fn expect(what: &str, got: u64, want: u64) {
    assert!(got == want, "wrong {what}: {got} instead of {want}");
}

/// The sum of `0..count`.
pub(crate) fn sum_below(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

/// One record of the big message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    number: u64,
    name: String,
    note: String,
}

/// Builds a fresh message of about one mebibyte.
pub(crate) fn records() -> Vec<Record> {
    const NAME: &str = "a name of 16 by.";
    const NOTE: &str = "a note of fifty-six bytes, which no peer may share......";
    (0..RECORDS)
        .map(|number| Record {
            number,
            name: NAME.to_owned(),
            note: NOTE.to_owned(),
        })
        .collect()
}

/// Reads a whole message: the numbers and the lengths of all texts.
pub(crate) fn sum_records(records: &[Record]) -> u64 {
    records
        .iter()
        .map(|one| one.number + (one.name.len() + one.note.len()) as u64)
        .sum()
}

/// Checks the sum over `messages` big messages.
pub(crate) fn expect_records(got: u64, messages: u64) {
    expect(
        "sum of records",
        got,
        messages * (sum_below(RECORDS) + RECORDS * (16 + 56)),
    );
}

/// The payload that `fan_out` shares.
pub(crate) fn payload() -> Arc<[u8]> {
    vec![1_u8; PAYLOAD_BYTES].into()
}

/// Reads a payload: its length and its first byte.
pub(crate) fn weight_of(payload: &[u8]) -> u64 {
    payload.len() as u64 + u64::from(payload[0])
}

/// Checks the sum over `deliveries` payloads.
pub(crate) fn expect_payloads(got: u64, deliveries: u64) {
    expect(
        "sum of payloads",
        got,
        deliveries * (PAYLOAD_BYTES as u64 + 1),
    );
}

/// Lets panics happen in silence; the parent must not pay for their text.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
