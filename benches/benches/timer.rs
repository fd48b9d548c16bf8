//! How long does it take to arm a timer and to cancel it?
//!
//! Sketch: one entry of the wheel under one lock, twice, with one envelope made and dropped and
//! one entry of the process's own list: 100 ns. Above 300 ns something is wrong.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn timer(criterion: &mut Criterion) {
    print_machine();
    criterion.bench_function("timer", |bench| {
        bench.iter_custom(|times| over_and_over(micro::timer, times));
    });
}

criterion_group!(benches, timer);
criterion_main!(benches);
