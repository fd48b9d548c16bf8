//! Over which lane does what waits leave?
//!
//! Role       Binds a bucket to the lane over which it last left, until the other end has seen that; then any
//!            lane may have it. A lane that has nothing to do asks for a bucket of one that has several.
//! Invariant  Of one bucket nothing is under way over two lanes, and a frame of which a part has left goes on over
//!            the same one.

use std::collections::VecDeque;

use foundation_runtime::planted::{self, Bug};

use super::Queue;

/// The turn of a lane in which something leaves: the how-manieth it is of that lane, from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) lane: u8,
    pub(crate) number: u64,
}

/// Where a bucket goes when the other end has seen what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onward {
    /// It has its turns where it is.
    Stay,
    /// It waits, for this lane.
    To(u8),
    /// It waits, for whichever takes it.
    Free,
}

/// The lane that a bucket has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) lane: u8,
    /// Its last turn there; zero when nothing of it has left there yet.
    turn: u64,
    pub(super) onward: Onward,
}

/// The lanes, when there is more than one.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Whose turn it is on each. Empty when all goes over the first, and nobody counts.
    lanes: Vec<VecDeque<u8>>,
    /// How many may take what is bound to none.
    used: u8,
    /// What has left over the first one before others were used: they wait until this turn was seen.
    fence: u64,
    /// The next turn is of what is bound to none, where there is both.
    is_free_next: bool,
}

impl Spread {
    pub(super) fn lane(&mut self, number: u8) -> &mut VecDeque<u8> {
        &mut self.lanes[usize::from(number)]
    }

    fn is_on(&self) -> bool {
        !self.lanes.is_empty()
    }

    fn is_fenced(&self, lane: u8) -> bool {
        0 < self.fence && 0 < lane
    }
}

impl Queue {
    /// So many lanes are used from here on; over the first so many turns have left, and of these so many were
    /// seen.
    pub(crate) fn use_lanes(&mut self, used: u8, sent: u64, seen: u64) {
        let used = used.max(1);
        if used == 1 && !self.spread.is_on() {
            return;
        }
        if !self.spread.is_on() {
            self.begin_spreading(sent, seen);
        }
        if self.spread.lanes.len() < usize::from(used) {
            self.spread
                .lanes
                .resize_with(usize::from(used), VecDeque::new);
        }
        self.spread.used = used;
        self.empty_lanes();
        self.end_spreading();
    }

    /// Nobody has counted what has left over the first lane: all of it may be under way.
    fn begin_spreading(&mut self, sent: u64, seen: u64) {
        self.spread.lanes.push(VecDeque::new());
        let is_under_way = seen < sent;
        self.spread.fence = if is_under_way { sent } else { 0 };
        for bucket in self.buckets.values_mut() {
            if is_under_way || bucket.begun > 0 {
                bucket.bound = Some(Bound {
                    lane: 0,
                    turn: sent,
                    onward: Onward::Stay,
                });
            }
        }
        let bound = |number: &u8| self.buckets[number].bound.is_some();
        self.spread.lanes[0] = self.turns.iter().copied().filter(bound).collect();
        self.turns.retain(|number| !bound(number));
    }

    /// Nothing of what is on lanes that are used no more begins there.
    fn empty_lanes(&mut self) {
        let used = self.spread.used;
        let numbers: Vec<u8> = self.buckets.keys().copied().collect();
        for number in numbers {
            let Some(bucket) = self.buckets.get_mut(&number) else {
                continue;
            };
            let is_begun = bucket.begun > 0;
            match &mut bucket.bound {
                Some(bound) if matches!(bound.onward, Onward::To(lane) if used <= lane) => {
                    bound.onward = Onward::Free;
                }
                Some(bound) if used <= bound.lane && !is_begun => {
                    self.send_onward(number, Onward::Free);
                }
                _ => {}
            }
        }
    }

    /// When one lane is left, nobody counts.
    fn end_spreading(&mut self) {
        let elsewhere = |bound: &Bound| bound.lane > 0 || bound.onward != Onward::Stay;
        let mut all = self.buckets.values();
        if self.spread.used != 1 || all.any(|it| it.bound.as_ref().is_some_and(elsewhere)) {
            return;
        }
        if let Some(first) = self.spread.lanes.first_mut() {
            self.turns.append(first);
        }
        self.spread = Spread::default();
        let numbers: Vec<u8> = self.buckets.keys().copied().collect();
        for number in numbers {
            if let Some(bucket) = self.buckets.get_mut(&number) {
                bucket.bound = None;
            }
            self.forget_idle(number);
        }
    }

