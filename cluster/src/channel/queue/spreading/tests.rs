//! Does a sender's order hold when what it sends changes lanes?
//!
//! Role       Single rules, and seeded walks: lanes of any speed that come, go and take from each other.

use std::collections::VecDeque;

use foundation_runtime::Rng;

use super::super::tests::{Receiver, at, frame, of};
use super::*;
use crate::connection::queue::PART_BYTES;

/// A lane and its connection.
#[derive(Default)]
struct Lane {
    turns: u64,
    /// What is under way.
    pipe: VecDeque<Vec<u8>>,
    /// Each lane puts its own parts together.
    end: Receiver,
    seen: u64,
}

struct Sender {
    queue: Queue,
    lanes: Vec<Lane>,
    /// What came, in the order in which it came.
    came: Vec<(u8, u32)>,
}

impl Sender {
    fn new(lanes: usize) -> Self {
        Self {
            queue: Queue::new(None, 8 << 20),
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            came: Vec::new(),
        }
    }

    fn push(&mut self, bucket: u8, number: u32, size: usize) {
        let frame = frame(bucket, number, size);
        assert!(self.queue.push(at(0), frame, of(bucket)));
        self.queue.check();
    }

    /// What leaves over a lane: how many bytes.
    fn take(&mut self, lane: u8, room: usize) -> usize {
        let of = &mut self.lanes[usize::from(lane)];
        let number = of.turns + 1;
        let mut out = Vec::new();
        self.queue
            .take(at(0), Turn { lane, number }, room, &mut out, |_| {});
        self.queue.check();
        let bytes = out.len();
        if bytes > 0 {
            of.turns = number;
            of.pipe.push_back(out);
        }
        bytes
    }

    /// The first that is under way comes, and the node hears of it when it does.
    fn come(&mut self, lane: usize) {
        let of = &mut self.lanes[lane];
        if let Some(bytes) = of.pipe.pop_front() {
            of.end.read(&bytes);
            self.came.append(&mut of.end.seen);
            of.seen += 1;
        }
    }

    fn hear(&mut self, lane: u8) {
        let seen = self.lanes[usize::from(lane)].seen;
        self.queue.seen(lane, seen);
        self.queue.check();
    }

    fn use_lanes(&mut self, used: u8) {
        let first = &self.lanes[0];
        // The node knows of less than has come.
        self.queue.use_lanes(used, first.turns, first.seen);
        self.queue.check();
    }
}

#[test]
fn what_is_under_way_keeps_its_lane_and_what_is_not_may_go_anywhere() {
    let mut node = Sender::new(2);
    node.use_lanes(2);
    node.push(1, 0, 100);
    assert!(node.take(0, 1000) > 0);
    node.push(1, 1, 100);
    assert_eq!(node.take(1, 1000), 0, "the first is under way on the other");
    assert!(node.queue.has_own(0) && !node.queue.has_own(1));
    node.come(0);
    assert_eq!(node.take(1, 1000), 0, "nobody has heard of it");
    node.hear(0);
    assert!(node.take(1, 1000) > 0);
    node.push(2, 0, 100);
    assert!(node.take(0, 1000) > 0, "another sender goes where it may");
}

#[test]
fn a_lane_with_nothing_to_do_gets_a_sender_of_one_that_has_several() {
    let mut node = Sender::new(2);
    node.use_lanes(2);
    for bucket in [1, 2] {
        node.push(bucket, 0, 9);
    }
    assert!(node.take(0, 1000) > 0);
    for bucket in [1, 2] {
        node.push(bucket, 1, 9);
    }
    node.queue.ask_for_more(1);
    node.queue.check();
    assert_eq!(node.take(1, 1000), 0, "not before it was seen");
    node.come(0);
    node.hear(0);
    assert!(node.queue.has_own(1));
    assert!(node.take(0, 1) > 0 && node.take(1, 1) > 0);
    // One sender alone stays where it is.
    node.come(0);
    node.come(1);
    node.push(1, 2, 9);
    node.hear(0);
    node.hear(1);
    assert!(node.take(0, 1000) > 0);
    node.push(1, 3, 9);
    node.queue.ask_for_more(1);
    assert!(node.queue.has_own(0));
}

#[test]
fn the_parts_of_a_frame_go_over_one_lane() {
    let mut node = Sender::new(2);
    node.use_lanes(2);
    node.push(1, 0, 3 * PART_BYTES);
    assert!(node.take(0, 1) > 0);
    node.come(0);
    node.hear(0);
    assert_eq!(
        node.take(1, 1 << 20),
        0,
        "its first part has left elsewhere"
    );
    while node.take(0, 1 << 20) > 0 {}
    node.come(0);
    assert_eq!(node.came, [(1, 0)]);
}

#[test]
fn what_had_left_before_there_were_lanes_is_waited_for() {
    let mut node = Sender::new(2);
    node.push(1, 0, 9);
    assert!(node.take(0, 1000) > 0);
    // Nothing is known of this sender any more.
    node.use_lanes(2);
    node.push(1, 1, 9);
    assert_eq!(node.take(1, 1000), 0);
    node.come(0);
    node.hear(0);
    assert!(node.take(1, 1000) > 0);
}

fn walk(seed: u64) -> usize {
    const LANES: usize = 4;
    let mut rng = Rng::new(seed);
    let mut node = Sender::new(LANES);
    let mut next = [0; 6];
    let mut over = [0; LANES];
    for _ in 0..1500 {
        let lane = rng.below(LANES) as u8;
        match rng.below(16) {
            0..=4 => {
                let bucket = rng.below(6) as u8;
                let size = match rng.below(20) {
                    0 => PART_BYTES + rng.below(2 * PART_BYTES),
                    _ => 5 + rng.below(2000),
                };
                let number = &mut next[usize::from(bucket)];
                node.push(bucket, *number, size);
                *number += 1;
            }
            5..=8 => {
                let taken = node.take(lane, 1 + rng.below(60_000));
                over[usize::from(lane)] += usize::from(taken > 0);
            }
            9..=11 => node.come(usize::from(lane)),
            12..=13 => node.hear(lane),
            14 => node.queue.ask_for_more(lane),
            _ => {
                if rng.chance(0.2) {
                    node.use_lanes(1 + rng.below(LANES) as u8);
                }
            }
        }
        node.queue.check();
    }
    // Whatever lanes there were, all of it comes.
    for _ in 0..1000 {
        for lane in 0..LANES as u8 {
            node.take(lane, 1 << 20);
            node.come(usize::from(lane));
            node.hear(lane);
        }
    }
    assert_eq!(node.queue.entries(), 0, "seed {seed}: it waits for ever");
    for bucket in 0..6 {
        let came = node.came.iter().filter(|it| it.0 == bucket);
        let came: Vec<u32> = came.map(|it| it.1).collect();
        let all: Vec<u32> = (0..next[usize::from(bucket)]).collect();
        assert_eq!(came, all, "seed {seed}, bucket {bucket}");
    }
    over.iter().filter(|turns| **turns > 0).count()
}

#[test]
fn every_senders_order_holds_whichever_lanes_there_are() {
    let used: usize = (0..300).map(walk).sum();
    assert!(used > 900, "{used}: it went over few lanes");
}
