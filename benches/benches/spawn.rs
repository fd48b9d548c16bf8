//! How long does it take to make a process, and to make and end one?
//!
//! Sketch: a plain process is one allocation, one slot and one push to the run queue, then one
//! turn: 75 ns while memory is warm, 150 ns with the first touch of it. Ending it frees the same
//! again, so about 100 ns for a life. Above 300 ns something is wrong.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn spawn(criterion: &mut Criterion) {
    print_machine();
    criterion.bench_function("spawn", |bench| {
        bench.iter_custom(|times| over_and_over(micro::spawn, times));
    });
    criterion.bench_function("life", |bench| {
        bench.iter_custom(|times| over_and_over(micro::life, times));
    });
}

criterion_group!(benches, spawn);
criterion_main!(benches);
