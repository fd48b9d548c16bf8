//! How is the mesh's decision carried out?
//!
//! Role       The process that owns the machine: starts connections, answers them, and says who is
//!            there.
//! Invariant  Connections are linked to it: when it crashes they end, and all begins anew from the
//!            seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use foundation_actors::{Cx, Name};
use foundation_macros::actor;
use foundation_runtime::{Exit, NodeId, Pid};

use super::client::MeshRef;
use super::event::{Effect, Input};
use super::machine::Machine;
use super::news::{NodeEvent, Peer};
use super::{ConnectionId, Loss, MeshConfig};
use crate::connection::{self, Association, Context, Handed, Kind};
use crate::handshake::{Refusal, Role, Who};
use crate::machine::{Effects, Machine as _, Tick};
use crate::membership;
use crate::overlay::{Epoch, Overlay, PeerId, Policy};
use crate::relay::{self, CircuitStream};
use crate::transport::Stream;

/// The name of the process.
pub(super) const MESH: Name<Mesh> = Name::new("foundation_mesh");
/// For each step so many links are checked.
const CHECKED: usize = 8;
/// How many may watch the nodes.
const WATCHERS_MAX: usize = 1024;

/// One connection, as the mesh holds it.
pub(super) struct Held {
    pub(super) pid: Pid,
    /// When it is up.
    pub(super) started: Option<Arc<Association>>,
    /// The address that was dialled for it, until it is up.
    pub(super) dialled: Option<Box<str>>,
    /// The node that was dialled through others for it, until it is up.
    pub(super) through: Option<Who>,
    /// Why it was killed, if it was.
    pub(super) killed: Option<Loss>,
    /// How much was heard and sent at the last tick.
    pub(super) heard: u64,
    pub(super) sent: u64,
}

/// What a mesh starts from.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) context: Arc<Context>,
    pub(crate) config: MeshConfig,
    /// The rules by which the overlay changes.
    pub(crate) policy: Option<Policy>,
}

/// The process that owns the machine.
pub(crate) struct Mesh {
    pub(super) machine: Machine,
    pub(super) plan: Plan,
    pub(super) held: BTreeMap<ConnectionId, Held>,
    pub(super) watchers: Vec<Pid>,
    /// The neighbours that were told to the process that broadcasts.
    pub(super) told: BTreeSet<PeerId>,
    /// How many links steps would have looked at since the machine was last checked.
    unchecked: usize,
}

#[actor(crate = foundation_actors)]
impl Mesh {
    #[init]
    fn init(plan: Plan, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        cx.msg_after(plan.config.tick, MeshMsg::Tick);
        let (own, seed) = (plan.context.own.clone(), plan.context.node.random());
        let epoch = plan.context.epoch();
        let machine = Machine::in_epoch(plan.config.clone(), own, epoch.clone(), seed)
            .expect("the builder or the machine before has checked the overlay");
        let mesh = Self {
            machine: match plan.policy.clone() {
                Some(policy) => machine.policy(policy),
                None => machine,
            },
            plan,
            held: BTreeMap::new(),
            watchers: Vec::new(),
            told: BTreeSet::new(),
            unchecked: 0,
        };
        // There was another mesh before, perhaps, and none of its connections is left.
        let _ = membership::of(&mesh.plan.context.node).parted();
        // The relay begins after this, and asks.
        mesh.reconfigure_membership(&epoch);
        mesh
    }

