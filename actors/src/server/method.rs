//! How does a message find its method?
//!
//! Role       Wraps each method's type as a payload whose entry leads back to the handler, and
//!            lists the methods that other nodes can name.
//! Invariant  An entry is found by type: a message made for another actor is no method of this one.

use std::marker::PhantomData;
use std::pin::Pin;

use foundation_runtime::{
    CallPayload, Codec, Entry, Envelope, Info, OpenCall, Payload, ReplyTo, Tag, Turn, Wrap,
};

use super::actor::{Actor, Cast, Handled, Request};
use super::cx::Cx;
use super::protocol::{CastTo, RequestTo, Spoken, SpokenCall, SpokenCast};
use crate::sys::is_system;

/// How one kind of message is handled: it takes the envelope, and may open a call.
pub(crate) type Run<A> = for<'a> fn(
    Envelope,
    &'a mut A,
    &'a mut Cx<A>,
    &mut Turn<'_>,
    &mut Option<OpenCall>,
) -> Handled<'a>;

/// What a message's type says to the server that gets it.
pub(crate) struct Handler<A: Actor>(pub(crate) Run<A>);

/// A call, as it lies in a mailbox.
pub(super) struct CallOf<A, M>(M, PhantomData<fn() -> A>);

/// A cast, as it lies in a mailbox.
pub(super) struct CastOf<A, M>(M, PhantomData<fn() -> A>);

/// A cast as a value, from a timer or stream of the actor itself.
pub(super) struct MsgOf<A: Actor>(pub(super) A::Msg);

impl<A, M> CallOf<A, M> {
    pub(super) fn new(message: M) -> Self {
        Self(message, PhantomData)
    }
}

impl<A, M> CastOf<A, M> {
    pub(super) fn new(message: M) -> Self {
        Self(message, PhantomData)
    }
}

impl<A: Actor, M: Request<A>> Wrap for CallOf<A, M> {
    type Inner = M;
    const INNER: Codec<M> = M::CODEC;

    fn inner(&self) -> &M {
        &self.0
    }

    fn wrap(inner: M) -> Self {
        Self::new(inner)
    }
}

impl<A: Actor, M: Cast<A>> Wrap for CastOf<A, M> {
    type Inner = M;
    const INNER: Codec<M> = M::CODEC;

    fn inner(&self) -> &M {
        &self.0
    }

    fn wrap(inner: M) -> Self {
        Self::new(inner)
    }
}

impl<A: Actor, M: Request<A>> Payload for CallOf<A, M> {
    const NAME: &'static str = M::METHOD;
    const ENTRY: Option<Entry> = Some(Entry::new(&Handler::<A>(run_call::<A, Self>)));
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        M::tag()
    }
}

impl<A: Actor, M: Request<A>> CallPayload for CallOf<A, M> {
    type Reply = M::Reply;
    const REPLY_CODEC: Codec<M::Reply> = M::REPLY_CODEC;
}

impl<A: Actor, M: Cast<A>> Payload for CastOf<A, M> {
    const NAME: &'static str = M::METHOD;
    const ENTRY: Option<Entry> = Some(Entry::new(&Handler::<A>(run_cast::<A, Self>)));
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        M::tag()
    }
}

impl<A: Actor> Payload for MsgOf<A> {
    const NAME: &'static str = A::NAME;
    const ENTRY: Option<Entry> = Some(Entry::new(&Handler::<A>(run_msg::<A>)));
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("", A::NAME, "msg")
    }
}

/// A call that an actor of type `A` can be made: of its own, or of a protocol.
trait CallTo<A: Actor>: CallPayload {
    fn run<'a>(
        self,
        actor: &'a mut A,
        cx: &'a mut Cx<A>,
        reply: ReplyTo<Self::Reply>,
    ) -> Handled<'a>;
}

/// A cast, likewise.
trait TellTo<A: Actor>: Payload {
    fn run<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a>;
}

impl<A: Actor, M: Request<A>> CallTo<A> for CallOf<A, M> {
    #[inline]
    fn run<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>, reply: ReplyTo<M::Reply>) -> Handled<'a> {
        self.0.handle(actor, cx, reply)
    }
}

impl<A: Actor, M: RequestTo<A>> CallTo<A> for SpokenCall<M> {
    fn run<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>, reply: ReplyTo<M::Reply>) -> Handled<'a> {
        self.0.handle(actor, cx, reply)
    }
}

impl<A: Actor, M: Cast<A>> TellTo<A> for CastOf<A, M> {
    #[inline]
    fn run<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a> {
        self.0.handle(actor, cx)
    }
}

impl<A: Actor, M: CastTo<A>> TellTo<A> for SpokenCast<M> {
    fn run<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a> {
        self.0.handle(actor, cx)
    }
}

