//! What a behaviour may ask of the scheduler while it is polled.
//!
//! Role       Hands out messages, one at a time, and keeps the account of the slice.
//! Invariant  Arrivals are fetched before each message, so a signal neither overtakes the messages
//!            sent before it nor waits for the mailbox to drain.

use super::{Mailed, Me};
use crate::Pid;
use crate::envelope::{CallerKey, Envelope, ReplyTo};
use crate::scheduler::Running;

/// One turn of a process.
pub struct Turn<'a> {
    running: &'a Running,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(running: &'a Running) -> Self {
        Self { running }
    }

    /// The process itself.
    #[must_use]
    pub fn me(&self) -> Me {
        Me::of(self.running)
    }

    /// The process that started this one, if it lives on this node.
    #[must_use]
    pub fn parent(&self) -> Option<Pid> {
        self.me().parent()
    }

    /// The next message, oldest first. `None`: return `Pending`; the process is polled again when
    /// there is more, or when others have had their turn.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "no iterator: `None` is not the end"
    )]
    pub fn next(&mut self) -> Option<Mailed> {
        let running = self.running;
        if running.block().inbox.has_arrivals() {
            super::fetch(running);
        }
        if running.is_unusual() {
            return self.next_traced();
        }
        let envelope = self.take()?;
        Some(Mailed::open(running, envelope))
    }

    /// The next message of a process that is traced, or doomed.
    #[cold]
    fn next_traced(&mut self) -> Option<Mailed> {
        if self.running.is_doomed() {
            return None;
        }
        let envelope = self.take()?;
        self.running.trace_taken(envelope.title(), envelope.from());
        Some(Mailed::open(self.running, envelope))
    }

    // Always: the cold way to it must not cost the common one a call.
    #[inline(always)]
    fn take(&mut self) -> Option<Envelope> {
        let running = self.running;
        if !running.charge() {
            return None;
        }
        let Some(envelope) = running.pop_message() else {
            running.stamp_no_message();
            return None;
        };
        running.count_reduction();
        running.stamp_message(envelope.header());
        Some(envelope)
    }

    /// The next message, if that is what comes next: an exit, a down or a timeout stays for
    /// [`Turn::next`], as does a message of a mailbox with a bound or one that goes first, and
    /// [`Turn::has_notice`] says so.
    // Always: it is what a server does between two messages.
    #[inline(always)]
    pub fn next_message(&mut self) -> Option<Envelope> {
        let running = self.running;
        if running.block().inbox.has_arrivals() {
            super::fetch(running);
        }
        if running.is_unusual() {
            return self.next_message_traced();
        }
        self.take_message()
    }

    /// The same for a process that is traced, or doomed.
    #[cold]
    fn next_message_traced(&mut self) -> Option<Envelope> {
        if self.running.is_doomed() {
            return None;
        }
        let envelope = self.take_message()?;
        self.running.trace_taken(envelope.title(), envelope.from());
        Some(envelope)
    }

    /// Says what the method is called that handles the message taken last, if the message does not.
    pub fn is_called(&mut self, method: &'static str) {
        if self.running.is_traced() {
            self.running.trace_asked(method, None);
        }
    }

    // As above.
    #[inline(always)]
    fn take_message(&mut self) -> Option<Envelope> {
        let running = self.running;
        let envelope = running.local(|local| {
            if local.queue.oldest()?.is_special() || !running.charge() {
                return None;
            }
            running.count_reduction();
            running.pop_of(local)
        })?;
        running.stamp_message(envelope.header());
        Some(envelope)
    }

    /// The oldest message that `wanted` names; what it refuses is passed over until
    /// [`Turn::put_back`]: for a server that is suspended, which handles some messages and leaves
    /// the others where they are.
    pub fn next_of(&mut self, wanted: impl FnMut(&Envelope) -> bool) -> Option<Mailed> {
        super::aside::next_of(self.running, wanted)
    }

    /// What [`Turn::next_of`] has passed over comes next.
    pub fn put_back(&mut self) {
        super::aside::put_back(self.running);
    }

    /// Whether something that is not simply a message comes next.
    #[inline]
    #[must_use]
    pub fn has_notice(&self) -> bool {
        let running = self.running;
        !running.is_doomed()
            && running.local(|local| {
                local
                    .queue
                    .oldest()
                    .is_some_and(|oldest| oldest.is_special())
            })
    }

    /// Whether a signal has ended the process: nothing more is to be done.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.running.is_doomed()
    }

    /// Whether the slice is over: whatever is left waits until others have had their turn. Return
    /// `Pending`; the process is polled again.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.running.yielded.get()
    }

    /// Takes one message's worth of the slice, for work that is no message; `false` when the slice
    /// is over.
    pub fn charge(&mut self) -> bool {
        self.running.stamp_no_message();
        self.running.charge()
    }

    /// Gives way: the process goes to the back of the run queue when it returns `Pending`.
    pub fn give_way(&mut self) {
        self.running.yielded.set(true);
    }

    /// Says that the process handles this call from here on, until [`Turn::end_call`].
    #[inline]
    pub fn begin_call<R>(&mut self, reply: &ReplyTo<R>) -> OpenCall {
        let call = OpenCall {
            address: reply.address(),
            caller: reply.caller_key(),
        };
        self.running.set_call(call.address);
        call
    }

    /// Says that the handler of the call has to wait, and keeps what it was asked for whoever looks.
    #[must_use]
    pub fn call_waits(&mut self, call: OpenCall) -> WaitingCall {
        let message = self.message();
        WaitingCall { call, message }
    }

    /// Takes up a call whose handler had to wait.
    pub fn resume_call(&mut self, waiting: &WaitingCall) {
        self.running.set_call(waiting.call.address);
    }

    /// Says that the handler of the call has ended. When its `ReplyTo` was kept, the caller will
    /// be told should this process end before the answer.
    #[inline]
    pub fn end_call(&mut self, call: OpenCall) {
        if self.running.ends_unanswered(call.address) {
            let message = self.message();
            self.running.keep_open(call.address, call.caller, message);
        }
    }

    /// The same for a handler that had to wait.
    pub fn end_waiting(&mut self, waiting: WaitingCall) {
        let WaitingCall { call, message } = waiting;
        if self.running.ends_unanswered(call.address) {
            self.running.keep_open(call.address, call.caller, message);
        }
    }

    /// The kind of message that is handled.
    #[cold]
    fn message(&self) -> &'static str {
        let handling = self.running.handling();
        handling.map_or("a call", |handling| handling.what)
    }
}

/// A call whose handler runs.
#[derive(Debug)]
pub struct OpenCall {
    address: usize,
    caller: Option<CallerKey>,
}

/// A call whose handler waits.
#[derive(Debug)]
pub struct WaitingCall {
    call: OpenCall,
    message: &'static str,
}

impl WaitingCall {
    /// Which process waits for the answer, and the number of its call.
    #[must_use]
    pub fn caller(&self) -> Option<(Pid, u64)> {
        match &self.call.caller {
            Some(CallerKey::Process(pid, id)) => Some((*pid, *id)),
            _ => None,
        }
    }

    /// The kind of message that was asked.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.message
    }
}
