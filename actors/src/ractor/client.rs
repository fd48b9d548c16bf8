//! How is a ractor actor reached by its pid?
//!
//! Outputs    [`HostedClient`]: what a `Ref<Hosted<M>>` derefs to; [`HostedCall`]: a message with a
//!            reply port, awaited.

use std::fmt;
use std::future::IntoFuture;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ::ractor::concurrency::{OneshotReceiver, oneshot};
use ::ractor::{Message, RpcReplyPort};
use foundation_runtime::{
    CALL_TIMEOUT, CallError, Destination, Envelope, Node, Pid, SendError, time,
};

use super::host::{Deliver, Hosted};
use crate::server::{Address, BoxFuture, Client};

/// The verbs of a ractor actor that lives as a process.
pub struct HostedClient<M>(Address<Hosted<M>>);

impl<M> Clone for HostedClient<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> fmt::Debug for HostedClient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostedClient({:?})", self.0)
    }
}

impl<M: Message> Client for HostedClient<M> {
    type Actor = Hosted<M>;

    fn from_address(address: Address<Hosted<M>>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<Hosted<M>> {
        &self.0
    }
}

impl<M: Message> HostedClient<M> {
    /// Sends a message: ractor's `cast!`. To an actor that has ended it is a dead letter.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the actor is on another node.
    pub fn send(&self, message: M) -> Result<(), SendError> {
        let envelope = Envelope::message(Deliver(message));
        match self.0.node().send_envelope(&self.0.destination(), envelope) {
            Err(SendError::NoName(_)) => Ok(()),
            sent => sent,
        }
    }

    /// Sends a message with a reply port, and waits for the reply: ractor's `call!`. It waits 5
    /// seconds, unless [`HostedCall::timeout`] says otherwise.
    pub fn call<T: Send + 'static>(
        &self,
        message: impl FnOnce(RpcReplyPort<T>) -> M,
    ) -> HostedCall<T> {
        let (port, reply) = oneshot();
        HostedCall {
            node: self.0.node().clone(),
            to: self.0.destination().into_owned(),
            request: Envelope::message(Deliver(message(port.into()))),
            reply,
            timeout: CALL_TIMEOUT,
        }
    }
}

/// A request to a ractor actor; it is sent when it is awaited.
#[must_use = "a call is only made when it is awaited"]
pub struct HostedCall<T> {
    node: Node,
    to: Destination,
    request: Envelope,
    reply: OneshotReceiver<T>,
    timeout: Duration,
}

impl<T> fmt::Debug for HostedCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedCall")
            .field("to", &self.to)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<T> HostedCall<T> {
    /// Waits at most so long.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.timeout = bound;
        self
    }
}

/// How long after it has dropped a reply port an actor may still be on its way out.
const LAST_STEPS: Duration = Duration::from_millis(100);

impl<T: Send + 'static> IntoFuture for HostedCall<T> {
    type Output = Result<T, CallError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self {
                node,
                to,
                request,
                reply,
                timeout,
            } = self;
            let pid = find(&node, &to)?;
            match node.send_envelope(&to, request) {
                Ok(()) => {}
                Err(SendError::NoName(_)) => return Err(CallError::NoProc),
                Err(SendError::NotPortable(name)) => {
                    return Err(CallError::NotPortable(name.into()));
                }
                Err(error) => return Err(CallError::Refused(error.to_string().into())),
            }
            let answered = answered(&node, pid, reply);
            match time::timeout_on(&node, timeout, answered).await {
                Some(outcome) => outcome,
                None => Err(CallError::Timeout),
            }
        })
    }
}

fn find(node: &Node, to: &Destination) -> Result<Pid, CallError> {
    match to.plain() {
        Destination::Name(of, _) if *of != node.id() => {
            Err(CallError::NotPortable("ractor message".into()))
        }
        Destination::Name(_, name) => node.whereis(name).ok_or(CallError::NoProc),
        other => other.pid().ok_or(CallError::NoProc),
    }
}

/// The reply, or why there is none.
async fn answered<T>(node: &Node, pid: Pid, reply: OneshotReceiver<T>) -> Result<T, CallError> {
    let mut reply = pin!(reply);
    let mut down = pin!(node.down(pid));
    let first = std::future::poll_fn(|cx| {
        if let Poll::Ready(reply) = reply.as_mut().poll(cx) {
            return Poll::Ready(Ok(reply));
        }
        down.as_mut().poll(cx).map(Err)
    })
    .await;
    let down = match first {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(_)) => time::timeout_on(node, LAST_STEPS, down).await,
        Err(down) => {
            // It may have answered before it ended.
            if let Ok(value) = reply.try_recv() {
                return Ok(value);
            }
            Some(down)
        }
    };
    Err(match down {
        None => CallError::NoReply,
        Some(down) if down.reason == foundation_runtime::Reason::NoProc => CallError::NoProc,
        Some(down) => CallError::Down(down.reason),
    })
}
