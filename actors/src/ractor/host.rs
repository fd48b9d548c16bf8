//! The process that a ractor actor lives as.
//!
//! Role       Starts the actor, passes messages on to it, ends with it, and ends it.
//! Owns       The actor: should the process end in any way, the actor is killed.
//! Invariant  The process ends after the actor has, but when it is killed.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::ractor::{Actor, ActorRef, Message, SpawnErr};
use foundation_runtime::{
    Codec, Envelope, Exit, Mailed, Node, Payload, Pid, Process, Reason, SpawnOptions, Tag, me,
    promise,
};

use super::client::HostedClient;
use super::wrapped::{Ending, Wrapped};
use crate::nothing::Nothing;
use crate::server::{
    Addressed, BoxFuture, Name, Ref, START_TIMEOUT, StartError, Started, Starter, Stop, await_start,
};
use crate::supervisor::{Child, ChildKind, Recipe};
use crate::sys::{Control, Controlled, Then, is_system};

/// A process that is a ractor actor with messages of type `M`: what a `Ref<Hosted<M>>` leads to.
pub struct Hosted<M>(PhantomData<fn() -> M>);

impl<M> fmt::Debug for Hosted<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hosted")
    }
}

impl<M: Message> Addressed for Hosted<M> {
    type Client = HostedClient<M>;
}

/// A message for the actor.
pub(super) struct Deliver<M>(pub(super) M);

impl<M: Message> Payload for Deliver<M> {
    const NAME: &'static str = "ractor message";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "ractor", "deliver")
    }
}

/// Starts a ractor actor as a process of this node, when awaited.
///
/// ```
/// use foundation_actors::ractor::{host, lib as ractor};
/// use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
///
/// struct Counter;
/// enum Msg { Add(i64), Get(RpcReplyPort<i64>) }
///
/// impl Actor for Counter {
///     type Msg = Msg;
///     type State = i64;
///     type Arguments = i64;
///
///     async fn pre_start(&self, _: ActorRef<Msg>, n: i64) -> Result<i64, ActorProcessingErr> {
///         Ok(n)
///     }
///
///     async fn handle(&self, _: ActorRef<Msg>, msg: Msg, n: &mut i64) -> Result<(), ActorProcessingErr> {
///         match msg {
///             Msg::Add(by) => *n += by,
///             Msg::Get(port) => port.send(*n)?,
///         }
///         Ok(())
///     }
/// }
///
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let counter = host(&node, Counter, 40).await?;
/// counter.send(Msg::Add(2))?;
/// assert_eq!(counter.call(Msg::Get).await?, 42);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`StartError`], with the reason of a failed `pre_start`.
pub fn host<A: Actor>(node: &Node, actor: A, args: A::Arguments) -> Host<A> {
    Host {
        node: node.clone(),
        actor,
        args,
        options: SpawnOptions::new(),
        linked: false,
        timeout: START_TIMEOUT,
    }
}

/// A ractor actor that is about to start as a process.
#[must_use = "a start does nothing until it is awaited"]
pub struct Host<A: Actor> {
    node: Node,
    actor: A,
    args: A::Arguments,
    options: SpawnOptions,
    linked: bool,
    timeout: Duration,
}

impl<A: Actor> fmt::Debug for Host<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<A: Actor> Host<A> {
    /// Registers it under this name, in the node and not in ractor's registry.
    pub fn name(mut self, name: Name<Hosted<A::Msg>>) -> Self {
        self.options = self.options.name(name.as_str());
        self
    }

    /// Links it with the process that starts it.
    pub fn link(mut self) -> Self {
        self.linked = me().is_some();
        self.options = self.options.link();
        self
    }

    /// How long its `pre_start` may take: 30 seconds unless set. Then it is killed.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.timeout = bound;
        self
    }
}

impl<A: Actor> IntoFuture for Host<A> {
    type Output = Result<Ref<Hosted<A::Msg>>, StartError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let make = move || (self.actor, self.args);
            let started = launch(&self.node, &self.options, make, self.linked, self.timeout);
            Ok(Ref::of_pid(&self.node, started.await?))
        })
    }
}

/// A ractor actor as a child of a supervisor: `make` gives the actor and its arguments at each start.
pub fn ractor_child<A: Actor>(
    id: &str,
    make: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
) -> Child<Hosted<A::Msg>> {
    let make = Arc::new(make);
    let recipe = Recipe::new(move |node, options, timeout| {
        let make = Arc::clone(&make);
        Box::pin(async move { launch(&node, &options, move || make(), true, timeout).await })
    });
    Child::new(id, recipe, ChildKind::Worker)
}

