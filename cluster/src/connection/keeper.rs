//! Who keeps what is to be acknowledged, from one connection to the next?
//!
//! Role       What the channels of a node leave behind, behind its lock, and what is sent while there is no
//!            connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation_runtime::{Freight, Node, NodeId, Spool};

use super::ordering::Ordering;
use super::outlet::wanted;
use crate::channel::Channels;
use crate::channel::kept::Kept;
use crate::machine::Tick;

/// The channels of a node, and what it keeps of them.
#[derive(Debug)]
pub(crate) struct Keeper {
    node: Node,
    pub(super) channels: Arc<Channels>,
    kept: Mutex<Kept>,
    pub(super) ordering: Ordering,
}

impl Keeper {
    /// What is to be acknowledged on this node is kept here from now on.
    pub(crate) fn of(node: &Node, channels: Channels) -> Arc<Self> {
        let keeper = Arc::new(Self {
            node: node.clone(),
            channels: Arc::new(channels),
            kept: Mutex::default(),
            ordering: Ordering::of(node),
        });
        let spool: Arc<dyn Spool> = keeper.clone();
        node.spool(spool);
        keeper
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Tick {
        Tick::ZERO + self.node.now()
    }

    /// This incarnation of a node will not come back.
    pub(crate) fn gone(&self, id: NodeId) {
        self.kept().gone(id);
        self.ordering.gone(id);
    }

    /// This incarnation of a node is connected, and none before it comes back.
    pub(super) fn connected(&self, name: &str, id: NodeId) {
        let before = self.kept().connected(name, id);
        if let Some(before) = before {
            self.ordering.gone(before);
        }
    }

    /// Keeps what was stamped, where it is to be, as [`Spool::keep`] does.
    pub(super) fn put(&self, node: NodeId, frame: Vec<u8>, freight: &Freight) -> bool {
        let place = freight.course.channel;
        let Some(channel) = self.channels.all().get(usize::from(place)) else {
            return false;
        };
        let now = self.now();
        let stream = (node, place);
        let wanted = wanted(channel, now, freight);
        self.kept().keep(now, stream, channel.full, frame, wanted)
    }

    /// The time has come to give up what has waited too long.
    pub(crate) fn tick(&self) {
        self.ordering.tick();
        let now = self.now();
        let mut kept = self.kept();
        let before = kept.given_up();
        kept.expire(now);
        let given_up = kept.given_up() - before;
        drop(kept);
        if given_up > 0 {
            tracing::warn!(
                target: "foundation::cluster",
                given_up,
                "messages that were to be acknowledged are given up: their node was not connected in \
                 their time"
            );
        }
    }
}

impl Spool for Keeper {
    fn last(&self, node: NodeId) -> NodeId {
        self.kept().last(node)
    }

    fn keep(&self, node: NodeId, frame: Vec<u8>, freight: &Freight) -> bool {
        // The caller of a request has been told.
        if freight.request.is_some() {
            return false;
        }
        if !freight.course.causal {
            return self.put(node, frame, freight);
        }
        let to = (freight.course.channel, node);
        let put = |frame| self.put(node, frame, freight);
        let ordering = &self.ordering;
        ordering.send(&self.channels, to, &frame, put, |is_kept| *is_kept)
    }
}
