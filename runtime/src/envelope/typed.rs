//! A plain message: a value behind a header.
//!
//! Role       Makes and opens envelopes of the program's own types, and of bytes from elsewhere.
//! Invariant  `Typed<M>` is `repr(C)` with the header first, so a header pointer is its pointer.

use std::any::{Any, TypeId};
use std::ptr::NonNull;

use super::{
    CallPayload, Caller, Codec, CodecError, Entry, Envelope, Header, Kind, ReplyTo, Table, Tag,
    owned, pool,
};
use crate::CallError;
use crate::heap::{self, Hand, HandOver};

/// A type that can be put in a mailbox, with what the runtime must know of it.
pub trait Payload: Send + Sized + 'static {
    /// What people read in reports: the method or the type.
    const NAME: &'static str;
    /// What the receiving behaviour needs to handle it; found again by [`Envelope::entry`].
    const ENTRY: Option<Entry> = None;
    /// How it travels to another node.
    const CODEC: Codec<Self>;
    /// Its stable name on other nodes.
    fn tag() -> Tag;
}

#[repr(C)]
struct Typed<M> {
    header: Header,
    payload: M,
}

struct TypedTable<M>(M);

impl<M: Payload> TypedTable<M> {
    const TABLE: &'static Table = &Table {
        kind: Kind::Message,
        name: M::NAME,
        type_id: TypeId::of::<M>(),
        entry: M::ENTRY,
        tag: M::tag,
        discard: discard::<M>,
        encode: match M::CODEC.encode {
            Some(_) => Some(encode::<M>),
            None => None,
        },
        size: pool::size::<Typed<M>>(),
        owned: match M::CODEC.owned.is_something() {
            true => Some(owned_typed::<M>),
            false => None,
        },
    };
}

/// # Safety
/// `raw` is an owned `Typed<M>`.
unsafe fn discard<M>(raw: NonNull<Header>, _: &CallError) {
    // SAFETY: by contract; it was made by `Envelope::message`.
    drop(unsafe { pool::take(raw.cast::<Typed<M>>()) });
}

/// # Safety
/// `raw` is a valid `Typed<M>`.
unsafe fn encode<M: Payload>(raw: NonNull<Header>, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    // SAFETY: by contract.
    let typed = unsafe { raw.cast::<Typed<M>>().as_ref() };
    match M::CODEC.encode {
        Some(encode) => encode(&typed.payload, bytes),
        None => Err(CodecError::Local(M::NAME)),
    }
}

/// # Safety
/// `raw` is a valid `Typed<M>`.
unsafe fn owned_typed<M: Payload>(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: by contract.
    let typed = unsafe { raw.cast::<Typed<M>>().as_ref() };
    M::CODEC.owned.hand_over(&typed.payload, hand);
}

/// What the runtime itself puts in a mailbox: not a message of the program's.
pub(super) trait Internal: Send + Sized + 'static {
    const KIND: Kind;
    const NAME: &'static str;
    /// Ends it unhandled: whoever waits for an effect of it learns that there will be none.
    fn refuse(self, failure: &CallError);
    /// Goes over what it owns and knows.
    fn owned(&self, _: &mut Hand<'_>) {}
}

struct InternalTable<M>(M);

impl<M: Internal> InternalTable<M> {
    const TABLE: &'static Table = &Table {
        kind: M::KIND,
        name: M::NAME,
        type_id: TypeId::of::<M>(),
        entry: None,
        tag: || Tag::of("", "", ""),
        discard: discard_internal::<M>,
        encode: None,
        size: pool::size::<Typed<M>>(),
        owned: Some(owned_internal::<M>),
    };
}

/// # Safety
/// `raw` is an owned `Typed<M>`.
unsafe fn discard_internal<M: Internal>(raw: NonNull<Header>, failure: &CallError) {
    // SAFETY: by contract; it was made by `Envelope::internal`.
    let typed = unsafe { pool::take(raw.cast::<Typed<M>>()) };
    typed.payload.refuse(failure);
}

/// # Safety
/// `raw` is a valid `Typed<M>`.
unsafe fn owned_internal<M: Internal>(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: by contract.
    unsafe { raw.cast::<Typed<M>>().as_ref() }
        .payload
        .owned(hand);
}

/// A message from another node, still bytes: the behaviour that it is for knows its type.
pub(crate) struct Encoded {
    pub(crate) tag: Tag,
    pub(crate) bytes: Vec<u8>,
    /// Who waits for an answer, when it is a call.
    pub(crate) caller: Option<Caller>,
    /// What is dropped when a process takes the message, or nobody ever does.
    pub(crate) _kept: Option<Box<dyn Any + Send>>,
}

impl Internal for Encoded {
    const KIND: Kind = Kind::Encoded;
    const NAME: &'static str = "message from another node";

    fn refuse(self, failure: &CallError) {
        if let Some(caller) = self.caller {
            caller.fail(failure);
        }
    }

    fn owned(&self, hand: &mut Hand<'_>) {
        self.bytes.hand_over(hand);
    }
}

impl Envelope {
    /// An envelope with `payload` inside, from the process that runs this code.
    #[inline]
    pub fn message<M: Payload>(payload: M) -> Self {
        if const { M::CODEC.owned.is_something() } && heap::is_on() {
            owned::lend(&payload);
        }
        Self::again(payload)
    }

    /// The same, of what the running process has already received.
    #[inline]
    pub(crate) fn again<M: Payload>(payload: M) -> Self {
        Self::typed(TypedTable::<M>::TABLE, payload)
    }

