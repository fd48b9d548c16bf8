//! Does every sender's order hold on two connections of any speed, and does nobody wait for a large frame?
//!
//! Role       Tables for single rules, and seeded walks: senders, sizes, two connections that carry
//!            as they like, fences on their way, and a bulk connection that comes, or does not.

use std::collections::{BTreeMap, VecDeque};

use foundation_runtime::{FreightKind, Rng};

use super::super::frame::{Whole, read_fence, read_header, read_part};
use super::*;

const MESSAGE: FreightKind = FreightKind::Message;

fn frame(bucket: u8, number: u32, size: usize) -> Vec<u8> {
    let mut frame = vec![bucket; size.max(5)];
    frame[1..5].copy_from_slice(&number.to_be_bytes());
    frame
}

/// The other end: what has come, put together.
#[derive(Default)]
struct Receiver {
    parts: BTreeMap<u8, Vec<u8>>,
    seen: BTreeMap<u8, u32>,
    fences: VecDeque<(u8, u32)>,
}

impl Receiver {
    /// One frame of this line; whether there was one.
    fn read(&mut self, line: &mut Line) -> bool {
        let Some((head, rest)) = line.bytes[line.begin..].split_first_chunk() else {
            return false;
        };
        let (kind, length) = read_header(*head).expect("it is a frame");
        let content = &rest[..length];
        line.begin += HEADER_BYTES + length;
        match kind {
            Kind::Process => self.whole(content),
            Kind::Part => {
                let (bucket, is_last, of, part) = read_part(content).expect("it is a part");
                assert_eq!(of, Whole::default());
                self.parts.entry(bucket).or_default().extend(part);
                if is_last {
                    let whole = self.parts.remove(&bucket).expect("it was there");
                    self.whole(&whole);
                }
            }
            Kind::Fence => self
                .fences
                .push_back(read_fence(content).expect("it is a fence")),
            other => panic!("{other:?} was not sent"),
        }
        true
    }

    fn whole(&mut self, frame: &[u8]) {
        let bucket = frame[0];
        let number = u32::from_be_bytes(frame[1..5].try_into().expect("four bytes"));
        let next = self.seen.entry(bucket).or_default();
        assert_eq!(number, *next, "bucket {bucket} is out of order");
        let (half, last) = (frame[frame.len() / 2], frame[frame.len() - 1]);
        let is_small = frame.len() < 12;
        assert!(is_small || half == bucket && last == bucket, "it is torn");
        assert!(
            !self.parts.contains_key(&bucket),
            "it went ahead of a large one"
        );
        *next += 1;
    }
}

/// What is on its way.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    begin: usize,
}

struct Walk {
    rng: Rng,
    queue: Queue,
    lines: [Line; 2],
    receiver: Receiver,
    sent: BTreeMap<u8, u32>,
}

impl Walk {
    fn take(&mut self, route: Route) {
        if route == Route::Bulk && self.queue.bulk() != Bulk::Open {
            return;
        }
        let mut out = Vec::new();
        self.queue.take(route, &mut out);
        self.lines[route as usize].bytes.extend(out);
    }

    fn step(&mut self, refuses: bool) {
        match self.rng.below(12) {
            0..=3 => {
                let bucket = self.rng.below(4) as u8;
                let size = match self.rng.below(10) {
                    0 => PART_BYTES + self.rng.below(4 * PART_BYTES),
                    1 => PART_BYTES,
                    _ => 5 + self.rng.below(200),
                };
                let number = self.sent.entry(bucket).or_default();
                let frame = frame(bucket, *number, size);
                *number += 1;
                let pushed = self.queue.push(bucket, frame, MESSAGE, 0);
                assert!(matches!(pushed, Pushed::Waits(_)), "there is room");
            }
            4..=5 => self.take(Route::Main),
            6..=7 => self.take(Route::Bulk),
            8 => drop(self.receiver.read(&mut self.lines[0])),
            9 => drop(self.receiver.read(&mut self.lines[1])),
            10 if self.queue.bulk() == Bulk::Wanted => self.queue.bulk_opened(!refuses),
            _ => {
                if let Some((bucket, serial)) = self.receiver.fences.pop_front() {
                    self.queue.fenced(bucket, serial);
                }
            }
        }
        self.queue.check();
    }