    /// The bucket that has its turn on this lane.
    pub(super) fn next_on(&mut self, lane: u8) -> Option<u8> {
        if !self.spread.is_on() {
            return (lane == 0).then(|| self.turns.pop_front()).flatten();
        }
        if self.spread.is_fenced(lane) {
            return None;
        }
        let is_used = lane < self.spread.used;
        let is_free_next = std::mem::replace(&mut self.spread.is_free_next, false);
        if is_used
            && is_free_next
            && let Some(free) = self.turns.pop_front()
        {
            return Some(free);
        }
        self.spread.is_free_next = true;
        let own = self.spread.lanes.get_mut(usize::from(lane))?.pop_front();
        own.or_else(|| is_used.then(|| self.turns.pop_front()).flatten())
    }

    /// Something of a bucket has left in this turn.
    pub(super) fn bind(&mut self, number: u8, turn: Turn) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        if self.spread.is_on() && !planted::is(Bug::MovedTooSoon) {
            let leaves = self.spread.used <= turn.lane && bucket.begun == 0;
            bucket.bound = Some(Bound {
                lane: turn.lane,
                turn: turn.number,
                onward: if leaves { Onward::Free } else { Onward::Stay },
            });
        }
    }

    /// The other end has seen so many turns of this lane.
    pub(crate) fn seen(&mut self, lane: u8, turn: u64) {
        if !self.spread.is_on() {
            return;
        }
        if lane == 0 && self.spread.fence <= turn {
            self.spread.fence = 0;
        }
        let is_seen = |bound: &Bound| bound.lane == lane && bound.turn <= turn;
        let seen = self
            .buckets
            .iter()
            .filter(|(_, bucket)| bucket.begun == 0 && bucket.bound.as_ref().is_some_and(is_seen));
        let seen: Vec<u8> = seen.map(|(number, _)| *number).collect();
        for number in seen {
            self.release(number);
        }
        self.end_spreading();
    }

    /// Nothing of it is under way.
    fn release(&mut self, number: u8) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        let Some(old) = bucket.bound.take() else {
            return;
        };
        if std::mem::take(&mut bucket.has_turn) {
            self.spread.lane(old.lane).retain(|turn| *turn != number);
        }
        if let Onward::To(lane) = old.onward {
            bucket.bound = Some(Bound {
                lane,
                turn: 0,
                onward: Onward::Stay,
            });
        }
        self.give_turn(number);
        self.forget_idle(number);
    }

    /// A bucket leaves its lane as soon as it can.
    fn send_onward(&mut self, number: u8, onward: Onward) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        let Some(bound) = &mut bucket.bound else {
            return;
        };
        bound.onward = onward;
        if std::mem::take(&mut bucket.has_turn) {
            self.spread.lane(bound.lane).retain(|turn| *turn != number);
        }
        if bound.turn == 0 {
            self.release(number);
        }
    }

    /// This lane has nothing to do: it gets a bucket of another that has several, when that can be.
    pub(crate) fn ask_for_more(&mut self, lane: u8) {
        let spread = &self.spread;
        let is_there = lane < spread.used && !spread.is_fenced(lane);
        if !is_there || !self.turns.is_empty() || self.has_own(lane) {
            return;
        }
        let comes = |bound: &Bound| bound.onward == Onward::To(lane);
        let mut all = self.buckets.values();
        if all.any(|bucket| bucket.bound.as_ref().is_some_and(comes)) {
            return;
        }
        let fullest = self.spread.lanes.iter().max_by_key(|turns| turns.len());
        let whole = |number: &&u8| self.buckets[*number].begun == 0;
        let last = fullest.filter(|turns| 2 <= turns.len());
        let last = last
            .and_then(|turns| turns.iter().rev().find(whole))
            .copied();
        if let Some(number) = last {
            self.send_onward(number, Onward::To(lane));
        }
    }

    /// Whether something is bound to this lane that has its turn.
    pub(crate) fn has_own(&self, lane: u8) -> bool {
        let turns = self.spread.lanes.get(usize::from(lane));
        turns.is_some_and(|turns| !turns.is_empty()) && !self.spread.is_fenced(lane)
    }

    /// How many buckets have their turn on whichever lane takes them, if this lane may.
    pub(crate) fn free_for(&self, lane: u8) -> usize {
        let spread = &self.spread;
        let may = match spread.is_on() {
            true => lane < spread.used && !spread.is_fenced(lane),
            false => lane == 0,
        };
        if may { self.turns.len() } else { 0 }
    }

    /// Whether one lane has more than one bucket that has its turn.
    pub(crate) fn is_crowded(&self) -> bool {
        self.turns.len() > 1 || self.spread.lanes.iter().any(|turns| turns.len() > 1)
    }

    #[cfg(test)]
    pub(super) fn all_turns(&self) -> impl Iterator<Item = u8> {
        let bound = self.spread.lanes.iter().flatten();
        self.turns.iter().chain(bound).copied()
    }
}

#[cfg(test)]
mod tests;