    #[cast(local)]
    fn tick(&mut self, cx: &mut Cx<Self>) {
        cx.msg_after(self.plan.config.tick, MeshMsg::Tick);
        self.plan.context.keeper.tick();
        let now = Tick::ZERO + self.plan.context.node.now();
        let (mut inputs, mut is_busy) = (Vec::new(), false);
        for (id, held) in &mut self.held {
            let Some(started) = &held.started else {
                continue;
            };
            started.end_if_stuck(now, 2 * self.plan.config.silence);
            is_busy |= started.outgoing.is_holding();
            let heard = started.heard();
            let sent = started.outgoing.frames();
            if std::mem::replace(&mut held.heard, heard) != heard {
                inputs.push(Input::Heard(*id));
            }
            if std::mem::replace(&mut held.sent, sent) != sent {
                inputs.push(Input::Sent(*id));
            }
            if started.was_used() {
                inputs.push(Input::Used(*id));
            }
        }
        inputs.push(Input::Loaded(is_busy, self.plan.context.round_trip.get()));
        inputs.push(Input::Ticked);
        // There are two for each connection: the machine is checked once for them all.
        for input in inputs {
            self.take(input);
        }
        self.machine.check();
        self.tell_tree();
    }

    /// Takes a connection that was dialled from elsewhere.
    #[call(local)]
    pub(crate) fn accept(&mut self, stream: Stream, from: Box<str>) -> bool {
        self.take_in(stream, from)
    }

    /// Takes one that comes through other nodes.
    #[cast(local)]
    pub(crate) fn accept_through(&mut self, stream: CircuitStream, from: Box<str>) {
        self.take_in(Stream::Through(stream), from);
    }

    #[call(local)]
    pub(crate) fn proved(&mut self, id: ConnectionId, who: Who, role: Role) -> Result<(), Refusal> {
        if !self.held.contains_key(&id) {
            return Err(Refusal::Leaving);
        }
        let answer = self.step(Input::Proved(id, who, role));
        answer.unwrap_or(Err(Refusal::Leaving))
    }

    #[call(local)]
    pub(crate) fn up(&mut self, id: ConnectionId, started: Arc<Association>) {
        if let Some(held) = self.held.get_mut(&id) {
            held.started = Some(started);
            let dialled = held.dialled.take();
            held.through = None;
            self.step(Input::Up(id));
            if let Some(address) = dialled {
                self.step(Input::Reached(address, id));
            }
        }
    }

    /// What a further connection from this node belongs to.
    #[call(local)]
    pub(crate) fn association(&self, who: Who, link: u64) -> Option<Arc<Association>> {
        let mut up = self.held.values().filter_map(|held| held.started.as_ref());
        let is = |of: &&Arc<Association>| {
            of.link == link && of.peer.name == who.name && of.peer.incarnation == who.incarnation
        };
        up.find(is).cloned()
    }

    #[cast(local)]
    pub(crate) fn gone(&mut self, id: ConnectionId, loss: Loss) {
        self.ended(id, loss, Refusal::Closed);
    }

    #[cast(local)]
    pub(crate) fn undialled(&mut self, id: ConnectionId, refusal: Refusal) {
        self.ended(id, Loss::Closed, refusal);
    }

    /// A finder has found this address.
    #[cast(local)]
    pub(crate) fn candidate(&mut self, address: Box<str>) {
        self.step(Input::Candidate(address));
    }

    /// No finder finds it any more.
    #[cast(local)]
    pub(crate) fn forgotten(&mut self, address: Box<str>) {
        self.step(Input::Forgotten(address));
    }

    /// Somebody is said to be at this address.
    #[cast(local)]
    pub(crate) fn seed(&mut self, address: Box<str>) {
        self.step(Input::Seed(address));
    }

    /// The finders begin anew.
    #[cast(local)]
    pub(crate) fn all_forgotten(&mut self) {
        self.step(Input::AllForgotten);
    }

    /// The membership says that this one is a member.
    #[cast(local)]
    pub(crate) fn member(&mut self, who: Who) {
        self.step(Input::Member(who));
    }

    /// The membership says that this one is a member no more.
    #[cast(local)]
    pub(crate) fn lost(&mut self, name: Box<str>, incarnation: u64, loss: Loss) {
        // One that only failed to answer may come back, and be sent what was kept for it.
        if matches!(loss, Loss::Left | Loss::Evicted) {
            let keeper = &self.plan.context.keeper;
            keeper.gone(NodeId::of(&name, incarnation));
        }
        self.step(Input::Lost(name, incarnation, loss));
    }

