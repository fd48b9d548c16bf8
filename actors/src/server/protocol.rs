//! What can actors of several kinds be asked alike?
//!
//! Role       What `#[protocol]` makes of a trait: messages that any actor takes which implements it
//!            and says so, and references that lead to any of them.
//! Invariant  A message of a protocol is found by its stable name, here as on another node; one that
//!            the actor does not speak is refused.

use foundation_runtime::{CallPayload, Codec, Entry, Payload, ReplyTo, Tag, Wrap};

use super::actor::{Actor, Handled};
use super::cx::Cx;
use super::method::Method;
use super::refs::Addressed;

/// A protocol: implemented for `dyn Shape` by `#[protocol] trait Shape`, for every actor that
/// implements `Shape`.
pub trait Protocol<A: Actor>: Addressed {
    /// The protocol's methods, for actors of type `A`.
    fn methods() -> &'static [Method<A>];

    /// The one of this stable name.
    #[must_use]
    fn method(tag: Tag) -> Option<&'static Method<A>> {
        Self::methods().iter().find(|method| method.tag() == tag)
    }
}

/// Refuses, when the program is compiled, an actor for whom one stable name means two methods: `each`
/// is what the actor and its protocols take.
///
/// # Panics
/// When a name is in two of them.
#[track_caller]
pub const fn tell_apart(each: &[&[Tag]]) {
    let mut at = 0;
    while at < each.len() {
        let mut later = at + 1;
        while later < each.len() {
            assert!(
                !have_common(each[at], each[later]),
                "two methods that this actor takes have one stable name, because a protocol is \
                 called like another one of its package, or like the actor: rename one, or give \
                 its methods names of their own, `#[call(tag = \"..\")]`"
            );
            later += 1;
        }
        at += 1;
    }
}

const fn have_common(some: &[Tag], others: &[Tag]) -> bool {
    let mut at = 0;
    while at < some.len() * others.len() {
        if some[at / others.len()].is(others[at % others.len()]) {
            return true;
        }
        at += 1;
    }
    false
}

/// An actor that takes the messages of the protocol `P`: said by `#[actor(protocol(Shape))]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say that it speaks `{P}`",
    note = "implement the protocol's trait for it, and name the trait on its handlers: \
            `#[actor(protocol(Shape))] impl {Self} {{ .. }}`"
)]
pub trait Speaks<P: ?Sized>: Actor {}

/// A call of a protocol.
pub trait ProtocolRequest: Send + Sized + 'static {
    /// What the caller gets.
    type Reply: Send + 'static;
    /// `Protocol::method`, for people.
    const METHOD: &'static str;
    /// The names of the arguments.
    const ARGS: &'static [&'static str];
    /// How the request travels.
    const CODEC: Codec<Self>;
    /// How the answer travels.
    const REPLY_CODEC: Codec<Self::Reply>;
    /// Its stable name.
    fn tag() -> Tag;
}

/// A cast of a protocol.
pub trait ProtocolCast: Send + Sized + 'static {
    /// `Protocol::method`, for people.
    const METHOD: &'static str;
    /// The names of the arguments.
    const ARGS: &'static [&'static str];
    /// How it travels.
    const CODEC: Codec<Self>;
    /// Its stable name.
    fn tag() -> Tag;
}

/// How an actor of type `A` handles a call of a protocol.
pub trait RequestTo<A: Actor>: ProtocolRequest {
    /// Calls the method.
    fn handle<'a>(
        self,
        actor: &'a mut A,
        cx: &'a mut Cx<A>,
        reply: ReplyTo<Self::Reply>,
    ) -> Handled<'a>;
}

/// How an actor of type `A` handles a cast of a protocol.
pub trait CastTo<A: Actor>: ProtocolCast {
    /// Calls the method.
    fn handle<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a>;
}

/// What a message of a protocol says to the server that gets it.
pub(super) struct Spoken(pub(super) fn() -> Tag);

/// A protocol's call, as it lies in a mailbox.
pub(super) struct SpokenCall<M>(pub(super) M);

/// A protocol's cast, as it lies in a mailbox.
pub(super) struct SpokenCast<M>(pub(super) M);

impl<M: ProtocolRequest> Wrap for SpokenCall<M> {
    type Inner = M;
    const INNER: Codec<M> = M::CODEC;

    fn inner(&self) -> &M {
        &self.0
    }

    fn wrap(inner: M) -> Self {
        Self(inner)
    }
}

impl<M: ProtocolCast> Wrap for SpokenCast<M> {
    type Inner = M;
    const INNER: Codec<M> = M::CODEC;

    fn inner(&self) -> &M {
        &self.0
    }

    fn wrap(inner: M) -> Self {
        Self(inner)
    }
}

impl<M: ProtocolRequest> Payload for SpokenCall<M> {
    const NAME: &'static str = M::METHOD;
    const ENTRY: Option<Entry> = Some(Entry::new(&Spoken(M::tag)));
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        M::tag()
    }
}

impl<M: ProtocolRequest> CallPayload for SpokenCall<M> {
    type Reply = M::Reply;
    const REPLY_CODEC: Codec<M::Reply> = M::REPLY_CODEC;
}

impl<M: ProtocolCast> Payload for SpokenCast<M> {
    const NAME: &'static str = M::METHOD;
    const ENTRY: Option<Entry> = Some(Entry::new(&Spoken(M::tag)));
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        M::tag()
    }
}
