//! Which beats count?
//!
//! Role       Looks at every datagram of the segment: is it a beat, proved, and new?
//! Inputs     Bytes, and when they came.
//! Outputs    The address of a node; or a figure that is one greater.
//! Invariant  A beat counts once, as long as its node is remembered. What is beyond the rate costs no
//!            proof.
//! Limit      [`NODES_MAX`] nodes; who was not heard for [`REMEMBERED`] gives way to a new one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::beat::Beat;
use crate::machine::Tick;
use crate::secret::Secret;

/// How many starts of nodes are remembered.
const NODES_MAX: usize = 4096;
/// How long a node that is not heard keeps its place.
const REMEMBERED: Duration = Duration::from_secs(600);
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// What became of the datagrams of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeatFigures {
    /// Beats that counted.
    pub heard: u64,
    /// Beats of this node itself.
    pub own: u64,
    /// No beats at all.
    pub garbage: u64,
    /// Beats without the proof: of another cluster, another secret, or forged.
    pub foreign: u64,
    /// Beats that were heard before.
    pub replayed: u64,
    /// Datagrams beyond the rate that were not looked at.
    pub beyond_rate: u64,
    /// Beats of nodes for which there was no place.
    pub full: u64,
}

#[derive(Debug)]
struct Last {
    count: u64,
    at: Tick,
}

/// All that was heard on one segment.
#[derive(Debug)]
pub struct BeatLedger {
    own: (Box<str>, u64),
    rate_max: u32,
    window: Tick,
    taken: u32,
    last: BTreeMap<(Box<str>, u64), Last>,
    figures: BeatFigures,
}

impl BeatLedger {
    /// Nothing was heard yet by this start of the node of this name.
    #[must_use]
    pub fn new(name: Box<str>, incarnation: u64, rate_max: u32) -> Self {
        Self {
            own: (name, incarnation),
            rate_max,
            window: Tick::ZERO,
            taken: 0,
            last: BTreeMap::new(),
            figures: BeatFigures::default(),
        }
    }

    /// What became of all datagrams.
    #[must_use]
    pub fn figures(&self) -> BeatFigures {
        self.figures
    }

    /// Where somebody of this cluster is, if these bytes say so for the first time.
    pub fn hear(
        &mut self,
        now: Tick,
        bytes: &[u8],
        secret: &Secret,
        cluster: &str,
    ) -> Option<Box<str>> {
        if RATE_WINDOW <= now.since(self.window) {
            (self.window, self.taken) = (now, 0);
        }
        if self.rate_max <= self.taken {
            self.figures.beyond_rate += 1;
            return None;
        }
        self.taken += 1;
        let Some(beat) = Beat::read(bytes) else {
            self.figures.garbage += 1;
            return None;
        };
        if !Beat::is_proved(bytes, secret, cluster) {
            self.figures.foreign += 1;
            return None;
        }
        let key = (beat.name, beat.incarnation);
        if key == self.own {
            self.figures.own += 1;
            return None;
        }
        self.count(now, key, beat.count)?;
        self.figures.heard += 1;
        assert!(self.last.len() <= NODES_MAX, "too many are remembered");
        Some(beat.address)
    }

    fn count(&mut self, now: Tick, key: (Box<str>, u64), count: u64) -> Option<()> {
        if let Some(last) = self.last.get_mut(&key) {
            if count <= last.count {
                self.figures.replayed += 1;
                return None;
            }
            *last = Last { count, at: now };
            return Some(());
        }
        if self.last.len() == NODES_MAX {
            self.last.retain(|_, last| now.since(last.at) < REMEMBERED);
        }
        if self.last.len() == NODES_MAX {
            self.figures.full += 1;
            return None;
        }
        self.last.insert(key, Last { count, at: now });
        Some(())
    }
}
