//! In what order does what waits for one node leave, and over which connection?
//!
//! Role       Decides for all that this node sends to one other: the *main* connection, which is
//!            always there, and a *bulk* connection, which is opened when a large frame is sent.
//! Inputs     Frames with the bucket of their sender, room on a connection, fences that came back.
//! Outputs    Bytes for each connection.
//! Invariant  What one sender sent leaves in its order, also from one connection to the other: the
//!            change waits until all that went before has arrived, which a fence tells. Large frames
//!            go in parts, and the parts of several senders take turns.
//! Limit      [`FULL_BYTES`] on each path; the driver holds senders from [`HIGH_WATER`] on.

use foundation_runtime::planted::{self, Bug};
use std::collections::{BTreeMap, VecDeque};

use foundation_runtime::FreightKind;

use super::frame::{
    FENCE_BYTES, HEADER_BYTES, Kind, PART_HEAD_BYTES, Whole, fence, header, part_head,
};

/// How many bytes may wait on a path before those who send over it are held.
pub(crate) const HIGH_WATER: usize = 1 << 20;
/// How many bytes may wait on a path before messages are refused.
pub(crate) const FULL_BYTES: usize = 128 << 20;
/// A frame longer than this goes in parts of this size.
pub(crate) const PART_BYTES: usize = 64 * 1024;
/// How many bytes of parts leave at once, so that what is not large never waits for long.
const TURN_BYTES: usize = 4 * PART_BYTES;

/// Senders are told apart by so many buckets.
pub(crate) const BUCKETS: u32 = 251;
/// What goes in causal order, whoever sends it.
pub(crate) const STAMPED: u8 = 254;
/// Who is no process, and what is the connection's own.
pub(crate) const NOBODY: u8 = 255;

/// Where the bulk connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bulk {
    /// Nobody has needed it.
    Unopened,
    /// It is to be opened, or is being opened.
    Wanted,
    /// It is there.
    Open,
    /// It could not be opened: everything goes over the main one.
    Refused,
}

/// Which way one sender's frames go, if not at once over the main connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// In parts over the main connection.
    Inline,
    /// To the bulk connection, when what went over the main one has arrived.
    Entering,
    /// Over the bulk connection.
    Bulk,
    /// All has left over the bulk connection, and may not have arrived.
    Leaving,
}

/// What one sender's frames wait for.
#[derive(Debug)]
struct Bucket {
    path: Path,
    /// The number of the last fence.
    serial: u32,
    frames: VecDeque<Vec<u8>>,
    /// How much of the first has left.
    begun: usize,
    bytes: usize,
}

/// All that waits to be sent to one node.
#[derive(Debug)]
pub(crate) struct Queue {
    main: Vec<u8>,
    bulk: Bulk,
    buckets: BTreeMap<u8, Bucket>,
    /// Of all buckets.
    backlog: usize,
    /// Whose turn it is, on each connection.
    turns: [u8; 2],
    serial: u32,
    frames: u64,
}

