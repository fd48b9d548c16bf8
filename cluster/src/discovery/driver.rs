//! How is what the finders want carried out?
//!
//! Role       The process that owns the machine: asks name servers, speaks and listens on segments,
//!            tells the mesh whom to dial, and logs why a finder fails.
//! Invariant  What asks and what listens is linked to it. It holds up nobody: the node is started, and
//!            the mesh goes on, whether or not anybody answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation_actors::{Cx, Name, NodeExt, Ref};
use foundation_macros::{Message, actor};
use foundation_runtime::{Exit, Node, Pid, Process, SpawnOptions, TimerRef, me};
use tokio::net::UdpSocket;

use super::dns::{Asking, look_up};
use super::machine::{Answer, Effect, Failure, Input, Machine};
use super::multicast::{Beat, BeatFigures, BeatLedger, Multicast, open};
use super::{DiscoveryConfig, Finder};
use crate::connection::Context;
use crate::machine::{Effects, Machine as _, Tick};
use crate::mesh::MeshRef;
use crate::storage;
use crate::transport::Transport;

const DISCOVERY: Name<Discovery> = Name::new("foundation_discovery");
/// More than the longest beat, so that what is too long is not taken for one that was cut off.
const DATAGRAM_BYTES: usize = 2048;
/// How long a listener rests when the system gives it nothing.
const LISTEN_PAUSE: Duration = Duration::from_millis(100);

/// What the discovery of a node starts from.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) context: Arc<Context>,
    pub(crate) config: DiscoveryConfig,
    pub(crate) finders: Vec<Finder>,
    /// Empty: those of the machine.
    pub(crate) nameservers: Vec<SocketAddr>,
    /// The addresses at which this node listens, and at which it is dialled.
    pub(crate) own: Vec<Box<str>>,
}

/// What one finder of a node does, see [`Cluster::finders`](crate::Cluster::finders).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinderReport {
    /// What it is, in words.
    pub finder: Box<str>,
    /// The addresses that it yields.
    pub found: Vec<Box<str>>,
    /// Why it yields nothing new, if so.
    pub failure: Option<Failure>,
    /// Of multicast: what became of all that came.
    pub beats: Option<BeatFigures>,
}

/// One segment that is listened to.
struct Segment {
    socket: Arc<UdpSocket>,
    listener: Pid,
}

/// What was heard on one segment, whoever listens there at the moment.
type Heard = Arc<Mutex<BeatLedger>>;

/// The process that owns the machine.
pub(crate) struct Discovery {
    machine: Machine,
    plan: Plan,
    ledgers: Vec<Option<Heard>>,
    segments: Vec<Option<Segment>>,
    beats: u64,
    wake: Option<TimerRef>,
}

#[derive(Debug, Message)]
#[message(local, crate = foundation_actors)]
struct Nothing;

#[actor(crate = foundation_actors)]
impl Discovery {
    #[init]
    fn init(plan: Plan, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        let ways: Vec<_> = plan.finders.iter().map(Finder::way).collect();
        let node = &plan.context.node;
        let now = Tick::ZERO + node.now();
        let own = plan.own.iter().cloned();
        let machine = Machine::new(plan.config.clone(), own, &ways, now, node.random());
        let who = &plan.context.own;
        let ledger = |finder: &Finder| match finder {
            Finder::Multicast(multicast) => {
                let ledger = BeatLedger::new(who.name.clone(), who.incarnation, multicast.rate_max);
                Some(Arc::new(Mutex::new(ledger)))
            }
            _ => None,
        };
        let mut discovery = Self {
            machine,
            ledgers: plan.finders.iter().map(ledger).collect(),
            segments: plan.finders.iter().map(|_| None).collect(),
            plan,
            // Another process of this node may have sent some before.
            beats: now.as_nanos(),
            wake: None,
        };
        // There was another one before, perhaps, and what it found may be gone.
        let _ = MeshRef::of(&discovery.plan.context.node)
            .mesh()
            .all_forgotten();
        discovery.step(Input::Woken, cx);
        discovery
    }

    #[cast(local)]
    fn wake(&mut self, cx: &mut Cx<Self>) {
        self.wake = None;
        self.step(Input::Woken, cx);
    }