fn run_call<'a, A: Actor, P: CallTo<A>>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    turn: &mut Turn<'_>,
    open: &mut Option<OpenCall>,
) -> Handled<'a> {
    let (request, reply) = match envelope.take_call::<P>() {
        Ok(call) => call,
        Err(envelope) => match envelope.decode_call::<P>() {
            Ok(Some(call)) => call,
            Ok(None) => return Handled::Done,
            Err(other) => return actor.handle_info(Info::new(other), cx),
        },
    };
    *open = Some(turn.begin_call(&reply));
    request.run(actor, cx, reply)
}

fn run_cast<'a, A: Actor, P: TellTo<A>>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    _: &mut Turn<'_>,
    _: &mut Option<OpenCall>,
) -> Handled<'a> {
    match envelope.take_or_decode::<P>() {
        Ok(cast) => cast.run(actor, cx),
        Err(other) => actor.handle_info(Info::new(other), cx),
    }
}

fn run_msg<'a, A: Actor>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    _: &mut Turn<'_>,
    _: &mut Option<OpenCall>,
) -> Handled<'a> {
    match envelope.take::<MsgOf<A>>() {
        Ok(msg) => actor.handle_msg(msg.0, cx),
        Err(other) => actor.handle_info(Info::new(other), cx),
    }
}

/// Finds the handler of an envelope and runs it.
#[inline]
pub(super) fn dispatch<'a, A: Actor>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    turn: &mut Turn<'_>,
    open: &mut Option<OpenCall>,
) -> Handled<'a> {
    if let Some(entry) = envelope.entry::<Handler<A>>() {
        return (entry.0)(envelope, actor, cx, turn, open);
    }
    dispatch_foreign(envelope, actor, cx, turn, open)
}

/// Handles what was not made for this actor here: bytes from another node, system messages, and
/// messages that are no method.
#[cold]
fn dispatch_foreign<'a, A: Actor>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    turn: &mut Turn<'_>,
    open: &mut Option<OpenCall>,
) -> Handled<'a> {
    let spoken = envelope.entry::<Spoken>().map(|spoken| (spoken.0)());
    let named = envelope.tag().or(spoken);
    if let Some(tag) = named
        && let Some(method) = method(tag)
    {
        turn.is_called(method.name);
        return (method.run)(envelope, actor, cx, turn, open);
    }
    if is_system(&envelope) {
        cx.put_off(envelope);
        return Handled::Done;
    }
    if named.is_some() {
        envelope.refuse_unknown(A::NAME);
        return Handled::Done;
    }
    actor.handle_info(Info::new(envelope), cx)
}

/// The method of this stable name: one of the actor's own, or of a protocol that it speaks.
fn method<A: Actor>(tag: Tag) -> Option<&'static Method<A>> {
    let own = A::methods().iter().find(|method| method.tag() == tag);
    own.or_else(|| A::protocol_method(tag))
}

/// A method that others can name.
pub struct Method<A: Actor> {
    tag: fn() -> Tag,
    name: &'static str,
    args: &'static [&'static str],
    run: Run<A>,
}

impl<A: Actor> Method<A> {
    /// The entry of a call.
    #[must_use]
    pub const fn call<M: Request<A>>() -> Self {
        Self {
            tag: M::tag,
            name: M::METHOD,
            args: M::ARGS,
            run: run_call::<A, CallOf<A, M>>,
        }
    }

    /// The entry of a cast.
    #[must_use]
    pub const fn cast<M: Cast<A>>() -> Self {
        Self {
            tag: M::tag,
            name: M::METHOD,
            args: M::ARGS,
            run: run_cast::<A, CastOf<A, M>>,
        }
    }

    /// The entry of a protocol's call.
    #[must_use]
    pub const fn protocol_call<M: RequestTo<A>>() -> Self {
        Self {
            tag: M::tag,
            name: M::METHOD,
            args: M::ARGS,
            run: run_call::<A, SpokenCall<M>>,
        }
    }

    /// The entry of a protocol's cast.
    #[must_use]
    pub const fn protocol_cast<M: CastTo<A>>() -> Self {
        Self {
            tag: M::tag,
            name: M::METHOD,
            args: M::ARGS,
            run: run_cast::<A, SpokenCast<M>>,
        }
    }

    /// Its stable name.
    #[must_use]
    pub fn tag(&self) -> Tag {
        (self.tag)()
    }

    /// `Type::method`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The names of the arguments.
    #[must_use]
    pub fn args(&self) -> &'static [&'static str] {
        self.args
    }
}

impl<A: Actor> std::fmt::Debug for Method<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Method")
            .field("name", &self.name)
            .field("args", &self.args)
            .finish()
    }
}

/// A pinned, boxed future, spelled out once.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
