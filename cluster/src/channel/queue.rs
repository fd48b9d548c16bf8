//! In what order does what waits in one channel leave?
//!
//! Role       The frames of one channel to one node, until they are bytes of one of its lanes.
//! Inputs     Frames with what was asked of them, credit that comes back, room on a lane, what was seen of it.
//! Outputs    Bytes, and what was dropped with the reason.
//! Invariant  What one sender sent, or what has one key, leaves in its order. Senders take turns of
//!            [`QUANTUM`] bytes (surplus round robin), so that none waits for all that another has.
//! Limit      The channel's: from `hold` bytes on senders are to be held, at `full` messages are
//!            refused; signals and answers are always taken.

use foundation_runtime::planted::{self, Bug};
use std::collections::{BTreeMap, VecDeque};

use foundation_runtime::Pid;

use crate::channel::causal::Stamp;
use crate::connection::frame::{HEADER_BYTES, Kind, PART_HEAD_BYTES, Whole, header, part_head};
use crate::connection::queue::PART_BYTES;
use crate::machine::Tick;

mod leftover;
mod spreading;

pub(crate) use leftover::Leftover;
pub(crate) use spreading::Turn;
use spreading::{Bound, Onward, Spread};

/// What a frame that is kept begins with.
pub(crate) const NUMBER_BYTES: usize = 8;
/// How much of one sender leaves before the next has its turn.
const QUANTUM: isize = 16 * 1024;

/// What was asked of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whose turn it takes.
    pub(crate) bucket: u8,
    /// A newer one with the same takes its place.
    pub(crate) topic: Option<u64>,
    /// When it is of no use any more.
    pub(crate) expires: Option<Tick>,
    /// Who waits for an answer to it.
    pub(crate) request: Option<(Pid, u64)>,
    /// Whether its sender can be told that there is no room.
    pub(crate) is_message: bool,
    /// Whether it is kept until the other node has it, and its number once it has left.
    pub(crate) kept: Keeping,
    /// It begins with what it follows.
    pub(crate) is_stamped: bool,
}

/// Whether a frame is kept when it has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keeping {
    #[default]
    Not,
    /// Until the other node has it.
    Kept,
    /// Likewise, and it has left once over an earlier connection, with this number in front.
    Again(u64),
}

/// Why a message that was taken did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dropped {
    /// A newer one took its place.
    Superseded,
    /// It had waited as long as it might.
    Expired,
    /// Nobody knows whether it has come.
    Unacknowledged,
}

#[derive(Clone, Debug)]
struct Entry {
    frame: Vec<u8>,
    wanted: Wanted,
    since: Tick,
}

impl Entry {
    /// Nothing of it leaves but its stamp: what follows it does not wait for it.
    fn blank(&mut self, bucket: u8) {
        if let Keeping::Again(_) = self.wanted.kept {
            self.frame.drain(..NUMBER_BYTES);
        }
        let stamp = Stamp::bytes_of(&self.frame).unwrap_or_default();
        self.frame.truncate(stamp);
        self.wanted = Wanted {
            bucket,
            is_stamped: true,
            ..Wanted::default()
        };
    }
}

#[derive(Debug, Default)]
struct Bucket {
    entries: VecDeque<Entry>,
    /// How many entries have left this bucket: the number of the first.
    left: u64,
    /// How much of the first has left.
    begun: usize,
    /// How much more it may send in this turn; below zero, what it has had of later turns.
    deficit: isize,
    /// Bytes that have left and were not taken by a process there, if somebody counts.
    owed: usize,
    has_turn: bool,
    /// Over which lane it leaves, while something of it may be under way there.
    bound: Option<Bound>,
    /// What has left with a number and may not have come.
    unheard: VecDeque<(u64, Entry)>,
}

impl Bucket {
    /// What is kept when it has left leaves with a number in front: how many bytes that adds.
    fn number_first(&mut self, last: &mut u64, now: Tick) -> usize {
        let Some(first) = self.entries.front_mut() else {
            return 0;
        };
        if first.wanted.kept != Keeping::Kept {
            return 0;
        }
        *last = match planted::is(Bug::NumberedAnew) {
            true => *last + 1,
            false => now.as_nanos().max(*last + 1),
        };
        first.wanted.kept = Keeping::Again(*last);
        first.frame.splice(..0, last.to_be_bytes());
        NUMBER_BYTES
    }

    /// Whether something may leave. What has begun does: its credit comes back when it is whole.
    fn may_send(&self, credit: Option<usize>) -> bool {
        self.begun > 0 || credit.is_none_or(|credit| self.owed < credit)
    }
}

