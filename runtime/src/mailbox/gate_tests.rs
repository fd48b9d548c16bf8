//! Does a bounded mailbox keep what it says, beside a plain queue that does the obvious?
//!
//! Role  A table of verdicts, and seeded walks of racing senders beside a model.

use std::collections::VecDeque;

use super::*;
use crate::Rng;

type Numbers = Gate<u32, u32>;

/// Offers in turn, without the process taking any.
fn offers(when_full: WhenFull, capacity: usize, count: u32) -> Vec<Verdict<u32>> {
    let mut gate = Numbers::new(capacity, when_full);
    (0..count).map(|number| gate.offer(number)).collect()
}

fn held(ticket: Option<u64>, dropped: Option<u32>) -> Verdict<u32> {
    Verdict::Held { ticket, dropped }
}

#[test]
fn verdicts_of_a_mailbox_of_two() {
    use Verdict::{Drop, Full, Push, Wait};
    assert_eq!(offers(WhenFull::Block, 2, 3), [Push(0), Push(1), Wait(2)]);
    assert_eq!(offers(WhenFull::Reject, 2, 3), [Push(0), Push(1), Full(2)]);
    assert_eq!(
        offers(WhenFull::DropNewest, 2, 3),
        [Push(0), Push(1), Drop(2)]
    );
    assert_eq!(
        offers(WhenFull::DropOldest, 2, 4),
        [
            held(Some(1), None),
            held(None, None),
            held(None, Some(0)),
            held(None, Some(1))
        ]
    );
}

#[test]
fn what_is_held_keeps_its_place_between_signals() {
    let mut gate = Numbers::new(3, WhenFull::DropOldest);
    assert_eq!(gate.offer(0), held(Some(1), None));
    gate.pushed_other();
    assert_eq!(gate.offer(1), held(Some(2), None));
    assert_eq!(gate.offer(2), held(None, None));
    assert_eq!(gate.fetch(1), (vec![0], 0));
    // The second ticket is still the last thing that was pushed.
    assert_eq!(gate.offer(3), held(None, None));
    assert_eq!(gate.fetch(2), (vec![1, 2, 3], 1));
    assert_eq!(gate.offer(4), held(Some(3), None));
}

#[test]
fn a_free_place_goes_to_who_has_waited_longest() {
    let mut gate = Numbers::new(1, WhenFull::Block);
    let (mut first, mut second) = (None, None);
    assert_eq!(gate.offer(0), Verdict::Push(0));
    assert_eq!(gate.wait(&mut first, || 1), Wait::Waiting);
    assert_eq!(gate.wait(&mut second, || 2), Wait::Waiting);
    assert_eq!(gate.release(), Some(1));
    assert_eq!(gate.offer(9), Verdict::Wait(9), "the place is promised");
    assert_eq!(gate.wait(&mut second, || 2), Wait::Waiting);
    assert_eq!(gate.wait(&mut first, || 1), Wait::Reserved);
    assert_eq!(gate.redeem(1), Verdict::Push(1));
    assert_eq!(gate.release(), Some(2));
    // It has been given a place, and does not want it any more.
    assert_eq!(gate.cancel(second.expect("it waits")), None);
    assert_eq!(gate.offer(3), Verdict::Push(3));
}

#[test]
fn the_end_frees_everybody() {
    let mut gate = Numbers::new(1, WhenFull::Block);
    let mut waiter = None;
    let _ = gate.offer(0);
    let _ = gate.wait(&mut waiter, || 7);
    assert_eq!(gate.close(), (vec![7], vec![]));
    assert_eq!(gate.wait(&mut waiter, || 7), Wait::Free);
    assert_eq!(gate.offer(1), Verdict::Closed(1));
    assert_eq!(gate.redeem(2), Verdict::Closed(2));
    let mut gate = Numbers::new(2, WhenFull::DropOldest);
    let _ = (gate.offer(1), gate.offer(2));
    assert_eq!(gate.close(), (vec![], vec![1, 2]));
}

/// What stands in an inbox: messages, signals, and tickets for what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    Message(u32),
    Signal(u32),
    Ticket(u64),
}

/// The machine with an inbox and a queue around it, and the model: one queue, trimmed at once.
struct Bench {
    gate: Numbers,
    capacity: usize,
    inbox: VecDeque<Arrival>,
    queue: VecDeque<Arrival>,
    model: VecDeque<Arrival>,
    waiting: VecDeque<(u32, Option<u64>)>,
    woken: Vec<u32>,
    lost: Vec<u32>,
    model_lost: Vec<u32>,
    refused: usize,
}

impl Bench {
    fn new(capacity: usize, when_full: WhenFull) -> Self {
        Self {
            gate: Numbers::new(capacity, when_full),
            capacity,
            inbox: VecDeque::new(),
            queue: VecDeque::new(),
            model: VecDeque::new(),
            waiting: VecDeque::new(),
            woken: Vec::new(),
            lost: Vec::new(),
            model_lost: Vec::new(),
            refused: 0,
        }
    }

    fn waits(&self) -> usize {
        let messages = |arrival: &&Arrival| matches!(arrival, Arrival::Message(_));
        self.model.iter().filter(messages).count()
    }

