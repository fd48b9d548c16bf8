//! Does a channel keep every order, and drop nothing but what it may?
//!
//! Role       Tables for single rules, and seeded walks: senders, sizes, topics, times and credit.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_runtime::Rng;

use super::*;
use crate::connection::frame::{read_header, read_part};

/// There is one lane, and nobody counts.
const TURN: Turn = Turn { lane: 0, number: 1 };

pub(super) fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

pub(super) fn frame(bucket: u8, number: u32, size: usize) -> Vec<u8> {
    let mut frame = vec![bucket; size.max(5)];
    frame[1..5].copy_from_slice(&number.to_be_bytes());
    frame
}

pub(super) fn of(bucket: u8) -> Wanted {
    Wanted {
        bucket,
        is_message: true,
        ..Wanted::default()
    }
}

/// The other end: what has come, put together, with the bucket and the number of each.
#[derive(Default)]
pub(super) struct Receiver {
    parts: BTreeMap<u8, Vec<u8>>,
    pub(super) seen: Vec<(u8, u32)>,
    /// What no process has taken yet: bucket and size.
    untaken: Vec<(u8, usize)>,
    /// The last number of each bucket, whatever the connection.
    heard: BTreeMap<u8, u64>,
}

impl Receiver {
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((head, rest)) = bytes.split_first_chunk() {
            let (kind, length) = read_header(*head).expect("a frame");
            let (content, rest) = rest.split_at(length);
            bytes = rest;
            match kind {
                Kind::Process => self.whole(content),
                Kind::Part => {
                    let (bucket, is_last, of, part) = read_part(content).expect("a part");
                    self.parts.entry(bucket).or_default().extend(part);
                    if !is_last {
                        continue;
                    }
                    let whole = self.parts.remove(&bucket).expect("it was there");
                    if !of.is_numbered {
                        assert_eq!(whole[0], bucket, "a part is somebody else's");
                        self.whole(&whole);
                        continue;
                    }
                    let (number, frame) = whole.split_first_chunk().expect("a number");
                    let number = u64::from_be_bytes(*number);
                    let last = self.heard.entry(bucket).or_default();
                    if *last < number {
                        *last = number;
                        self.whole(frame);
                    }
                }
                other => panic!("{other:?} was not sent"),
            }
        }
    }

    fn whole(&mut self, frame: &[u8]) {
        let number = u32::from_be_bytes(frame[1..5].try_into().expect("four bytes"));
        assert!(
            frame[5..].iter().all(|byte| *byte == frame[0]),
            "it is torn"
        );
        self.seen.push((frame[0], number));
        self.untaken.push((frame[0], frame.len()));
    }
}

fn take(queue: &mut Queue, now: Tick, room: usize, to: &mut Receiver) -> usize {
    let mut out = Vec::new();
    queue.take(now, TURN, room, &mut out, |_| {});
    queue.check();
    to.read(&out);
    out.len()
}

#[test]
fn a_newer_message_takes_the_place_of_the_one_that_waits() {
    let (mut queue, mut to) = (Queue::new(None, 1 << 20), Receiver::default());
    let topic = |topic| Wanted {
        topic: Some(topic),
        ..of(1)
    };
    for (number, wanted) in [(0, topic(7)), (1, of(1)), (2, topic(8)), (3, topic(7))] {
        assert!(queue.push(at(0), frame(1, number, 9), wanted));
        queue.check();
    }
    assert_eq!(queue.dropped(), [(Dropped::Superseded, topic(7))]);
    take(&mut queue, at(0), 1 << 20, &mut to);
    assert_eq!(to.seen, [(1, 3), (1, 1), (1, 2)]);
    // What has left is not replaced, and neither is what has begun to leave.
    assert!(queue.push(at(0), frame(1, 4, 3 * PART_BYTES), topic(7)));
    take(&mut queue, at(0), 1, &mut to);
    assert!(queue.push(at(0), frame(1, 5, 9), topic(7)));
    take(&mut queue, at(0), 1 << 20, &mut to);
    assert_eq!(to.seen[3..], [(1, 4), (1, 5)]);
    assert_eq!(queue.dropped(), []);
}

#[test]
fn what_has_waited_too_long_does_not_leave() {
    let (mut queue, mut to) = (Queue::new(None, 1 << 20), Receiver::default());
    let until = |millis| Wanted {
        expires: Some(at(millis)),
        ..of(1)
    };
    for (number, wanted) in [(0, until(5)), (1, of(1)), (2, until(9))] {
        assert!(queue.push(at(0), frame(1, number, 9), wanted));
    }
    take(&mut queue, at(5), 1 << 20, &mut to);
    assert_eq!(to.seen, [(1, 1), (1, 2)]);
    assert_eq!(queue.dropped(), [(Dropped::Expired, until(5))]);
    assert_eq!((queue.bytes(), queue.entries()), (0, 0));
}

