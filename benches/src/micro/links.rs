//! What does it cost to be told of another's end?
//!
//! Role       Links and monitors that come and go, and a child's whole life with its exit.
//! Owns       Nothing.
//! Invariant  The other process has handled its side when the clock stops.

use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::time;

use crate::stage::{Nothing, inside};

/// Pairs between two looks at the other process.
const BATCH: u64 = 16;

async fn stay(mut me: Process<Nothing>) {
    me.recv().await;
}

async fn pairs(
    me: Process<Nothing>,
    times: u64,
    pair: impl Fn(&Process<Nothing>, Pid),
) -> Duration {
    let other = me.node().spawn_fn(stay).expect("the node takes a process");
    let other = other.pid();
    let begin = Instant::now();
    for number in 0..times {
        pair(&me, other);
        if number % BATCH == BATCH - 1 {
            time::yield_now().await;
        }
    }
    begin.elapsed()
}

/// A link, taken back.
pub fn link(node: &Node, times: u64) -> Duration {
    inside(node, move |me| {
        pairs(me, times, |me, other| {
            me.link(other).expect("the other lives");
            me.unlink(other);
        })
    })
}

/// A monitor, taken back.
pub fn monitor(node: &Node, times: u64) -> Duration {
    inside(node, move |me| {
        pairs(me, times, |me, other| {
            let monitor = me.monitor(other);
            assert!(me.demonitor(monitor), "the other lives");
        })
    })
}

async fn leave(_: Process<Nothing>) {}

/// A child is spawned linked, ends, and its exit is trapped.
pub fn linked_life(node: &Node, times: u64) -> Duration {
    inside(node, move |mut me: Process<Nothing>| async move {
        me.trap_exit(true);
        let options = SpawnOptions::new().link();
        let begin = Instant::now();
        for _ in 0..times {
            let child = me.spawn_with(&options, leave);
            let (child, _) = child.expect("the node takes a process");
            match me.recv().await {
                Mail::Exit(exit) => assert_eq!(exit.from, child.pid()),
                other => panic!("{other:?} instead of an exit"),
            }
        }
        begin.elapsed()
    })
}
