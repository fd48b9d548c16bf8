//! What went over a channel?
//!
//! Role       Counts of one channel, and how long frames waited, without keeping them.
//! Limit      A wait is told from another when they differ by a quarter; none counts above an hour.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::queue::Dropped;

/// How many parts an octave of times has.
const PARTS: usize = 4;
/// Enough for an hour in microseconds.
const OCTAVES: usize = 32;

/// How long frames waited.
#[derive(Clone, Debug)]
pub(crate) struct Waits {
    counts: [u64; PARTS * OCTAVES],
    longest: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            counts: [0; PARTS * OCTAVES],
            longest: Duration::ZERO,
        }
    }
}

impl Waits {
    pub(crate) fn add(&mut self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.counts[place(micros)] += 1;
        self.longest = self.longest.max(wait);
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// A time that this share of them did not exceed, by a quarter too long at most.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let all: u64 = self.counts.iter().sum();
        let wanted = (all as f64 * share).ceil() as u64;
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += count;
            if 0 < below && wanted <= below {
                return Duration::from_micros(end_of(place)).min(self.longest);
            }
        }
        Duration::ZERO
    }
}

fn place(micros: u64) -> usize {
    if micros < PARTS as u64 {
        return micros as usize;
    }
    let octave = micros.ilog2() as usize - PARTS.ilog2() as usize;
    let within = (micros >> octave) as usize - PARTS;
    (PARTS * (octave + 1) + within).min(PARTS * OCTAVES - 1)
}

/// The longest time of a place.
fn end_of(place: usize) -> u64 {
    if place < PARTS {
        return place as u64;
    }
    let (octave, within) = (place / PARTS - 1, place % PARTS);
    (((PARTS + within + 1) as u64) << octave) - 1
}

/// The counts of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) superseded: u64,
    pub(crate) expired: u64,
    pub(crate) refused: u64,
    pub(crate) unsent: u64,
    pub(crate) unacknowledged: u64,
    pub(crate) held: u64,
    pub(crate) waits: Waits,
}

impl Meter {
    pub(crate) fn dropped(&mut self, why: Dropped) {
        match why {
            Dropped::Superseded => self.superseded += 1,
            Dropped::Expired => self.expired += 1,
            Dropped::Unacknowledged => self.unacknowledged += 1,
        }
    }
}

/// What went over one channel from this node to another, and what waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelFigures {
    /// The channel's name.
    pub channel: String,
    /// Its priority: `low`, `normal`, `high` or `max`.
    pub priority: String,
    /// How many of its lanes are open.
    pub open: u32,
    /// How many are used: others are open and empty.
    pub lanes: u32,
    /// Messages that have left.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the connections, after compression.
    pub wire_bytes: u64,
    /// Messages that wait here.
    pub queued: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Bytes that the other node has not read yet.
    pub under_way: u64,
    /// How many bytes may be under way.
    pub window: u64,
    /// How often a sender was held.
    pub held: u64,
    /// Messages that a newer one replaced.
    pub superseded: u64,
    /// Messages that had waited as long as they might.
    pub expired: u64,
    /// Messages that were refused because too much waited.
    pub refused: u64,
    /// Messages that had been taken, and were not sent because the channel could not be opened.
    pub unsent: u64,
    /// Messages to be acknowledged that have left, and of which nothing was heard yet.
    pub unheard: u64,
    /// Messages to be acknowledged of which nothing was heard in their time.
    pub unacknowledged: u64,
    /// Messages that came from the other node, and wait here for what they follow.
    pub following: u64,
    /// Messages that came from the other node, and were given out without what they follow.
    pub disordered: u64,
    /// How long the middle one of the messages waited here.
    pub wait_p50: Duration,
    /// How long 99 of 100 waited at most.
    pub wait_p99: Duration,
    /// The longest wait.
    pub wait_max: Duration,
    /// How long bytes took to be read there, and that to be told here: the newest such time.
    pub round_trip: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_a_place_that_ends_not_far_behind_it() {
        let mut times: Vec<u64> = (0..10_000).collect();
        times.extend((0..31).map(|bits| (1u64 << bits) + 3));
        let mut last = 0;
        times.sort_unstable();
        for micros in times {
            let at = place(micros);
            assert!(last <= at, "{micros} is before what is shorter");
            last = at;
            let end = end_of(at);
            assert!(
                micros <= end && end <= micros + micros / 4,
                "{micros} ends at {end}"
            );
        }
        assert_eq!(place(u64::MAX), PARTS * OCTAVES - 1);
    }

    #[test]
    fn quantiles_are_of_what_was_added() {
        let mut waits = Waits::default();
        assert_eq!(waits.quantile(0.5), Duration::ZERO);
        for millis in 1..=100 {
            waits.add(Duration::from_millis(millis));
        }
        for (share, millis) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = waits.quantile(share).as_secs_f64() * 1000.0;
            assert!(
                millis <= found && found <= millis * 1.25,
                "{share}: {found}"
            );
        }
    }
}
