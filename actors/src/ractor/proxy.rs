//! How does a ractor actor send to one of our processes?
//!
//! Role       A ractor `ActorRef` whose messages go to a process. A ractor actor that is free to
//!            choose needs none: a `Ref` works in any handler.
//! Owns       One ractor actor a proxy, which ends with the process.

use std::fmt;
use std::marker::PhantomData;

use ::ractor::{Actor, ActorProcessingErr, ActorRef, Message, SpawnErr};
use foundation_runtime::{Node, Pid, Process, ProcessRef, SpawnError};

use crate::nothing::Nothing;

/// Why there is no proxy. Nothing was started.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// ractor did not start the actor.
    Ractor(SpawnErr),
    /// The node did not start the process that watches the target.
    Spawn(SpawnError),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ractor(error) => write!(f, "ractor did not start the proxy: {error}"),
            Self::Spawn(error) => write!(f, "the node did not start its watcher: {error}"),
        }
    }
}

impl std::error::Error for ProxyError {}

struct Forward<M, F>(F, PhantomData<fn(M)>);

impl<M: Message, F: Fn(M) + Send + Sync + 'static> Actor for Forward<M, F> {
    type Msg = M;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<M>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<M>,
        message: M,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        (self.0)(message);
        Ok(())
    }
}

/// A ractor reference whose messages are given to `deliver`, for as long as the process `target`
/// lives: `proxy(&node, counter.pid(), move |Add(by)| drop(counter.add(by)))`.
///
/// # Errors
/// [`ProxyError`].
pub async fn proxy<M: Message>(
    node: &Node,
    target: impl Into<Pid>,
    deliver: impl Fn(M) + Send + Sync + 'static,
) -> Result<ActorRef<M>, ProxyError> {
    let target = target.into();
    let forward = Forward(deliver, PhantomData);
    let (proxy, _) = Actor::spawn(None, forward, ())
        .await
        .map_err(ProxyError::Ractor)?;
    let watched = proxy.clone();
    let watch = move |me: Process<Nothing>| async move {
        let monitor = me.monitor(target);
        let down = me.down(monitor);
        let gone = watched.wait(None);
        let (mut down, mut gone) = (std::pin::pin!(down), std::pin::pin!(gone));
        let reason = std::future::poll_fn(|cx| {
            if gone.as_mut().poll(cx).is_ready() {
                return std::task::Poll::Ready(None);
            }
            down.as_mut().poll(cx).map(|down| Some(down.reason))
        })
        .await;
        if let Some(reason) = reason {
            watched.stop(Some(reason.to_string()));
        }
    };
    match node.spawn_fn(watch) {
        Ok(_) => Ok(proxy),
        Err(error) => {
            proxy.kill();
            Err(ProxyError::Spawn(error))
        }
    }
}

/// A ractor reference to a plain process that takes the same messages.
///
/// # Errors
/// [`ProxyError`].
pub async fn proxy_of<M>(node: &Node, process: &ProcessRef<M>) -> Result<ActorRef<M>, ProxyError>
where
    M: Message + foundation_runtime::Message,
{
    let (pid, process) = (process.pid(), process.clone());
    // To a process that has ended it is a dead letter; one elsewhere that cannot have it gets none.
    proxy(node, pid, move |message| drop(process.send(message))).await
}