    /// Somebody has something to say to this member.
    #[cast(local)]
    pub(crate) fn wanted(&mut self, who: Who) {
        self.step(Input::Wanted(who));
    }

    /// The overlay of the other end says this.
    #[cast(local)]
    pub(crate) fn said(&mut self, id: ConnectionId, bytes: Vec<u8>, handed: Handed) {
        self.step(Input::Said(id, bytes));
        drop(handed);
    }

    /// The other end does not need this connection any more: does this one?
    #[call(local)]
    pub(crate) fn may_part(&mut self, id: ConnectionId) -> bool {
        self.step(Input::MayPart(id)) == Some(Ok(()))
    }

    /// A connection that was to end is needed after all.
    #[call(local)]
    pub(crate) fn kept(&mut self, id: ConnectionId) {
        self.step(Input::Kept(id));
    }

    #[call(local)]
    pub(crate) fn epoch(&self) -> Epoch {
        self.machine.epoch().clone()
    }

    /// Orders an overlay for the whole cluster, unless it is too early for that: then in how long.
    #[call(local)]
    pub(crate) fn switch(&mut self, overlay: Overlay) -> Result<Epoch, Duration> {
        let now = Tick::ZERO + self.plan.context.node.now();
        let rest = self.machine.cools_down(now);
        if !rest.is_zero() {
            return Err(rest);
        }
        self.step(Input::Switch(overlay));
        Ok(self.machine.epoch().clone())
    }

    /// A process that broadcasts has begun: it has to know the neighbours.
    #[cast(local)]
    pub(crate) fn tree_begun(&mut self) {
        self.told.clear();
        self.tell_tree();
    }

    /// A new relay has begun: it has to know who is connected.
    #[cast(local)]
    pub(crate) fn relayed(&mut self) {
        self.tell_relay_all();
    }

    /// The membership says that this node is out.
    #[cast(local)]
    pub(crate) fn out(&mut self) {
        self.step(Input::Leave);
    }

    #[call(local)]
    pub(crate) fn peers(&self) -> Vec<Peer> {
        let started = self.held.values().filter_map(|held| held.started.as_ref());
        let by_name: BTreeMap<&str, &Arc<Association>> =
            started.map(|it| (&*it.peer.name, it)).collect();
        let of = |who: &Who| {
            let started = by_name.get(&*who.name);
            let queue = started.map(|started| &started.outgoing);
            Peer {
                who: who.clone(),
                queued: queue.map_or(0, |queue| queue.waiting()),
                sent: queue.map_or(0, |queue| queue.frames()),
                channels: started.map_or_else(Vec::new, |started| started.channels()),
                is_neighbour: self.machine.is_neighbour(who),
                is_through: started.is_some_and(|started| started.is_through),
            }
        };
        self.machine.peers().map(of).collect()
    }

    #[call(local)]
    pub(crate) fn own(&self) -> Who {
        self.plan.context.own.clone()
    }

    /// The addresses that are dialled, and why they were not reached.
    #[call(local)]
    pub(crate) fn dialled(&self) -> Vec<(Box<str>, Option<Refusal>)> {
        let dialled = self.machine.dialled();
        dialled
            .map(|(address, refusal)| (address.into(), refusal))
            .collect()
    }

    #[call(local)]
    pub(crate) fn watch(&mut self, watcher: Pid) -> bool {
        let full = self.watchers.len() == WATCHERS_MAX;
        if !full && !self.watchers.contains(&watcher) {
            self.watchers.push(watcher);
        }
        !full
    }

    /// Whether all that was queued has left, and the other ends have seen what went over lanes.
    #[call(local)]
    pub(crate) fn is_drained(&self) -> bool {
        let mut started = self.held.values().filter_map(|held| held.started.as_ref());
        started.all(|started| started.is_drained())
    }

    #[call(local)]
    pub(crate) fn leave(&mut self) {
        self.step(Input::Leave);
        self.tell_watchers(&NodeEvent::Leaving);
    }

