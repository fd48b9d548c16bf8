//! What lies in a mailbox: one message or signal, with its type erased.
//!
//! Role       The unit of the inbox. Typed inside, intrusive and erased outside, so that exits,
//!            downs, timers, calls and a program's own messages share one queue and one order.
//! Outputs    [`Envelope`]: owned, one allocation, freed by its own [`Table`].
//! Invariant  The layout behind a `Header` is the one its table was made for; tables are compared
//!            by what they say (kind, `TypeId`), never by address.

mod answer;
mod call;
mod codec;
mod copying;
mod owned;
mod pool;
mod reply;
mod signal;
mod typed;

use std::any::{Any, TypeId};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

pub(crate) use answer::{EncodedReply, GuestCall};
pub use call::CallPayload;
pub(crate) use call::{Caller, CallerKey};
pub use codec::{Codec, CodecError, Portable, Tag, Wrap};
pub(crate) use copying::copy;
pub(crate) use owned::count;
pub(crate) use pool::Pool;
pub use reply::ReplyTo;
pub(crate) use signal::{ExitKind, Signal};
pub(crate) use typed::Encoded;
pub use typed::Payload;

use crate::heap::Hand;
use crate::platform::current;
use crate::{CallError, Pid, Reason};

/// What the receiver does with an envelope when it fetches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message: it goes to the queue that the process reads.
    Message,
    /// A request that expects an answer: to the same queue.
    Call,
    /// A signal of the runtime: it acts when fetched.
    Signal,
    /// The answer to a call of the receiver.
    Reply,
    /// A message whose payload is bytes: to the queue, decoded by the behaviour.
    Encoded,
    /// An answer from another node.
    EncodedReply,
}

impl Kind {
    /// Whether it waits in the queue until the process's code takes it.
    #[inline]
    pub(crate) fn is_for_the_queue(self) -> bool {
        matches!(self, Self::Message | Self::Call | Self::Encoded)
    }
}

/// How a behaviour handles a type of message: a value of the behaviour's own kind.
#[derive(Clone, Copy)]
pub struct Entry {
    of: TypeId,
    at: *const (),
}

// SAFETY: `Entry::new` takes only `Sync` values, and an entry gives nothing but shared access.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// An entry that leads to `value`.
    #[must_use]
    pub const fn new<E: Any + Sync>(value: &'static E) -> Self {
        Self {
            of: TypeId::of::<E>(),
            at: std::ptr::from_ref(value).cast(),
        }
    }

    #[inline]
    fn get<E: Any + Sync>(self) -> Option<&'static E> {
        if self.of != TypeId::of::<E>() {
            return None;
        }
        // SAFETY: `new` made it from a `&'static E`, as the type says.
        Some(unsafe { &*self.at.cast::<E>() })
    }
}

/// What is known of a type of envelope before any is made.
pub(crate) struct Table {
    pub(crate) kind: Kind,
    /// For people: the method or type that this message is.
    pub(crate) name: &'static str,
    pub(crate) type_id: TypeId,
    /// How the behaviour that this message was made for handles it.
    pub(crate) entry: Option<Entry>,
    pub(crate) tag: fn() -> Tag,
    /// Drops what the envelope holds and frees it. A call is answered with the failure.
    pub(crate) discard: unsafe fn(NonNull<Header>, &CallError),
    /// Appends what the envelope holds to a buffer.
    pub(crate) encode: Option<unsafe fn(NonNull<Header>, &mut Vec<u8>) -> Result<(), CodecError>>,
    /// The size of the envelope's own block.
    pub(crate) size: usize,
    /// Goes over what the envelope's content owns.
    pub(crate) owned: Option<unsafe fn(NonNull<Header>, &mut Hand<'_>)>,
}

/// The start of every envelope.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) next: *mut Header,
    pub(crate) table: &'static Table,
    pub(crate) from: Option<Pid>,
    /// The generation of the slot this was sent to: an envelope that reaches a later tenant of the
    /// slot is recognised by it.
    pub(crate) generation: u32,
    /// Which parts of a call are initialised, and what is known of what it owns.
    pub(crate) parts: u8,
    /// What is not usual about it: 0 for most.
    pub(crate) special: u8,
}

/// It is a signal.
pub(crate) const SIGNAL: u8 = 1;
/// It has a place in a bounded mailbox, until it is taken out.
pub(crate) const COUNTED: u8 = 2;
/// It stands in the queue before all that are not.
pub(crate) const PRIORITY: u8 = 4;
/// It was not delivered because the mailbox is full.
pub(crate) const FULL: u8 = 8;
/// Likewise, and the sender may wait.
pub(crate) const MAY_WAIT: u8 = 16;

impl Header {
    #[inline]
    pub(crate) fn new(table: &'static Table) -> Self {
        let from = current::pid();
        Self {
            next: std::ptr::null_mut(),
            table,
            from,
            generation: 0,
            parts: 0,
            special: match table.kind {
                Kind::Signal => SIGNAL,
                _ => 0,
            },
        }
    }