    fn send(&mut self, number: u32) {
        // Who has been woken has a place; the others wait for one.
        let full = self.waits() + self.woken.len() == self.capacity;
        let promised = self.woken.len() < self.waiting.len();
        match self.gate.offer(number) {
            Verdict::Push(number) => {
                assert!(!full && !promised, "{number} was pushed beyond the bound");
                self.inbox.push_back(Arrival::Message(number));
                self.model.push_back(Arrival::Message(number));
            }
            Verdict::Held { ticket, dropped } => {
                self.inbox.extend(ticket.map(Arrival::Ticket));
                self.lost.extend(dropped);
                if full {
                    self.drop_oldest_of_model();
                }
                self.model.push_back(Arrival::Message(number));
            }
            Verdict::Wait(number) => {
                assert!(full || promised, "{number} waits beside a place");
                self.waiting.push_back((number, None));
                self.poll_waiter(self.waiting.len() - 1);
            }
            Verdict::Full(_) => {
                assert!(full, "{number} was refused beside a place");
                self.refused += 1;
            }
            Verdict::Drop(number) => {
                assert!(full, "{number} was dropped beside a place");
                self.lost.push(number);
                self.model_lost.push(number);
            }
            Verdict::Closed(_) => panic!("nobody has ended"),
        }
    }

    fn drop_oldest_of_model(&mut self) {
        let at = self
            .model
            .iter()
            .position(|one| matches!(one, Arrival::Message(_)));
        if let Some(Arrival::Message(oldest)) = self.model.remove(at.expect("it is full")) {
            self.model_lost.push(oldest);
        }
    }

    fn signal(&mut self, number: u32) {
        self.gate.pushed_other();
        self.inbox.push_back(Arrival::Signal(number));
        self.model.push_back(Arrival::Signal(number));
    }

    fn poll_waiter(&mut self, at: usize) {
        let (number, mut waiter) = self.waiting[at];
        let first = self
            .waiting
            .iter()
            .take(at)
            .all(|(_, other)| other.is_none());
        match self.gate.wait(&mut waiter, || number) {
            Wait::Reserved => {
                assert!(first, "{number} overtook somebody");
                self.waiting.remove(at);
                assert_eq!(self.gate.redeem(number), Verdict::Push(number));
                self.inbox.push_back(Arrival::Message(number));
                self.model.push_back(Arrival::Message(number));
            }
            Wait::Waiting => self.waiting[at].1 = waiter,
            Wait::Free => panic!("this mailbox has no free places"),
        }
    }

    /// The process fetches what has arrived, and takes one thing out.
    fn take(&mut self) {
        while let Some(arrival) = self.inbox.pop_front() {
            let Arrival::Ticket(ticket) = arrival else {
                self.queue.push_back(arrival);
                continue;
            };
            let (fetched, excess) = self.gate.fetch(ticket);
            self.queue.extend(fetched.into_iter().map(Arrival::Message));
            for _ in 0..excess {
                let at = self
                    .queue
                    .iter()
                    .position(|one| matches!(one, Arrival::Message(_)));
                if let Some(Arrival::Message(oldest)) = self.queue.remove(at.expect("an excess")) {
                    self.lost.push(oldest);
                }
            }
        }
        let taken = self.queue.pop_front();
        assert_eq!(taken, self.model.pop_front(), "the order differs");
        if matches!(taken, Some(Arrival::Message(_))) {
            self.woken.extend(self.gate.release());
        }
    }

    /// One of those that were told that there is a place looks, whichever of the woken it is.
    fn wake(&mut self) {
        if let Some(number) = self.woken.pop() {
            let at = self.waiting.iter().position(|(other, _)| *other == number);
            if let Some(at) = at {
                self.poll_waiter_woken(at);
            }
        }
    }

    /// Of several that were woken, any may look first: each has a place of its own.
    fn poll_waiter_woken(&mut self, at: usize) {
        let (number, mut waiter) = self.waiting[at];
        assert_eq!(self.gate.wait(&mut waiter, || number), Wait::Reserved);
        self.waiting.remove(at);
        assert_eq!(self.gate.redeem(number), Verdict::Push(number));
        self.inbox.push_back(Arrival::Message(number));
        self.model.push_back(Arrival::Message(number));
    }

    fn give_up(&mut self, at: usize) {
        let (number, waiter) = self.waiting.remove(at).expect("a waiter");
        self.woken.retain(|woken| *woken != number);
        self.woken
            .extend(waiter.and_then(|waiter| self.gate.cancel(waiter)));
    }
}

fn walk(seed: u64, when_full: WhenFull) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new(1 + rng.below(4), when_full);
    for number in 0..400 {
        match rng.below(10) {
            0..=4 => bench.send(number),
            5 => bench.signal(number),
            6 | 7 => bench.take(),
            8 => bench.wake(),
            _ if bench.waiting.is_empty() => bench.take(),
            _ => {
                let at = rng.below(bench.waiting.len());
                bench.give_up(at);
            }
        }
        bench.gate.check();
        if when_full != WhenFull::DropOldest {
            assert!(bench.waits() <= bench.capacity, "more waits than may");
        }
    }
    while !bench.woken.is_empty() {
        bench.wake();
    }
    while !bench.model.is_empty() || !bench.inbox.is_empty() {
        bench.take();
        while !bench.woken.is_empty() {
            bench.wake();
        }
    }
    assert!(bench.waiting.is_empty(), "somebody was forgotten");
    bench.lost.sort_unstable();
    bench.model_lost.sort_unstable();
    assert_eq!(bench.lost, bench.model_lost, "lost what the model kept");
}

#[test]
fn every_policy_does_as_the_model() {
    let policies = [
        WhenFull::Block,
        WhenFull::Reject,
        WhenFull::DropOldest,
        WhenFull::DropNewest,
    ];
    for when_full in policies {
        for seed in 0..500 {
            let run = std::panic::catch_unwind(|| walk(seed, when_full));
            assert!(run.is_ok(), "{when_full:?}, seed {seed}");
        }
    }
}