/// What waits in one channel.
#[derive(Debug)]
pub(crate) struct Queue {
    buckets: BTreeMap<u8, Bucket>,
    /// Whose turn it is on any lane.
    turns: VecDeque<u8>,
    spread: Spread,
    /// Where the messages wait that a newer one would replace.
    topics: BTreeMap<u64, (u8, u64)>,
    bytes: usize,
    entries: usize,
    credit: Option<usize>,
    full: usize,
    dropped: Vec<(Dropped, Wanted)>,
    /// Bytes that have left and are kept.
    unheard_bytes: usize,
    /// The last number that was given. Numbers are at least as large as the time, and go on over
    /// connections: none is given twice.
    number: u64,
}

impl Queue {
    pub(crate) fn new(credit: Option<usize>, full: usize) -> Self {
        Self {
            unheard_bytes: 0,
            number: 0,
            buckets: BTreeMap::new(),
            turns: VecDeque::new(),
            spread: Spread::default(),
            topics: BTreeMap::new(),
            bytes: 0,
            entries: 0,
            credit,
            full,
            dropped: Vec::new(),
        }
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many frames wait.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// What was dropped since this was asked last.
    pub(crate) fn dropped(&mut self) -> Vec<(Dropped, Wanted)> {
        std::mem::take(&mut self.dropped)
    }

    /// Queues a frame; `false` when there is no room for a message.
    pub(crate) fn push(&mut self, now: Tick, frame: Vec<u8>, wanted: Wanted) -> bool {
        if let Some(topic) = wanted.topic
            && let Some((at, number)) = self.topics.get(&topic).copied()
        {
            self.replace(at, number, now, frame, wanted);
            return true;
        }
        if wanted.is_message && self.full < self.bytes + self.unheard_bytes + frame.len() {
            return false;
        }
        self.bytes += frame.len();
        self.entries += 1;
        let bucket = self.buckets.entry(wanted.bucket).or_default();
        if let Some(topic) = wanted.topic {
            let number = bucket.left + bucket.entries.len() as u64;
            self.topics.insert(topic, (wanted.bucket, number));
        }
        bucket.entries.push_back(Entry {
            frame,
            wanted,
            since: now,
        });
        self.give_turn(wanted.bucket);
        true
    }

    /// The newer takes the place of the older, which has not begun to leave.
    fn replace(&mut self, at: u8, number: u64, now: Tick, frame: Vec<u8>, wanted: Wanted) {
        let Some(bucket) = self.buckets.get_mut(&at) else {
            unreachable!("what is noted waits");
        };
        let entry = &mut bucket.entries[(number - bucket.left) as usize];
        self.bytes = self.bytes - entry.frame.len() + frame.len();
        let newer = Entry {
            frame,
            // It leaves from where the older was.
            wanted: Wanted {
                bucket: at,
                ..wanted
            },
            since: now,
        };
        let older = std::mem::replace(entry, newer);
        self.dropped.push((Dropped::Superseded, older.wanted));
    }

    /// Whether something of this bucket waits for credit.
    pub(crate) fn is_blocked(&self, number: u8) -> bool {
        let Some(bucket) = self.buckets.get(&number) else {
            return false;
        };
        !bucket.entries.is_empty() && !bucket.may_send(self.credit)
    }

    /// This bucket has its turn when it comes, if anything of it may leave.
    fn give_turn(&mut self, number: u8) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if bucket.has_turn || bucket.entries.is_empty() || !bucket.may_send(self.credit) {
            return;
        }
        match &bucket.bound {
            None => self.turns.push_back(number),
            Some(bound) if bound.onward == Onward::Stay => {
                self.spread.lane(bound.lane).push_back(number);
            }
            // It has its turn where it goes.
            Some(_) => return,
        }
        bucket.has_turn = true;
    }

    /// Processes of the other node have taken so many bytes of this bucket.
    pub(crate) fn credit(&mut self, number: u8, bytes: usize) {
        if let Some(bucket) = self.buckets.get_mut(&number)
            && !planted::is(Bug::CreditForgotten)
        {
            bucket.owed = bucket.owed.saturating_sub(bytes);
            self.give_turn(number);
            self.forget_idle(number);
        }
    }

    /// A bucket of which nothing is known that matters.
    fn forget_idle(&mut self, number: u8) {
        let is_idle = |bucket: &Bucket| {
            let is_empty = bucket.entries.is_empty() && bucket.unheard.is_empty();
            is_empty && bucket.owed == 0 && bucket.bound.is_none()
        };
        if self.buckets.get(&number).is_some_and(is_idle) {
            self.buckets.remove(&number);
            self.turns.retain(|turn| *turn != number);
            // Whoever finds no bucket counts from zero.
            self.topics.retain(|_, (at, _)| *at != number);
        }
    }