    /// `table` is one for `Typed<M>`.
    #[inline]
    fn typed<M>(table: &'static Table, payload: M) -> Self {
        let raw = pool::room::<Typed<M>>();
        let at = raw.as_ptr();
        // SAFETY: the memory is ours, and large and aligned enough; after this its layout is the
        // table's.
        unsafe {
            (&raw mut (*at).header).write(Header::new(table));
            (&raw mut (*at).payload).write(payload);
            Self::from_raw(raw.cast())
        }
    }

    /// The message inside, if it is an `M`; bytes from another node are read if they bear its tag.
    ///
    /// # Errors
    /// The envelope itself when something else is inside, or bytes that are no `M`.
    #[inline]
    pub fn take_or_decode<M: Payload>(self) -> Result<M, Self> {
        match self.take() {
            Err(other) if other.kind() == Kind::Encoded => other.decode(),
            taken => taken,
        }
    }

    #[cold]
    fn decode<M: Payload>(self) -> Result<M, Self> {
        if self.tag() != Some(M::tag()) {
            return Err(self);
        }
        let encoded = self.take_encoded()?;
        match M::CODEC.decode(&encoded.bytes) {
            Ok(message) => Ok(message),
            Err(_) => Err(Self::encoded(encoded)),
        }
    }

    /// Ends a message from another node that the receiver does not know: a call is answered with an
    /// error, anything else is a dead letter.
    pub fn refuse_unknown(self, receiver: &str) {
        let why = format!("{receiver} has no such method");
        if let Some(running) = crate::platform::current::process() {
            let reason = crate::DeadReason::Unknown;
            let failure = CallError::Refused(why.into());
            running
                .core()
                .dead_letter(running.pid(), self, reason, &failure);
        }
    }

    /// The stable name of the message inside, when it came as bytes from another node.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.internal_ref::<Encoded>().map(|encoded| encoded.tag)
    }

    /// The request inside and the right to answer it, when it came as bytes from another node and
    /// is a `P`. A request that cannot be read is answered with an error.
    ///
    /// # Errors
    /// The envelope itself when something else is inside.
    pub fn decode_call<P: CallPayload>(self) -> Result<Option<(P, ReplyTo<P::Reply>)>, Self> {
        let encoded = self.take_encoded()?;
        let request = match P::CODEC.decode(&encoded.bytes) {
            Ok(request) => request,
            Err(error) => {
                encoded.refuse(&CallError::Refused(error.to_string().into()));
                return Ok(None);
            }
        };
        let mut envelope = Self::call(request);
        if let Some(caller) = encoded.caller {
            envelope.set_caller(caller);
        }
        if let Some(server) = crate::platform::current::pid() {
            envelope.set_server(server);
        }
        envelope.take_call().map(Some)
    }

    pub(super) fn internal<M: Internal>(payload: M) -> Self {
        Self::typed(InternalTable::<M>::TABLE, payload)
    }

    pub(super) fn take_internal<M: Internal>(self) -> Result<M, Self> {
        if self.kind() != M::KIND {
            return Err(self);
        }
        let raw = self.into_raw().cast::<Typed<M>>();
        // SAFETY: each internal type has a kind of its own, so this is an owned `Typed<M>`.
        let typed = unsafe { pool::take(raw) };
        Ok(typed.payload)
    }

    pub(super) fn internal_ref<M: Internal>(&self) -> Option<&M> {
        if self.kind() != M::KIND {
            return None;
        }
        let raw = std::ptr::from_ref(self.header()).cast::<Typed<M>>();
        // SAFETY: each internal type has a kind of its own, so this is a `Typed<M>`.
        Some(unsafe { &(*raw).payload })
    }

    /// Whether somebody waits for an answer.
    pub(crate) fn is_request(&self) -> bool {
        let encoded = self.internal_ref::<Encoded>();
        self.kind() == Kind::Call || encoded.is_some_and(|encoded| encoded.caller.is_some())
    }

    pub(crate) fn encoded(encoded: Encoded) -> Self {
        Self::internal(encoded)
    }

    pub(crate) fn take_encoded(self) -> Result<Encoded, Self> {
        self.take_internal()
    }

    /// Whether a plain message of type `M` is inside.
    #[inline]
    #[must_use]
    pub fn is<M: 'static>(&self) -> bool {
        self.kind() == Kind::Message && self.header().table.type_id == TypeId::of::<M>()
    }

    /// A look at the message inside, if it is an `M`.
    pub(crate) fn peek<M: 'static>(&self) -> Option<&M> {
        if !self.is::<M>() {
            return None;
        }
        let raw = NonNull::from(self.header()).cast::<Typed<M>>();
        // SAFETY: kind and type say that this is a `Typed<M>`, which the envelope owns.
        Some(&unsafe { raw.as_ref() }.payload)
    }

    /// The message inside, if it is an `M`.
    ///
    /// # Errors
    /// The envelope itself, unharmed, when something else is inside.
    #[inline]
    pub fn take<M: Payload>(self) -> Result<M, Self> {
        if !self.is::<M>() {
            return Err(self);
        }
        if const { M::CODEC.owned.is_something() } && heap::is_on() {
            owned::receive(&self);
        }
        let raw = self.into_raw().cast::<Typed<M>>();
        // SAFETY: kind and type say that this is an owned `Typed<M>`; the header needs no drop.
        let typed = unsafe { pool::take(raw) };
        Ok(typed.payload)
    }
}
