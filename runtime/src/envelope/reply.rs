//! Who answers a call, and how does the answer get back?
//!
//! Outputs    [`ReplyTo`]: the right to answer once. It is alias and monitor in one: dropped
//!            unanswered it tells the caller so, with the server's exit reason if it died.
//! Invariant  The envelope that brought the request brings the answer. Whoever has the `ReplyTo`
//!            owns it, without its request.
//! Source     otp: gen_server:reply/2

use std::ptr::NonNull;
use std::sync::Arc;

use super::Envelope;
use super::call::{Caller, CallerKey, Prefix, REPLY};
use crate::platform::current;
use crate::{CallError, Pid};

/// Sends the envelope back to its caller, with the reply or the failure inside.
#[inline]
pub(super) fn complete<R>(raw: NonNull<Prefix<R>>) {
    // What follows does not touch `reply`.
    let mut raw = raw.cast::<Prefix<()>>();
    // SAFETY: the caller of `complete` owns the envelope.
    let prefix = unsafe { raw.as_mut() };
    prefix.header.table = prefix.answer;
    if let Some(running) = current::process()
        && let Some(Caller::Process { pid, .. }) = prefix.caller
        && pid.node() == running.core().quick_id()
        && let Some(server) = prefix.server
        && running.call_completed(raw.as_ptr() as usize, server)
    {
        // SAFETY: as above; it is an answer from here on.
        let envelope = unsafe { Envelope::from_raw(raw.cast()) };
        return running.core().push_reply(pid, envelope);
    }
    complete_otherwise(raw);
}

/// The same, for whoever answers and asks wherever.
#[cold]
fn complete_otherwise(mut raw: NonNull<Prefix<()>>) {
    // SAFETY: the caller of `complete` owns the envelope.
    let prefix = unsafe { raw.as_mut() };
    let address = raw.as_ptr() as usize;
    let here = current::scheduler();
    if let Some(running) = here {
        let to = match &prefix.caller {
            Some(Caller::Process { pid, .. }) => Some(*pid),
            _ => None,
        };
        running.core().trace_sent(to, &prefix.header, true);
    }
    if let Some(server) = prefix.server
        && !current::call_completed(address, server)
    {
        close_elsewhere(prefix.caller.as_ref(), server, address);
    }
    let caller = match &prefix.caller {
        Some(Caller::Process { node, pid, .. }) if pid.node() == node.id() => Ok((
            *pid,
            here.filter(|running| running.core().id() == node.id()),
        )),
        caller => Err(caller.clone()),
    };
    // SAFETY: as above; it is an answer from here on.
    let envelope = unsafe { Envelope::from_raw(raw.cast()) };
    match caller {
        Ok((pid, Some(running))) => running.core().push_reply(pid, envelope),
        Ok((pid, None)) => push_from_outside(pid, prefix.caller.clone(), envelope),
        Err(caller) => complete_elsewhere(caller, envelope),
    }
}

/// An answer that is given outside the schedulers of the caller's node.
#[cold]
fn push_from_outside(pid: Pid, caller: Option<Caller>, envelope: Envelope) {
    // The handle is held until the push is over: the envelope's own goes with the envelope.
    if let Some(Caller::Process { node, .. }) = caller {
        node.core().push_reply(pid, envelope);
    }
}

/// Tells the server of a call that was answered elsewhere that it is over.
#[cold]
fn close_elsewhere(caller: Option<&Caller>, server: Pid, address: usize) {
    if let Some(Caller::Process { node, .. }) = caller {
        node.core().call_closed(server, address);
    }
}

/// Answers a guest, or a process of another node, or nobody.
#[cold]
fn complete_elsewhere(caller: Option<Caller>, mut envelope: Envelope) {
    // A guest's place would hold the envelope, and the envelope the place.
    envelope.prefix_mut().caller = None;
    match caller {
        None => drop(envelope),
        Some(Caller::Guest(slot)) => slot.put(envelope),
        Some(Caller::Process { node, pid, id }) => {
            let failure = envelope.prefix_mut().failure.take();
            let answer = match failure {
                Some(failure) => Err(*failure),
                None => Ok(&envelope),
            };
            node.core().answer_away(pid, id, answer);
        }
    }
}

/// The right, and the duty, to answer one call.
///
/// It can be kept, sent to another process or moved to another task. Dropped unanswered it ends the
/// call with [`CallError::NoReply`], or with [`CallError::Down`] when a dying process drops it; a
/// caller whose server dies while the `ReplyTo` is elsewhere gets `Down` as well.
pub struct ReplyTo<R> {
    raw: NonNull<Prefix<R>>,
}

// SAFETY: it owns its envelope; the reply is moved into it, and the rest of it is `Send`.
unsafe impl<R: Send> Send for ReplyTo<R> {}
// SAFETY: `&ReplyTo` gives access to nothing but the caller's pid, which is not changed.
unsafe impl<R: Send> Sync for ReplyTo<R> {}

impl<R> ReplyTo<R> {
    /// `raw` is an owned request envelope whose request was taken.
    #[inline]
    pub(super) fn new(raw: NonNull<Prefix<R>>) -> Self {
        Self { raw }
    }

    /// Answers the call. An answer that comes too late is dropped on arrival.
    #[inline]
    pub fn send(self, value: R) {
        let mut raw = self.raw;
        std::mem::forget(self);
        // SAFETY: `self` owned the envelope, and its reply was not initialised.
        unsafe {
            let prefix = raw.as_mut();
            prefix.reply.write(value);
            prefix.header.parts |= REPLY;
        }
        complete(raw);
    }

    /// Ends the call without an answer: the caller gets [`CallError::Refused`] with `why`.
    pub fn refuse(self, why: &str) {
        let raw = self.raw;
        std::mem::forget(self);
        // SAFETY: `self` owned the envelope, and its reply is not initialised.
        let envelope = unsafe { Envelope::from_raw(raw.cast()) };
        envelope.discard(&CallError::Refused(why.into()));
    }

    /// The process that waits; `None` when it is code outside any process.
    #[must_use]
    pub fn caller(&self) -> Option<Pid> {
        // SAFETY: `self` owns the envelope.
        match unsafe { &self.raw.as_ref().caller } {
            Some(Caller::Process { pid, .. }) => Some(*pid),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn caller_key(&self) -> Option<CallerKey> {
        // SAFETY: `self` owns the envelope.
        match unsafe { &self.raw.as_ref().caller } {
            Some(Caller::Process { pid, id, .. }) => Some(CallerKey::Process(*pid, *id)),
            Some(Caller::Guest(slot)) => Some(CallerKey::Guest(Arc::clone(slot))),
            None => None,
        }
    }

    pub(crate) fn address(&self) -> usize {
        self.raw.as_ptr() as usize
    }
}

impl<R> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        // SAFETY: we own the envelope, and its reply is not initialised.
        drop(unsafe { Envelope::from_raw(self.raw.cast()) });
    }
}

impl<R> std::fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyTo")
            .field("caller", &self.caller())
            .finish()
    }
}
