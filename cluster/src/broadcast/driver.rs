//! How is a message passed on until all nodes have it?
//!
//! Role       The process that owns Plumtree: it takes what programs broadcast, and brings in what has come.
//! Invariant  It counts as a new origin whenever it begins: others take its numbers for those of nobody
//!            else.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation_actors::{Cx, Name, NodeExt as _, Ref};
use foundation_macros::actor;
use foundation_runtime::{Brought, Node, NodeId, TimerRef, me};

use super::QUEUED_BYTES_MAX;
use super::port::Everywhere;
use crate::connection::{Association, Handed, Kind};
use crate::machine::{Effects, Machine as _, Tick};
use crate::mesh::{Loss, MeshRef};
use crate::overlay::PeerId;
use crate::overlay::plumtree::{Config, Effect, Input, Message, Plumtree};

/// The name of the process.
pub(super) const TREE: Name<Tree> = Name::new("foundation_broadcast");

/// The process that broadcasts on this node.
pub(crate) fn of(node: &Node) -> Ref<Tree> {
    node.at(TREE)
}

/// The process that owns the machine.
pub(crate) struct Tree {
    node: Node,
    machine: Plumtree,
    everywhere: Arc<Everywhere>,
    links: BTreeMap<PeerId, Arc<Association>>,
    wake: Option<TimerRef>,
}

#[actor(crate = foundation_actors)]
impl Tree {
    #[init]
    fn init((node, everywhere): (Node, Arc<Everywhere>)) -> Self {
        let (origin, seed) = (PeerId(node.random()), node.random());
        let machine = Plumtree::new(origin, Config::default(), seed);
        everywhere.begun();
        // The neighbours that there are. A mesh that has ended begins anew, and this with it.
        let _ = MeshRef::of(&node).mesh().tree_begun();
        Self {
            machine: machine.expect("the figures of the protocol are in their bounds"),
            node,
            everywhere,
            links: BTreeMap::new(),
            wake: None,
        }
    }

    /// A program sends this to all nodes.
    #[cast(local)]
    pub(crate) fn broadcast(&mut self, frame: Vec<u8>, cx: &mut Cx<Self>) {
        self.everywhere.taken(frame.len());
        let mut payload = self.node.id().as_u64().to_be_bytes().to_vec();
        payload.extend_from_slice(&frame);
        self.step(Input::Broadcast(payload.into()), cx);
    }

    /// The overlay has a new neighbour.
    #[cast(local)]
    pub(crate) fn linked(&mut self, association: Arc<Association>, cx: &mut Cx<Self>) {
        let peer = association.peer.peer_id();
        self.links.insert(peer, association);
        self.step(Input::Up(peer), cx);
    }

    /// It is none any more.
    #[cast(local)]
    pub(crate) fn unlinked(&mut self, peer: PeerId, cx: &mut Cx<Self>) {
        if self.links.remove(&peer).is_some() {
            self.step(Input::Down(peer), cx);
        }
    }

    /// A neighbour says this.
    #[cast(local)]
    pub(crate) fn said(&mut self, handed: Handed, bytes: Vec<u8>, cx: &mut Cx<Self>) {
        match Message::decode(&bytes) {
            Ok(message) => {
                let from = handed.from().peer_id();
                self.step(Input::Received(from, message), cx);
            }
            Err(error) => {
                let name = &handed.from().name;
                tracing::error!(target: "foundation::cluster", %name, %error, "no part of a broadcast");
                handed.refuse(Loss::Garbage);
            }
        }
    }

    #[cast(local)]
    fn wake(&mut self, cx: &mut Cx<Self>) {
        self.wake = None;
        self.step(Input::Woken, cx);
    }
}

impl Tree {
    fn step(&mut self, input: Input, cx: &mut Cx<Self>) {
        let mut effects = Effects::new();
        let now = Tick::ZERO + self.node.now();
        self.machine.step(now, input, &mut effects);
        self.machine.check();
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(peer, message) => {
                    if let Some(link) = self.links.get(&peer)
                        && link.outgoing.waiting() < QUEUED_BYTES_MAX
                    {
                        link.outgoing.say(Kind::Tree, &message.encode());
                    }
                }
                Effect::Deliver(_, _, payload) => self.deliver(&payload),
                Effect::Missed(missed) => tracing::warn!(
                    target: "foundation::cluster",
                    origin = format_args!("{:x}", missed.origin.0),
                    first = missed.first, last = missed.last,
                    "messages to all nodes did not come to this one"
                ),
                Effect::TooLong(payload) => tracing::error!(
                    target: "foundation::cluster",
                    bytes = payload.len(),
                    "a message to all nodes is too long and was not sent"
                ),
                Effect::Wake(at) => {
                    if let (Some(timer), Some(me)) = (self.wake.take(), me()) {
                        me.cancel_timer(timer);
                    }
                    self.wake = Some(cx.msg_after(at.since(now), TreeMsg::Wake));
                }
            }
        }
    }

    /// Gives it to the process that it is for, if there is one here.
    fn deliver(&self, payload: &[u8]) {
        let delivered = payload.split_first_chunk().map(|(origin, frame)| {
            let origin = NodeId::from_u64(u64::from_be_bytes(*origin));
            self.node.receive_frame(origin, Brought::default(), frame)
        });
        if !matches!(delivered, Some(Ok(()))) {
            tracing::error!(
                target: "foundation::cluster",
                "a message to all nodes cannot be read here"
            );
        }
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(
    node: Node,
    everywhere: Arc<Everywhere>,
) -> foundation_actors::supervisor::Child<Tree> {
    foundation_actors::child_with::<Tree>((node, everywhere)).name(TREE)
}
