//! How long does a message take from the sender to the end of its handler?
//!
//! Sketch: one allocation, one exchange on the inbox, one indirect call, one free: 30 ns in a
//! batch. In a ping-pong each message also wakes a process and takes a turn: 60 ns. To oneself,
//! with a matcher, 30 ns; one message that is skipped opens and closes once more, 15 ns.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn cast(criterion: &mut Criterion) {
    print_machine();
    criterion.bench_function("cast", |bench| {
        bench.iter_custom(|times| over_and_over(micro::cast, times));
    });
    criterion.bench_function("hop", |bench| {
        bench.iter_custom(|times| over_and_over(micro::hop, times));
    });
    criterion.bench_function("receive", |bench| {
        bench.iter_custom(|times| over_and_over(micro::receive, times));
    });
    criterion.bench_function("selective", |bench| {
        bench.iter_custom(|times| over_and_over(micro::selective, times));
    });
}

criterion_group!(benches, cast);
criterion_main!(benches);
