//! Does work that takes long keep others waiting, and is it over when nobody wants it?
//!
//! Role  `cpu_intensive`, spread or not; figures of the dirty pools.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::prelude::*;
use foundation::{
    Chunk, DirtyLimits, DirtyPoolStats, balance_work_across_schedulers, cpu_intensive, time,
};

use crate::support::LONG;

/// A process that takes turns as often as it can, until told.
fn turns(node: &Node, stop: &Arc<AtomicUsize>) -> Task<usize> {
    let stop = Arc::clone(stop);
    let takes = async move {
        let mut turns = 0;
        while stop.load(Ordering::SeqCst) == 0 {
            turns += 1;
            time::yield_now().await;
        }
        turns
    };
    Task::spawn_nolink(node, takes).expect("spawned")
}

#[foundation::test]
async fn chunks_give_way_and_keep_the_order(w: World) {
    let node = w.node();
    for chunk in [Chunk::Of(10), Chunk::Of(1), Chunk::Auto] {
        let stop = Arc::new(AtomicUsize::new(0));
        let mut others = turns(&node, &stop);
        let computes = async move {
            let values = cpu_intensive(0..100_u32, chunk, |n| n * 2).await;
            stop.store(1, Ordering::SeqCst);
            values
        };
        let mut task = Task::spawn_nolink(&node, computes).expect("spawned");
        let values = task.join(LONG).await.expect("computed");
        assert_eq!(values, (0..100).map(|n| n * 2).collect::<Vec<u32>>());
        let turns = others.join(LONG).await.expect("stopped");
        if w.is_simulated() && chunk == Chunk::Of(1) {
            assert!(
                10 <= turns,
                "{chunk:?}: {turns} turns beside a hundred chunks"
            );
        }
    }
}

/// It is dropped at a chunk's end, and computes no further.
#[foundation::test]
async fn a_computation_that_is_dropped_is_over(w: World) {
    let node = w.node();
    let done = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&done);
    let computes = async move {
        let all = cpu_intensive(0..1_000_000_u32, 5, |_| {
            counts.fetch_add(1, Ordering::SeqCst)
        });
        time::timeout(ms(0), all).await.is_none()
    };
    let mut task = Task::spawn_nolink(&node, computes).expect("spawned");
    assert_eq!(task.join(LONG).await, Ok(true));
    let done = done.load(Ordering::SeqCst);
    assert!(
        (5..1_000_000).contains(&done) && done.is_multiple_of(5),
        "{done}"
    );
}

#[foundation::test]
async fn a_panic_in_a_chunk_is_the_process_own(w: World) {
    let node = w.node();
    let computes = async { cpu_intensive([1, 0], Chunk::Auto, |n| 1 / n).await };
    let mut task = Task::spawn_nolink(&node, computes).expect("spawned");
    let error = task.join(LONG).await.expect_err("it divides by zero");
    assert!(error.to_string().contains("divide by zero"), "{error}");
}

#[foundation::test]
async fn spread_work_keeps_its_order_and_ends_with_its_owner(w: World) {
    let node = w.node();
    let items: Vec<u32> = (0..1_000).collect();
    let here = node.clone();
    let mut task = Task::spawn_nolink(&node, async move {
        balance_work_across_schedulers(&here, items, |n| n + 1).await
    })
    .expect("spawned");
    let values = task.join(LONG).await.expect("in time").expect("computed");
    assert_eq!(values, (1..=1_000).collect::<Vec<u32>>());
    // A panic ends the owner, who is linked with its tasks.
    let here = node.clone();
    let mut task = Task::spawn_nolink(&node, async move {
        balance_work_across_schedulers(&here, vec![1, 0], |n| 1 / n).await
    })
    .expect("spawned");
    let error = task.join(LONG).await.expect_err("it divides by zero");
    assert!(error.to_string().contains("divide by zero"), "{error}");
    // Dropped, its tasks are gone, and the owner lives.
    let (here, done) = (node.clone(), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::clone(&done);
    let mut task = Task::spawn_nolink(&node, async move {
        let counted = Arc::clone(&counts);
        let counting = move |()| {
            // Long enough that all of them take much longer than the owner needs to look.
            (0..2_000).fold(0_u32, |sum, n| std::hint::black_box(sum ^ n));
            counted.fetch_add(1, Ordering::SeqCst)
        };
        let items = vec![(); 200_000];
        let mut all = Box::pin(balance_work_across_schedulers(&here, items, counting));
        while counts.load(Ordering::SeqCst) == 0 {
            let early = time::timeout(ms(0), &mut all).await;
            assert!(early.is_none(), "it has just begun");
            time::yield_now().await;
        }
    })
    .expect("spawned");
    assert_eq!(task.join(LONG).await, Ok(()));
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
    assert!(done.load(Ordering::SeqCst) < 200_000);
    let none: Vec<u32> = balance_work_across_schedulers(&node, vec![], |n: u32| n)
        .await
        .expect("nothing to do");
    assert!(none.is_empty());
}

/// Waits for a figure of the pool.
async fn until(node: &Node, so: impl Fn(&DirtyPoolStats) -> bool) {
    let found = async {
        while !so(&node.dirty_stats().io) {
            node.sleep(ms(1)).await;
        }
    };
    let found = time::timeout_on(node, LONG, found).await;
    found.expect("the pool comes to it");
}

#[test]
fn dirty_pools_tell_what_waits() {
    let limits = DirtyLimits {
        cpu_threads: 1,
        io_threads: 1,
        queue: 2,
    };
    let node = Node::builder().dirty(limits).start().expect("started");
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let holds = foundation::dirty_io(move || wait.recv().is_ok());
    let mut holds = Task::spawn_nolink(&node, holds).expect("spawned");
    node.block_on(until(&node, |io| io.busy == 1));
    let waits = || Task::spawn_nolink(&node, foundation::dirty_io(|| ())).expect("spawned");
    let mut waiting = [waits(), waits()];
    node.block_on(async {
        until(&node, |io| io.queued == 2).await;
        let refused = waits().join(LONG).await.expect("in time");
        assert_eq!(refused, Err(foundation::DirtyError::Full));
        go.send(()).expect("it waits");
        assert_eq!(holds.join(LONG).await.expect("in time"), Ok(true));
        for task in &mut waiting {
            assert_eq!(task.join(LONG).await.expect("in time"), Ok(()));
        }
    });
    node.block_on(until(&node, |io| io.busy == 0));
    let io = node.dirty_stats().io;
    assert_eq!((io.threads_max, io.threads, io.queue_max), (1, 1, 2));
    assert_eq!(
        (io.queued, io.queued_peak, io.begun, io.refused),
        (0, 2, 3, 1)
    );
    assert!(
        ms(0) < io.waited_max && io.waited_max <= io.waited,
        "{io:?}"
    );
    assert_eq!(node.dirty_stats().cpu.begun, 0);
    node.shutdown_blocking(secs(5)).expect("stopped");
}
