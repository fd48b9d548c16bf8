//! What does an event cost that goes through a state machine?
//!
//! Sketch: two moves of the event and a look at the state more than an actor's message, so some 50
//! instructions above `cast`.
//!
//! Role       Casts and calls, as those to an actor.
//! Owns       Nothing.
//! Invariant  Every event has been handled when the clock stops; no state changes, nothing is
//!            postponed and no timeout runs.

use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::time;

use crate::stage::inside;

/// Casts between two looks at the receiver.
const BATCH: u64 = 100;

#[states]
#[derive(Default)]
enum Switch {
    #[default]
    On,
    Off,
}

struct Meter(u64);

/// What the driver could be sent, and is not.
#[derive(Message)]
#[message(local)]
struct Nothing;

#[statem(Switch)]
impl Meter {
    #[cast(in On, ignore in Off)]
    fn add(&mut self, by: u64, _cx: &mut In<Self, On>) {
        self.0 += by;
    }

    #[call]
    fn get(&self) -> u64 {
        self.0
    }

    #[call(in On)]
    fn next(&self, number: u64) -> u64 {
        number + 1
    }

    #[cast]
    fn turn(&mut self, cx: &mut In<Self>) {
        cx.goto(Off);
    }
}

/// Casts to a state machine that gets its turn after every hundred.
pub fn statem(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let meter = me.node().spawn(Meter(0)).expect("the node takes a process");
        let begin = Instant::now();
        for number in 0..times {
            meter.add(1).expect("a local cast is taken");
            if number % BATCH == BATCH - 1 {
                time::yield_now().await;
            }
        }
        assert_eq!(meter.get().await, Ok(times));
        let took = begin.elapsed();
        meter.turn().expect("a local cast is taken");
        took
    })
}

/// Calls, one at a time.
pub fn statem_call(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let meter = me.node().spawn(Meter(0)).expect("the node takes a process");
        let begin = Instant::now();
        let mut number = 0;
        for _ in 0..times {
            number = meter.next(number).await.expect("the state machine lives");
        }
        assert_eq!(number, times);
        begin.elapsed()
    })
}