    /// Whether there is more to do with it than to hand it out.
    #[inline]
    pub(crate) fn is_special(&self) -> bool {
        self.special != 0
    }
}

/// One message or signal on its way, or waiting to be handled.
///
/// Dropping an envelope that holds a call answers the caller: with `Down` when a dying process
/// drops it, with `NoReply` otherwise.
pub struct Envelope(NonNull<Header>);

// SAFETY: constructors take only `Send` payloads, and an envelope is owned by one thread at a time.
unsafe impl Send for Envelope {}

impl Envelope {
    /// Takes ownership of a header made by one of this module's constructors.
    ///
    /// # Safety
    /// The header is valid, owned by nobody else, and its layout fits its table.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> Self {
        Self(raw)
    }

    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Header> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: an `Envelope` owns a valid header.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn header_mut(&mut self) -> &mut Header {
        // SAFETY: an `Envelope` owns a valid header, and `&mut self` is the only way to it.
        unsafe { self.0.as_mut() }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.header().table.kind
    }

    pub(crate) fn set_special(&mut self, flags: u8, on: bool) {
        let header = self.header_mut();
        header.special = match on {
            true => header.special | flags,
            false => header.special & !flags,
        };
    }

    /// Takes these marks from it: those that it had.
    pub(crate) fn take_marks(&mut self, flags: u8) -> u8 {
        let had = self.header().special & flags;
        self.header_mut().special &= !flags;
        had
    }

    /// Whether it has a place in a bounded mailbox.
    pub(crate) fn is_counted(&self) -> bool {
        self.header().special & COUNTED != 0
    }

    /// What kind of message this is, for people: the method or the type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.header().table.name
    }

    /// What kind of message this is, also when it is one of the runtime's own.
    pub(crate) fn title(&self) -> &'static str {
        match self.as_signal() {
            None => self.name(),
            Some(Signal::ExitNotice(_)) => "exit",
            Some(Signal::DownNotice(_)) => "down",
            Some(Signal::Timeout { message, .. }) => message.name(),
            Some(_) => "signal",
        }
    }

    /// The process that sent it; `None` for code outside any process.
    #[must_use]
    pub fn from(&self) -> Option<Pid> {
        self.header().from
    }

    /// Whose exit this is, if it is one that the process trapped.
    #[must_use]
    pub fn exit_from(&self) -> Option<Pid> {
        match self.as_signal()? {
            Signal::ExitNotice(exit) => Some(exit.from),
            _ => None,
        }
    }

    /// The handler entry that the message's type carries, if it is an `E`.
    #[inline]
    #[must_use]
    pub fn entry<E: Any + Sync>(&self) -> Option<&'static E> {
        self.header().table.entry?.get()
    }

    /// Ends the envelope unhandled; a call is answered with `failure`. This happens in the middle of
    /// the runtime's own work: a panic of the program's destructor is reported and goes no further.
    #[cold]
    pub(crate) fn discard(self, failure: &CallError) {
        let name = self.name();
        let raw = self.into_raw();
        // SAFETY: we own the header, and the table belongs to its layout.
        let discard = AssertUnwindSafe(|| unsafe { (raw.as_ref().table.discard)(raw, failure) });
        if let Err(payload) = catch_unwind(discard) {
            crate::report::discard_panic(name, &crate::platform::panics::reason(payload));
        }
    }

    /// Whether it can travel to another node.
    pub(crate) fn is_portable(&self) -> bool {
        self.header().table.encode.is_some()
    }

    /// Appends the payload as bytes, or says why it cannot travel.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        match self.header().table.encode {
            // SAFETY: the table belongs to this header's layout.
            Some(encode) => unsafe { encode(self.0, bytes) },
            None => Err(CodecError::Local(self.name())),
        }
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        if self.kind() == Kind::Call && std::thread::panicking() && current::keep_orphan(self.0) {
            // A handler panicked with it: the caller learns the reason when the process is buried.
            return;
        }
        let failure = match current::dying() {
            Some(reason) => CallError::Down(reason),
            None => CallError::NoReply,
        };
        // SAFETY: we own the header and this is the last use of it.
        unsafe { (self.0.as_ref().table.discard)(self.0, &failure) }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("name", &self.name())
            .field("from", &self.from())
            .finish()
    }
}

/// A link ended: the peer's exit, as a message to a process that traps exits.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Who ended, or who sent the exit signal.
    pub from: Pid,
    /// Why.
    pub reason: Reason,
}

/// A watched process ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Down {
    /// The monitor that fired.
    pub monitor: crate::MonitorRef,
    /// The process that was watched; `None` when a name was watched that nobody had.
    pub pid: Option<Pid>,
    /// The node it lived on, or the name was looked up on.
    pub node: crate::NodeId,
    /// The name that was watched, if the monitor was set by name.
    pub name: Option<std::sync::Arc<str>>,
    /// Why it ended; `NoProc` when it had ended before, `NoConnection` when its node was lost.
    pub reason: Reason,
    /// What the watcher asked to have in place of the word "down".
    pub tag: Option<std::sync::Arc<crate::Term>>,
}
