//! A call: a request whose envelope carries the way back, and then the answer itself.
//!
//! Role       One allocation serves request and reply: the server writes the answer into the
//!            envelope that brought the question, and the same envelope returns.
//! Invariant  `parts` says which of request and reply are initialised; whoever owns the envelope
//!            owns both. `Prefix<R>` has its fields before `reply` at the same offsets for all `R`.
//! Source     otp: gen_server:call; erts, "Process Aliases"

use std::any::TypeId;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use super::owned::RECEIVED;
use super::reply::{ReplyTo, complete};
use super::{
    Codec, CodecError, EncodedReply, Envelope, GuestCall, Header, Kind, Payload, Table, owned, pool,
};
use crate::heap::{self, Hand};
use crate::{CallError, Node, Pid};

const REQUEST: u8 = 1;
pub(super) const REPLY: u8 = 2;
/// The reply may own something that becomes the caller's.
const OWNS: u8 = 4;

/// A request and what it is answered with.
pub trait CallPayload: Payload {
    /// What the caller gets.
    type Reply: Send + 'static;
    /// How the answer travels to another node.
    const REPLY_CODEC: Codec<Self::Reply>;
}

/// Where an answer goes.
#[derive(Clone)]
pub(crate) enum Caller {
    /// A process, here or on another node, that knows the call by `id`.
    Process { node: Node, pid: Pid, id: u64 },
    /// Code outside any process.
    Guest(Arc<GuestCall>),
}

impl Caller {
    /// Which process it is, and the number of its call.
    pub(crate) fn key(&self) -> Option<(Pid, u64)> {
        match self {
            Self::Process { pid, id, .. } => Some((*pid, *id)),
            Self::Guest(_) => None,
        }
    }

    /// Tells the caller that no answer will come.
    pub(crate) fn fail(&self, failure: &CallError) {
        self.reply(Err(failure.clone()));
    }

    /// Answers with bytes, as another node does.
    pub(crate) fn answer(&self, bytes: Vec<u8>) {
        self.reply(Ok(bytes));
    }

    fn reply(&self, answer: Result<Vec<u8>, CallError>) {
        match self {
            Self::Guest(slot) => slot.put(Envelope::internal(EncodedReply { id: 0, answer })),
            Self::Process { node, pid, id } if pid.node() == node.id() => {
                let reply = EncodedReply { id: *id, answer };
                node.core().push_reply(*pid, Envelope::internal(reply));
            }
            Self::Process { node, pid, id } => {
                let answer = answer.as_deref().map_err(Clone::clone);
                node.core().answer_away(*pid, *id, answer);
            }
        }
    }
}

/// A caller without the handle of its node, which is cheap to keep for the time of a handler.
#[derive(Debug)]
pub(crate) enum CallerKey {
    Process(Pid, u64),
    Guest(Arc<GuestCall>),
}

impl CallerKey {
    pub(crate) fn with_node(self, node: &Node) -> Caller {
        match self {
            Self::Process(pid, id) => Caller::Process {
                node: node.clone(),
                pid,
                id,
            },
            Self::Guest(slot) => Caller::Guest(slot),
        }
    }
}

#[repr(C)]
pub(super) struct Prefix<R> {
    pub(super) header: Header,
    /// The table that makes this envelope an answer.
    pub(super) answer: &'static Table,
    pub(super) caller: Option<Caller>,
    /// Whom the request was delivered to.
    pub(super) server: Option<Pid>,
    pub(super) failure: Option<Box<CallError>>,
    pub(super) reply: MaybeUninit<R>,
}

// A request and an answer of a word each fit the pool's second class.
const _: () = assert!(size_of::<Prefix<u64>>() + 8 <= 128);

#[repr(C)]
struct CallCell<P: CallPayload> {
    prefix: Prefix<P::Reply>,
    request: MaybeUninit<P>,
}

struct CallTables<P>(P);

