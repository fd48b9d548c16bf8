//! What does the way to a node cost?
//!
//! Role       Measures the time to others and back, for the optimisation of an overlay: each is asked
//!            [`ROUNDS`] times, one after the other, and the shortest time counts.
//! Outputs    A cost in grades: each is up to a fifth longer than the one before, and all below
//!            [`ALIKE`] are alike, so that chance is not taken for a better way.
//! Limit      Whoever has not answered all questions in the time that an answer may take costs nothing
//!            that is known.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::Tick;
use crate::overlay::PeerId;

/// How many questions a cost takes.
const ROUNDS: u8 = 3;
/// Ways that take less are alike.
const ALIKE: Duration = Duration::from_micros(256);

#[derive(Debug)]
struct Open {
    until: Tick,
    /// The number of the question that is under way, and since when. None before there is a connection.
    asked: Option<(u64, Tick)>,
    shortest: Duration,
    left: u8,
}

/// The measurements that are under way.
#[derive(Debug, Default)]
pub(super) struct Soundings {
    open: BTreeMap<PeerId, Open>,
    numbers: u64,
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This question is asked.
    Ask(u64),
    /// It costs so much.
    Cost(u64),
}

impl Soundings {
    /// This one is to be measured, until then: whether that is not under way yet.
    pub(super) fn begin(&mut self, peer: PeerId, until: Tick) -> bool {
        let is_new = !self.open.contains_key(&peer);
        self.open.entry(peer).or_insert(Open {
            until,
            asked: None,
            shortest: Duration::MAX,
            left: ROUNDS,
        });
        is_new
    }

    /// This one is connected: the question that it is asked, if it is to be measured.
    pub(super) fn ask(&mut self, now: Tick, peer: PeerId) -> Option<u64> {
        let open = self.open.get_mut(&peer)?;
        self.numbers += 1;
        open.asked = Some((self.numbers, now));
        Some(self.numbers)
    }

    /// It has answered this question. Nothing follows from one that it was not asked last.
    pub(super) fn answered(&mut self, now: Tick, peer: PeerId, number: u64) -> Option<Next> {
        let open = self.open.get_mut(&peer)?;
        let (_, since) = open.asked.filter(|(asked, _)| *asked == number)?;
        open.shortest = open.shortest.min(now.since(since));
        open.left -= 1;
        if open.left == 0 {
            let shortest = open.shortest;
            self.open.remove(&peer);
            return Some(Next::Cost(grade(shortest)));
        }
        self.ask(now, peer).map(Next::Ask)
    }

    /// There is no connection to this one.
    pub(super) fn failed(&mut self, peer: PeerId) {
        self.open.remove(&peer);
    }

    /// What takes too long is given up.
    pub(super) fn ticked(&mut self, now: Tick) {
        self.open.retain(|_, open| now < open.until);
    }
}

/// Four grades each time that it doubles.
fn grade(time: Duration) -> u64 {
    let micros = u64::try_from(time.max(ALIKE).as_micros()).unwrap_or(u64::MAX);
    let doublings = micros.ilog2();
    let quarter = (micros >> (doublings - 2)) & 3;
    4 * u64::from(doublings - ALIKE.as_micros().ilog2()) + quarter
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: u64) -> Tick {
        Tick::from_nanos(micros * 1000)
    }

    #[test]
    fn a_fifth_is_a_grade_and_short_ways_are_alike() {
        let rows = [
            (0, 0),
            (255, 0),
            (256, 0),
            (319, 0),
            (320, 1),
            (447, 2),
            (448, 3),
            (511, 3),
            (512, 4),
            (1_000, 7),
            (100_000, 34),
        ];
        for (micros, cost) in rows {
            assert_eq!(grade(Duration::from_micros(micros)), cost, "{micros} us");
        }
        let longest = grade(Duration::MAX);
        assert_eq!(longest, 4 * (63 - 8) + 3);
    }

    #[test]
    fn the_shortest_of_three_counts() {
        let (mut soundings, peer) = (Soundings::default(), PeerId(1));
        assert!(soundings.begin(peer, at(9_000)));
        assert!(!soundings.begin(peer, at(10_000)), "it is under way");
        assert_eq!(soundings.answered(at(1), peer, 1), None, "it was not asked");
        assert_eq!(soundings.ask(at(0), peer), Some(1));
        assert_eq!(soundings.answered(at(1_000), PeerId(2), 1), None);
        assert_eq!(soundings.answered(at(1_000), peer, 2), None);
        assert_eq!(soundings.answered(at(1_000), peer, 1), Some(Next::Ask(2)));
        assert_eq!(soundings.answered(at(1_001), peer, 1), None, "twice");
        assert_eq!(soundings.answered(at(1_512), peer, 2), Some(Next::Ask(3)));
        assert_eq!(soundings.answered(at(5_000), peer, 3), Some(Next::Cost(4)));
        assert!(soundings.open.is_empty());
    }

    #[test]
    fn who_is_not_connected_is_asked_later_and_given_up_in_time() {
        let (mut soundings, peer) = (Soundings::default(), PeerId(1));
        soundings.begin(peer, at(9_000));
        soundings.ticked(at(8_999));
        assert_eq!(soundings.ask(at(8_999), peer), Some(1));
        soundings.ticked(at(9_000));
        assert_eq!(soundings.answered(at(9_001), peer, 1), None);
        assert_eq!(soundings.ask(at(9_001), peer), None);
        soundings.begin(peer, at(20_000));
        soundings.failed(peer);
        assert!(soundings.open.is_empty());
    }
}
