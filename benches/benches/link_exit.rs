//! How long does it take to be tied to a process, and to hear of its end?
//!
//! Sketch: a link is an entry here, a signal, an entry there, and as much again to take it back
//! with its acknowledgement: 150 ns. A monitor needs no acknowledgement: 120 ns. A linked child's
//! life is a spawn, two turns of each, and one exit as a message: 250 ns.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn link_exit(criterion: &mut Criterion) {
    print_machine();
    criterion.bench_function("link", |bench| {
        bench.iter_custom(|times| over_and_over(micro::link, times));
    });
    criterion.bench_function("monitor", |bench| {
        bench.iter_custom(|times| over_and_over(micro::monitor, times));
    });
    criterion.bench_function("linked_life", |bench| {
        bench.iter_custom(|times| over_and_over(micro::linked_life, times));
    });
}

criterion_group!(benches, link_exit);
criterion_main!(benches);
