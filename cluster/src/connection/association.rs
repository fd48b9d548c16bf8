//! What is between two nodes, as long as they are connected?
//!
//! Role       What the connections to one other node share: the queue of what is to be sent, what was
//!            heard, and the end, which is one for all of them.
//! Invariant  Once it is closed no connection of it brings a frame in any more: what was on its way
//!            over another than the main one is lost with it, and never comes after the news of the
//!            loss.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use foundation_runtime::{Carried, Course, Freight, FreightKind, Node, NodeId, Pid, Reason};

use super::frame::Kind;
use super::handed::Places;
use super::keeper::Keeper;
use super::lanes::Lanes;
use super::outgoing::Outgoing;
use super::parting::{self, ASKS_TO_PART};
use super::stall::Stall;
use crate::channel::ChannelFigures;
use crate::handshake::Who;
use crate::machine::Tick;
use crate::mesh::Loss;

/// Two nodes that are connected.
#[derive(Debug)]
pub(crate) struct Association {
    pub(super) node: Node,
    /// The other node.
    pub(crate) peer: Who,
    pub(super) peer_id: NodeId,
    /// Which of all associations of the two this is: both know it from the handshake.
    pub(crate) link: u64,
    /// Whether other nodes are between the two.
    pub(crate) is_through: bool,
    pub(crate) outgoing: Outgoing,
    /// Rises whenever something comes.
    heard: AtomicU64,
    /// A process has sent something since somebody last asked.
    is_used: AtomicBool,
    /// Whether bytes wait for room in the bulk connection, and how many ever had some.
    bulk: (AtomicBool, AtomicU64),
    stall: Mutex<Stall>,
    pub(super) lanes: Lanes,
    /// For what came over the main connection.
    pub(super) places: Places,
    /// What this goes on after, as the other end was told.
    after: OnceLock<Option<u64>>,
    /// This end has asked to end it, and was not told that the other one needs it.
    asks_to_part: AtomicBool,
    /// Both ends have agreed to end it.
    is_agreed: AtomicBool,
    /// Whether further connections may bring frames in.
    is_open: RwLock<bool>,
    /// The processes of further connections.
    carriers: Mutex<Vec<Pid>>,
}

impl Association {
    pub(super) fn new(
        node: &Node,
        (peer, is_through): (Who, bool),
        link: u64,
        keeper: Arc<Keeper>,
    ) -> Self {
        let peer_id = NodeId::of(&peer.name, peer.incarnation);
        Self {
            node: node.clone(),
            lanes: Lanes::new(node, peer_id, keeper),
            places: Places::new(),
            peer_id,
            peer,
            is_through,
            link,
            outgoing: Outgoing::new(node),
            heard: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            bulk: (AtomicBool::new(false), AtomicU64::new(0)),
            stall: Mutex::default(),
            after: OnceLock::new(),
            asks_to_part: AtomicBool::new(false),
            is_agreed: AtomicBool::new(false),
            is_open: RwLock::new(true),
            carriers: Mutex::default(),
        }
    }

    /// Tells the other end that this goes on where the connection of this number ended, or begins: the
    /// first word over it.
    pub(super) fn go_on(&self, after: Option<u64>) {
        if self.after.set(after).is_ok() {
            self.outgoing.say(Kind::Parting, &parting::goes_on(after));
        }
    }

    /// What this goes on after.
    pub(super) fn goes_on_after(&self) -> Option<u64> {
        self.after.get().copied().flatten()
    }

    /// Asks the other end whether it may end; what processes send from here on goes elsewhere.
    pub(crate) fn ask_to_part(&self) {
        self.asks_to_part.store(true, Ordering::Relaxed);
        self.outgoing.say(Kind::Parting, ASKS_TO_PART);
    }

    /// The other end needs it.
    pub(super) fn stay(&self) {
        self.asks_to_part.store(false, Ordering::Relaxed);
    }

    /// Whether this end can let it end: it has asked for that itself, and the other one may have agreed by now;
    /// or nothing is on its way.
    pub(super) fn may_part(&self) -> bool {
        self.asks_to_part.load(Ordering::Relaxed) || self.is_quiet()
    }

