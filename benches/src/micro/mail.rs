//! What does a message cost?
//!
//! Role       Casts, calls, and receives, plain and selective.
//! Owns       Nothing.
//! Invariant  Every message but those of [`send`] has been handled when the clock stops.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::{ProcessRef, time};

use crate::stage::inside;

/// Casts between two looks at the receiver.
const BATCH: u64 = 100;

struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, by: u64) {
        self.0 += by;
    }

    #[call]
    fn get(&self) -> u64 {
        self.0
    }

    #[call]
    fn next(&self, number: u64) -> u64 {
        number + 1
    }
}

#[derive(Message)]
#[message(local)]
enum Note {
    Stays,
    Number(u64),
}

fn counter(node: &Node) -> Ref<Counter> {
    node.spawn(Counter(0)).expect("the node takes a process")
}

/// Casts to an actor that does not get its turn on a node of one worker.
pub fn send(node: &Node, times: u64) -> Duration {
    let (report, reported) = mpsc::channel();
    let run = move |me: Process<Note>| async move {
        let counter = counter(&me.node());
        let begin = Instant::now();
        for _ in 0..times {
            counter.add(1).expect("a local cast is taken");
        }
        report.send(begin.elapsed()).expect("a thread waits");
        // Holds the worker until `counts` has ended: what the receiver does must not be counted.
        thread::sleep(secs(1));
    };
    node.spawn_fn(run).expect("the node takes a process");
    reported.recv().expect("the process reports")
}

/// Casts to an actor that gets its turn after every hundred.
pub fn cast(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Note>| async move {
        let counter = counter(&me.node());
        let begin = Instant::now();
        for number in 0..times {
            counter.add(1).expect("a local cast is taken");
            if number % BATCH == BATCH - 1 {
                time::yield_now().await;
            }
        }
        assert_eq!(counter.get().await, Ok(times));
        begin.elapsed()
    })
}

struct Player {
    partner: Option<Ref<Player>>,
    done: ProcessRef<Note>,
}

#[actor]
impl Player {
    #[cast(local)]
    fn meet(&mut self, partner: Ref<Player>) {
        self.partner = Some(partner);
    }

    #[cast]
    fn hop(&mut self, left: u64) {
        let sent = match &self.partner {
            Some(partner) if 0 < left => partner.hop(left - 1),
            _ => self.done.send(Note::Number(left)),
        };
        sent.expect("a local cast is taken");
    }
}

/// Casts to and fro.
pub fn hop(node: &Node, times: u64) -> Duration {
    inside(node, move |mut me: Process<Note>| async move {
        let node = me.node();
        let player = |partner| {
            let done = me.address();
            let player = node.spawn(Player { partner, done });
            player.expect("the node takes a process")
        };
        let left = player(None);
        let right = player(Some(left.clone()));
        left.meet(right).expect("a local cast is taken");
        let begin = Instant::now();
        left.hop(times).expect("a local cast is taken");
        me.recv().await;
        begin.elapsed()
    })
}

/// Calls, one at a time.
pub fn call(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Note>| async move {
        let counter = counter(&me.node());
        let begin = Instant::now();
        let mut number = 0;
        for _ in 0..times {
            number = counter.next(number).await.expect("the actor lives");
        }
        assert_eq!(number, times);
        begin.elapsed()
    })
}

/// Messages to oneself.
pub fn receive(node: &Node, times: u64) -> Duration {
    inside(node, move |mut me: Process<Note>| async move {
        let begin = Instant::now();
        to_oneself(&mut me, times).await;
        begin.elapsed()
    })
}

/// Messages to oneself, behind one that nobody wants.
pub fn selective(node: &Node, times: u64) -> Duration {
    inside(node, move |mut me: Process<Note>| async move {
        me.address()
            .send(Note::Stays)
            .expect("a local send is taken");
        let begin = Instant::now();
        to_oneself(&mut me, times).await;
        begin.elapsed()
    })
}

async fn to_oneself(me: &mut Process<Note>, times: u64) {
    let myself = me.address();
    for number in 0..times {
        myself
            .send(Note::Number(number))
            .expect("a local send is taken");
        me.receive(|mail| match mail {
            Mail::Msg(Note::Number(got)) if got == number => Ok(()),
            other => Err(other),
        })
        .await;
    }
}
