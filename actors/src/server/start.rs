//! How does an actor start?
//!
//! Role       Spawns, waits for init, and leaves nothing behind when it fails or takes too long.
//! Source     otp: gen:start, proc_lib:start_link

use std::future::IntoFuture;
use std::time::Duration;

use foundation_runtime::{CallError, Node, Pid, Promise, Reason, SpawnOptions, Via, me, promise};

use super::actor::Actor;
use super::body::Server;
use super::method::BoxFuture;
use super::refs::{Name, Ref};
use super::starter::{Started, Starter};
use super::stop::{StartError, Stop};

/// How long an init may take unless the start says otherwise.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

/// An actor that is about to start: awaited, it is there when its init is done.
#[must_use = "a start does nothing until it is awaited"]
pub struct Start<A: Actor> {
    node: Node,
    args: A::Args,
    options: SpawnOptions,
    link: bool,
    timeout: Duration,
}

impl<A: Actor> Start<A> {
    pub(super) fn new(node: Node, args: A::Args) -> Self {
        let options = SpawnOptions::new();
        Self {
            node,
            args,
            options,
            link: false,
            timeout: START_TIMEOUT,
        }
    }

    /// Registers it under this name, before its init runs.
    pub fn name(mut self, name: Name<A>) -> Self {
        self.options = self.options.name(name.as_str());
        self
    }

    /// Registers it under this key of a registry, before its init runs: see `Registry::via`.
    pub fn via(mut self, via: Via) -> Self {
        self.options = self.options.via(via);
        self
    }

    /// Links it with the process that starts it.
    pub fn link(mut self) -> Self {
        self.link = true;
        self.options = self.options.link();
        self
    }

    /// Starts it with these options; a name or link set before stays.
    pub fn options(mut self, more: impl FnOnce(SpawnOptions) -> SpawnOptions) -> Self {
        self.options = more(self.options);
        self
    }

    /// How long its init may take: 30 seconds unless set. Then it is killed.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.timeout = bound;
        self
    }
}

impl<A: Actor> std::fmt::Debug for Start<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start")
            .field("actor", &A::NAME)
            .field("options", &self.options)
            .finish()
    }
}

impl<A: Actor> IntoFuture for Start<A> {
    type Output = Result<Ref<A>, StartError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self {
                node,
                args,
                options,
                link,
                timeout,
            } = self;
            let (reply, started) = promise::<Started>(&node);
            let body = Server::<A>::new(args, Some(Starter::new(Some(reply))));
            let options = options.kind(A::KIND).mailbox_if_unset(A::MAILBOX);
            let pid = node.spawn_behaviour(&options, body)?;
            await_start(&node, pid, started, link, timeout).await?;
            Ok(Ref::of_pid(&node, pid))
        })
    }
}

/// Waits for a process to say that it has started.
pub(crate) async fn await_start(
    node: &Node,
    pid: Pid,
    started: Promise<Started>,
    link: bool,
    timeout: Duration,
) -> Result<(), StartError> {
    match started.timeout(timeout).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Stop::Ignore)) => Err(StartError::Ignore),
        Ok(Err(Stop::Reason(reason))) | Err(CallError::Down(reason)) => {
            Err(StartError::Failed(reason))
        }
        Err(CallError::Timeout) => {
            // As in OTP, a linked starter is not hit by the kill it sends itself.
            if let Some(me) = me().filter(|_| link) {
                me.unlink(pid);
            }
            node.exit(pid, Reason::Kill);
            node.down(pid).await;
            Err(StartError::Timeout)
        }
        Err(other) => Err(StartError::Failed(other.into_reason())),
    }
}