impl<P: CallPayload> CallTables<P> {
    const REQUEST: &'static Table = &Table {
        kind: Kind::Call,
        name: P::NAME,
        type_id: TypeId::of::<P>(),
        entry: P::ENTRY,
        tag: P::tag,
        discard: discard_request::<P>,
        encode: match P::CODEC.encode {
            Some(_) => Some(encode_request::<P>),
            None => None,
        },
        size: pool::size::<CallCell<P>>(),
        owned: match P::CODEC.owned.is_something() {
            true => Some(owned_request::<P>),
            false => None,
        },
    };

    const ANSWER: &'static Table = &Table {
        kind: Kind::Reply,
        name: P::NAME,
        type_id: TypeId::of::<P::Reply>(),
        entry: None,
        tag: P::tag,
        discard: discard_answer::<P>,
        encode: match P::REPLY_CODEC.encode {
            Some(_) => Some(encode_answer::<P>),
            None => None,
        },
        size: pool::size::<CallCell<P>>(),
        owned: match P::REPLY_CODEC.owned.is_something() {
            true => Some(owned_answer::<P>),
            false => None,
        },
    };
}

/// # Safety
/// `raw` is an owned `CallCell<P>`.
unsafe fn discard_request<P: CallPayload>(raw: NonNull<Header>, failure: &CallError) {
    let mut cell = raw.cast::<CallCell<P>>();
    // SAFETY: by contract; the request is dropped once, as `parts` says.
    let dropped = unsafe {
        let cell = cell.as_mut();
        cell.prefix.failure = Some(Box::new(failure.clone()));
        let has_request = cell.prefix.header.parts & REQUEST != 0;
        cell.prefix.header.parts &= !REQUEST;
        catch_unwind(AssertUnwindSafe(|| {
            if has_request {
                cell.request.assume_init_drop();
            }
        }))
    };
    // The caller is told, whatever the program's destructor does.
    complete(raw.cast::<Prefix<P::Reply>>());
    if let Err(payload) = dropped
        && !std::thread::panicking()
    {
        resume_unwind(payload);
    }
}

/// # Safety
/// `raw` is an owned `CallCell<P>`.
unsafe fn discard_answer<P: CallPayload>(raw: NonNull<Header>, _: &CallError) {
    let mut cell = raw.cast::<CallCell<P>>();
    // SAFETY: by contract; it was made by `Envelope::call`, and each part is dropped at most once,
    // as `parts` says.
    unsafe {
        let parts = std::mem::take(&mut cell.as_mut().prefix.header.parts);
        if parts & REQUEST != 0 {
            cell.as_mut().request.assume_init_drop();
        }
        if parts & REPLY != 0 {
            cell.as_mut().prefix.reply.assume_init_drop();
        }
        std::ptr::drop_in_place(cell.as_ptr());
        pool::free(cell);
    }
}

/// # Safety
/// `raw` is a valid `CallCell<P>` whose request is initialised.
unsafe fn encode_request<P: CallPayload>(
    raw: NonNull<Header>,
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    // SAFETY: by contract.
    let cell = unsafe { raw.cast::<CallCell<P>>().as_ref() };
    assert!(
        cell.prefix.header.parts & REQUEST != 0,
        "a request was encoded after it was taken"
    );
    match P::CODEC.encode {
        // SAFETY: checked above.
        Some(encode) => encode(unsafe { cell.request.assume_init_ref() }, bytes),
        None => Err(CodecError::Local(P::NAME)),
    }
}

/// # Safety
/// `raw` is a valid `CallCell<P>`.
unsafe fn encode_answer<P: CallPayload>(
    raw: NonNull<Header>,
    bytes: &mut Vec<u8>,
) -> Result<(), CodecError> {
    // SAFETY: by contract.
    let cell = unsafe { raw.cast::<CallCell<P>>().as_ref() };
    assert!(
        cell.prefix.header.parts & REPLY != 0,
        "an answer was encoded before it was given"
    );
    match P::REPLY_CODEC.encode {
        // SAFETY: checked above.
        Some(encode) => encode(unsafe { cell.prefix.reply.assume_init_ref() }, bytes),
        None => Err(CodecError::Local(P::NAME)),
    }
}

