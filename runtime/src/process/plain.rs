//! A process that is an async function.
//!
//! Role       [`Process`]: the mailbox of a plain process, with selective receive.
//! Source     otp: reference manual, "Receive"

use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::local::HAS_RECEIVER;
use super::wait::Deadline;
use super::{Mail, Mailed, Me, Message};
use crate::envelope::Envelope;
use crate::scheduler::Running;
use crate::{ProcessRef, Reason};

/// The mailbox of a plain process, and everything [`Me`] can do.
///
/// It belongs to the process it was made for: used in another process or task, it panics.
#[derive(Debug)]
pub struct Process<M> {
    me: Me,
    _messages: PhantomData<fn() -> M>,
}

impl<M> Deref for Process<M> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}

impl<M: Message> Process<M> {
    pub(crate) fn new(me: Me) -> Self {
        Self {
            me,
            _messages: PhantomData,
        }
    }

    /// The address that others send to.
    #[must_use]
    pub fn address(&self) -> ProcessRef<M> {
        ProcessRef::new(self.me.node(), self.me.pid())
    }

    /// The next message, whatever it is.
    pub fn recv(
        &mut self,
    ) -> Receive<'_, M, Mail<M>, impl FnMut(Mail<M>) -> Result<Mail<M>, Mail<M>>> {
        self.receive(Ok)
    }

    /// The next message as it lies in the mailbox: for behaviours with messages of many types.
    pub async fn recv_mailed(&mut self) -> Mailed {
        std::future::poll_fn(|cx| {
            let running = self.me.running();
            super::fetch(running);
            if running.is_doomed() || !running.charge() {
                if !super::is_own(running, cx.waker()) {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            running.local(|local| local.set_mark(std::ptr::null_mut()));
            let envelope = running.pop_message();
            match envelope {
                Some(envelope) => {
                    if running.is_traced() {
                        running.trace_taken(envelope.title(), envelope.from());
                    }
                    running.stamp_message(envelope.header());
                    Poll::Ready(Mailed::open(running, envelope))
                }
                None => {
                    await_arrival(running, cx);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The next message as it lies in the mailbox, if `wanted` names it; what it refuses is
    /// passed over until [`Process::put_back`].
    pub async fn recv_mailed_of(&mut self, mut wanted: impl FnMut(&Envelope) -> bool) -> Mailed {
        std::future::poll_fn(|cx| {
            let running = self.me.running();
            match super::aside::next_of(running, &mut wanted) {
                Some(mailed) => Poll::Ready(mailed),
                None => {
                    let spent = running.is_doomed() || running.yielded.get();
                    if !spent {
                        await_arrival(running, cx);
                    } else if !super::is_own(running, cx.waker()) {
                        cx.waker().wake_by_ref();
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// What [`Process::recv_mailed_of`] has passed over comes next.
    pub fn put_back(&mut self) {
        super::aside::put_back(self.me.running());
    }

    /// The oldest message that `matcher` takes. It takes one with `Ok`, or gives it back with
    /// `Err`: then it stays where it was, and the next one is tried. Waits without a bound unless
    /// [`Receive::timeout`] sets one.
    pub fn receive<T, F>(&mut self, matcher: F) -> Receive<'_, M, T, F>
    where
        F: FnMut(Mail<M>) -> Result<T, Mail<M>>,
    {
        Receive {
            process: self,
            matcher,
            begun: false,
            _out: PhantomData,
        }
    }
}

/// Sees to it that a receive is polled again when something arrives.
fn await_arrival(running: &Running, cx: &Context<'_>) {
    if super::is_own(running, cx.waker()) {
        running.waits.set(true);
    } else {
        running.set(HAS_RECEIVER, true);
        running.local(|local| local.set_receiver(cx.waker()));
    }
}

/// Waits for a message. Dropping it before it is done loses nothing.
#[must_use = "a receive does nothing until it is awaited"]
pub struct Receive<'a, M, T, F> {
    process: &'a mut Process<M>,
    matcher: F,
    begun: bool,
    _out: PhantomData<fn() -> T>,
}

impl<'a, M, T, F> Receive<'a, M, T, F>
where
    M: Message,
    F: FnMut(Mail<M>) -> Result<T, Mail<M>> + Unpin,
{
    /// Gives up after `bound`; messages that do not match do not extend it. With zero, the queue
    /// is searched once.
    pub fn timeout(
        self,
        bound: Duration,
    ) -> impl Future<Output = Result<T, ReceiveTimeout>> + use<'a, M, T, F> {
        let node = self.process.node();
        let mut deadline = Deadline::after(&node, bound);
        let mut receive = self;
        std::future::poll_fn(move |cx| {
            if let Poll::Ready(value) = Pin::new(&mut receive).poll(cx) {
                return Poll::Ready(Ok(value));
            }
            let running = receive.process.running();
            if running.is_doomed() || running.yielded.get() {
                return Poll::Pending;
            }
            deadline.poll(&node, cx).map(|()| Err(ReceiveTimeout))
        })
    }
}

impl<M, T, F: Unpin> Unpin for Receive<'_, M, T, F> {}

impl<M, T, F> Future for Receive<'_, M, T, F>
where
    M: Message,
    F: FnMut(Mail<M>) -> Result<T, Mail<M>> + Unpin,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        let running = this.process.running();
        if !std::mem::replace(&mut this.begun, true) {
            running.local(|local| local.set_mark(std::ptr::null_mut()));
        }
        this.look::<false>(running, cx)
    }
}

impl<M, T, F> Receive<'_, M, T, F>
where
    M: Message,
    F: FnMut(Mail<M>) -> Result<T, Mail<M>> + Unpin,
{
    /// Looks for the message in the queue; of a traced process it is told what it takes.
    // Always: the cold way to it must not cost the common one a call.
    #[inline(always)]
    fn look<const TRACED: bool>(&mut self, running: &Running, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            super::fetch(running);
            if running.is_unusual() {
                if running.is_doomed() {
                    return Poll::Pending;
                }
                if !TRACED {
                    return self.look_traced(running, cx);
                }
            }
            if !running.charge() {
                if !super::is_own(running, cx.waker()) {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            let Some(envelope) = running.take_after_mark() else {
                await_arrival(running, cx);
                return Poll::Pending;
            };
            let from = envelope.from();
            let title = if TRACED { envelope.title() } else { "" };
            running.stamp_message(envelope.header());
            if envelope.header().is_special() {
                match self.offer_special(running, envelope) {
                    Some(value) => {
                        if TRACED {
                            running.trace_taken(title, from);
                        }
                        return Poll::Ready(value);
                    }
                    None => continue,
                }
            }
            match (self.matcher)(Mail::open(Mailed::Message(envelope))) {
                Ok(value) => {
                    running.count_reduction();
                    if TRACED {
                        running.trace_taken(title, from);
                    }
                    return Poll::Ready(value);
                }
                Err(mail) => {
                    let mut envelope = mail.close();
                    envelope.header_mut().from = from;
                    running.put_at_mark(envelope);
                }
            }
        }
    }

    #[cold]
    fn look_traced(&mut self, running: &Running, cx: &mut Context<'_>) -> Poll<T> {
        self.look::<true>(running, cx)
    }
}

impl<M, T, F> Receive<'_, M, T, F>
where
    M: Message,
    F: FnMut(Mail<M>) -> Result<T, Mail<M>> + Unpin,
{
    /// Offers what is no plain message, or has a mark: that it keeps until it is taken.
    #[cold]
    fn offer_special(&mut self, running: &Running, mut envelope: Envelope) -> Option<T> {
        let from = envelope.from();
        let marks = running.unmark(&mut envelope);
        match (self.matcher)(Mail::open(Mailed::open_unmarked(envelope))) {
            Ok(value) => {
                running.taken(marks);
                running.count_reduction();
                Some(value)
            }
            Err(mail) => {
                let mut envelope = mail.close();
                let header = envelope.header_mut();
                header.from = from;
                header.special |= marks;
                running.put_at_mark(envelope);
                None
            }
        }
    }
}

impl<M, T, F> std::fmt::Debug for Receive<'_, M, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receive").finish_non_exhaustive()
    }
}

/// No message matched in time. The queue is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveTimeout;

impl std::fmt::Display for ReceiveTimeout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no message matched in time")
    }
}

impl std::error::Error for ReceiveTimeout {}

/// What a plain process may return: nothing or a reason, or an error that it dies of.
pub trait IntoReason {
    /// The exit reason that the value stands for.
    fn into_reason(self) -> Reason;
}

impl IntoReason for () {
    fn into_reason(self) -> Reason {
        Reason::Normal
    }
}

impl IntoReason for Reason {
    fn into_reason(self) -> Reason {
        self
    }
}

/// What a function yields; of `fn() -> !` it is the type `!`, which stable Rust cannot name yet.
#[doc(hidden)]
pub trait Yields {
    /// The type.
    type Value;
}

impl<T> Yields for fn() -> T {
    type Value = T;
}

/// A body that loops for ever never returns a reason.
impl IntoReason for <fn() -> ! as Yields>::Value {
    fn into_reason(self) -> Reason {
        self
    }
}

impl<T: IntoReason, E: std::fmt::Display> IntoReason for Result<T, E> {
    fn into_reason(self) -> Reason {
        match self {
            Ok(value) => value.into_reason(),
            Err(error) => Reason::other(error.to_string()),
        }
    }
}
