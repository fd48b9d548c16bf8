//! Who does everything that a cluster can do, all the time?
//!
//! Role       On each node a clerk that takes letters and calls, and processes that write them, watch
//!            clerks of other nodes, start workers there, join groups and want global names.
//! Outputs    The books of the [`Audit`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use foundation::cluster::{Builder, OnConflict, channel::Channel};
use foundation::prelude::*;
use foundation::{NodeChange, RemoteSpawnError, Scope};

use super::audit::{Audit, CALL_BOUND, fill, size};
use super::crowd::{WIDE, gather};
use super::rumour::RUMOURS;

/// How long a start on another node may take.
const START_BOUND: Duration = secs(3);
/// How long a letter that is to be acknowledged may take: longer than any run.
const SURE_BOUND: Duration = secs(600);
/// How long a name may take to be given or taken back.
const NAME_BOUND: Duration = secs(4);
/// How many letters are written in a turn.
const LETTERS: usize = 3;
/// The group that all clerks are in for good, and the one that they join and leave.
pub(super) const GROUPS: [&str; 2] = ["clerks", "guests"];
/// The channel of letters that are to be acknowledged.
pub(super) const SURE: &str = "sure";
/// The name that all want.
pub(super) const CHIEF: &str = "chief";

/// The audit of a node, for what others start there.
#[derive(Default)]
struct Desk(OnceLock<Arc<Audit>>);

fn audit_of(node: &Node) -> Option<Arc<Audit>> {
    node.shared::<Desk>().0.get().cloned()
}

/// The channels that the audit sends over, and what nodes start for each other.
pub(super) fn furnish(builder: Builder) -> Builder {
    builder
        .channel(Channel::named(SURE).lanes(2))
        .channel(Channel::named(WIDE).lanes(3))
        .channel(Channel::named("paid").credit(64 * 1024))
        .channel(Channel::named(RUMOURS).causal_within(secs(3600)))
        .offer::<Worker>()
}

/// Takes letters.
pub(super) struct Clerk(Arc<Audit>);

const CLERK: Name<Clerk> = Name::new("clerk");

#[actor]
impl Clerk {
    #[init]
    fn init(audit: Arc<Audit>, cx: &mut Cx<Self>) -> Self {
        cx.monitor_nodes();
        Self(audit)
    }

    #[info]
    fn changed(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Ok(NodeChange::Down { node, .. }) = info.take() {
            self.0.lost(&cx.node(), node);
        }
    }

    #[cast]
    fn note(&mut self, from: Pid, to: Pid, number: u64, body: String, cx: &mut Cx<Self>) {
        self.0.took(cx.pid(), (from, to, number), &body);
    }

    #[cast]
    fn sure(&mut self, from: Pid, to: Pid, number: u64) {
        self.0.took_sure((from, to, number));
    }

    #[call]
    fn echo(&self, number: u64) -> u64 {
        number
    }

    #[call]
    pub(super) fn whose(&self, cx: &mut Cx<Self>) -> Ref<Clerk> {
        cx.self_ref()
    }
}

/// Started from another node; does nothing until it is told to end.
pub(super) struct Worker;

#[actor]
impl Worker {
    #[init]
    fn init(_: (), cx: &mut Cx<Self>) -> Self {
        if let Some(audit) = audit_of(&cx.node()) {
            audit.books().born.insert(cx.pid(), cx.node().now());
        }
        Self
    }
}

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
pub(super) enum Tick {}

