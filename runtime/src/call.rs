//! Ask, and wait for the answer.
//!
//! Role       [`Call`]: a request to a process here or elsewhere, with a bound.
//! Invariant  A call ends: by answer, by the server's end, by the loss of its node, or by time.
//! Source     otp: gen_server:call/3

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::envelope::{CallPayload, Codec, CodecError, Envelope, Payload, ReplyTo, Tag};
use crate::heap::Owned;
use crate::platform::current;
use crate::port::Frame;
use crate::process::{Deadline, Pending};
use crate::scheduler::Running;
use crate::{CallError, Destination, Node, NodeId, Pid};

/// The bound of a call that sets none: 5 seconds, as in OTP.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

impl Node {
    /// Asks the process at `to`.
    #[inline]
    pub fn call<P: CallPayload>(&self, to: &Destination, request: P) -> Call<P::Reply> {
        Call {
            asking: Asking {
                node: self.clone(),
                to: to.clone(),
                request: Some(Envelope::call(request)),
                timeout: CALL_TIMEOUT,
                pending: Pending::Over,
                deadline: Deadline::never(),
                #[cfg(debug_assertions)]
                waiting: None,
            },
            decode: P::REPLY_CODEC.decode,
        }
    }
}

/// A request that is sent when it is awaited.
///
/// By default it waits 5 seconds. The outcome is a `Result`; with [`Call::or_exit`] the calling
/// process dies of a failure instead, as an OTP process does.
#[must_use = "a call is only made when it is awaited"]
pub struct Call<R> {
    asking: Asking,
    /// How an answer from another node is read.
    decode: Option<fn(&[u8]) -> Result<R, CodecError>>,
}

/// A request on its way, whatever it is answered with.
struct Asking {
    node: Node,
    to: Destination,
    /// `None` once it has been sent.
    request: Option<Envelope>,
    timeout: Duration,
    pending: Pending,
    /// `never` until it has been sent, unless the call was given one.
    deadline: Deadline,
    /// Noted while it waits.
    #[cfg(debug_assertions)]
    waiting: Option<crate::waits::Waiting>,
}

impl<R: 'static> Call<R> {
    /// Waits at most so long, from when it is awaited.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.asking.timeout = bound;
        self.asking.deadline.begin(Deadline::never());
        self
    }

    /// Waits until its node's clock shows `at`, as [`Node::now`] does: for several calls that are to
    /// be done by one moment. A deadline that has passed leaves time for an answer that is there
    /// already, and no more.
    pub fn deadline(mut self, at: Duration) -> Self {
        self.asking.timeout = at.saturating_sub(self.asking.node.now());
        self.asking.deadline.begin(Deadline::at(at));
        self
    }

    /// On failure the calling process exits with the error's reason; outside a process, panics.
    pub async fn or_exit(self) -> R {
        match self.await {
            Ok(value) => value,
            Err(error) => crate::exit(error.into_reason()),
        }
    }
}

impl<R> std::fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("to", &self.asking.to)
            .field("timeout", &self.asking.timeout)
            .finish()
    }
}

impl<R: 'static> IntoFuture for Call<R> {
    type Output = Result<R, CallError>;
    type IntoFuture = CallFuture<R>;

    #[inline]
    fn into_future(self) -> CallFuture<R> {
        CallFuture { call: self }
    }
}

/// A call under way.
#[must_use = "a call is only made when it is awaited"]
pub struct CallFuture<R> {
    call: Call<R>,
}

impl<R> Unpin for CallFuture<R> {}

