//! How much may be under way in one lane?
//!
//! Role       The window of a lane: bytes that were written and that the other node has not read. What
//!            does not fit waits in the queue, where a newer message replaces it, its time runs out
//!            and others go first, and not in the system's buffers, where none of that happens.
//! Inputs     Bytes that were written, bytes that the other end says it has read.
//! Outputs    Room, and how long bytes take there and back.
//! Limit      [`WINDOW_MIN`] to [`WINDOW_MAX`] bytes.
//! Source     RFC 6817 (LEDBAT) and draft-irtf-iccrg-ledbat-plus-plus: the delay that a queue on the
//!            way adds is the least of a round less the least of all; below the target the window
//!            grows by a step a round, above it shrinks by the share of the excess. Now and then it is
//!            small for a round, so that the least delay is that of a way without this lane's own queue.

use std::collections::VecDeque;
use std::time::Duration;

use crate::machine::Tick;

/// The least a lane has under way, whatever else goes on, and the most that all lanes of a channel have while
/// something of higher priority waits.
pub(crate) const WINDOW_MIN: usize = 64 * 1024;
const WINDOW_MAX: usize = 8 << 20;
const WINDOW_FIRST: usize = 256 * 1024;
/// By how much it grows each round.
const STEP: usize = 64 * 1024;
/// How much delay a lane may add.
const TARGET: Duration = Duration::from_millis(20);
/// How long the least delay counts as that of an empty way: for one or two of these.
const EPOCH: Duration = Duration::from_secs(60);

/// The window of one lane.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Whether it gives way to others.
    gives_way: bool,
    window: usize,
    /// Bytes that were ever written, and of these read by the other end.
    sent: u64,
    seen: u64,
    /// How often something was written, and of these how often all of it was read.
    turns: [u64; 2],
    /// When so many bytes had been written.
    marks: VecDeque<(u64, Tick)>,
    /// The least delay of this epoch and of the one before.
    least: [Option<Duration>; 2],
    epoch: Tick,
    /// What the window was before it was made small, and for how many rounds it still is: in the first
    /// what was under way is read, the second has little under way.
    resumes: Option<(usize, u8)>,
    /// The round ends when this has been read; the least delay in it, and the most under way.
    round: u64,
    in_round: Option<Duration>,
    used: usize,
    /// It has never been above the target: it doubles.
    is_starting: bool,
    latest: Option<Duration>,
}

impl Pace {
    pub(crate) fn new(gives_way: bool) -> Self {
        Self {
            gives_way,
            window: match gives_way {
                true => WINDOW_FIRST,
                false => WINDOW_MAX,
            },
            sent: 0,
            seen: 0,
            turns: [0; 2],
            marks: VecDeque::new(),
            least: [None; 2],
            epoch: Tick::ZERO,
            resumes: None,
            round: 0,
            in_round: None,
            used: 0,
            is_starting: true,
            latest: None,
        }
    }

    /// The window of a lane that is opened beside this one: it begins small, and takes what this one adds to
    /// the delay for what it is.
    pub(crate) fn beside(&self) -> Self {
        let new = Self::new(self.gives_way);
        Self {
            window: match self.gives_way {
                true => WINDOW_MIN,
                false => new.window,
            },
            least: self.least,
            epoch: self.epoch,
            is_starting: false,
            ..new
        }
    }

    /// How many bytes are under way.
    pub(crate) fn under_way(&self) -> usize {
        (self.sent - self.seen) as usize
    }

    /// How many more may be.
    pub(crate) fn room(&self) -> usize {
        self.window.saturating_sub(self.under_way())
    }

    /// How long the bytes that the other end spoke of last took, there and back.
    pub(crate) fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// What it is at.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// How often something was written, and how often all of it was read.
    pub(crate) fn turns(&self) -> [u64; 2] {
        self.turns
    }

    /// So many bytes were written.
    pub(crate) fn sent(&mut self, now: Tick, bytes: usize) {
        self.sent += bytes as u64;
        self.used = self.used.max(self.under_way());
        self.turns[0] += 1;
        self.marks.push_back((self.sent, now));
    }

    /// How many bytes the other end has read.
    pub(crate) fn read(&self) -> u64 {
        self.seen
    }

    /// The other end has read so many of all, and says so at once or when it was asked for it;
    /// `false` when that cannot be.
    pub(crate) fn seen(&mut self, now: Tick, total: u64, at_once: bool) -> bool {
        if total < self.seen || self.sent < total {
            return false;
        }
        self.seen = total;
        let mut written = None;
        while let Some((mark, at)) = self.marks.front()
            && *mark <= total
        {
            written = Some(*at);
            self.turns[1] += 1;
            self.marks.pop_front();
        }
        if let Some(at) = written
            && at_once
        {
            self.measured(now, now.since(at));
        }
        if self.round <= total {
            self.end_round();
        }
        true
    }