/// One of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Main,
    Bulk,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits, and so many bytes of its path with it.
    Waits(usize),
    /// There is no room.
    Full,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            main: Vec::new(),
            bulk: Bulk::Unopened,
            buckets: BTreeMap::new(),
            backlog: 0,
            turns: [0; 2],
            serial: 0,
            frames: 0,
        }
    }

    /// How many frames were given to it.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.main.len() + self.backlog
    }

    /// Whether this bucket's frames go another way than at once over the main connection.
    pub(crate) fn has(&self, bucket: u8) -> bool {
        self.buckets.contains_key(&bucket)
    }

    /// How many bytes wait on the path of this bucket.
    pub(crate) fn waiting(&self, bucket: u8) -> usize {
        match self.buckets.get(&bucket) {
            Some(bucket) => bucket.bytes,
            None => self.main.len(),
        }
    }

    /// Queues a frame. `leaving` bytes were taken from the main path and are not sent yet.
    pub(crate) fn push(
        &mut self,
        bucket: u8,
        content: Vec<u8>,
        freight: FreightKind,
        leaving: usize,
    ) -> Pushed {
        let backed_up = !self.buckets.is_empty()
            && self.buckets.contains_key(&bucket)
            && !planted::is(Bug::Overtaken);
        let is_message = freight == FreightKind::Message;
        if content.len() <= PART_BYTES && !backed_up {
            let waits = self.main.len() + leaving;
            if is_message && FULL_BYTES < waits + content.len() {
                return Pushed::Full;
            }
            self.main.reserve(HEADER_BYTES + content.len());
            self.main
                .extend_from_slice(&header(Kind::Process, content.len()));
            self.main.extend_from_slice(&content);
            self.frames += 1;
            return Pushed::Waits(waits);
        }
        if is_message && FULL_BYTES < self.backlog + content.len() {
            return Pushed::Full;
        }
        self.frames += 1;
        Pushed::Waits(self.back_up(bucket, content))
    }

    /// The frame waits for its turn. How much waited before it.
    fn back_up(&mut self, number: u8, content: Vec<u8>) -> usize {
        if !self.buckets.contains_key(&number) {
            let path = match self.bulk {
                Bulk::Refused => Path::Inline,
                _ => Path::Entering,
            };
            if self.bulk == Bulk::Unopened {
                self.bulk = Bulk::Wanted;
            }
            let mut serial = 0;
            if path == Path::Entering {
                self.serial = self.serial.wrapping_add(1);
                serial = self.serial;
                self.main
                    .extend_from_slice(&fence(Kind::Fence, number, serial));
            }
            let bucket = Bucket {
                path,
                serial,
                frames: VecDeque::new(),
                begun: 0,
                bytes: 0,
            };
            self.buckets.insert(number, bucket);
        }
        let Some(bucket) = self.buckets.get_mut(&number) else {
            unreachable!("it was put there");
        };
        if bucket.path == Path::Leaving {
            bucket.path = Path::Bulk;
        }
        let before = bucket.bytes;
        bucket.bytes += content.len();
        self.backlog += content.len();
        bucket.frames.push_back(content);
        before
    }

    /// Queues what the connection itself says.
    pub(crate) fn control(&mut self, bytes: &[u8]) {
        self.frames += 1;
        self.main.extend_from_slice(bytes);
    }

    /// What the bulk connection is to this queue.
    pub(crate) fn bulk(&self) -> Bulk {
        self.bulk
    }

    /// The bulk connection is there, or cannot be had.
    pub(crate) fn bulk_opened(&mut self, is_open: bool) {
        self.bulk = match is_open {
            true => Bulk::Open,
            false => Bulk::Refused,
        };
        if !is_open {
            for bucket in self.buckets.values_mut() {
                assert_ne!(bucket.path, Path::Leaving, "it was never there");
                bucket.path = Path::Inline;
            }
        }
    }

    /// A fence has come back: all before it has arrived.
    pub(crate) fn fenced(&mut self, number: u8, serial: u32) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if bucket.serial != serial {
            return;
        }
        match bucket.path {
            Path::Entering => bucket.path = Path::Bulk,
            Path::Leaving => {
                assert!(bucket.frames.is_empty(), "it would not be leaving");
                self.buckets.remove(&number);
            }
            Path::Inline | Path::Bulk => {}
        }
    }

    /// Moves what is to leave next over this connection to `out`; whether there is anything.
    pub(crate) fn take(&mut self, route: Route, out: &mut Vec<u8>) -> bool {
        if route == Route::Main && !self.main.is_empty() {
            match out.is_empty() {
                true => std::mem::swap(out, &mut self.main),
                false => out.append(&mut self.main),
            }
        }
        let (path, turn) = match route {
            Route::Main => (Path::Inline, 0),
            Route::Bulk => (Path::Bulk, 1),
        };
        if self.backlog > 0 {
            let until = out.len() + TURN_BYTES;
            while out.len() < until {
                let Some(number) = self.next(path, self.turns[turn]) else {
                    break;
                };
                self.turns[turn] = number.wrapping_add(1);
                self.part(number, out);
            }
        }
        !out.is_empty()
    }

    /// The bucket whose turn it is.
    fn next(&self, path: Path, turn: u8) -> Option<u8> {
        let waits = |(_, bucket): &(&u8, &Bucket)| bucket.path == path && !bucket.frames.is_empty();
        let later = self.buckets.range(turn..).find(waits);
        let found = later.or_else(|| self.buckets.range(..turn).find(waits));
        found.map(|(number, _)| *number)
    }

    /// One part of a bucket's first frame, or the frame when it is small.
    fn part(&mut self, number: u8, out: &mut Vec<u8>) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            unreachable!("it has a turn");
        };
        let first = &bucket.frames[0];
        let rest = &first[bucket.begun..];
        let taken = rest.len().min(PART_BYTES);
        let is_last = taken == rest.len();
        if bucket.begun == 0 && is_last {
            out.extend_from_slice(&header(Kind::Process, taken));
        } else {
            out.extend_from_slice(&header(Kind::Part, PART_HEAD_BYTES + taken));
            out.extend_from_slice(&part_head(number, is_last, Whole::default()));
        }
        out.extend_from_slice(&rest[..taken]);
        bucket.begun += taken;
        bucket.bytes -= taken;
        self.backlog -= taken;
        if is_last {
            bucket.frames.pop_front();
            bucket.begun = 0;
        }
        if !bucket.frames.is_empty() {
            return;
        }
        match bucket.path {
            // On one connection the order needs no help.
            Path::Inline => drop(self.buckets.remove(&number)),
            _ => {
                self.serial = self.serial.wrapping_add(1);
                bucket.path = Path::Leaving;
                bucket.serial = self.serial;
                let fence: [u8; FENCE_BYTES] = fence(Kind::Fence, number, self.serial);
                out.extend_from_slice(&fence);
            }
        }
    }

    /// Whether anything can leave over this connection now.
    #[cfg(test)]
    fn is_idle(&self) -> bool {
        self.main.is_empty() && self.backlog == 0
    }

    /// Asserts what always holds.
    #[cfg(test)]
    fn check(&self) {
        let bytes = |bucket: &Bucket| {
            let all: usize = bucket.frames.iter().map(Vec::len).sum();
            all - bucket.begun
        };
        for bucket in self.buckets.values() {
            assert_eq!(bucket.bytes, bytes(bucket), "bytes are miscounted");
            let is_empty = bucket.frames.is_empty();
            assert_eq!(is_empty, bucket.path == Path::Leaving, "{bucket:?}");
        }
        let all: usize = self.buckets.values().map(|bucket| bucket.bytes).sum();
        assert_eq!(self.backlog, all, "the backlog is miscounted");
    }
}

#[cfg(test)]
mod tests;
