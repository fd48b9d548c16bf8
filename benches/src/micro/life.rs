//! What does it take to make a process, and to end one?
//!
//! Role       [`spawn`]: processes that stay; [`life`]: processes that return at once.
//! Owns       One counter per run, leaked.
//! Invariant  Each process has had its first turn when the clock stops.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::time;

use crate::stage::{Nothing, inside};

/// Spawns between two looks at the others: a program that spawns for ever is no good neighbour.
const BATCH: u64 = 64;

async fn stay(mut me: Process<Nothing>, started: &'static AtomicU64) {
    started.fetch_add(1, Ordering::Relaxed);
    me.recv().await;
}

async fn leave(_: Process<Nothing>, ended: &'static AtomicU64) {
    ended.fetch_add(1, Ordering::Relaxed);
}

async fn reached(counter: &AtomicU64, times: u64) {
    while counter.load(Ordering::Relaxed) < times {
        time::yield_now().await;
    }
}

/// Plain processes that stay.
pub fn spawn(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let started: &AtomicU64 = Box::leak(Box::default());
        let node = me.node();
        let begin = Instant::now();
        for number in 0..times {
            let spawned = node.spawn_fn(move |me| stay(me, started));
            spawned.expect("the node takes a process");
            if number % BATCH == BATCH - 1 {
                time::yield_now().await;
            }
        }
        reached(started, times).await;
        begin.elapsed()
    })
}

/// Plain processes that return at once.
pub fn life(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let ended: &AtomicU64 = Box::leak(Box::default());
        let node = me.node();
        let begin = Instant::now();
        for number in 0..times {
            let spawned = node.spawn_fn(move |me| leave(me, ended));
            spawned.expect("the node takes a process");
            if number % BATCH == BATCH - 1 {
                time::yield_now().await;
            }
        }
        reached(ended, times).await;
        begin.elapsed()
    })
}