/// # Safety
/// `raw` is a valid `CallCell<P>`.
unsafe fn owned_request<P: CallPayload>(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: by contract.
    let cell = unsafe { raw.cast::<CallCell<P>>().as_ref() };
    if cell.prefix.header.parts & REQUEST != 0 {
        // SAFETY: `parts` said so.
        P::CODEC
            .owned
            .hand_over(unsafe { cell.request.assume_init_ref() }, hand);
    }
}

/// # Safety
/// `raw` is a valid `CallCell<P>`.
unsafe fn owned_answer<P: CallPayload>(raw: NonNull<Header>, hand: &mut Hand<'_>) {
    // SAFETY: by contract.
    let cell = unsafe { raw.cast::<CallCell<P>>().as_ref() };
    if cell.prefix.header.parts & REPLY != 0 {
        // SAFETY: `parts` said so.
        P::REPLY_CODEC
            .owned
            .hand_over(unsafe { cell.prefix.reply.assume_init_ref() }, hand);
    }
}

impl Header {
    /// Which process waits for the answer to this call, and the number of it.
    pub(crate) fn caller(&self) -> Option<(Pid, u64)> {
        if self.table.kind != Kind::Call {
            return None;
        }
        // SAFETY: calls are `CallCell`s, whose prefix starts alike for every `R`; `reply` is not
        // touched, and whoever has the header has the cell.
        let prefix = unsafe { &*std::ptr::from_ref(self).cast::<Prefix<()>>() };
        prefix.caller.as_ref()?.key()
    }
}

impl Envelope {
    /// A request, not yet addressed.
    #[inline]
    pub fn call<P: CallPayload>(request: P) -> Self {
        if const { P::CODEC.owned.is_something() } && heap::is_on() {
            owned::lend(&request);
        }
        let mut header = Header::new(CallTables::<P>::REQUEST);
        header.parts = REQUEST;
        let raw = pool::room::<CallCell<P>>();
        let cell = raw.as_ptr();
        // SAFETY: the memory is ours, and large and aligned enough; after this its layout is the
        // table's, with everything initialised but the reply, as `parts` says.
        unsafe {
            let prefix = &raw mut (*cell).prefix;
            (&raw mut (*prefix).header).write(header);
            (&raw mut (*prefix).answer).write(CallTables::<P>::ANSWER);
            (&raw mut (*prefix).caller).write(None);
            (&raw mut (*prefix).server).write(None);
            (&raw mut (*prefix).failure).write(None);
            (&raw mut (*cell).request).write(MaybeUninit::new(request));
            Self::from_raw(raw.cast())
        }
    }

    /// Whether it is the answer to a call, or the failure of one, as this node gives it.
    #[inline]
    pub(crate) fn is_answer(&self) -> bool {
        self.kind() == Kind::Reply
    }

    #[inline]
    pub(super) fn prefix_mut(&mut self) -> &mut Prefix<()> {
        assert!(
            matches!(self.kind(), Kind::Call | Kind::Reply),
            "not a call"
        );
        // SAFETY: calls and replies are `CallCell`s, whose prefix starts alike for every `R`; the
        // callers of this function do not touch `reply`.
        unsafe { &mut *std::ptr::from_mut(self.header_mut()).cast::<Prefix<()>>() }
    }

    /// Writes the way back on a request.
    #[inline]
    pub(crate) fn set_caller(&mut self, caller: Caller) {
        self.prefix_mut().caller = Some(caller);
    }