#[test]
fn a_full_lane_takes_signals_and_no_messages() {
    let mut queue = Queue::new(None, 20);
    let signal = Wanted {
        is_message: false,
        ..of(1)
    };
    assert!(queue.push(at(0), frame(1, 0, 15), of(1)));
    assert!(!queue.push(at(0), frame(2, 0, 6), of(2)));
    assert!(queue.push(at(0), frame(1, 1, 100), signal));
    assert_eq!((queue.bytes(), queue.entries()), (115, 2));
    assert_eq!(queue.leave().1, [of(1), signal]);
    queue.check();
}

#[test]
fn no_sender_waits_for_all_that_another_has() {
    let (mut queue, mut to) = (Queue::new(None, 64 << 20), Receiver::default());
    for number in 0..1000 {
        assert!(queue.push(at(0), frame(1, number, 1000), of(1)));
    }
    assert!(queue.push(at(0), frame(2, 0, 8 << 20), of(2)));
    assert!(queue.push(at(0), frame(3, 0, 9), of(3)));
    take(&mut queue, at(0), 128 * 1024, &mut to);
    assert!(to.seen.contains(&(3, 0)), "the third has to wait");
    // Bytes are shared, although the second has large frames and the first small ones.
    take(&mut queue, at(0), 1 << 20, &mut to);
    let first = to.seen.iter().filter(|(bucket, _)| *bucket == 1).count();
    assert!((450..700).contains(&first), "{first} of about 550");
}

#[test]
fn a_sender_has_no_more_under_way_than_its_credit() {
    let (mut queue, mut to) = (Queue::new(Some(1000), 1 << 20), Receiver::default());
    for number in 0..10 {
        assert!(queue.push(at(0), frame(1, number, 300), of(1)));
        assert!(queue.push(at(0), frame(2, number, 10), of(2)));
    }
    take(&mut queue, at(0), 1 << 20, &mut to);
    let count = |to: &Receiver, of| to.seen.iter().filter(|(bucket, _)| *bucket == of).count();
    // The last of them exceeds it: a frame larger than all credit leaves as well.
    assert_eq!((count(&to, 1), count(&to, 2)), (4, 10));
    assert!(queue.is_blocked(1) && !queue.is_blocked(2) && queue.free_for(0) == 0);
    queue.credit(1, 300);
    queue.check();
    take(&mut queue, at(0), 1 << 20, &mut to);
    assert_eq!(count(&to, 1), 5);
    queue.credit(1, 5000);
    take(&mut queue, at(0), 1 << 20, &mut to);
    assert_eq!(count(&to, 1), 9);
}

/// Senders, sizes, topics, times and credit as they come: orders hold, and nothing is lost but what is
/// said to be dropped.
fn walk(seed: u64) {
    let mut rng = Rng::new(seed);
    let credit = rng.chance(0.5).then(|| 1 + rng.below(100_000));
    let (mut queue, mut to) = (Queue::new(credit, 512 * 1024), Receiver::default());
    let (mut next, mut pushed, mut dropped) = ([0; 4], 0, 0);
    let mut now = at(0);
    for _ in 0..600 {
        now = now + Duration::from_millis(rng.below(3) as u64);
        match rng.below(4) {
            0 | 1 => {
                let bucket = rng.below(4) as u8;
                let size = match rng.below(12) {
                    0 => PART_BYTES + rng.below(3 * PART_BYTES),
                    _ => 5 + rng.below(2000),
                };
                let wanted = Wanted {
                    topic: rng
                        .chance(0.3)
                        .then(|| u64::from(bucket) * 8 + rng.below(3) as u64),
                    expires: rng.chance(0.2).then(|| now + Duration::from_millis(20)),
                    ..of(bucket)
                };
                let number = &mut next[usize::from(bucket)];
                if queue.push(now, frame(bucket, *number, size), wanted) {
                    (*number, pushed) = (*number + 1, pushed + 1);
                }
            }
            2 => drop(take(&mut queue, now, 1 + rng.below(200_000), &mut to)),
            _ if to.untaken.is_empty() => {}
            _ => {
                let (bucket, size) = to.untaken.swap_remove(rng.below(to.untaken.len()));
                if credit.is_some() {
                    queue.credit(bucket, size);
                }
            }
        }
        queue.check();
        dropped += queue.dropped().len();
    }
    while queue.entries() > 0 {
        for (bucket, size) in std::mem::take(&mut to.untaken) {
            queue.credit(bucket, size);
        }
        let taken = take(&mut queue, now, 1 << 20, &mut to);
        dropped += queue.dropped().len();
        assert!(
            taken > 0 || queue.entries() == 0,
            "seed {seed}: it waits for ever"
        );
    }
    assert_eq!(to.seen.len() + dropped, pushed, "seed {seed}");
    for bucket in 0..4 {
        let numbers: Vec<u32> = to
            .seen
            .iter()
            .filter(|it| it.0 == bucket)
            .map(|it| it.1)
            .collect();
        let mut sorted = numbers.clone();
        sorted.dedup();
        assert_eq!(sorted.len(), numbers.len(), "seed {seed}: one came twice");
    }
}

