//! What a handler may ask of its process.
//!
//! Role       [`Cx`]: everything a process can do, and what only a server can: stop, wait for
//!            silence, go on before the next message, attach a stream.
//! Source     otp: gen_server, return values of callbacks

use std::collections::VecDeque;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use foundation_runtime::{AliasMode, Destination, Envelope, Me, Reason, TimerRef};
use futures_core::Stream;

use super::actor::Actor;
use super::beside::Beside as _;
use super::method::MsgOf;
use super::refs::{Address, Client as _, Ref};

/// The context of an actor's handlers. Derefs to [`Me`].
pub struct Cx<A: Actor> {
    me: Me,
    more: Option<Box<More<A>>>,
    beside: A::Beside,
}

/// What few actors use.
pub(super) struct More<A: Actor> {
    pub(super) stop: Option<Reason>,
    /// A message of the system, to be handled before the next one.
    pub(super) system: Option<Envelope>,
    pub(super) continues: VecDeque<A::Msg>,
    pub(super) silence: Option<Duration>,
    pub(super) streams: Vec<Attached<A>>,
}

impl<A: Actor> More<A> {
    fn is_empty(&self) -> bool {
        self.stop.is_none()
            && self.system.is_none()
            && self.continues.is_empty()
            && self.silence.is_none()
            && self.streams.is_empty()
    }
}

/// A stream whose items are messages of the actor.
pub(crate) type Attached<A> = Pin<Box<dyn Stream<Item = <A as Actor>::Msg> + Send>>;

impl<A: Actor> Default for More<A> {
    fn default() -> Self {
        Self {
            stop: None,
            system: None,
            continues: VecDeque::new(),
            silence: None,
            streams: Vec::new(),
        }
    }
}

impl<A: Actor> Deref for Cx<A> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}

impl<A: Actor> Cx<A> {
    pub(super) fn new(me: Me) -> Self {
        Self {
            me,
            more: None,
            beside: A::Beside::default(),
        }
    }

    /// What is kept beside the state.
    #[doc(hidden)]
    #[inline]
    pub fn beside(&mut self) -> &mut A::Beside {
        &mut self.beside
    }

    /// What there is to show beside the state.
    pub(super) fn describe(&self, actor: &A) -> Option<String> {
        self.beside.describe(actor)
    }

    /// Whether the last handler left something to be done before the next message.
    #[inline]
    pub(super) fn asks(&self) -> bool {
        self.more.is_some() || self.beside.waits()
    }

    /// Whether what is kept beside the state comes before the next message.
    #[inline]
    pub(super) fn goes_on(&self) -> bool {
        self.beside.waits()
    }

    pub(super) fn more_mut(&mut self) -> &mut More<A> {
        self.more.get_or_insert_with(Default::default)
    }

    /// Forgets what nobody asked for, so that the common case is common again.
    pub(super) fn settle(&mut self) {
        if self.more.as_ref().is_some_and(|more| more.is_empty()) {
            self.more = None;
        }
    }

    pub(super) fn more(&mut self) -> Option<&mut More<A>> {
        self.more.as_deref_mut()
    }

    /// A reference to this actor.
    #[must_use]
    pub fn self_ref(&self) -> Ref<A> {
        Ref::from_address(Address::new(
            self.me.node(),
            Destination::Pid(self.me.pid()),
        ))
    }

    /// A reference to this actor whose calls and casts are handled before all that wait, in order
    /// among themselves. Give it to few: they enter a full mailbox, too. It works until the alias in
    /// it is taken back with [`Cx::end_priority`], or the actor ends.
    #[must_use]
    pub fn priority_ref(&self) -> Ref<A> {
        let alias = self.me.priority_alias(AliasMode::ExplicitUnalias);
        Ref::from_address(Address::new(self.me.node(), Destination::Alias(alias)))
    }

    /// Takes back a reference of [`Cx::priority_ref`]: whether it worked until now. What is sent
    /// through it from here on is a dead letter, a call fails with `NoProc`.
    pub fn end_priority(&mut self, reference: &Ref<A>) -> bool {
        match reference.address().destination().plain() {
            Destination::Alias(alias) => self.me.unalias(*alias),
            _ => false,
        }
    }

    /// Ends the actor after this handler: `#[terminate]` runs, then it exits with `reason`. The
    /// first of several reasons counts.
    pub fn stop(&mut self, reason: Reason) {
        self.more_mut().stop.get_or_insert(reason);
    }

    /// Calls `#[timeout]` when no message comes for so long; any message starts the wait afresh
    /// only if its handler asks again. As in OTP, the wait is for the next silence only.
    pub fn set_timeout(&mut self, silence: Duration) {
        self.more_mut().silence = Some(silence);
    }

    /// Handles `msg` next, before anything that waits in the mailbox.
    pub fn continue_with(&mut self, msg: A::Msg) {
        self.more_mut().continues.push_back(msg);
    }

    /// Sends this actor a message after `delay`.
    pub fn msg_after(&mut self, delay: Duration, msg: A::Msg) -> TimerRef {
        self.me
            .send_envelope_after(delay, Envelope::message(MsgOf::<A>(msg)), false)
    }

    /// Turns the items of a stream into messages of this actor, one at a time as it handles them.
    /// The stream dies with the actor, and is dropped when it ends.
    pub fn attach<S>(&mut self, stream: S, into: impl Fn(S::Item) -> A::Msg + Send + 'static)
    where
        S: Stream + Send + 'static,
    {
        self.attach_boxed(attached::<A, S>(stream, into));
    }

    pub(crate) fn attach_boxed(&mut self, stream: Attached<A>) {
        self.more_mut().streams.push(stream);
    }
}

/// A stream as messages of the actor.
pub(crate) fn attached<A: Actor, S>(
    stream: S,
    into: impl Fn(S::Item) -> A::Msg + Send + 'static,
) -> Attached<A>
where
    S: Stream + Send + 'static,
{
    let stream = Box::pin(stream);
    Box::pin(Mapped { stream, into })
}

struct Mapped<S, F> {
    stream: Pin<Box<S>>,
    into: F,
}

impl<S, F> Unpin for Mapped<S, F> {}

impl<S: Stream, T, F: Fn(S::Item) -> T> Stream for Mapped<S, F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        this.stream
            .as_mut()
            .poll_next(cx)
            .map(|item| item.map(|item| (this.into)(item)))
    }
}

impl<A: Actor> std::fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cx<{}>({})", A::NAME, self.me.pid())
    }
}

/// The next item of any attached stream; streams that have ended are dropped.
pub(super) fn next_of<M>(
    streams: &mut Vec<Pin<Box<dyn Stream<Item = M> + Send>>>,
    cx: &mut Context<'_>,
) -> Option<M> {
    let mut at = 0;
    while at < streams.len() {
        match streams[at].as_mut().poll_next(cx) {
            Poll::Ready(Some(msg)) => {
                // Others have their turn first next time.
                streams.rotate_left(at + 1);
                return Some(msg);
            }
            Poll::Ready(None) => drop(streams.remove(at)),
            Poll::Pending => at += 1,
        }
    }
    None
}
