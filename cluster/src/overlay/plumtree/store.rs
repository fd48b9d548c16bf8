//! Which messages can be sent to others that have not had them?
//!
//! Role       The last messages, with their bytes. When there is no room, the oldest go.
//! Invariant  `bytes` is the sum of what is kept; never more than the two limits.

use std::collections::{BTreeMap, VecDeque};

use crate::machine::Tick;
use crate::overlay::PeerId;

use super::event::{MessageId, Payload};

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) hops: u16,
    pub(super) payload: Payload,
    pub(super) at: Tick,
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    kept: BTreeMap<MessageId, Kept>,
    /// Oldest first.
    order: VecDeque<MessageId>,
    bytes: usize,
    max: usize,
    bytes_max: usize,
}

impl Store {
    pub(super) const fn new(max: usize, bytes_max: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            max,
            bytes_max,
        }
    }

    pub(super) fn add(&mut self, id: MessageId, kept: Kept) {
        let length = kept.payload.len();
        assert!(length <= self.bytes_max, "{id:?} is longer than the store");
        while self.order.len() >= self.max || self.bytes + length > self.bytes_max {
            let oldest = self.order.pop_front().expect("the limits allow one");
            let kept = self.kept.remove(&oldest).expect("it is in order");
            self.bytes -= kept.payload.len();
        }
        self.bytes += length;
        self.order.push_back(id);
        let before = self.kept.insert(id, kept);
        assert!(before.is_none(), "{id:?} is kept twice");
    }

    pub(super) fn get(&self, id: MessageId) -> Option<&Kept> {
        self.kept.get(&id)
    }

    /// What came since then, newest first.
    pub(super) fn since(&self, begin: Tick) -> impl Iterator<Item = (MessageId, u16)> {
        let newest = self.order.iter().rev().map(|id| (*id, &self.kept[id]));
        newest
            .take_while(move |(_, kept)| kept.at >= begin)
            .map(|(id, kept)| (id, kept.hops))
    }

    /// What is kept of an origin beyond a number.
    pub(super) fn beyond(
        &self,
        origin: PeerId,
        number: u64,
    ) -> impl Iterator<Item = (MessageId, &Kept)> {
        let id = |number| MessageId { origin, number };
        let range = id(number.saturating_add(1))..=id(u64::MAX);
        self.kept.range(range).map(|(id, kept)| (*id, kept))
    }

    pub(super) fn check(&self) {
        let sum: usize = self.kept.values().map(|kept| kept.payload.len()).sum();
        assert!(self.bytes == sum, "{} bytes are not {sum}", self.bytes);
        assert!(self.bytes <= self.bytes_max, "too many bytes are kept");
        assert!(self.order.len() <= self.max, "too many messages are kept");
        assert!(self.order.len() == self.kept.len(), "some are in no order");
    }
}