    /// Moves what leaves next over a lane to `out`, up to about `room` bytes more; tells of each frame that is
    /// gone how long it waited.
    pub(crate) fn take(
        &mut self,
        now: Tick,
        of: Turn,
        room: usize,
        out: &mut Vec<u8>,
        mut waited: impl FnMut(std::time::Duration),
    ) {
        let until = out.len() + room;
        while out.len() < until {
            let Some(number) = self.next_on(of.lane) else {
                return;
            };
            let Some(bucket) = self.buckets.get_mut(&number) else {
                unreachable!("it has a turn");
            };
            bucket.has_turn = false;
            bucket.deficit = (bucket.deficit + QUANTUM).min(QUANTUM);
            let before = out.len();
            while self.send_some(number, now, out, &mut waited) {}
            if before < out.len() {
                self.bind(number, of);
            }
            self.give_turn(number);
            self.forget_idle(number);
        }
    }

    /// One frame or part of this bucket; whether it may send more in this turn.
    fn send_some(
        &mut self,
        number: u8,
        now: Tick,
        out: &mut Vec<u8>,
        waited: &mut impl FnMut(std::time::Duration),
    ) -> bool {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return false;
        };
        let Some(first) = bucket.entries.front() else {
            bucket.deficit = bucket.deficit.min(0);
            return false;
        };
        if bucket.deficit <= 0 {
            return false;
        }
        let is_over = |at: Tick| at <= now;
        if bucket.begun == 0 && first.wanted.expires.is_some_and(is_over) {
            self.expire_first(number);
            return true;
        }
        if !bucket.may_send(self.credit) {
            return false;
        }
        self.bytes += bucket.number_first(&mut self.number, now);
        let first = &bucket.entries[0];
        let rest = &first.frame[bucket.begun..];
        let taken = rest.len().min(PART_BYTES);
        let is_last = taken == rest.len();
        let of = Whole {
            is_numbered: first.wanted.kept != Keeping::Not,
            is_stamped: first.wanted.is_stamped,
        };
        // Where credit is counted the other end has to know whose it is.
        let is_plain = self.credit.is_none() && of == Whole::default();
        match bucket.begun == 0 && is_last && is_plain {
            true => out.extend_from_slice(&header(Kind::Process, taken)),
            false => {
                out.extend_from_slice(&header(Kind::Part, PART_HEAD_BYTES + taken));
                out.extend_from_slice(&part_head(number, is_last, of));
            }
        }
        out.extend_from_slice(&rest[..taken]);
        self.bytes -= taken;
        // A frame without content costs something, too.
        bucket.deficit -= taken.max(HEADER_BYTES) as isize;
        if self.credit.is_some() {
            bucket.owed += taken;
        }
        if let (0, Some(topic)) = (bucket.begun, first.wanted.topic) {
            self.topics.remove(&topic);
        }
        bucket.begun += taken;
        if is_last {
            waited(now.since(first.since));
            if let Some(entry) = bucket.entries.pop_front()
                && let Keeping::Again(of) = entry.wanted.kept
            {
                self.unheard_bytes += entry.frame.len();
                bucket.unheard.push_back((of, entry));
            }
            bucket.left += 1;
            bucket.begun = 0;
            self.entries -= 1;
        }
        true
    }

    /// The first frame is of no use any more.
    fn expire_first(&mut self, number: u8) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if let Some(first) = bucket.entries.front_mut()
            && first.wanted.is_stamped
        {
            self.bytes -= first.frame.len();
            self.dropped.push((Dropped::Expired, first.wanted));
            first.blank(number);
            self.bytes += first.frame.len();
            return;
        }
        let Some(entry) = bucket.entries.pop_front() else {
            return;
        };
        bucket.left += 1;
        self.bytes -= entry.frame.len();
        self.entries -= 1;
        if let Some(topic) = entry.wanted.topic {
            self.topics.remove(&topic);
        }
        self.dropped.push((Dropped::Expired, entry.wanted));
    }

    /// Asserts what always holds.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let bytes = |bucket: &Bucket| {
            let all: usize = bucket.entries.iter().map(|entry| entry.frame.len()).sum();
            all - bucket.begun
        };
        let all: usize = self.buckets.values().map(bytes).sum();
        assert_eq!(self.bytes, all, "bytes are miscounted");
        let all: usize = self.buckets.values().map(|it| it.entries.len()).sum();
        assert_eq!(self.entries, all, "frames are miscounted");
        for (number, bucket) in &self.buckets {
            let turns = self.all_turns().filter(|turn| turn == number).count();
            assert_eq!(
                turns,
                usize::from(bucket.has_turn),
                "{number} has {turns} turns"
            );
            let waits = !bucket.entries.is_empty() && bucket.may_send(self.credit);
            let goes = bucket.bound.as_ref();
            let goes = goes.is_some_and(|bound| bound.onward != Onward::Stay);
            assert!(bucket.has_turn || goes || !waits, "{number} waits for ever");
        }
        for (topic, (at, number)) in &self.topics {
            let bucket = &self.buckets[at];
            let entry = &bucket.entries[(number - bucket.left) as usize];
            assert_eq!(entry.wanted.topic, Some(*topic), "a topic leads elsewhere");
        }
    }
}

#[cfg(test)]
mod tests;