/// Starts all of it on a node among so many.
pub(super) async fn start(node: &Node, nodes: usize, audit: &Arc<Audit>) -> Result<Pid, String> {
    // A node that was started in the place of another is another node, with its own desk.
    drop(node.shared::<Desk>().0.set(Arc::clone(audit)));
    let clerk = node.start::<Clerk>(Arc::clone(audit)).name(CLERK);
    let clerk = clerk.await.map_err(|error| format!("{error:?}"))?.pid();
    let joined = Scope::of(node).join(GROUPS[0], clerk);
    joined.map_err(|error| format!("{error:?}"))?;
    for lane in ["", "paid"] {
        let audit = Arc::clone(audit);
        let writer = move |me: Process<Tick>| write(me, nodes, audit, lane);
        node.spawn_fn(writer).map_err(|error| error.to_string())?;
    }
    let books = Arc::clone(audit);
    let crowds = move |me: Process<Tick>| gather(me, nodes, books);
    node.spawn_fn(crowds).map_err(|error| error.to_string())?;
    let books = Arc::clone(audit);
    let starter = move |me: Process<Tick>| employ(me, nodes, books);
    node.spawn_fn(starter).map_err(|error| error.to_string())?;
    let books = Arc::clone(audit);
    let guest = move |me: Process<Tick>| visit(me, books);
    node.spawn_fn(guest).map_err(|error| error.to_string())?;
    let books = Arc::clone(audit);
    let ruler = move |me: Process<Tick>| rule(me, books);
    node.spawn_fn(ruler).map_err(|error| error.to_string())?;
    Ok(clerk)
}

pub(super) fn another(node: &Node, nodes: usize) -> String {
    loop {
        let other = format!("n{}", node.random() % nodes as u64);
        if other != node.name() {
            return other;
        }
    }
}

/// The clerk of the node of this name.
pub(super) fn clerk_at(node: &Node, name: &str) -> Ref<Clerk> {
    node.remote(name).at(CLERK)
}

/// Asks for clerks, writes them letters and watches them.
async fn write(me: Process<Tick>, nodes: usize, audit: Arc<Audit>, lane: &'static str) {
    let (node, mut number) = (me.node(), 0);
    let mut known: Vec<Ref<Clerk>> = Vec::new();
    loop {
        node.sleep(ms(50 + node.random() % 300)).await;
        let name = another(&node, nodes);
        let there = clerk_at(&node, &name);
        number += 1;
        audit.turned(*me);
        let (calm, begun, peer) = (audit.calm(node.name()), node.now(), node.peer(&name));
        audit.called(me.pid(), number, begun);
        let echo = there.echo(number).timeout(CALL_BOUND).await;
        audit.ended(*me, &name, number, &calm, echo == Ok(number));
        if let (Some(peer), Err(CallError::Timeout)) = (peer, echo) {
            audit.timed_out(&node, peer, begun, &calm);
        }
        if let Ok(clerk) = there.whose().timeout(CALL_BOUND).await
            && audit.watches(me.pid(), clerk.pid())
        {
            watch(&me, &clerk, &audit);
            known.push(clerk);
            if known.len() > 2 * nodes {
                known.remove(0);
            }
        }
        // One that is gone is written to as well: nobody may get it.
        let Some(clerk) = known.get(node.random() as usize % known.len().max(1)) else {
            continue;
        };
        for _ in 0..LETTERS {
            number += 1;
            send(&me, clerk, number, &audit, lane);
        }
    }
}

/// Writes one letter, and perhaps one that is to be acknowledged.
pub(super) fn send(
    me: &Process<Tick>,
    clerk: &Ref<Clerk>,
    number: u64,
    audit: &Audit,
    lane: &'static str,
) {
    let letter = (me.pid(), clerk.pid(), number);
    let body = fill(number).to_string().repeat(size(number));
    let over = match lane {
        "" => Ok(clerk.clone()),
        lane => clerk.over(lane),
    };
    let Ok(over) = over else { return };
    let at = clerk.pid().node();
    let is_peer = me.node().peers().iter().any(|(_, id)| *id == at);
    if over.note(letter.0, letter.1, number, body).is_ok() && is_peer {
        audit.sent(letter);
    }
    if number.is_multiple_of(3) && lane.is_empty() {
        let sure = SendOptions::channel(SURE).acknowledged().within(SURE_BOUND);
        if clerk
            .over(sure)
            .is_ok_and(|sure| sure.sure(letter.0, letter.1, number).is_ok())
        {
            audit.books().sure_sent.insert(letter, me.node().now());
        }
    }
}

