//! Has this message passed here before?
//!
//! Role       What keeps a message from going in circles: who has passed it on once does not again.
//! Limit      [`PASSED_MAX`] messages; the oldest is forgotten. Then the number of hops is the bound.

use std::collections::{BTreeSet, VecDeque};

use crate::overlay::PeerId;

/// The most messages that are remembered.
pub(super) const PASSED_MAX: usize = 16_384;

/// Source and destination, kind, number, attempt.
pub(super) type Key = ((PeerId, PeerId), u8, u64, u8);

#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    keys: BTreeSet<Key>,
    order: VecDeque<Key>,
}

impl Passed {
    /// Is it the first time?
    pub(super) fn first(&mut self, key: Key) -> bool {
        let first = self.keys.insert(key);
        if first {
            self.order.push_back(key);
            if self.order.len() > PASSED_MAX {
                let oldest = self.order.pop_front().expect("there are some");
                self.keys.remove(&oldest);
            }
        }
        first
    }

    pub(super) fn check(&self) {
        assert!(self.order.len() <= PASSED_MAX, "too many are remembered");
        assert!(self.order.len() == self.keys.len(), "some are in no order");
    }
}