async fn launch<A: Actor>(
    node: &Node,
    options: &SpawnOptions,
    make: impl FnOnce() -> (A, A::Arguments) + Send + 'static,
    linked: bool,
    timeout: Duration,
) -> Result<Pid, StartError> {
    let (reply, started) = promise::<Started>(node);
    let starter = Starter::new(Some(reply));
    let options = options.clone().trap_exit().code(std::any::type_name::<A>());
    let body = move |me| live(me, make, starter);
    let (process, _) = node.spawn_fn_with(&options, body)?;
    await_start(node, process.pid(), started, linked, timeout).await?;
    Ok(process.pid())
}

/// An actor, as the system sees it; what its state is, ractor shows nobody.
struct Shown<A>(PhantomData<A>);

impl<A> Controlled for Shown<A> {
    fn code(&self) -> &'static str {
        std::any::type_name::<A>()
    }
}

/// Kills the actor when the process ends before it.
struct Kills<M: Message>(ActorRef<M>);

impl<M: Message> Drop for Kills<M> {
    fn drop(&mut self) {
        self.0.kill();
    }
}

async fn live<A: Actor>(
    mut me: Process<Nothing>,
    make: impl FnOnce() -> (A, A::Arguments) + Send + 'static,
    mut starter: Starter,
) -> Reason {
    let ending = Ending::default();
    let spawned = match ::tokio::runtime::Handle::try_current() {
        Ok(_) => {
            let (actor, args) = make();
            let ending = ending.clone();
            Actor::spawn(None, Wrapped { actor, ending }, args).await
        }
        Err(_) => Err(SpawnErr::StartupFailed(NO_TOKIO.into())),
    };
    let (actor, task) = match spawned {
        Ok(spawned) => spawned,
        Err(error) => {
            let reason = match ending.reason() {
                // It was not its `pre_start` that failed.
                Reason::Killed => Reason::other(error.to_string()),
                noted => noted,
            };
            starter.fail(Stop::Reason(reason.clone()));
            // It outlives the code: the starter learns of it when the name is free again.
            me.put("foundation: starter", starter);
            return reason;
        }
    };
    let actor = Kills(actor);
    starter.ready();
    let mut task = pin!(task);
    let mut asked = None;
    let mut control = Control::default();
    loop {
        // Suspended, it hears the system, and who wants its end.
        let heard = |envelope: &Envelope| is_system(envelope) || envelope.exit_from().is_some();
        let next = match control.is_suspended() {
            true => first(task.as_mut(), me.recv_mailed_of(heard)).await,
            false => first(task.as_mut(), me.recv_mailed()).await,
        };
        let Some(mailed) = next else {
            return asked.unwrap_or_else(|| ending.reason());
        };
        control.note(*me, &mailed);
        let shown = &mut Shown::<A>(PhantomData);
        if let Some(reason) = pass_on(&mut me, &actor.0, mailed, &mut control, shown) {
            actor.0.stop(Some(reason.to_string()));
            asked.get_or_insert(reason);
        }
    }
}

/// The next message, or nothing once the actor has ended.
async fn first(
    mut task: Pin<&mut impl Future>,
    mailed: impl Future<Output = Mailed>,
) -> Option<Mailed> {
    let mut mailed = pin!(mailed);
    std::future::poll_fn(|cx| {
        if task.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        mailed.as_mut().poll(cx).map(Some)
    })
    .await
}

const NO_TOKIO: &str = "a ractor actor needs a tokio runtime, which a simulated world has not";

/// Gives a message to the actor, or says for which reason it is to be stopped.
fn pass_on<M: Message>(
    me: &mut Process<Nothing>,
    actor: &ActorRef<M>,
    mailed: Mailed,
    control: &mut Control,
    shown: &mut dyn Controlled,
) -> Option<Reason> {
    let envelope = match mailed {
        Mailed::Exit(exit) => return ends(me, exit),
        Mailed::Down(_) => return None,
        Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => envelope,
    };
    let envelope = match envelope.take::<Deliver<M>>() {
        Ok(Deliver(message)) => {
            if let Err(::ractor::MessagingErr::SendErr(message)) = actor.send_message(message) {
                // It has ended: what it did not get is unread, and a dead letter with the others.
                let to = foundation_runtime::Destination::Pid(me.pid());
                let _ = me
                    .node()
                    .send_envelope(&to, Envelope::message(Deliver(message)));
            }
            return None;
        }
        Err(other) => other,
    };
    match control.handle(envelope, **me, shown) {
        Ok(Then::Stop(reason)) => Some(reason),
        Ok(Then::Resume) => {
            me.put_back();
            None
        }
        Ok(Then::GoOn | Then::Suspend) => None,
        Err(other) => {
            other.refuse_unknown("ractor actor");
            None
        }
    }
}

/// The process traps exits to end the actor in order; else it takes them as one that does not.
fn ends(me: &Process<Nothing>, exit: Exit) -> Option<Reason> {
    let parent = me.is_supervisor(exit.from);
    (parent || exit.reason != Reason::Normal).then_some(exit.reason)
}
