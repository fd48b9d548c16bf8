//! What outlives a connection?
//!
//! Role       What is to be acknowledged while there is no connection, and which numbers of it have
//!            come: so that it is sent again, and taken once.
//! Limit      Each channel's `full` bytes; nodes are forgotten when they are gone for good.
//! Invariant  What goes to one incarnation of a node never goes to another.

use foundation_runtime::planted::{self, Bug};
use std::collections::BTreeMap;

use foundation_runtime::NodeId;

use super::queue::{Leftover, Wanted};
use crate::machine::Tick;

/// A channel to a node or from it: its incarnation, and the place of the channel here.
pub(crate) type Stream = (NodeId, u8);

/// All that is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    left: BTreeMap<Stream, Leftover>,
    /// The last number of each bucket that has come over a stream.
    heard: BTreeMap<Stream, BTreeMap<u8, u64>>,
    /// Which incarnation was last connected under a name, by the id of the name alone.
    last: BTreeMap<NodeId, NodeId>,
    /// How many messages were given up.
    given_up: u64,
}

impl Kept {
    /// This incarnation of a node is connected; what was kept for one before it, which is returned, is
    /// given up.
    pub(crate) fn connected(&mut self, name: &str, id: NodeId) -> Option<NodeId> {
        if let Some(before) = self.last.insert(NodeId::unconnected(name), id)
            && before != id
        {
            if planted::is(Bug::StaleIncarnation) {
                let left = self.left.extract_if(.., |stream, _| stream.0 == before);
                let left: Vec<_> = left.collect();
                let next = left
                    .into_iter()
                    .map(|((_, channel), left)| ((id, channel), left));
                self.left.extend(next);
            }
            self.gone(before);
            return Some(before);
        }
        None
    }

    /// This incarnation will not come back.
    pub(crate) fn gone(&mut self, id: NodeId) {
        self.last.retain(|_, last| *last != id);
        let of = |stream: &Stream| stream.0 == id;
        let left = self.left.extract_if(.., |stream, _| of(stream));
        self.given_up += left.map(|(_, left)| left.entries() as u64).sum::<u64>();
        self.heard.retain(|stream, _| !of(stream));
    }

    /// The incarnation that a name's id stands for; any other id is itself.
    pub(crate) fn last(&self, id: NodeId) -> NodeId {
        self.last.get(&id).copied().unwrap_or(id)
    }

    /// Keeps a frame while there is no connection; `false` when there is no room, or nobody to wait
    /// for.
    pub(crate) fn keep(
        &mut self,
        now: Tick,
        stream: Stream,
        full: usize,
        frame: Vec<u8>,
        wanted: Wanted,
    ) -> bool {
        let is_known = self.last.values().any(|last| *last == stream.0);
        is_known
            && self
                .left
                .entry(stream)
                .or_default()
                .push(now, full, frame, wanted)
    }

    /// What a channel had to keep when its connections ended.
    pub(crate) fn leave(&mut self, stream: Stream, left: Leftover) {
        let is_known = self.last.values().any(|last| *last == stream.0);
        match is_known && !planted::is(Bug::LeftoverForgotten) {
            true => drop(self.left.insert(stream, left)),
            false => self.given_up += left.entries() as u64,
        }
    }

    /// What a channel goes on with.
    pub(crate) fn resume(&mut self, stream: Stream) -> Leftover {
        self.left.remove(&stream).unwrap_or_default()
    }

    /// The channels that have something for this node.
    pub(crate) fn waiting(&self, id: NodeId) -> Vec<u8> {
        let of = self.left.iter().filter(|(stream, _)| stream.0 == id);
        let full = of.filter(|(_, left)| left.entries() > 0);
        full.map(|((_, channel), _)| *channel).collect()
    }

    /// Whether this number of a bucket comes over a stream for the first time.
    pub(crate) fn is_first(&mut self, stream: Stream, bucket: u8, number: u64) -> bool {
        let heard = self.heard.entry(stream).or_default();
        let last = heard.entry(bucket).or_default();
        let is_first = *last < number;
        *last = number.max(*last);
        is_first || planted::is(Bug::TakenAgain)
    }

    /// Gives up what has waited as long as it may.
    pub(crate) fn expire(&mut self, now: Tick) {
        let expired = self.left.values_mut().map(|left| left.expire(now) as u64);
        self.given_up += expired.sum::<u64>();
    }

    /// How many messages were given up so far.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::queue::Keeping;
    use super::*;

    fn ids() -> [NodeId; 3] {
        [NodeId::of("b", 1), NodeId::of("b", 2), NodeId::of("c", 1)]
    }

    fn wanted(expires: u64) -> Wanted {
        Wanted {
            expires: Some(Tick::ZERO + Duration::from_secs(expires)),
            kept: Keeping::Kept,
            ..Wanted::default()
        }
    }

    fn keep(kept: &mut Kept, id: NodeId, expires: u64) -> bool {
        kept.keep(Tick::ZERO, (id, 1), 100, vec![0; 40], wanted(expires))
    }

    #[test]
    fn it_is_kept_for_the_incarnation_that_was_connected_and_no_other() {
        let ([first, second, other], mut kept) = (ids(), Kept::default());
        assert!(!keep(&mut kept, first, 9), "nobody knows it");
        kept.connected("b", first);
        assert_eq!(kept.last(NodeId::unconnected("b")), first);
        assert_eq!(kept.last(other), other);
        assert!(keep(&mut kept, first, 9) && keep(&mut kept, first, 9));
        assert!(!keep(&mut kept, first, 9), "there is no room");
        assert_eq!(kept.waiting(first), [1]);
        kept.connected("b", second);
        assert_eq!((kept.waiting(first), kept.given_up()), (vec![], 2));
        assert!(!keep(&mut kept, first, 9) && keep(&mut kept, second, 9));
        assert_eq!(kept.resume((second, 1)).entries(), 1);
        assert_eq!(kept.resume((second, 1)).entries(), 0);
        kept.gone(second);
        assert!(!keep(&mut kept, second, 9));
    }

    #[test]
    fn what_has_waited_too_long_is_given_up_and_makes_room() {
        let ([first, ..], mut kept) = (ids(), Kept::default());
        kept.connected("b", first);
        assert!(keep(&mut kept, first, 5) && keep(&mut kept, first, 9));
        kept.expire(Tick::ZERO + Duration::from_secs(5));
        assert_eq!(kept.given_up(), 1);
        assert!(keep(&mut kept, first, 9));
        assert_eq!(kept.resume((first, 1)).entries(), 2);
    }

    #[test]
    fn a_number_comes_once_on_its_own_stream() {
        let ([first, second, _], mut kept) = (ids(), Kept::default());
        let rows = [
            ((first, 1), 7, 10, true),
            ((first, 1), 7, 10, false),
            ((first, 1), 7, 9, false),
            ((first, 1), 8, 9, true),
            ((first, 2), 7, 9, true),
            ((second, 1), 7, 9, true),
            ((first, 1), 7, 12, true),
        ];
        for (stream, bucket, number, is_first) in rows {
            assert_eq!(kept.is_first(stream, bucket, number), is_first, "{number}");
        }
        kept.gone(first);
        assert!(kept.is_first((first, 1), 7, 12), "it is forgotten");
    }
}
