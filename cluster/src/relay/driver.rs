//! How are letters passed on, and circuits kept?
//!
//! Role       The process that owns both machines. Neighbours are the nodes that are connected directly:
//!            what goes through a circuit is no way for letters of others.
//! Invariant  When it ends all circuits are closed, on this node at once and at their other ends when these
//!            next ask.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foundation_actors::{Cx, Name, NodeExt as _, Ref};
use foundation_macros::actor;
use foundation_runtime::{Node, TimerRef, me};

use super::QUEUED_BYTES_MAX;
use super::end::End;
use super::stream::CircuitStream;
use crate::connection::{Association, Handed, Kind};
use crate::handshake::Who;
use crate::machine::{Effects, Machine as _, Tick};
use crate::mesh::{Loss, MeshRef};
use crate::overlay::PeerId;
use crate::overlay::circuit::{self, CircuitId, Circuits, Piece, WhyClosed};
use crate::overlay::routing::{self, Message, Routing};

/// The name of the process.
const RELAY: Name<Relay> = Name::new("foundation_relay");

/// The relay of this node.
pub(crate) fn of(node: &Node) -> Ref<Relay> {
    node.at(RELAY)
}

/// The process that owns the machines.
pub(crate) struct Relay {
    node: Node,
    routing: Routing,
    circuits: Circuits,
    links: BTreeMap<PeerId, Arc<Association>>,
    ends: BTreeMap<CircuitId, Arc<End>>,
    /// The number of the circuit that was last opened here.
    last: u64,
    routing_wakes: Option<TimerRef>,
    circuits_wake: Option<TimerRef>,
}

/// What one of the machines is to be given next.
enum Work {
    Routing(routing::Input),
    Circuits(circuit::Input),
}

#[actor(crate = foundation_actors)]
impl Relay {
    #[init]
    fn init((node, own): (Node, Who)) -> Self {
        let me = own.peer_id();
        let text = "the figures of the protocol are in their bounds";
        // Those that are connected already. A mesh that has ended begins anew, and this with it.
        let _ = MeshRef::of(&node).mesh().relayed();
        // One that begins anew may not give numbers that were there before: time is ahead of them all.
        let first = u64::try_from(node.now().as_nanos()).unwrap_or(u64::MAX / 2);
        let routing = Routing::new(me, routing::Config::default()).expect(text);
        Self {
            node,
            routing: routing.numbered_from(first),
            circuits: Circuits::new(me, circuit::Config::default()).expect(text),
            links: BTreeMap::new(),
            ends: BTreeMap::new(),
            last: first,
            routing_wakes: None,
            circuits_wake: None,
        }
    }

    /// So many connections a letter may pass, in the overlay that there is now.
    #[cast(local)]
    pub(crate) fn reach(&mut self, hops: u8) {
        self.routing.reach(hops);
    }

    /// A node is connected directly.
    #[cast(local)]
    pub(crate) fn linked(&mut self, association: Arc<Association>, cx: &mut Cx<Self>) {
        let peer = association.peer.peer_id();
        self.links.insert(peer, association);
        self.perform(Work::Routing(routing::Input::Up(peer)), cx);
    }

    /// It is not any more.
    #[cast(local)]
    pub(crate) fn unlinked(&mut self, who: Who, cx: &mut Cx<Self>) {
        let peer = who.peer_id();
        if self.links.remove(&peer).is_some() {
            self.perform(Work::Routing(routing::Input::Down(peer)), cx);
        }
    }

    /// The overlay holds the nodes together by the connection to this one, or no more.
    #[cast(local)]
    pub(crate) fn neighbour(&mut self, who: Who, is_up: bool, cx: &mut Cx<Self>) {
        let flooded = routing::Input::Flooded(who.peer_id(), is_up);
        self.perform(Work::Routing(flooded), cx);
    }

    /// A node that is connected has sent a letter, for this node or another.
    #[cast(local)]
    pub(crate) fn said(&mut self, handed: Handed, bytes: Vec<u8>, cx: &mut Cx<Self>) {
        match Message::decode(&bytes) {
            Ok(message) => {
                let from = handed.from().peer_id();
                let received = routing::Input::Received(from, message);
                self.perform(Work::Routing(received), cx);
            }
            Err(error) => {
                let name = &handed.from().name;
                tracing::error!(target: "foundation::cluster", %name, %error, "no letter");
                handed.refuse(Loss::Garbage);
            }
        }
    }

    /// A stream to this node. It can be written to when the other end has accepted it.
    #[call(local)]
    pub(crate) fn open(&mut self, to: Who, cx: &mut Cx<Self>) -> CircuitStream {
        self.last += 1;
        let (number, to) = (self.last, to.peer_id());
        let opener = PeerId(self.node.id().as_u64());
        let stream = self.end(CircuitId { opener, number });
        self.perform(Work::Circuits(circuit::Input::Open { number, to }), cx);
        stream
    }

    /// The stream of this circuit has news.
    #[cast(local)]
    pub(crate) fn poke(&mut self, id: CircuitId, cx: &mut Cx<Self>) {
        let Some(end) = self.ends.get(&id) else {
            return;
        };
        let news = end.take();
        if !news.written.is_empty() {
            let written = circuit::Input::Write(id, news.written);
            self.perform(Work::Circuits(written), cx);
        }
        if news.consumed > 0 {
            let consumed = circuit::Input::Consumed(id, news.consumed);
            self.perform(Work::Circuits(consumed), cx);
        }
        if news.is_dropped {
            self.ends.remove(&id);
            self.perform(Work::Circuits(circuit::Input::Close(id)), cx);
        } else if news.is_finished {
            self.perform(Work::Circuits(circuit::Input::Finish(id)), cx);
        }
    }