    /// A finder was asked, and this came of it.
    #[cast(local)]
    fn answered(
        &mut self,
        finder: usize,
        number: u64,
        result: Result<Answer, Failure>,
        cx: &mut Cx<Self>,
    ) {
        let result = result.and_then(|answer| self.within_reach(answer));
        self.step(Input::Answered(finder, number, result), cx);
    }

    /// Somebody on the segment is there. Whoever listens waits for this.
    #[call(local)]
    fn heard(&mut self, finder: usize, address: Box<str>, cx: &mut Cx<Self>) {
        if self.plan.context.transport.reach().check(&address).is_ok() {
            self.step(Input::Heard(finder, address), cx);
        }
    }

    /// What each finder does.
    #[call(local)]
    pub(crate) fn reports(&self) -> Vec<FinderReport> {
        let report = |(at, finder): (usize, &Finder)| FinderReport {
            finder: finder.to_string().into(),
            found: self.machine.found(at).map(Into::into).collect(),
            failure: self.machine.failure(at).cloned(),
            beats: self.ledgers[at]
                .as_ref()
                .map(|ledger| lock(ledger).figures()),
        };
        self.plan.finders.iter().enumerate().map(report).collect()
    }

    #[exit]
    fn exited(&mut self, exit: Exit) {
        for segment in &mut self.segments {
            // The next beat opens it anew.
            segment.take_if(|segment| segment.listener == exit.from);
        }
    }
}

impl Discovery {
    fn within_reach(&self, mut answer: Answer) -> Result<Answer, Failure> {
        let (reach, was) = (self.plan.context.transport.reach(), answer.addresses.len());
        answer
            .addresses
            .retain(|address| reach.check(address).is_ok());
        match answer.addresses.is_empty() && 0 < was {
            true => Err(Failure::Beyond),
            false => Ok(answer),
        }
    }

    fn step(&mut self, input: Input, cx: &mut Cx<Self>) {
        let node = self.plan.context.node.clone();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::new();
            let now = Tick::ZERO + node.now();
            self.machine.step(now, input, &mut effects);
            self.machine.check();
            for effect in effects.drain().collect::<Vec<_>>() {
                inputs.extend(self.perform(effect));
            }
        }
        if let (Some(timer), Some(me)) = (self.wake.take(), me()) {
            me.cancel_timer(timer);
        }
        let now = Tick::ZERO + node.now();
        self.wake = self
            .machine
            .next()
            .map(|next| cx.msg_after(next.since(now), DiscoveryMsg::Wake));
    }

    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Ask(finder, number) => self.ask(finder, number),
            Effect::Beat(finder) => return self.beat(finder),
            Effect::Candidate(address) => {
                tracing::info!(target: "foundation::cluster", %address, "found");
                let _ = MeshRef::of(&self.plan.context.node)
                    .mesh()
                    .candidate(address);
            }
            Effect::Gone(address) => {
                tracing::info!(target: "foundation::cluster", %address, "found no more");
                let _ = MeshRef::of(&self.plan.context.node)
                    .mesh()
                    .forgotten(address);
            }
            Effect::Fails(finder, failure) => {
                let finder = &self.plan.finders[finder];
                match failure {
                    Some(reason) => tracing::warn!(
                        target: "foundation::cluster", %finder, %reason, "nobody new is found"
                    ),
                    None => tracing::info!(
                        target: "foundation::cluster", %finder, "the finder works again"
                    ),
                }
            }
        }
        None
    }

    fn ask(&self, finder: usize, number: u64) {
        let (plan, discovery) = (self.plan.clone(), of(&self.plan.context.node));
        let options = SpawnOptions::new().link();
        let body = async move |_: Process<Nothing>| {
            let result = find(&plan, finder).await;
            let _ = discovery.answered(finder, number, result);
        };
        // Where there is no room for it, the question has no answer, and is asked again.
        if let Err(error) = self.plan.context.node.spawn_fn_with(&options, body) {
            tracing::error!(target: "foundation::cluster", %error, "nobody could be asked");
        }
    }

    /// Says on the segment where this node is. What is wrong with it, or that nothing is any more.
    fn beat(&mut self, finder: usize) -> Option<Input> {
        let Some(Finder::Multicast(multicast)) = self.plan.finders.get(finder).cloned() else {
            return None;
        };
        let sent = self.say(finder, &multicast);
        let failure = sent
            .err()
            .map(|error| Failure::System(error.to_string().into()));
        Some(Input::Deaf(finder, failure))
    }

    fn say(&mut self, finder: usize, multicast: &Multicast) -> std::io::Result<()> {
        let context = Arc::clone(&self.plan.context);
        let socket = match &self.segments[finder] {
            Some(segment) => Arc::clone(&segment.socket),
            None => self.listen(finder, multicast)?,
        };
        self.beats += 1;
        let beat = Beat {
            name: context.own.name.clone(),
            incarnation: context.own.incarnation,
            count: self.beats,
            address: context.own.address.clone(),
        };
        let bytes = beat.encode(&context.secret, &context.cluster);
        match socket.try_send_to(&bytes, multicast.to().into()) {
            // The next one comes soon.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            sent => sent.map(drop),
        }
    }

    fn listen(&mut self, finder: usize, multicast: &Multicast) -> std::io::Result<Arc<UdpSocket>> {
        let context = Arc::clone(&self.plan.context);
        let socket = Arc::new(open(multicast, context.transport.reach())?);
        let ledger = self.ledgers[finder].clone();
        let ledger = ledger.ok_or_else(|| std::io::Error::other("it is no segment"))?;
        let options = SpawnOptions::new().link();
        let ear = Arc::clone(&socket);
        let body = move |_: Process<Nothing>| listen(context, ear, ledger, finder);
        let spawned = self.plan.context.node.spawn_fn_with(&options, body);
        let (process, _) = spawned.map_err(|error| std::io::Error::other(error.to_string()))?;
        self.segments[finder] = Some(Segment {
            socket: Arc::clone(&socket),
            listener: process.pid(),
        });
        Ok(socket)
    }
}