    fn measured(&mut self, now: Tick, delay: Duration) {
        if EPOCH <= now.since(self.epoch) {
            self.epoch = now;
            self.least = [None, self.least[0]];
            if self.gives_way {
                self.resumes = Some((self.window, 1));
                self.window = WINDOW_MIN;
            }
        }
        let least = |known: Option<Duration>| Some(known.map_or(delay, |it| it.min(delay)));
        self.least[0] = least(self.least[0]);
        self.in_round = least(self.in_round);
        self.latest = Some(delay);
    }

    fn end_round(&mut self) {
        self.round = self.sent;
        let under_way = self.under_way();
        let used = std::mem::replace(&mut self.used, under_way);
        let Some(delay) = self.in_round.take() else {
            return;
        };
        if !self.gives_way {
            return;
        }
        if let Some((window, rounds)) = self.resumes {
            self.resumes = rounds.checked_sub(1).map(|rounds| (window, rounds));
            if self.resumes.is_none() {
                self.window = window;
            }
            return;
        }
        let base = self.least.iter().flatten().min().copied();
        let added = delay.saturating_sub(base.unwrap_or_default());
        let excess = added.as_secs_f64() / TARGET.as_secs_f64() - 1.0;
        let window = self.window;
        self.window = match excess > 0.0 {
            true => {
                self.is_starting = false;
                let less = (window as f64 * excess.min(0.5)) as usize;
                window - less
            }
            // What was not used says nothing.
            false if used < window / 2 => window,
            false if self.is_starting && excess < -0.25 => 2 * window,
            false => window + STEP,
        };
        self.window = self.window.clamp(WINDOW_MIN, WINDOW_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way of so many bytes a second, with this delay when it is empty, on which a lane sends all
    /// it may: the window at the end, and the longest and last delay.
    fn walk(
        gives_way: bool,
        rate: u64,
        base: Duration,
        rounds: u32,
    ) -> (usize, Duration, Duration) {
        let mut pace = Pace::new(gives_way);
        let (mut now, mut free) = (Tick::ZERO, Tick::ZERO);
        let mut longest = Duration::ZERO;
        let mut arrivals: VecDeque<(Tick, u64)> = VecDeque::new();
        let mut sent = 0;
        for _ in 0..rounds {
            while pace.room() > 0 {
                let bytes = pace.room().min(64 * 1024);
                sent += bytes as u64;
                pace.sent(now, bytes);
                let takes = Duration::from_nanos(bytes as u64 * 1_000_000_000 / rate);
                free = free.max(now) + takes;
                arrivals.push_back((free + base, sent));
            }
            let (at, total) = arrivals.pop_front().expect("something is under way");
            now = now.max(at);
            assert!(pace.seen(now, total, true));
            longest = longest.max(pace.latest().expect("it was just measured"));
        }
        (
            pace.window(),
            longest,
            pace.latest().expect("there were rounds"),
        )
    }

    #[test]
    fn a_lane_that_gives_way_adds_no_more_delay_than_it_may() {
        let base = Duration::from_millis(5);
        // 10 MB a second: 8 MiB under way would take 0.8 s.
        let (window, _, last) = walk(true, 10_000_000, base, 4000);
        assert!(window < 1 << 20, "{window}");
        assert!(last < base + 3 * TARGET, "{last:?}");
        let (window, _, last) = walk(false, 10_000_000, base, 4000);
        assert_eq!(window, WINDOW_MAX);
        assert!(Duration::from_millis(700) < last, "{last:?}");
    }

    #[test]
    fn a_fast_way_is_filled() {
        let base = Duration::from_millis(5);
        // 1 GB a second for 5 ms is 5 MB.
        let (window, _, last) = walk(true, 1_000_000_000, base, 20_000);
        assert!(5_000_000 <= window, "{window}");
        assert!(last < base + 2 * TARGET, "{last:?}");
    }

    #[test]
    fn a_slow_way_has_the_least_and_no_less() {
        let base = Duration::from_millis(1);
        let (window, ..) = walk(true, 100_000, base, 2000);
        assert!(window <= WINDOW_MIN + STEP, "{window}");
        let further = Pace::new(true).beside();
        assert_eq!(further.room(), WINDOW_MIN, "it would push the first aside");
    }

    #[test]
    fn what_cannot_have_been_read_is_refused() {
        let mut pace = Pace::new(true);
        pace.sent(Tick::ZERO, 10);
        assert!(!pace.seen(Tick::ZERO, 11, true));
        assert!(pace.seen(Tick::ZERO, 10, false));
        assert!(!pace.seen(Tick::ZERO, 9, true), "it never goes back");
    }
}