    #[cast(local)]
    fn wake_routing(&mut self, cx: &mut Cx<Self>) {
        self.routing_wakes = None;
        self.perform(Work::Routing(routing::Input::Woken), cx);
    }

    #[cast(local)]
    fn wake_circuits(&mut self, cx: &mut Cx<Self>) {
        self.circuits_wake = None;
        self.perform(Work::Circuits(circuit::Input::Woken), cx);
    }
}

impl Relay {
    fn end(&mut self, id: CircuitId) -> CircuitStream {
        let end = Arc::<End>::default();
        self.ends.insert(id, Arc::clone(&end));
        CircuitStream::new(of(&self.node), id, end)
    }

    /// One step, and all that follows from it.
    fn perform(&mut self, work: Work, cx: &mut Cx<Self>) {
        let mut queue = VecDeque::from([work]);
        while let Some(work) = queue.pop_front() {
            let now = Tick::ZERO + self.node.now();
            match work {
                Work::Routing(input) => {
                    let mut effects = Effects::new();
                    self.routing.step(now, input, &mut effects);
                    self.routing.check();
                    let effects: Vec<_> = effects.drain().collect();
                    effects
                        .into_iter()
                        .for_each(|effect| self.route(effect, &mut queue, cx));
                }
                Work::Circuits(input) => {
                    let mut effects = Effects::new();
                    self.circuits.step(now, input, &mut effects);
                    self.circuits.check();
                    let effects: Vec<_> = effects.drain().collect();
                    effects
                        .into_iter()
                        .for_each(|effect| self.carry(effect, &mut queue, cx));
                }
            }
        }
    }

    fn route(&mut self, effect: routing::Effect, queue: &mut VecDeque<Work>, cx: &mut Cx<Self>) {
        match effect {
            routing::Effect::Send(peer, message) => {
                if let Some(link) = self.links.get(&peer)
                    && link.outgoing.waiting() < QUEUED_BYTES_MAX
                {
                    link.outgoing.say(Kind::Routed, &message.encode());
                }
            }
            routing::Effect::Deliver(source, payload) => match Piece::decode(&payload) {
                Ok(piece) => {
                    let received = circuit::Input::Received(source, piece);
                    queue.push_back(Work::Circuits(received));
                }
                Err(error) => tracing::warn!(
                    target: "foundation::cluster",
                    %error,
                    "a letter brings nothing that this version knows"
                ),
            },
            routing::Effect::Acknowledged(ticket) => {
                queue.push_back(Work::Circuits(circuit::Input::Acknowledged(ticket)));
            }
            routing::Effect::Undelivered(letter, why) => {
                queue.push_back(Work::Circuits(circuit::Input::Undelivered(letter, why)));
            }
            routing::Effect::Wake(at) => {
                let pause = at.since(Tick::ZERO + self.node.now());
                let timer = cx.msg_after(pause, RelayMsg::WakeRouting);
                let before = self.routing_wakes.replace(timer);
                cancel(before);
            }
        }
    }

    fn carry(&mut self, effect: circuit::Effect, queue: &mut VecDeque<Work>, cx: &mut Cx<Self>) {
        let end = |id: &CircuitId| self.ends.get(id);
        match effect {
            circuit::Effect::Send(letter) => {
                queue.push_back(Work::Routing(routing::Input::Send(letter)));
            }
            circuit::Effect::Asks(id) => {
                let stream = self.end(id);
                let from = format!("{:x} through others", id.opener.0);
                // It proves itself as anybody else. A mesh that has ended drops the stream.
                let mesh = MeshRef::of(&self.node);
                let _ = mesh.mesh().accept_through(stream, from.into());
                queue.push_back(Work::Circuits(circuit::Input::Accept(id)));
            }
            circuit::Effect::Opened(_) => {}
            circuit::Effect::Came(id, bytes) => {
                end(&id).into_iter().for_each(|end| end.came(bytes.clone()))
            }
            circuit::Effect::Finished(id) => end(&id).into_iter().for_each(|end| end.finished()),
            circuit::Effect::Room(id, bytes) => {
                end(&id).into_iter().for_each(|end| end.room(bytes));
            }
            circuit::Effect::Closed(id, why) => {
                if let Some(end) = self.ends.remove(&id) {
                    end.closed(why);
                }
            }
            circuit::Effect::Wake(at) => {
                let pause = at.since(Tick::ZERO + self.node.now());
                let timer = cx.msg_after(pause, RelayMsg::WakeCircuits);
                let before = self.circuits_wake.replace(timer);
                cancel(before);
            }
        }
    }
}

/// Another timer has taken its place.
fn cancel(timer: Option<TimerRef>) {
    if let (Some(timer), Some(me)) = (timer, me()) {
        me.cancel_timer(timer);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for end in self.ends.values() {
            end.closed(WhyClosed::Unreachable);
        }
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(node: Node, own: Who) -> foundation_actors::supervisor::Child<Relay> {
    foundation_actors::child_with::<Relay>((node, own)).name(RELAY)
}
