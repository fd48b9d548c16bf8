//! What do the conformance tests work with?
//!
//! Role       [`Puppet`]: a process that does what it is told, one order at a time, and keeps a log
//!            of everything else that reaches it.
//! Invariant  What a puppet was made to send by `link`, `monitor`, `exit` or `note` has arrived when
//!            that returns, so tests need no sleeps. What it sent in an `ask` may still be on its
//!            way, behind or before what others send: [`Puppet::reached`] waits for it.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{Message, MonitorRef, NodeChange, ProcessInfo, ProcessRef, TimerRef, promise};
use serde::{Deserialize, Serialize};

/// A bound that only a hanging test reaches.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// A message that can travel to another node.
#[derive(Clone, Debug, PartialEq, Message, Serialize, Deserialize)]
pub(crate) struct Note(pub(crate) u64);

/// What a puppet is told.
#[derive(Message)]
#[message(local)]
pub(crate) struct Order(Job);

type Job = Box<dyn FnOnce(&mut Hands) -> Done + Send>;
type Done = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What reached a puppet, beside orders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Got {
    Note(u64),
    Exit(Pid, Reason),
    Down(Down),
    Node(NodeChange),
    Other(&'static str),
}

/// A puppet from within.
pub(crate) struct Hands {
    me: Process<Order>,
    pub(crate) log: Vec<Got>,
}

impl Deref for Hands {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}

async fn obey(me: Process<Order>) {
    let log = Vec::new();
    let mut hands = Hands { me, log };
    let last = Reason::Shutdown;
    loop {
        let got = match hands.me.recv().await {
            Mail::Msg(Order(job)) => {
                job(&mut hands).await;
                continue;
            }
            // The end of the test: whoever traps exits has to obey this one by itself.
            Mail::Exit(exit) if hands.me.supervisor() == Some(exit.from) && exit.reason == last => {
                return;
            }
            Mail::Exit(exit) => Got::Exit(exit.from, exit.reason),
            Mail::Down(down) => Got::Down(down),
            Mail::Info(info) => match info.take::<Note>() {
                Ok(Note(n)) => Got::Note(n),
                Err(other) => match other.take::<NodeChange>() {
                    Ok(change) => Got::Node(change),
                    Err(other) => Got::Other(other.name()),
                },
            },
            _ => Got::Other("timeout"),
        };
        hands.log.push(got);
    }
}

/// A puppet from outside.
#[derive(Clone, Debug)]
pub(crate) struct Puppet {
    node: Node,
    address: ProcessRef<Order>,
}

impl Puppet {
    pub(crate) fn start(node: &Node) -> Self {
        Self::start_with(node, &SpawnOptions::new())
    }

    /// One that traps exits.
    pub(crate) fn trapping(node: &Node) -> Self {
        Self::start_with(node, &SpawnOptions::new().trap_exit())
    }

    pub(crate) fn start_with(node: &Node, options: &SpawnOptions) -> Self {
        let (address, _) = node.spawn_fn_with(options, obey).expect("spawned");
        let node = node.clone();
        Self { node, address }
    }

    /// One that has ended already.
    pub(crate) async fn dead(node: &Node) -> Self {
        let puppet = Self::start(node);
        node.exit(&puppet.address, Reason::Kill);
        node.down(&puppet.address).await;
        puppet
    }

    pub(crate) fn pid(&self) -> Pid {
        self.address.pid()
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.address.is_alive()
    }

    /// Lets the puppet do something, and waits until it has.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Hands) -> R + Send + 'static,
    ) -> R {
        let (reply, answer) = promise(&self.node);
        let job = move |hands: &mut Hands| {
            reply.send(job(hands));
            Box::pin(std::future::ready(())) as Done
        };
        self.address.send(Order(Box::new(job))).expect("local");
        answer.timeout(LONG).await.expect("the puppet answers")
    }

    /// Lets the puppet do something that takes time, and waits until it has.
    pub(crate) async fn wait<R, Fut>(&self, job: impl FnOnce(Me) -> Fut + Send + 'static) -> R
    where
        R: Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        let (reply, answer) = promise(&self.node);
        let job = move |hands: &mut Hands| {
            let work = job(**hands);
            Box::pin(async move { reply.send(work.await) }) as Done
        };
        self.address.send(Order(Box::new(job))).expect("local");
        answer.timeout(LONG).await.expect("the puppet answers")
    }

    /// Lets the puppet do something of which it may die.
    pub(crate) fn tell(&self, job: impl FnOnce(&mut Hands) + Send + 'static) {
        let job = move |hands: &mut Hands| {
            job(hands);
            Box::pin(std::future::ready(())) as Done
        };
        self.address.send(Order(Box::new(job))).expect("local");
    }

    /// Everything that reached it so far.
    pub(crate) async fn log(&self) -> Vec<Got> {
        self.ask(|hands| hands.log.clone()).await
    }

    /// Waits until so many things reached it.
    pub(crate) async fn log_of(&self, count: usize) -> Vec<Got> {
        let until = self.node.now() + LONG;
        loop {
            let log = self.log().await;
            if log.len() >= count {
                return log;
            }
            assert!(self.node.now() < until, "only {log:?} came");
            self.node.sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn info(&self) -> ProcessInfo {
        let info = self.node.info(self.pid(), LONG).await;
        info.expect("answered").expect("alive")
    }

    /// Waits until everything that this puppet has sent to `other` so far has arrived there.
    pub(crate) async fn reached(&self, other: impl Into<Pid>) {
        let other = other.into();
        self.wait(async move |me| arrived(me, other).await).await;
    }

    pub(crate) async fn link(&self, other: &Self) {
        let to = other.pid();
        self.ask(move |me| me.link(to).expect("alive")).await;
        self.reached(other).await;
    }

    pub(crate) async fn unlink(&self, other: &Self) {
        let to = other.pid();
        self.ask(move |me| me.unlink(to)).await;
        self.reached(other).await;
    }

    pub(crate) async fn monitor(&self, other: &Self) -> MonitorRef {
        let to = other.pid();
        let monitor = self.ask(move |me| me.monitor(to)).await;
        self.reached(other).await;
        monitor
    }

    pub(crate) async fn demonitor(&self, monitor: MonitorRef, other: &Self) -> bool {
        let existed = self.ask(move |me| me.demonitor(monitor)).await;
        self.reached(other).await;
        existed
    }

    /// Sends an exit signal to another puppet.
    pub(crate) async fn exit(&self, other: &Self, reason: Reason) {
        self.exit_pid(other.pid(), reason).await;
    }

    /// Sends an exit signal to any process.
    pub(crate) async fn exit_pid(&self, other: Pid, reason: Reason) {
        self.ask(move |me| me.exit(other, reason)).await;
        self.reached(other).await;
    }

    /// Sends a note to another puppet.
    pub(crate) async fn note(&self, other: &Self, note: u64) {
        let to = other.pid();
        self.ask(move |me| me.send(to, Note(note)).expect("portable"))
            .await;
        self.reached(other).await;
    }

    /// Ends with `reason`, as if by its own code.
    pub(crate) fn end(&self, reason: Reason) {
        self.tell(move |_| foundation::exit(reason));
    }
}

/// Waits until everything that the caller has sent to `other` so far has arrived there: of what one
/// process sends to another, the question is the last. It may find nobody.
async fn arrived(me: Me, other: Pid) {
    let answer = me.node().info(other, LONG).await;
    assert_ne!(answer, Err(CallError::Timeout), "{other} answers nothing");
}

impl From<&Puppet> for Pid {
    fn from(puppet: &Puppet) -> Self {
        puppet.pid()
    }
}

/// A monitor that somebody else holds, set before what is to be seen.
pub(crate) struct Death(foundation::Promise<Reason>);

impl Death {
    /// Watches a process from `node`.
    pub(crate) async fn of(node: &Node, target: impl Into<Pid>) -> Self {
        let ((ready, watching), (told, reason)) = (promise(node), promise(node));
        let target = target.into();
        node.spawn_fn(move |me: Process<Note>| async move {
            let monitor = me.monitor(target);
            arrived(*me, target).await;
            ready.send(());
            told.send(me.down(monitor).await.reason);
        })
        .expect("spawned");
        watching.timeout(LONG).await.expect("the watcher watches");
        Self(reason.timeout(LONG))
    }

    /// Waits for the end, and says why.
    pub(crate) async fn reason(self) -> Reason {
        self.0.await.expect("the watcher tells")
    }
}

/// Runs `body` as a process and waits for its end: its exit reason.
pub(crate) async fn reason_of<M, F, Fut>(node: &Node, body: F) -> Reason
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: foundation::IntoReason> + Send + 'static,
{
    let watcher = Puppet::start(node);
    let end = watcher
        .wait(async move |me: Me| {
            let options = SpawnOptions::new().monitor();
            let (_, monitor) = me.spawn_with(&options, body).expect("spawned");
            me.down(monitor.expect("asked for")).await
        })
        .await;
    end.reason
}

/// Runs `body` as a process of `there`, and waits `here` for its end: its exit reason.
pub(crate) async fn end_of<M, F, Fut>(here: &Node, there: &Node, body: F) -> Reason
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: foundation::IntoReason> + Send + 'static,
{
    let (begin, begun) = promise(there);
    let process = there.spawn_fn(move |me| async move {
        begun.timeout(LONG).await.expect("it is watched");
        body(me).await
    });
    let death = Death::of(here, &process.expect("spawned")).await;
    begin.send(());
    death.reason().await
}

/// Runs `body` as a process, which must end normally: a panic in it is the test's.
pub(crate) async fn run<M, F, Fut>(node: &Node, body: F)
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let reason = reason_of(node, body).await;
    assert!(reason == Reason::Normal, "{reason}");
}

/// An ending of the test's own.
pub(crate) fn boom() -> Reason {
    Reason::other(foundation::Term::atom("boom"))
}

/// Fewer repetitions where there are many seeds.
pub(crate) fn times(world: &World, real: u64, simulated: u64) -> u64 {
    if world.is_simulated() {
        simulated
    } else {
        real
    }
}

/// A value that a process leaves to the test's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T: Clone> Shared<T> {
    pub(crate) fn get(&self) -> T {
        self.0.lock().expect("no panic while held").clone()
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.lock().expect("no panic while held") = value;
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.lock().expect("no panic while held"));
    }
}

/// How many timers run, for tests that must leave none.
pub(crate) fn timers(node: &Node) -> usize {
    node.stats().timers
}

/// A timer of a puppet that sends it a note.
pub(crate) async fn note_after(puppet: &Puppet, delay: Duration, note: u64) -> TimerRef {
    puppet
        .ask(move |me| me.send_after(delay, me.pid(), Note(note)))
        .await
}

/// An order that does nothing.
pub(crate) fn order() -> Order {
    Order(Box::new(|_| Box::pin(std::future::ready(()))))
}