impl Asking {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Envelope, CallError>> {
        if let Some(request) = self.request.take() {
            let parked = match (&self.to, current::process()) {
                (Destination::Pid(pid), Some(running))
                    if std::ptr::eq(running.core(), self.node.core())
                        && pid.node() == running.core().quick_id()
                        && *pid != running.pid() =>
                {
                    let pid = *pid;
                    match self.begin_here(running, pid, request) {
                        Ok(()) => Pending::has_just_begun(running, &self.deadline, cx),
                        Err(request) => {
                            self.await_place(pid, request);
                            false
                        }
                    }
                }
                _ => {
                    self.begin(request)?;
                    false
                }
            };
            if parked {
                return Poll::Pending;
            }
        }
        if let Poll::Ready(envelope) = self.pending.poll(cx) {
            #[cfg(debug_assertions)]
            drop(self.waiting.take());
            return Poll::Ready(Ok(envelope));
        }
        if self.deadline.poll(&self.node, cx).is_pending() {
            return Poll::Pending;
        }
        let error = match self.pending {
            Pending::Place(_) => CallError::Full,
            _ => CallError::Timeout,
        };
        self.pending = Pending::Over;
        #[cfg(debug_assertions)]
        drop(self.waiting.take());
        Poll::Ready(Err(error))
    }

    /// The mailbox is full, and the request waits for a place.
    #[cold]
    fn await_place(&mut self, to: Pid, request: Envelope) {
        let answer = std::mem::replace(&mut self.pending, Pending::Over);
        self.pending = Pending::await_place(&self.node, to, request, answer);
    }

    /// Sends the request of a process to another one of its node.
    #[inline]
    fn begin_here(
        &mut self,
        running: &Running,
        to: Pid,
        mut request: Envelope,
    ) -> Result<(), Envelope> {
        let core = running.core();
        if self.deadline.is_never() {
            self.deadline.begin(Deadline::of(core, self.timeout, true));
        }
        let (pending, caller) = Pending::begin_in(running, None);
        #[cfg(debug_assertions)]
        {
            self.waiting = Some(crate::waits::Waiting::new(
                &self.node,
                (running.pid(), to),
                request.name(),
            ));
        }
        // What is overwritten waits for nothing.
        std::mem::forget(std::mem::replace(&mut self.pending, pending));
        request.set_way(caller, to);
        core.send_request(to, request)
    }

    /// Sends the request, or says why it cannot be sent.
    #[cold]
    fn begin(&mut self, mut request: Envelope) -> Result<(), CallError> {
        let (node, to) = (&self.node, self.to.on(self.node.id()));
        let pid = match to {
            Destination::Name(of, name) if *of == node.id() => {
                let found = node.core().names().find(name);
                found.ok_or(CallError::NoProc).map(Some)?
            }
            Destination::Via(via) => Some(via.find().ok_or(CallError::NoProc)?),
            to => to.pid(),
        };
        if pid.is_some() && pid == current::pid() {
            return Err(CallError::CallingSelf);
        }
        if self.deadline.is_never() {
            self.deadline.begin(Deadline::after(node, self.timeout));
        }
        let (pending, caller) = Pending::begin(node, Some(to.node()));
        self.pending = pending;
        request.set_caller(caller);
        if let Some(pid) = pid {
            request.set_server(pid);
        }
        #[cfg(debug_assertions)]
        if let (Some(caller), Some(pid)) = (current::pid(), pid)
            && caller.node() == node.id()
            && pid.node() == node.id()
        {
            self.waiting = Some(crate::waits::Waiting::new(
                node,
                (caller, pid),
                request.name(),
            ));
        }
        match (to, pid) {
            (Destination::Pid(_) | Destination::Name(..) | Destination::Via(_), Some(pid))
                if pid.node() == node.id() =>
            {
                node.core().trace_sent(Some(pid), request.header(), false);
                if let Err(request) = node.core().send_request(pid, request) {
                    self.await_place(pid, request);
                }
            }
            // A request that cannot be sent answers itself.
            _ => drop(node.send_envelope(to, request)),
        }
        Ok(())
    }
}

impl<R: 'static> CallFuture<R> {
    #[inline]
    fn open(&self, envelope: Envelope) -> Result<R, CallError> {
        if envelope.is_answer() {
            return envelope.take_answer();
        }
        self.open_encoded(envelope)
    }

    #[cold]
    fn open_encoded(&self, envelope: Envelope) -> Result<R, CallError> {
        let answer = crate::process::bytes_of(envelope)?;
        let codec = Codec {
            owned: Owned::nothing(),
            encode: None,
            decode: self.call.decode,
        };
        let _within = current::Within::new(&self.call.asking.node);
        codec
            .decode(&answer)
            .map_err(|error| CallError::Refused(error.to_string().into()))
    }
}