    fn finish(&mut self, refuses: bool) {
        if self.queue.bulk() == Bulk::Wanted {
            self.queue.bulk_opened(!refuses);
        }
        for _ in 0..100_000 {
            self.take(Route::Main);
            self.take(Route::Bulk);
            for line in &mut self.lines {
                while self.receiver.read(line) {}
            }
            while let Some((bucket, serial)) = self.receiver.fences.pop_front() {
                self.queue.fenced(bucket, serial);
            }
            if self.queue.is_idle() && self.queue.buckets.is_empty() {
                assert_eq!(self.receiver.seen, self.sent, "something is missing");
                return;
            }
        }
        panic!("it does not come to an end: {:?}", self.queue);
    }
}

#[test]
fn every_sender_keeps_its_order_whatever_the_connections_do() {
    for seed in 0..200 {
        let mut walk = Walk {
            rng: Rng::new(seed),
            queue: Queue::new(),
            lines: Default::default(),
            receiver: Receiver::default(),
            sent: BTreeMap::new(),
        };
        let refuses = seed % 4 == 0;
        for _ in 0..400 {
            walk.step(refuses);
        }
        walk.finish(refuses);
    }
}

#[test]
fn who_is_small_goes_past_who_is_large() {
    let mut queue = Queue::new();
    queue.push(1, frame(1, 0, 40 << 20), MESSAGE, 0);
    queue.push(2, frame(2, 0, 100), MESSAGE, 0);
    assert_eq!(queue.waiting(1), 40 << 20);
    let mut out = Vec::new();
    assert!(queue.take(Route::Main, &mut out));
    assert_eq!(
        out.len(),
        FENCE_BYTES + HEADER_BYTES + 100,
        "and nothing large"
    );
    assert_eq!((queue.waiting(2), queue.bulk()), (0, Bulk::Wanted));
    // Without a second connection it goes in turns.
    queue.bulk_opened(false);
    out.clear();
    queue.take(Route::Main, &mut out);
    assert!(
        out.len() <= TURN_BYTES + TURN_BYTES / 16,
        "{} bytes at once",
        out.len()
    );
    queue.push(2, frame(2, 1, 100), MESSAGE, 0);
    out.clear();
    queue.take(Route::Main, &mut out);
    assert_eq!(out[HEADER_BYTES], 2, "it is next");
}

#[test]
fn parts_of_several_take_turns() {
    let mut queue = Queue::new();
    for bucket in [3, 7] {
        queue.push(bucket, frame(bucket, 0, 1 << 20), MESSAGE, 0);
    }
    queue.bulk_opened(false);
    let mut out = Vec::new();
    queue.take(Route::Main, &mut out);
    let parts = out[2 * FENCE_BYTES..].chunks(HEADER_BYTES + PART_HEAD_BYTES + PART_BYTES);
    let whose: Vec<u8> = parts.map(|part| part[HEADER_BYTES]).collect();
    assert_eq!(whose, [3, 7, 3, 7]);
}

#[test]
fn each_path_has_its_own_room_and_signals_always_have() {
    let mut queue = Queue::new();
    let large = || frame(1, 0, 64 << 20);
    assert_eq!(queue.push(1, large(), MESSAGE, 0), Pushed::Waits(0));
    assert_eq!(queue.push(1, large(), MESSAGE, 0), Pushed::Waits(64 << 20));
    assert_eq!(queue.push(1, large(), MESSAGE, 0), Pushed::Full);
    let signal = queue.push(1, large(), FreightKind::Signal, 0);
    assert_eq!(signal, Pushed::Waits(128 << 20));
    let small = queue.push(2, frame(2, 0, 9), MESSAGE, 0);
    assert_eq!(small, Pushed::Waits(FENCE_BYTES));
    let full = queue.push(2, frame(2, 1, 9), MESSAGE, FULL_BYTES);
    assert_eq!(full, Pushed::Full);
}

#[test]
fn an_old_fence_changes_nothing() {
    let mut queue = Queue::new();
    queue.push(1, frame(1, 0, 1 << 20), MESSAGE, 0);
    queue.bulk_opened(true);
    let mut out = Vec::new();
    assert!(
        !queue.take(Route::Bulk, &mut out),
        "what was before it has not arrived"
    );
    queue.fenced(1, 99);
    queue.fenced(2, 1);
    assert!(!queue.take(Route::Bulk, &mut out));
    queue.fenced(1, 1);
    while queue.backlog > 0 {
        assert!(queue.take(Route::Bulk, &mut out));
    }
    // A small one that comes before the fence has come back stays behind the large one.
    queue.push(1, frame(1, 1, 9), MESSAGE, 0);
    queue.fenced(1, 2);
    out.clear();
    assert!(queue.take(Route::Bulk, &mut out));
    assert_eq!(out.len(), HEADER_BYTES + 9 + FENCE_BYTES);
    queue.fenced(1, 3);
    assert!(queue.buckets.is_empty(), "it is as it was");
}
