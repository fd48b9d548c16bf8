//! How long is a supervised actor away?
//!
//! Sketch: a linked life (250 ns), the machine's step, a start that is awaited (a call, 180 ns),
//! and the driver's two messages (120 ns): 700 ns. A panic adds its unwinding and the crash
//! report: 1.8 µs for panic and catch alone, so 3 µs.

use criterion::{Criterion, criterion_group, criterion_main};
use foundation_benches::micro;
use foundation_benches::stage::{over_and_over, print_machine};

fn restart(criterion: &mut Criterion) {
    print_machine();
    std::panic::set_hook(Box::new(|_| {}));
    criterion.bench_function("restart_exit", |bench| {
        bench.iter_custom(|times| over_and_over(micro::restart_exit, times));
    });
    criterion.bench_function("restart_panic", |bench| {
        bench.iter_custom(|times| over_and_over(micro::restart_panic, times));
    });
}

criterion_group!(benches, restart);
criterion_main!(benches);
