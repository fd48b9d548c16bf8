//! Who waits from outside any process?
//!
//! Role       Gives code outside processes (a tokio task, a test body, `main`) an identity, so
//!            that downs and answers from other nodes find it.
//! Limit      One entry per wait; an entry goes when its wait ends or is dropped.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use crate::envelope::GuestCall;
use crate::{NodeId, Pid};

/// The slot that no process has: the address of everything outside.
pub(crate) const GUEST_SLOT: u32 = u32::MAX;

/// The address of code outside any process of this node.
pub(crate) fn guest(node: NodeId) -> Pid {
    Pid::new(node, GUEST_SLOT, NonZeroU32::MIN)
}

/// What an answer from another node needs to find its guest.
type Waiting = (Arc<GuestCall>, Option<NodeId>);

#[derive(Default)]
pub(crate) struct Guests(Mutex<HashMap<u64, Waiting>>);

impl Guests {
    pub(crate) fn insert(&self, id: u64, slot: Arc<GuestCall>, node: Option<NodeId>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, (slot, node));
    }

    /// How many waits there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn take(&self, id: u64) -> Option<Arc<GuestCall>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&id).map(|(slot, _)| slot)
    }

    /// Everybody who waits for something of that node, by id.
    pub(crate) fn take_of(&self, node: NodeId) -> Vec<(u64, Arc<GuestCall>)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<u64> = waiting
            .iter()
            .filter(|(_, (_, of))| *of == Some(node))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        let take = |id| waiting.remove(&id).map(|(slot, _)| (id, slot));
        ids.into_iter().filter_map(take).collect()
    }
}
