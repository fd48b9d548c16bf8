//! Is this node part of the same graph as all others?
//!
//! Role       Two graphs of the same members, each complete in itself, would never meet: none of their nodes
//!            lacks anything. So the member with the smallest number sends a beacon over the overlay,
//!            and who does not hear it joins that one anew.
//! Invariant  Whoever is a neighbour of somebody who hears the beacon hears it, too.

use std::time::Duration;

use foundation_runtime::Rng;

use crate::machine::Tick;
use crate::overlay::PeerId;

/// How often there is a beacon.
const PERIOD: Duration = Duration::from_secs(5);
/// Who has heard none for so long is not part of the graph.
const LOST: Duration = Duration::from_secs(15);
/// Nodes that are cut off together do not all join at the same moment: the first one brings the beacon
/// to the others.
const SPREAD: Duration = Duration::from_secs(5);

/// What one node knows of the beacon.
#[derive(Debug)]
pub(super) struct Beacon {
    own: PeerId,
    /// Whose beacon it is.
    root: PeerId,
    /// The last that was heard of it.
    number: Option<u64>,
    heard: Tick,
    /// When this node sends one, if it has to, or joins anew, if it hears none.
    next: Option<Tick>,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// All neighbours are sent the beacon of this number.
    Send(u64),
    /// This one is joined anew.
    Join(PeerId),
}

impl Beacon {
    pub(super) fn new(own: PeerId) -> Self {
        Self {
            own,
            root: own,
            number: None,
            heard: Tick::ZERO,
            next: None,
        }
    }

    /// The last that was heard: whose it is, and its number.
    pub(super) fn last(&self) -> Option<(PeerId, u64)> {
        self.number.map(|number| (self.root, number))
    }

    /// Time passes, and this is the member with the smallest number but this node.
    pub(super) fn ticked(
        &mut self,
        now: Tick,
        smallest: Option<PeerId>,
        rng: &mut Rng,
    ) -> Option<Act> {
        let root = smallest.map_or(self.own, |other| other.min(self.own));
        if root != self.root {
            (self.root, self.number, self.heard, self.next) = (root, None, now, None);
        }
        let is_own = root == self.own;
        if !is_own && now.since(self.heard) < LOST {
            self.next = None;
            return None;
        }
        let spread = SPREAD.mul_f64(rng.below(1000) as f64 / 1000.0);
        let wait = if is_own { Duration::ZERO } else { spread };
        if now < *self.next.get_or_insert(now + wait) {
            return None;
        }
        if is_own {
            self.next = Some(now + PERIOD);
            // It grows, whatever process of this node sends it.
            let number = u64::try_from(now.since(Tick::ZERO).as_millis()).unwrap_or(u64::MAX);
            self.number = Some(number);
            return Some(Act::Send(number));
        }
        self.next = Some(now + SPREAD);
        Some(Act::Join(root))
    }

    /// A neighbour sends this: whether it is news for the others.
    pub(super) fn heard(&mut self, now: Tick, root: PeerId, number: u64) -> bool {
        let is_news = root == self.root && root != self.own && self.number < Some(number);
        if is_news {
            (self.number, self.heard) = (Some(number), now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn the_smallest_member_sends_it_and_who_hears_none_joins() {
        let mut rng = Rng::new(1);
        let (small, great) = (PeerId(3), PeerId(7));
        let mut root = Beacon::new(small);
        assert_eq!(
            root.ticked(at(1), Some(great), &mut rng),
            Some(Act::Send(1000))
        );
        assert_eq!(root.ticked(at(5), Some(great), &mut rng), None);
        assert_eq!(
            root.ticked(at(6), Some(great), &mut rng),
            Some(Act::Send(6000))
        );
        let mut other = Beacon::new(great);
        assert_eq!(other.ticked(at(1), Some(small), &mut rng), None);
        assert!(other.heard(at(2), small, 1000));
        assert!(!other.heard(at(3), small, 1000), "that was heard before");
        assert!(!other.heard(at(3), PeerId(1), 9000), "that is nobody's");
        assert_eq!(other.last(), Some((small, 1000)));
        let joins = |other: &mut Beacon, rng: &mut Rng, from: u64, until: u64| {
            let acts = (from..until).filter_map(|s| other.ticked(at(s), Some(small), rng));
            acts.collect::<Vec<_>>()
        };
        assert_eq!(joins(&mut other, &mut rng, 3, 17), []);
        assert_eq!(joins(&mut other, &mut rng, 17, 23), [Act::Join(small)]);
        assert!(other.heard(at(23), small, 22_000));
        assert_eq!(joins(&mut other, &mut rng, 23, 38), []);
    }

    #[test]
    fn another_root_is_given_time() {
        let mut rng = Rng::new(1);
        let mut node = Beacon::new(PeerId(9));
        assert!(!node.heard(at(0), PeerId(3), 1));
        assert_eq!(node.ticked(at(100), Some(PeerId(3)), &mut rng), None);
        assert!(node.heard(at(101), PeerId(3), 1));
        assert_eq!(
            node.ticked(at(200), Some(PeerId(5)), &mut rng),
            None,
            "the one before is gone"
        );
        assert_eq!(node.last(), None);
        assert!(node.heard(at(201), PeerId(5), 0));
        assert_eq!(
            node.ticked(at(202), None, &mut rng),
            Some(Act::Send(202_000))
        );
    }
}
