//! Can a test step through time?

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use foundation::prelude::*;
use foundation::time;

#[derive(Debug, Message)]
#[message(local)]
enum Word {
    Tick,
}

/// Counts one a second.
fn ticker(node: &Node) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    node.spawn_fn(move |mut me: Process<Word>| async move {
        loop {
            me.send_after(secs(1), me.pid(), Word::Tick);
            me.recv().await;
            time::yield_now().await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    })
    .expect("spawned");
    count
}

/// Whatever was due by then is done, to the nanosecond.
#[foundation::test(simulated)]
async fn time_is_advanced_step_by_step(w: World) {
    let count = ticker(&w.node());
    w.settle().await;
    assert_eq!(w.now(), ms(0));
    w.advance(ms(999)).await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
    w.advance(ms(1)).await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    w.advance(secs(3600)).await;
    assert_eq!(count.load(Ordering::Relaxed), 3601);
    assert_eq!(w.now(), secs(3601));
}

/// Whoever can run has run, and no time has passed.
#[foundation::test]
async fn a_world_settles(w: World) {
    let (node, count) = (w.node(), Arc::new(AtomicU32::new(0)));
    for _ in 0..20 {
        let count = Arc::clone(&count);
        let first = node.spawn_fn(move |mut me: Process<Word>| async move {
            me.recv().await;
            time::yield_now().await;
            count.fetch_add(1, Ordering::Relaxed);
        });
        first.expect("spawned").send(Word::Tick).expect("local");
    }
    let before = w.now();
    w.settle().await;
    assert_eq!(count.load(Ordering::Relaxed), 20);
    assert!(!w.is_simulated() || w.now() == before);
}

/// A timer that is due at once belongs to what happens now.
#[foundation::test(simulated)]
async fn what_is_due_at_once_is_part_of_settling(w: World) {
    let (node, count) = (w.node(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&count);
    let chain = node.spawn_fn(move |mut me: Process<Word>| async move {
        for _ in 0..10 {
            me.send_after(ms(0), me.pid(), Word::Tick);
            me.recv().await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    chain.expect("spawned");
    w.settle().await;
    assert_eq!((count.load(Ordering::Relaxed), w.now()), (10, ms(0)));
}
