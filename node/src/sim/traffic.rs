//! Does every message arrive that was acknowledged, and none twice?
//!
//! Role       A process on each node that takes numbers, one that sends them to others all the time,
//!            and a ledger of both that no crash reaches.
//! Invariant  What was acknowledged was taken, and nothing is taken twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation::prelude::*;

/// How long a sender waits to hear that its number was taken.
const ANSWER_BOUND: Duration = secs(2);

/// What was sent and taken, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// How often each number of each sender was taken.
    taken: HashMap<(Pid, u64), u32>,
    acknowledged: u64,
    failed: u64,
    lost: u64,
}

/// What the ledger says in the end.
pub(super) struct Sums {
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sums(&self) -> Sums {
        let books = self.books();
        let again = books.taken.values().map(|times| u64::from(times - 1));
        Sums {
            acknowledged: books.acknowledged,
            failed: books.failed,
            lost: books.lost,
            doubled: again.sum(),
        }
    }
}

/// Takes numbers.
struct Sink(Arc<Ledger>);

const SINK: Name<Sink> = Name::new("sink");

#[actor]
impl Sink {
    #[call]
    fn put(&mut self, from: Pid, number: u64) {
        let mut books = self.0.books();
        *books.taken.entry((from, number)).or_default() += 1;
    }
}

/// Starts both on a node among so many. It sends to another one each time, or to the same for so long.
pub(super) async fn start(
    node: &Node,
    nodes: usize,
    partner: Duration,
    ledger: &Arc<Ledger>,
) -> Result<(), String> {
    let sink = node.start::<Sink>(Sink(Arc::clone(ledger))).name(SINK);
    sink.await.map_err(|error| format!("{error:?}"))?;
    let ledger = Arc::clone(ledger);
    let sender = node.spawn_fn(move |me: Process<Tick>| send(me, nodes, partner, ledger));
    sender.map(drop).map_err(|error| error.to_string())
}

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
enum Tick {}

async fn send(me: Process<Tick>, nodes: usize, partner: Duration, ledger: Arc<Ledger>) {
    let node = me.node();
    let mut number = 0;
    let (mut other, mut until) = (String::new(), Duration::ZERO);
    loop {
        node.sleep(ms(100 + node.random() % 400)).await;
        if until <= node.now() {
            other = format!("n{}", node.random() % nodes as u64);
            until = node.now() + partner;
        }
        if other == node.name() {
            continue;
        }
        number += 1;
        let sink = node.remote(&other).at(SINK);
        let answer = sink.put(me.pid(), number).timeout(ANSWER_BOUND).await;
        let mut books = ledger.books();
        match answer {
            Ok(()) => {
                books.acknowledged += 1;
                let taken = books.taken.contains_key(&(me.pid(), number));
                books.lost += u64::from(!taken);
            }
            Err(_) => books.failed += 1,
        }
    }
}