/// Asks whoever knows, for no longer than is good.
async fn find(plan: &Plan, finder: usize) -> Result<Answer, Failure> {
    let (context, finder) = (&plan.context, &plan.finders[finder]);
    let name = match finder {
        Finder::Hosts { name, .. } | Finder::Service { name } => name,
        Finder::Multicast(_) => return Err(Failure::NoServer),
    };
    if let Transport::Simulated(host, _) = &context.transport {
        return host.look_up(&context.node, name).await;
    }
    let servers = match plan.nameservers.is_empty() {
        true => storage::nameservers(),
        false => plan.nameservers.clone(),
    };
    let asking = Asking {
        node: &context.node,
        servers: &servers,
        bound: plan.config.bound,
    };
    look_up(asking, finder).await
}

/// Listens on a segment for ever.
async fn listen(context: Arc<Context>, socket: Arc<UdpSocket>, ledger: Heard, finder: usize) {
    let discovery = of(&context.node);
    let mut bytes = [0; DATAGRAM_BYTES];
    loop {
        let length = match socket.recv(&mut bytes).await {
            Ok(length) => length,
            Err(error) => {
                tracing::warn!(target: "foundation::cluster", %error, "nothing is heard");
                context.node.sleep(LISTEN_PAUSE).await;
                continue;
            }
        };
        let now = Tick::ZERO + context.node.now();
        let heard = {
            let mut ledger = lock(&ledger);
            ledger.hear(now, &bytes[..length], &context.secret, &context.cluster)
        };
        if let Some(address) = heard
            && discovery.heard(finder, address).await.is_err()
        {
            return;
        }
    }
}

fn lock(ledger: &Heard) -> std::sync::MutexGuard<'_, BeatLedger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The discovery of this node.
pub(crate) fn of(node: &Node) -> Ref<Discovery> {
    node.at(DISCOVERY)
}

/// The child of the cluster's tree.
pub(crate) fn child(plan: Plan) -> foundation_actors::supervisor::Child<Discovery> {
    foundation_actors::child_with::<Discovery>(plan).name(DISCOVERY)
}