    /// Writes on a request the way back, and whom it is delivered to.
    #[inline]
    pub(crate) fn set_way(&mut self, caller: Caller, server: Pid) {
        let prefix = self.prefix_mut();
        prefix.caller = Some(caller);
        prefix.server = Some(server);
    }

    /// Writes on a request whom it is delivered to.
    #[inline]
    pub(crate) fn set_server(&mut self, server: Pid) {
        self.prefix_mut().server = Some(server);
    }

    /// Whom the request was delivered to, of a call or its answer.
    pub(crate) fn server(&mut self) -> Option<Pid> {
        self.prefix_mut().server
    }

    /// The way back of a request that is to leave for another node.
    pub(crate) fn way_back(&mut self) -> Option<Caller> {
        self.prefix_mut().caller.clone()
    }

    /// Takes the way back from a request that has left for another node.
    pub(crate) fn take_caller(&mut self) -> Option<Caller> {
        self.prefix_mut().caller.take()
    }

    /// The number under which the caller waits for this answer.
    pub(crate) fn reply_id(&mut self) -> u64 {
        match &self.prefix_mut().caller {
            Some(Caller::Process { id, .. }) => *id,
            _ => 0,
        }
    }

    /// Whether a call with a request of type `P` is inside.
    #[must_use]
    pub fn is_call<P: 'static>(&self) -> bool {
        self.kind() == Kind::Call && self.header().table.type_id == TypeId::of::<P>()
    }

    /// The request inside and the right to answer it, if it is a `P`.
    ///
    /// # Errors
    /// The envelope itself, unharmed, when something else is inside.
    pub fn take_call<P: CallPayload>(self) -> Result<(P, ReplyTo<P::Reply>), Self> {
        if !self.is_call::<P>() {
            return Err(self);
        }
        if const { P::CODEC.owned.is_something() } && heap::is_on() {
            owned::receive(&self);
        }
        let raw = self.into_raw();
        // SAFETY: kind and type say that this is an owned `CallCell<P>`; `parts` says whether the
        // request is there, and it is moved out once.
        let request = unsafe {
            let cell = raw.cast::<CallCell<P>>().as_mut();
            if const { P::REPLY_CODEC.owned.is_something() } && heap::is_on() {
                cell.prefix.header.parts |= OWNS;
            }
            assert!(
                cell.prefix.header.parts & REQUEST != 0,
                "a request was taken twice"
            );
            cell.prefix.header.parts &= !(REQUEST | RECEIVED);
            cell.request.assume_init_read()
        };
        Ok((request, ReplyTo::new(raw.cast())))
    }

    /// The answer inside a reply whose call was answered with an `R`.
    #[inline]
    pub(crate) fn take_answer<R: 'static>(self) -> Result<R, CallError> {
        assert_eq!(self.kind(), Kind::Reply, "not an answer");
        assert!(
            self.header().table.type_id == TypeId::of::<R>(),
            "an answer of another type"
        );
        if self.header().parts & (REPLY | OWNS) != REPLY {
            if self.header().parts & REPLY == 0 {
                return Err(self.take_failure());
            }
            owned::receive(&self);
        }
        let mut raw = self.0.cast::<Prefix<R>>();
        // SAFETY: kind and type say that this is a `CallCell` with this prefix, owned by `self`;
        // the reply is moved out once, as `parts` says.
        let prefix = unsafe { raw.as_mut() };
        prefix.header.parts &= !REPLY;
        // SAFETY: `parts` said so.
        let answer = unsafe { prefix.reply.assume_init_read() };
        let raw = self.into_raw();
        // SAFETY: we own the header, and the table belongs to its layout. An answer is told no
        // failure.
        unsafe { (raw.as_ref().table.discard)(raw, &CallError::NoReply) };
        Ok(answer)
    }

    #[cold]
    fn take_failure(mut self) -> CallError {
        let failure = self.prefix_mut().failure.take();
        failure.map_or(CallError::NoReply, |failure| *failure)
    }
}