    #[exit]
    fn exited(&mut self, exit: Exit) {
        let ended = self.held.iter().find(|(_, held)| held.pid == exit.from);
        if let Some(id) = ended.map(|(id, _)| *id) {
            self.ended(id, Loss::Closed, Refusal::Closed);
        }
    }
}

impl Mesh {
    fn take_in(&mut self, stream: Stream, from: Box<str>) -> bool {
        let Some(place) = self.plan.context.half_open() else {
            tracing::warn!(
                target: "foundation::cluster",
                %from,
                "a connection was turned away: too many are shaking hands"
            );
            return false;
        };
        let id = self.plan.context.next_id();
        let (context, mesh) = (Arc::clone(&self.plan.context), self.client());
        self.spawn(id, move |me| {
            connection::accepted(context, mesh, id, stream, from, place, me)
        });
        true
    }

    pub(super) fn client(&self) -> MeshRef {
        MeshRef::of(&self.plan.context.node)
    }

    /// A connection is gone, or never came about, for one of these reasons.
    fn ended(&mut self, id: ConnectionId, loss: Loss, refusal: Refusal) {
        let Some(held) = self.held.remove(&id) else {
            return;
        };
        self.step(Input::Down(id, held.killed.unwrap_or(loss)));
        if let Some(address) = held.dialled {
            self.step(Input::Undialled(address, refusal));
        }
        if let Some(who) = held.through {
            self.step(Input::Unthrough(who, refusal));
        }
    }

    /// One step of the machine, and what it wants: its answer, if it was asked.
    fn step(&mut self, input: Input) -> Option<Result<(), Refusal>> {
        let answer = self.take(input);
        // All links are looked at: now and then, so that a step costs the same however many there are.
        self.unchecked += CHECKED;
        if self.held.len() <= self.unchecked {
            self.unchecked = 0;
            self.machine.check();
        }
        answer
    }

    pub(super) fn take(&mut self, input: Input) -> Option<Result<(), Refusal>> {
        let mut effects = Effects::new();
        let now = Tick::ZERO + self.plan.context.node.now();
        self.machine.step(now, input, &mut effects);
        let mut answer = None;
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Answer(_, given) => answer = Some(given),
                other => self.perform(other),
            }
        }
        answer
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Answer(..) => {}
            Effect::Dial(address) => self.dial(address, false),
            Effect::Knock(address) => self.dial(address, true),
            Effect::DialThrough(who) => self.dial_through(who),
            Effect::Close(id, loss) => self.close(id, loss),
            Effect::Heartbeat(id) => self.send(id, Kind::Heartbeat, &[]),
            Effect::Say(id, bytes) => self.send(id, Kind::Overlay, &bytes),
            Effect::Part(id) => self.part(id),
            Effect::Reach(who) => self.plan.context.ways.reach(&who),
            Effect::Lose(who) => self.plan.context.ways.lose(&who),
            Effect::Switched(epoch) => self.switched(epoch),
            Effect::Differs(who, overlay) => tracing::warn!(
                target: "foundation::cluster",
                name = %who.name, theirs = %overlay, ours = %self.machine.epoch().overlay,
                "a node starts with another overlay than this one: a switch would make them agree"
            ),
            Effect::Neighbour(who, is_up) => {
                tracing::debug!(target: "foundation::cluster", name = %who.name, is_up, "neighbour");
                let node = &self.plan.context.node;
                let _ = membership::of(node).neighbour(who.clone(), is_up);
                let _ = relay::of(node).neighbour(who, is_up);
            }
            Effect::Told(event) => {
                self.tell_membership(&event);
                self.tell_relay(&event);
                self.tell(&event);
            }
        }
    }

    fn send(&self, id: ConnectionId, kind: Kind, content: &[u8]) {
        let held = self.held.get(&id);
        if let Some(started) = held.and_then(|held| held.started.as_ref()) {
            started.outgoing.say(kind, content);
        }
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(plan: Plan) -> foundation_actors::supervisor::Child<Mesh> {
    foundation_actors::child_with::<Mesh>(plan).name(MESH)
}
