//! How long does a caller wait for an answer?
//!
//! Sketch: two hops of a ping-pong, and the caller's entry, deadline and watch of the server:
//! 2 × 60 ns and about 60 ns, so 180 ns. Tokio's mpsc with a oneshot needs 290 ns.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn call(criterion: &mut Criterion) {
    print_machine();
    criterion.bench_function("call", |bench| {
        bench.iter_custom(|times| over_and_over(micro::call, times));
    });
}

criterion_group!(benches, call);
criterion_main!(benches);