/// A process of its own waits until it is told of a clerk's end.
fn watch(me: &Process<Tick>, clerk: &Ref<Clerk>, audit: &Arc<Audit>) {
    let (watcher, whom, audit) = (me.pid(), clerk.pid(), Arc::clone(audit));
    let body = async move |own: Process<Tick>| {
        let down = own.node().down(whom).await;
        audit.told(watcher, whom, &down.reason);
    };
    me.node().spawn_fn(body).map(drop).unwrap_or_default();
}

/// Starts workers on other nodes: some are linked with a process of their own, some watched and ended.
async fn employ(me: Process<Tick>, nodes: usize, audit: Arc<Audit>) {
    let node = me.node();
    loop {
        audit.turned(*me);
        node.sleep(ms(300 + node.random() % 1500)).await;
        let name = another(&node, nodes);
        if node.random().is_multiple_of(2) {
            let audit = Arc::clone(&audit);
            let partner = async move |own: Process<Tick>| share(own, &name, &audit).await;
            me.node().spawn_fn(partner).map(drop).unwrap_or_default();
            continue;
        }
        let there = node.remote(&name);
        let started: Result<_, RemoteSpawnError> =
            there.spawn_monitor::<Worker>(()).timeout(START_BOUND).await;
        if let Ok((worker, monitor)) = started {
            let key = (me.pid(), u64::MAX - node.now().as_micros() as u64);
            let starter = (me.pid(), false);
            audit.books().started.insert(worker.pid(), starter);
            // It is told of this end in the end, whatever becomes of the connection.
            audit.called(key.0, key.1, node.now());
            me.exit(&worker, Reason::Shutdown);
            let down = me.down(monitor).await;
            let mut books = audit.books();
            books.calls.remove(&key);
            // It is killed where its node takes the start for given up: when its clock jumps, say.
            let reasons = [Reason::Shutdown, Reason::NoConnection, Reason::Killed];
            if !reasons.contains(&down.reason) {
                let example = format!("{} was told of {}: {}", me.pid(), worker.pid(), down.reason);
                books.broke("a monitor fired with a reason that was none", example);
            }
        }
    }
}

/// Lives and dies with a worker on another node.
async fn share(me: Process<Tick>, name: &str, audit: &Audit) {
    let node = me.node();
    let there = node.remote(name);
    let Ok(worker) = there.spawn_link::<Worker>(()).timeout(START_BOUND).await else {
        return;
    };
    let starter = (me.pid(), true);
    audit.books().started.insert(worker.pid(), starter);
    let life = match node.random() % 4 {
        0 => secs(3600),
        _ => ms(500 + node.random() % 8000),
    };
    node.sleep(life).await;
    foundation::exit(Reason::Shutdown);
}

/// Is in a group, and is not.
async fn visit(me: Process<Tick>, audit: Arc<Audit>) {
    let (node, group) = (me.node(), GROUPS[1]);
    loop {
        audit.turned(*me);
        node.sleep(ms(500 + node.random() % 1000)).await;
        if Scope::of(&node).join(group, me.pid()).is_ok() {
            node.sleep(ms(500 + node.random() % 1000)).await;
            let _ = Scope::of(&node).leave(group, me.pid());
        }
    }
}

/// Has a name of its own, and wants the one that all want.
async fn rule(me: Process<Tick>, audit: Arc<Audit>) {
    let (node, global) = (me.node(), me.node().global());
    let own = format!("of {}", node.name());
    loop {
        audit.turned(*me);
        let was_quiet = audit.is_quiet();
        let given = global.re_register(&own, me.pid()).timeout(NAME_BOUND).await;
        if given.is_err() && was_quiet && audit.is_quiet() {
            let mut books = audit.books();
            books.broke("a global name was not given though nothing was wrong", &own);
        }
        node.sleep(ms(500 + node.random() % 3000)).await;
        let taken = global.register(CHIEF, me.pid()).timeout(NAME_BOUND);
        if taken.on_conflict(OnConflict::RandomNotify).await.is_ok() {
            node.sleep(ms(500 + node.random() % 3000)).await;
            drop(global.unregister(CHIEF, NAME_BOUND).await);
        }
    }
}