    /// Both ends have agreed to end it.
    pub(super) fn agree(&self) {
        self.is_agreed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_agreed(&self) -> bool {
        self.is_agreed.load(Ordering::Relaxed)
    }

    /// How often something was heard.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A process sends something over this.
    pub(super) fn use_it(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }

    /// Whether a process has sent something since it was last asked.
    pub(crate) fn was_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed) && self.is_used.swap(false, Ordering::Relaxed)
    }

    /// The bulk connection had room for so many bytes, or has none for now.
    pub(super) fn bulk_sent(&self, bytes: usize) {
        self.bulk.0.store(bytes == 0, Ordering::Relaxed);
        self.bulk.1.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Queues a frame between processes.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        match freight.course.is_usual() {
            true => self.outgoing.carry(frame, freight),
            false => self.carry_over(frame, &freight),
        }
    }

    /// A process waits until there is room for what it sends; `false` when there is some.
    pub(super) fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        match freight.course.is_usual() {
            true => self.outgoing.wait(pid),
            false => self.lanes.wait(pid, freight),
        }
    }

    /// Whether all that was queued has left over the main connection, and the other end has seen what
    /// went over lanes. What a bulk connection has carried nobody acknowledges: it is never quiet.
    pub(crate) fn is_quiet(&self) -> bool {
        self.outgoing.is_quiet() && self.lanes.is_quiet()
    }

    /// Whether all that was queued has left, over the bulk connection too, and the other end has seen
    /// what went over lanes.
    pub(crate) fn is_drained(&self) -> bool {
        self.outgoing.waiting() == 0 && self.lanes.is_quiet()
    }

    /// Queues the mark of a channel: see [`Causal::mark`](crate::channel::causal::Causal::mark).
    pub(super) fn mark(&self, channel: u8, frame: Vec<u8>) {
        let freight = Freight {
            kind: FreightKind::Signal,
            sender: None,
            course: Course::over(channel, true),
            receiver: 0,
            topic: 0,
            request: None,
        };
        self.carry_over(frame, &freight);
    }

    /// Queues a frame for a channel of its own.
    fn carry_over(&self, frame: Vec<u8>, freight: &Freight) -> Carried {
        let (carried, opens) = self.lanes.carry(frame, freight);
        if opens {
            self.outgoing.wake_main();
        }
        carried
    }

    /// What the channels did that were used.
    pub(crate) fn channels(&self) -> Vec<ChannelFigures> {
        self.lanes.figures()
    }

    /// Ends it when nothing has moved on a further connection for longer than this, although something
    /// is to be sent: the main one has heartbeats, and those have none.
    pub(crate) fn end_if_stuck(&self, now: Tick, bound: Duration) {
        let (opens, is_stuck) = self.lanes.tick(now, bound);
        if opens {
            self.outgoing.wake_main();
        }
        if is_stuck {
            tracing::warn!(
                target: "foundation::cluster",
                peer = %self.peer.name,
                "nothing moves on the connection of a channel; the node is given up"
            );
            self.fail();
        }
        let waits = self.bulk.0.load(Ordering::Relaxed);
        let sent = self.bulk.1.load(Ordering::Relaxed);
        let mut stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner);
        if stall.look(now, waits, sent, bound) {
            tracing::warn!(
                target: "foundation::cluster",
                peer = %self.peer.name,
                "nothing moves on the connection for large messages; the node is given up"
            );
            self.fail();
        }
    }

    /// While this is held, frames may be brought in; `None` when it is over.
    pub(super) fn enter(&self) -> Option<RwLockReadGuard<'_, bool>> {
        let open = self.is_open.read().unwrap_or_else(PoisonError::into_inner);
        open.then_some(open)
    }

    /// A process carries for it, and ends with it; `false` when it is over.
    pub(super) fn join(&self, carrier: Pid) -> bool {
        let Some(open) = self.enter() else {
            return false;
        };
        let carriers = self.carriers.lock();
        let mut carriers = carriers.unwrap_or_else(PoisonError::into_inner);
        carriers.push(carrier);
        drop(open);
        true
    }

    /// What came is no frame.
    pub(super) fn garbled(&self) {
        self.outgoing.close(Loss::Garbage);
    }

    /// A further connection is lost, and with it this.
    pub(super) fn fail(&self) {
        self.outgoing.close(Loss::Closed);
    }

    /// It is over: nothing of it comes in from here on.
    pub(super) fn close(&self) {
        self.outgoing.close(Loss::Closed);
        self.lanes.close();
        *self.is_open.write().unwrap_or_else(PoisonError::into_inner) = false;
        self.lanes.drop_following();
        let carriers = self.carriers.lock();
        let mut carriers = carriers.unwrap_or_else(PoisonError::into_inner);
        for pid in carriers.drain(..) {
            self.node.exit(pid, Reason::Kill);
        }
    }
}
