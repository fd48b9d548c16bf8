//! Was this delivered before?
//!
//! Role       Of each source, which of its messages that are acknowledged were delivered here.
//! Limit      [`WINDOW`] numbers of a source, which is all that it may have open; [`SOURCES_MAX`]
//!            sources. One that was quiet for longer than any message lives makes room; else a
//!            new one is not delivered, and not acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::machine::Tick;
use crate::overlay::PeerId;

/// The most numbers between the least that a source waits for and its next.
pub(super) const WINDOW: u64 = 1024;
/// The most sources.
pub(super) const SOURCES_MAX: usize = 16_384;

#[derive(Debug, Clone, Default)]
struct Source {
    /// All numbers below it are settled.
    floor: u64,
    had: BTreeSet<u64>,
    at: Tick,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Deliver,
    /// It is only acknowledged again.
    Again,
    /// Neither: nothing is known of it any more, or there is no room.
    Ignore,
}

#[derive(Debug, Clone)]
pub(super) struct Seen {
    sources: BTreeMap<PeerId, Source>,
    life: Duration,
}

impl Seen {
    /// Messages are sent again for so long.
    pub(super) const fn new(life: Duration) -> Self {
        Self {
            sources: BTreeMap::new(),
            life,
        }
    }

    pub(super) fn judge(&mut self, id: (PeerId, u64), floor: u64, now: Tick) -> Verdict {
        let (peer, number) = id;
        if !self.sources.contains_key(&peer) && !self.make_room(now) {
            return Verdict::Ignore;
        }
        let source = self.sources.entry(peer).or_default();
        source.at = now;
        let least = number.saturating_sub(WINDOW - 1);
        source.floor = source.floor.max(floor.min(number)).max(least);
        source.had = source.had.split_off(&source.floor);
        if number < source.floor {
            Verdict::Ignore
        } else if source.had.insert(number) {
            Verdict::Deliver
        } else {
            Verdict::Again
        }
    }

    fn make_room(&mut self, now: Tick) -> bool {
        if self.sources.len() < SOURCES_MAX {
            return true;
        }
        let quiet = |(_, source): &(&PeerId, &Source)| source.at + self.life < now;
        let quietest = self.sources.iter().filter(quiet);
        let quietest = quietest.min_by_key(|(_, source)| source.at);
        let quietest = quietest.map(|(&peer, _)| peer);
        quietest
            .and_then(|peer| self.sources.remove(&peer))
            .is_some()
    }

    pub(super) fn check(&self) {
        assert!(self.sources.len() <= SOURCES_MAX, "too many sources");
        for (peer, source) in &self.sources {
            let most = source.had.len() as u64;
            assert!(most <= WINDOW, "{peer:?} has too many open");
        }
    }
}
