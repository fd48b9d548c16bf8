//! What does it take to make a process, and to end one?
//!
//! Role       [`spawn`]: processes that stay; [`ending`]: they are told to end; [`life`]: processes
//!            that return at once.
//! Owns       One counter per run, leaked.
//! Invariant  Each process has had its first turn when the clock stops.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::{ProcessRef, time};

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

/// Spawns them and waits until each has had its first turn.
async fn staying(me: &Process<Nothing>, times: u64) -> Vec<ProcessRef<Nothing>> {
    let started: &AtomicU64 = Box::leak(Box::default());
    let node = me.node();
    let mut all = Vec::with_capacity(times as usize);
    for number in 0..times {
        let spawned = node.spawn_fn(move |me| stay(me, started));
        all.push(spawned.expect("the node takes a process"));
        if number % BATCH == BATCH - 1 {
            time::yield_now().await;
        }
    }
    reached(started, times).await;
    all
}

/// Plain processes that stay.
pub fn spawn(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let begin = Instant::now();
        std::mem::forget(staying(&me, times).await);
        begin.elapsed()
    })
}

/// The same, and each is sent a message at which it returns.
pub fn ending(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let begin = Instant::now();
        let all = staying(&me, times).await;
        let ended = me.node().stats().ended;
        for (number, one) in all.iter().enumerate() {
            one.send(Nothing).expect("a local send is taken");
            if number as u64 % BATCH == BATCH - 1 {
                time::yield_now().await;
            }
        }
        std::mem::forget(all);
        while me.node().stats().ended < ended + times {
            time::yield_now().await;
        }
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