impl<R: 'static> Future for CallFuture<R> {
    type Output = Result<R, CallError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.call.asking.poll(cx) {
            Poll::Ready(Ok(envelope)) => Poll::Ready(self.open(envelope)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<R> std::fmt::Debug for CallFuture<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallFuture")
            .field("sent", &self.call.asking.request.is_none())
            .finish()
    }
}

struct Promised<R>(PhantomData<fn() -> R>);

impl<R: Send + 'static> Payload for Promised<R> {
    const NAME: &'static str = "promise";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "promise", "")
    }
}

impl<R: Send + 'static> CallPayload for Promised<R> {
    type Reply = R;
    const REPLY_CODEC: Codec<R> = Codec::local();
}

/// A right to answer, and the wait for it, without a request: a process that is given the right
/// and dies tells the waiter so.
///
/// Like a call it waits 5 seconds from now ([`CALL_TIMEOUT`]), then it is `Err(Timeout)`, unless
/// [`Promise::timeout`] sets another bound; `Duration::MAX` is none.
pub fn promise<R: Send + 'static>(node: &Node) -> (ReplyTo<R>, Promise<R>) {
    let mut envelope = Envelope::call(Promised::<R>(PhantomData));
    let (pending, caller) = Pending::begin(node, None);
    envelope.set_caller(caller);
    let deadline = Deadline::after(node, CALL_TIMEOUT);
    match envelope.take_call::<Promised<R>>() {
        Ok((_, reply)) => (
            reply,
            Promise {
                node: node.clone(),
                pending,
                deadline,
                _reply: PhantomData,
            },
        ),
        Err(_) => unreachable!("it was just made"),
    }
}

/// The wait for an answer: 5 seconds, unless [`Promise::timeout`] says otherwise.
#[must_use = "a promise does nothing until it is awaited"]
pub struct Promise<R> {
    node: Node,
    pending: Pending,
    deadline: Deadline,
    _reply: PhantomData<fn() -> R>,
}

impl<R> Promise<R> {
    /// Waits at most so long, from now on; 5 seconds unless set.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.deadline = Deadline::after(&self.node, bound);
        self
    }
}

impl<R: 'static> Future for Promise<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(envelope) = self.pending.poll(cx) {
            return Poll::Ready(envelope.take_answer());
        }
        let this = &mut *self;
        this.deadline
            .poll(&this.node, cx)
            .map(|()| Err(CallError::Timeout))
    }
}

impl<R> std::fmt::Debug for Promise<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Promise").finish_non_exhaustive()
    }
}

impl Node {
    /// The process that has this name on a connected node.
    ///
    /// # Errors
    /// [`CallError::NoConnection`] or [`CallError::Timeout`].
    pub async fn whereis_at(
        &self,
        node: NodeId,
        name: &str,
        bound: Duration,
    ) -> Result<Option<Pid>, CallError> {
        if node == self.id() {
            return Ok(self.whereis(name));
        }
        let (mut pending, caller) = Pending::begin(self, Some(node));
        let target = crate::node::guest(node);
        let ask = |from, id| Frame::Whereis { from, id, name };
        self.core().ask_away(target, caller, ask);
        let mut deadline = Deadline::after(self, bound);
        let bytes = std::future::poll_fn(|cx| {
            if let Poll::Ready(envelope) = pending.poll(cx) {
                return Poll::Ready(crate::process::bytes_of(envelope));
            }
            deadline.poll(self, cx).map(|()| Err(CallError::Timeout))
        });
        let bytes = match bytes.await {
            // A name that no process can have does not travel.
            Err(CallError::NoProc) => return Ok(None),
            answer => answer?,
        };
        rmp_serde::from_slice(&bytes).map_err(|error| CallError::Refused(error.to_string().into()))
    }
}
