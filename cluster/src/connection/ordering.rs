//! How does what is to come in causal order get to its process?
//!
//! Role       The orders of a node's channels, behind one lock: stamps for what leaves, and what came
//!            until it is its turn.
//! Invariant  What is given out is given out by one thread at a time, outside the lock and in its order. Nothing of a
//!            connection that is over is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation_runtime::{Brought, Node, NodeId};

use super::association::Association;
use super::bringing::Bringing;
use super::frame::BadFrame;
use super::queue::STAMPED;
use crate::channel::Channels;
use crate::channel::causal::{Causal, Item, Stamp};
use crate::machine::Tick;

/// A message that came over a lane, without its stamp.
pub(super) struct Delivery {
    pub(super) of: Arc<Association>,
    pub(super) lane: Arc<Bringing>,
    /// Its number, when it is to be acknowledged.
    pub(super) number: Option<u64>,
    pub(super) frame: Vec<u8>,
    pub(super) brought: Brought,
}

impl Item for Delivery {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.frame.len()
    }
}

impl Delivery {
    /// Gives it to its process, unless its connection is over. A mark, and what was not sent because its time was
    /// over, have no content.
    fn deliver(self) {
        let Some(open) = self.of.enter() else {
            return;
        };
        let (node, peer) = (&self.of.node, self.of.peer_id);
        let is_first = |number| self.lane.is_first(STAMPED, number);
        if !self.frame.is_empty() && self.number.is_none_or(is_first) {
            let received = node.receive_frame(peer, self.brought, &self.frame);
            if let Err(error) = received {
                tracing::error!(
                    target: "foundation::cluster",
                    peer = %self.of.peer.name, %error,
                    "what came is no frame; the connection is closed"
                );
                self.of.garbled();
            }
        }
        if let Some(number) = self.number {
            self.lane.came_late(STAMPED, number);
        }
        drop(open);
    }
}

/// The orders of one node.
pub(crate) struct Ordering {
    node: Node,
    state: Mutex<State>,
}

struct State {
    by_channel: BTreeMap<u8, Causal<Delivery>>,
    /// Somebody gives out what is ready.
    is_giving: bool,
    /// How many were given out without what they follow, as far as it was logged.
    logged: u64,
}

impl std::fmt::Debug for Ordering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ordering").finish_non_exhaustive()
    }
}

impl Ordering {
    pub(super) fn of(node: &Node) -> Self {
        let state = State {
            by_channel: BTreeMap::new(),
            is_giving: false,
            logged: 0,
        };
        Self {
            node: node.clone(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Tick {
        Tick::ZERO + self.node.now()
    }

    /// Sends a frame over this channel with what it follows in front; it counts when `send` says that it is
    /// on its way.
    pub(super) fn send<T>(
        &self,
        channels: &Channels,
        (channel, to): (u8, NodeId),
        frame: &[u8],
        send: impl FnOnce(Vec<u8>) -> T,
        is_sent: impl FnOnce(&T) -> bool,
    ) -> T {
        let now = self.now();
        let mut state = self.state();
        let order = state.order(&self.node, channels, channel);
        let stamp = order.stamp(now, to);
        // Under the lock: frames of one lane leave in the order of their numbers.
        let sent = send(stamp.before(frame));
        if is_sent(&sent) {
            order.sent(now, to, stamp.number);
        }
        sent
    }

    /// The connection to this node stands again, after it broke: sends a mark over each channel that needs
    /// one.
    pub(super) fn mark(&self, to: NodeId, send: impl Fn(u8, Vec<u8>)) {
        let now = self.now();
        let mut state = self.state();
        for (channel, order) in &mut state.by_channel {
            if let Some(stamp) = order.mark(now, to) {
                send(*channel, stamp.before(&[]));
            }
        }
    }

    /// A message has come. What may be given out now waits for [`Ordering::give_out`].
    pub(super) fn arrive(
        &self,
        channels: &Channels,
        stamped: Vec<u8>,
        delivery: Delivery,
    ) -> Result<(), BadFrame> {
        let (stamp, frame) = Stamp::read(&stamped).ok_or(BadFrame::Content)?;
        let delivery = Delivery {
            frame: frame.to_vec(),
            ..delivery
        };
        let (now, from) = (self.now(), delivery.of.peer_id);
        let channel = delivery.lane.stream().1;
        let mut state = self.state();
        let order = state.order(&self.node, channels, channel);
        order.arrive(now, from, stamp, delivery);
        Ok(())
    }

    /// Gives out what is ready, unless somebody does.
    pub(super) fn give_out(&self) {
        let giving = {
            let mut state = self.state();
            if state.is_giving || state.by_channel.is_empty() {
                return;
            }
            state.is_giving = true;
            Giving(self)
        };
        loop {
            let mut state = self.state();
            let next = state.by_channel.values_mut().find_map(Causal::next);
            let Some(delivery) = next else {
                state.is_giving = false;
                std::mem::forget(giving);
                return;
            };
            drop(state);
            delivery.deliver();
        }
    }

    /// The connection to this node is over.
    pub(super) fn drop_from(&self, from: NodeId) {
        let mut state = self.state();
        let orders = state.by_channel.values_mut();
        let dropped: Vec<Delivery> = orders.flat_map(|order| order.drop_from(from)).collect();
        drop(state);
        drop(dropped);
    }

    /// This node will not come back.
    pub(super) fn gone(&self, node: NodeId) {
        let now = self.now();
        let mut state = self.state();
        for order in state.by_channel.values_mut() {
            order.gone(now, node);
        }
        drop(state);
        self.give_out();
    }

    /// Time has passed.
    pub(super) fn tick(&self) {
        let now = self.now();
        let mut state = self.state();
        for order in state.by_channel.values_mut() {
            order.tick(now);
        }
        let orders = state.by_channel.values();
        let disordered: u64 = orders.map(Causal::disordered).sum();
        let more = disordered - std::mem::replace(&mut state.logged, disordered);
        drop(state);
        if more > 0 {
            tracing::warn!(
                target: "foundation::cluster",
                messages = more,
                "messages were given out although what they follow has not come in its time"
            );
        }
        self.give_out();
    }

    /// How many messages of this node wait, and how many were given out without what they follow.
    pub(super) fn figures(&self, channel: u8, from: NodeId) -> (usize, u64) {
        let state = self.state();
        let order = state.by_channel.get(&channel);
        order.map_or((0, 0), |order| order.figures(from))
    }
}

impl State {
    fn order(&mut self, node: &Node, channels: &Channels, channel: u8) -> &mut Causal<Delivery> {
        self.by_channel.entry(channel).or_insert_with(|| {
            let bound = channels.all()[usize::from(channel)].causal_bound;
            Causal::new(node.id(), bound)
        })
    }
}

/// Somebody gives out what is ready.
struct Giving<'a>(&'a Ordering);

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        self.0.state().is_giving = false;
    }
}