#[test]
fn every_frame_leaves_once_or_is_said_to_be_dropped() {
    for seed in 0..300 {
        walk(seed);
    }
}

#[test]
fn without_topics_every_senders_order_holds() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let (mut queue, mut to) = (Queue::new(Some(5000), 1 << 20), Receiver::default());
        let mut next = [0; 4];
        for _ in 0..400 {
            let bucket = rng.below(4) as u8;
            match rng.below(3) {
                0 => {
                    let size = 5 + rng.below(3000);
                    let number = &mut next[usize::from(bucket)];
                    if queue.push(at(0), frame(bucket, *number, size), of(bucket)) {
                        *number += 1;
                    }
                }
                1 => drop(take(&mut queue, at(0), 1 + rng.below(9000), &mut to)),
                _ => queue.credit(bucket, rng.below(3000)),
            }
        }
        for bucket in 0..4 {
            let came = to.seen.iter().filter(|it| it.0 == bucket).map(|it| it.1);
            for (place, number) in came.enumerate() {
                assert_eq!(number as usize, place, "seed {seed}, bucket {bucket}");
            }
        }
    }
}

/// Connections that end at any byte: what is kept comes once and in its order, however often it is sent.
fn walk_over_connections(seed: u64) {
    let mut rng = Rng::new(seed);
    let (mut queue, mut to) = (Queue::new(None, 8 << 20), Receiver::default());
    let (mut now, mut next) = (at(0), [0; 3]);
    let mut lost = 0;
    for _ in 0..400 {
        now = now + Duration::from_millis(rng.below(3) as u64);
        let bucket = rng.below(3) as u8;
        match rng.below(12) {
            0..=4 => {
                let size = match rng.below(8) {
                    0 => PART_BYTES + rng.below(2 * PART_BYTES),
                    _ => 5 + rng.below(500),
                };
                let wanted = Wanted {
                    kept: Keeping::Kept,
                    ..of(bucket)
                };
                let number = &mut next[usize::from(bucket)];
                if queue.push(now, frame(bucket, *number, size), wanted) {
                    *number += 1;
                }
            }
            5..=9 => {
                let mut out = Vec::new();
                queue.take(now, TURN, 1 + rng.below(80_000), &mut out, |_| {});
                match rng.chance(0.15) {
                    false => to.read(&out),
                    // The connection ends on the way: some whole frames of it came, and no more.
                    true => {
                        let come = rng.below(out.len() + 1);
                        to.read(whole_frames(&out[..come]));
                        lost += 1;
                        to.parts.clear();
                        let (left, given_up) = queue.leave();
                        assert_eq!(given_up, [], "seed {seed}: all were to be kept");
                        queue = Queue::resume(None, 8 << 20, left);
                    }
                }
            }
            _ => {
                if let Some(number) = to.heard.get(&bucket) {
                    queue.acknowledged(bucket, *number);
                }
            }
        }
        queue.check();
    }
    assert!(lost > 5, "seed {seed}: too few connections");
    while queue.entries() > 0 {
        take(&mut queue, now, 1 << 20, &mut to);
    }
    for (bucket, number) in to.heard.clone() {
        queue.acknowledged(bucket, number);
    }
    assert_eq!(queue.unheard(), (0, 0), "seed {seed}");
    for bucket in 0..3 {
        let came = to.seen.iter().filter(|it| it.0 == bucket).map(|it| it.1);
        assert!(
            came.eq(0..next[usize::from(bucket)]),
            "seed {seed}, bucket {bucket}"
        );
    }
}

/// What of these bytes is whole frames.
fn whole_frames(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    while let Some((head, rest)) = bytes[end..].split_first_chunk::<HEADER_BYTES>() {
        let (_, length) = read_header(*head).expect("a frame");
        if rest.len() < length {
            break;
        }
        end += HEADER_BYTES + length;
    }
    &bytes[..end]
}

#[test]
fn what_is_kept_comes_once_and_in_order_over_any_number_of_connections() {
    for seed in 0..200 {
        walk_over_connections(seed);
    }
}

#[test]
fn what_is_kept_is_given_up_in_its_time() {
    let (mut queue, mut to) = (Queue::new(None, 100), Receiver::default());
    let wanted = Wanted {
        kept: Keeping::Kept,
        expires: Some(at(9)),
        ..of(1)
    };
    assert!(queue.push(at(0), frame(1, 0, 60), wanted));
    take(&mut queue, at(1), 1 << 20, &mut to);
    assert_eq!((queue.unheard(), queue.bytes()), ((1, 68), 0));
    assert!(!queue.push(at(2), frame(1, 1, 60), wanted), "it takes room");
    queue.expire_unheard(at(9));
    assert_eq!((queue.unheard(), queue.dropped().len()), ((0, 0), 1));
    assert!(queue.push(at(10), frame(1, 1, 60), wanted));
}
