//! Which messages has this node had?
//!
//! Role       Tells the first coming of a message from all others, and finds what has not come.
//! Limit      [`ORIGINS_MAX`] origins: one more takes the place of the one not heard of for longest.
//!            [`WINDOW`] numbers of each behind its greatest: what is older and has not come is
//!            given up.
//! Invariant  A message is new once; what was given up is never new.

use std::collections::{BTreeMap, BTreeSet};

use crate::overlay::PeerId;

use super::event::{Had, MessageId};

/// The most origins that a node keeps account of.
pub const ORIGINS_MAX: usize = 16_384;
/// How many messages of one origin may come out of order.
pub const WINDOW: u64 = 1024;
/// So many neighbours are asked in vain before a message is given up.
const TRIES_MAX: u8 = 8;
/// The most origins, and missing messages of each, in one comparison.
const HAD_MAX: usize = 512;
const MISSING_MAX: usize = 64;

/// Messages that did not come, and will not: nobody who was asked has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Whose.
    pub origin: PeerId,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

#[derive(Debug, Clone, Default)]
struct Origin {
    /// All up to this one have come or were given up.
    upto: u64,
    /// What has come beyond.
    ahead: BTreeSet<u64>,
    /// The greatest that was heard of.
    highest: u64,
    /// Comparisons since `upto` moved, while something was missing.
    tries: u8,
    /// When it was heard of.
    turn: u64,
}

impl Origin {
    fn has(&self, number: u64) -> bool {
        number <= self.upto || self.ahead.contains(&number)
    }

    fn is_whole(&self) -> bool {
        self.upto == self.highest
    }

    fn advance(&mut self) {
        let before = self.upto;
        while self.ahead.remove(&(self.upto + 1)) {
            self.upto += 1;
        }
        if before != self.upto {
            self.tries = 0;
        }
    }

    fn missing(&self) -> impl Iterator<Item = u64> {
        let range = (self.upto..self.highest).map(|number| number + 1);
        range.filter(|number| !self.ahead.contains(number))
    }

    /// Gives up what is missing up to `last`.
    fn give_up(&mut self, origin: PeerId, last: u64, missed: &mut Vec<Missed>) {
        let ahead = self.ahead.split_off(&(last + 1));
        let had = std::mem::replace(&mut self.ahead, ahead);
        let mut first = self.upto + 1;
        for number in had.into_iter().chain([last + 1]) {
            if first < number {
                let last = number - 1;
                missed.push(Missed {
                    origin,
                    first,
                    last,
                });
            }
            first = number + 1;
        }
        self.upto = last;
        self.highest = self.highest.max(last);
        self.tries = 0;
        self.advance();
    }

    fn hear(&mut self, origin: PeerId, number: u64, missed: &mut Vec<Missed>) {
        self.highest = self.highest.max(number);
        if self.highest - self.upto > WINDOW {
            self.give_up(origin, self.highest - WINDOW, missed);
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    origins: BTreeMap<PeerId, Origin>,
    /// Does it know where the origins stood when this node came?
    pub(super) greeted: bool,
    turn: u64,
    /// The last origin that a comparison named.
    cursor: Option<PeerId>,
}

impl Ledger {
    pub(super) fn has(&self, id: MessageId) -> bool {
        let known = |origin: &Origin| origin.has(id.number);
        !is_number(id.number) || self.origins.get(&id.origin).is_some_and(known)
    }

    /// Notes that it has come. Is it new?
    pub(super) fn record(&mut self, id: MessageId, missed: &mut Vec<Missed>) -> bool {
        if self.has(id) {
            return false;
        }
        let begin = if self.greeted { 0 } else { id.number - 1 };
        let origin = self.origin(id.origin, begin);
        origin.hear(id.origin, id.number, missed);
        origin.ahead.insert(id.number);
        origin.advance();
        true
    }

    /// There is such a message, says a neighbour.
    pub(super) fn expect(&mut self, id: MessageId, missed: &mut Vec<Missed>) {
        if !self.has(id) {
            let begin = if self.greeted { 0 } else { id.number };
            self.origin(id.origin, begin)
                .hear(id.origin, id.number, missed);
        }
    }

    /// What was before is not waited for.
    pub(super) fn begin(&mut self, origin: PeerId, number: u64) {
        if !self.origins.contains_key(&origin) && is_number(number) {
            self.origin(origin, number);
        }
    }

    fn origin(&mut self, peer: PeerId, begin: u64) -> &mut Origin {
        self.turn += 1;
        if self.origins.len() >= ORIGINS_MAX && !self.origins.contains_key(&peer) {
            let oldest = self.origins.iter().min_by_key(|(_, origin)| origin.turn);
            let oldest = oldest.map(|(&peer, _)| peer);
            oldest.and_then(|oldest| self.origins.remove(&oldest));
        }
        let origin = self.origins.entry(peer).or_insert_with(|| Origin {
            upto: begin,
            highest: begin,
            ..Origin::default()
        });
        origin.turn = self.turn;
        origin
    }

    /// Where all origins stand.
    pub(super) fn standing(&self) -> impl Iterator<Item = (PeerId, u64)> {
        let all = self.origins.iter();
        all.map(|(&peer, origin)| (peer, origin.highest))
    }

    /// What this node has had of some origins: of others the next time.
    pub(super) fn had(&mut self) -> Vec<Had> {
        let after = |cursor: PeerId| PeerId(cursor.0.wrapping_add(1));
        let from = self.cursor.map_or(PeerId(0), after);
        let chosen = self.origins.range(from..).chain(self.origins.range(..from));
        let had: Vec<Had> = chosen
            .take(HAD_MAX)
            .map(|(&peer, origin)| Had {
                origin: peer,
                highest: origin.highest,
                missing: origin.missing().take(MISSING_MAX).collect(),
            })
            .collect();
        self.cursor = had.last().map(|had| had.origin);
        had
    }

    /// A neighbour has been asked for what is missing. What was asked for too often is given up.
    pub(super) fn tried(&mut self, missed: &mut Vec<Missed>) {
        for (&peer, origin) in &mut self.origins {
            if origin.is_whole() {
                continue;
            }
            origin.tries += 1;
            if origin.tries >= TRIES_MAX {
                let next = origin.ahead.first().map(|number| number - 1);
                origin.give_up(peer, next.unwrap_or(origin.highest), missed);
            }
        }
    }

    pub(super) fn check(&self) {
        assert!(self.origins.len() <= ORIGINS_MAX, "too many origins");
        for (peer, origin) in &self.origins {
            assert!(origin.upto <= origin.highest, "{peer:?} has had too much");
            assert!(origin.highest - origin.upto <= WINDOW, "{peer:?}: too old");
            assert!(
                !origin.ahead.contains(&(origin.upto + 1)),
                "{peer:?} stands"
            );
            let last = origin
                .ahead
                .last()
                .is_none_or(|&last| last <= origin.highest);
            assert!(last, "{peer:?} has had what nobody heard of");
            let first = origin
                .ahead
                .first()
                .is_none_or(|&first| first > origin.upto);
            assert!(first, "{peer:?} has had one twice");
        }
    }
}

/// Numbers begin at 1. No node lives for so long that it comes to the last ones.
fn is_number(number: u64) -> bool {
    (1..1 << 63).contains(&number)
}
