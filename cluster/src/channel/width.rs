//! How many lanes does a channel use?
//!
//! Role       Where its lanes are not declared, it begins with one. While more waits than leaves it tries one more, and
//!            keeps it if more leaves then; one that was of no use for long is given up.
//! Inputs     How much the other end has read by now, and whether several senders wait.
//! Limit      [`LANES_TUNED`], or what was declared. A trial that failed is repeated after half a minute, then after
//!            twice as long each time, up to ten minutes.

use std::time::Duration;

use crate::machine::Tick;

/// How many lanes a channel has at most whose lanes are not declared.
pub const LANES_TUNED: u8 = 4;

/// How long it looks before it says how much leaves.
const PERIOD: Duration = Duration::from_secs(1);
/// A lane more is kept when so many times as much leaves.
const GAIN: f64 = 1.15;
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// After so long without anything that waits it uses one lane less.
const IDLE: Duration = Duration::from_secs(60);

/// The lanes of one channel to one node.
#[derive(Debug)]
pub(crate) struct Width {
    most: u8,
    is_tuned: bool,
    used: u8,
    /// What was read when this period began, and whether something has waited whenever it was looked.
    since: Option<(Tick, u64)>,
    has_waited: bool,
    trial: Option<Trial>,
    /// Not before this is another one tried.
    next: Tick,
    pause: Duration,
    /// When something last waited.
    busy: Tick,
}

/// One lane more, to see what it brings.
#[derive(Debug)]
struct Trial {
    /// Bytes a second before.
    before: f64,
    /// The first period, in which it is opened, says nothing.
    is_settled: bool,
}

impl Width {
    /// As many lanes as were declared, or as many as are of use.
    pub(crate) fn new(declared: Option<u8>) -> Self {
        Self {
            most: declared.unwrap_or(LANES_TUNED),
            is_tuned: declared.is_none(),
            used: declared.unwrap_or(1),
            since: None,
            has_waited: true,
            trial: None,
            next: Tick::ZERO,
            pause: PAUSE_MIN,
            busy: Tick::ZERO,
        }
    }

    /// How many there are at most.
    pub(crate) fn most(&self) -> u8 {
        self.most
    }

    /// How many are used.
    pub(crate) fn used(&self) -> u8 {
        self.used
    }

    /// The other end has read so much in all; `waits` when one lane has more than one sender to carry. Whether
    /// another number is used from here on.
    pub(crate) fn look(&mut self, now: Tick, read: u64, waits: bool) -> bool {
        let before = self.used;
        if waits {
            self.busy = now;
        }
        match self.is_tuned {
            true => self.tune(now, read, waits),
            false if self.next <= now => self.used = self.most,
            false => {}
        }
        before != self.used
    }

    fn tune(&mut self, now: Tick, read: u64, waits: bool) {
        let (begun, at) = *self.since.get_or_insert((now, read));
        self.has_waited &= waits;
        let took = now.since(begun);
        if took < PERIOD {
            return;
        }
        let rate = read.saturating_sub(at) as f64 / took.as_secs_f64();
        let has_waited = std::mem::replace(&mut self.has_waited, true);
        self.since = Some((now, read));
        match self.trial.take() {
            Some(trial) if !trial.is_settled => {
                let is_settled = true;
                self.trial = Some(Trial {
                    is_settled,
                    ..trial
                });
            }
            // It waits as before, and no more leaves.
            Some(trial) if has_waited && rate < trial.before * GAIN => self.retreat(now),
            Some(_) => self.pause = PAUSE_MIN,
            None if has_waited && self.used < self.most && self.next <= now => {
                self.used += 1;
                self.trial = Some(Trial {
                    before: rate,
                    is_settled: false,
                });
            }
            None if 1 < self.used && IDLE <= now.since(self.busy) => {
                self.used -= 1;
                self.busy = now;
            }
            None => {}
        }
    }

    fn retreat(&mut self, now: Tick) {
        self.used = self.used.saturating_sub(1).max(1);
        self.next = now + self.pause;
        self.pause = (2 * self.pause).min(PAUSE_MAX);
    }

    /// This lane could not be opened: it is tried again later.
    pub(crate) fn failed(&mut self, now: Tick, lane: u8) {
        self.trial = None;
        if 0 < lane && lane < self.used {
            self.used = lane + 1;
            self.retreat(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::ZERO + Duration::from_secs(seconds)
    }

    /// So many seconds in which each lane brings so much, up to what the way takes, and which lanes were
    /// used after each.
    fn walk(
        width: &mut Width,
        seconds: std::ops::Range<u64>,
        each: u64,
        way: u64,
        waits: bool,
    ) -> Vec<u8> {
        let mut read = seconds.start * way;
        let mut used = Vec::new();
        for second in seconds {
            width.look(at(second), read, waits);
            read += way.min(each * u64::from(width.used()));
            used.push(width.used());
        }
        used
    }

    #[test]
    fn lanes_are_added_while_more_leaves() {
        let mut width = Width::new(None);
        assert_eq!((width.used(), width.most()), (1, LANES_TUNED));
        let used = walk(&mut width, 0..12, 100, 1000, true);
        assert_eq!(used, [1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4]);
    }

    #[test]
    fn what_brings_nothing_is_given_back_and_tried_less_and_less() {
        let mut width = Width::new(None);
        let used = walk(&mut width, 0..400, 100, 100, true);
        let tries = (1..400).filter(|at| used[at - 1] < used[*at]);
        let tries: Vec<usize> = tries.collect();
        assert_eq!(tries, [1, 33, 95, 217]);
        assert_eq!(used[399], 1);
    }

    #[test]
    fn a_way_takes_as_many_as_fill_it() {
        let mut width = Width::new(None);
        let used = walk(&mut width, 0..30, 100, 200, true);
        assert_eq!(used[29], 2, "{used:?}");
        assert!(used.contains(&3), "one more was not tried: {used:?}");
    }

    #[test]
    fn what_is_not_needed_for_long_is_not_used() {
        let mut width = Width::new(None);
        walk(&mut width, 0..12, 100, 1000, true);
        let used = walk(&mut width, 12..300, 100, 0, false);
        assert_eq!((used[50], used[70], used[287]), (4, 3, 1));
        // Where nothing waits, none is tried.
        assert!(used.is_sorted_by(|one, next| one >= next), "{used:?}");
    }

    #[test]
    fn what_was_declared_is_used_but_for_what_cannot_be_opened() {
        let mut width = Width::new(Some(3));
        assert_eq!(walk(&mut width, 0..5, 100, 100, true), [3; 5]);
        width.failed(at(5), 1);
        assert_eq!(width.used(), 1);
        assert!(!width.look(at(6), 0, true) && width.look(at(40), 0, true));
        assert_eq!(width.used(), 3);
        width.failed(at(41), 0);
        assert_eq!(width.used(), 3, "without the first there is none");
    }
}
