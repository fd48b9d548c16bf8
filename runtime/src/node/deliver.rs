//! How does a message or signal reach its process, and what if it cannot?
//!
//! Role       The one way into a mailbox, here or on another node.
//! Invariant  Signals and messages of one sender to one process keep their order. What cannot be
//!            delivered has its effect all the same: a call fails, a link exits, a monitor fires,
//!            a message becomes a dead letter.

use super::core::Core;
use super::guests::{GUEST_SLOT, guest};
use crate::dead_letter::{DeadLetter, DeadReason};
use crate::envelope::{Caller, Envelope, ExitKind, FULL, Kind, MAY_WAIT, Signal};
use crate::port::{Course, Frame, Target, Unsent};
use crate::process::{Block, LIMITED, Pushed, TRACED};
use crate::scheduler::Scheduler;
use crate::{CallError, MonitorRef, Pid, Reason, SendError};

impl Core {
    /// The block of a process of this node, if it is alive.
    #[inline]
    pub(crate) fn living(&self, pid: Pid) -> Option<&Block> {
        let block = self.table().find(pid.slot())?;
        block.is_alive(pid.tenancy()).then_some(block)
    }

    /// Whether a process may be alive: for one of another node nobody here knows.
    pub(crate) fn may_be_alive(&self, pid: Pid) -> bool {
        pid.node() != self.id() || self.living(pid).is_some()
    }

    /// Delivers to a process of this node; gives the envelope back when there is none, or no place
    /// for it, which its mark says.
    #[inline]
    fn push(&self, pid: Pid, mut envelope: Envelope) -> Result<(), Envelope> {
        let Some(block) = self.table().find(pid.slot()) else {
            return Err(envelope);
        };
        let generation = pid.tenancy();
        let Some(priority) = block.priority_if_open(generation) else {
            return self.push_unusual(pid, envelope);
        };
        envelope.header_mut().generation = generation;
        let raw = envelope.into_raw();
        // SAFETY: the envelope is ours until `push` takes it.
        match unsafe { block.inbox.push(raw.as_ptr()) } {
            Pushed::Wake => {
                // SAFETY: the push set `SCHEDULED`, and nobody has the slot before it is enqueued.
                unsafe { block.prefetch() };
                self.enqueue(pid.slot(), priority);
            }
            Pushed::Busy => {}
            // SAFETY: a refused push leaves the envelope ours.
            Pushed::Closed => return Err(unsafe { Envelope::from_raw(raw) }),
        }
        Ok(())
    }

    /// Delivers to a process that is not alive, has a bounded mailbox, is traced, or lives in a
    /// simulated world, where what is sent may be on its way for a while.
    #[cold]
    fn push_unusual(&self, pid: Pid, envelope: Envelope) -> Result<(), Envelope> {
        let Some(block) = self.living(pid) else {
            return Err(envelope);
        };
        if block.state() & LIMITED != 0 {
            return self.push_limited(block, pid, envelope);
        }
        let Scheduler::Simulated(simulated) = self.scheduler() else {
            return self.push_into(block, pid, envelope);
        };
        let Some((earlier, envelope)) = simulated.hold(pid, envelope) else {
            return Ok(());
        };
        for envelope in earlier {
            self.arrive(pid, envelope);
        }
        self.push_into(block, pid, envelope)
    }

    /// Puts an envelope into an inbox, whatever the mailbox's bound; whoever calls this enqueues the
    /// process if it must be woken.
    pub(crate) fn put_into(
        &self,
        block: &Block,
        pid: Pid,
        mut envelope: Envelope,
    ) -> Result<Pushed, Envelope> {
        if block.state() & TRACED != 0 {
            self.trace_received(pid, &mut envelope);
        }
        envelope.header_mut().generation = pid.tenancy();
        let raw = envelope.into_raw();
        // SAFETY: the envelope is ours until `push` takes it.
        match unsafe { block.inbox.push(raw.as_ptr()) } {
            // SAFETY: a refused push leaves the envelope ours.
            Pushed::Closed => Err(unsafe { Envelope::from_raw(raw) }),
            pushed => Ok(pushed),
        }
    }

    /// Delivers, whatever the mailbox's bound.
    pub(crate) fn push_into(
        &self,
        block: &Block,
        pid: Pid,
        envelope: Envelope,
    ) -> Result<(), Envelope> {
        if self.put_into(block, pid, envelope)? == Pushed::Wake {
            self.enqueue(pid.slot(), block.priority());
        }
        Ok(())
    }

    /// What was on its way in a simulated world is there.
    pub(crate) fn arrive(&self, pid: Pid, envelope: Envelope) {
        let pushed = match self.living(pid) {
            Some(block) => self.push_into(block, pid, envelope),
            None => Err(envelope),
        };
        if let Err(envelope) = pushed {
            self.undeliverable(pid, envelope);
        }
    }

    /// Sends a message or request, here or to another node.
    #[inline]
    pub(crate) fn send(&self, to: Pid, envelope: Envelope) -> Result<(), SendError> {
        if to.node() != self.quick_id() {
            return self.send_otherwise(to, envelope);
        }
        match self.push(to, envelope) {
            Ok(()) => Ok(()),
            Err(unsent) => self.unsent(to, unsent),
        }
    }

    /// Sends to another node, or while somebody listens to what is sent.
    #[cold]
    fn send_otherwise(&self, to: Pid, envelope: Envelope) -> Result<(), SendError> {
        self.trace_sent(Some(to), envelope.header(), false);
        if to.node() != self.id() {
            return self.send_away(Target::Pid(to), envelope);
        }
        match self.push(to, envelope) {
            Ok(()) => Ok(()),
            Err(unsent) => self.unsent(to, unsent),
        }
    }

    /// Sends a request to a process of this node; gives it back when its caller is to wait for a
    /// place.
    #[inline]
    pub(crate) fn send_request(&self, to: Pid, request: Envelope) -> Result<(), Envelope> {
        match self.push(to, request) {
            Ok(()) => Ok(()),
            Err(request) => self.request_unsent(to, request),
        }
    }

    #[cold]
    fn request_unsent(&self, to: Pid, mut request: Envelope) -> Result<(), Envelope> {
        if request.take_marks(MAY_WAIT) != 0 {
            request.set_special(FULL, false);
            return Err(request);
        }
        // A request that has no place has been answered.
        let _ = self.unsent(to, request);
        Ok(())
    }

    #[cold]
    fn unsent(&self, to: Pid, mut envelope: Envelope) -> Result<(), SendError> {
        if envelope.take_marks(FULL | MAY_WAIT) != 0 {
            envelope.discard(&CallError::Full);
            return Err(SendError::Full);
        }
        self.undeliverable(to, envelope);
        Ok(())
    }

    /// Sends a message or request of which nobody hears whether it was sent: when there is no place,
    /// it is a dead letter.
    pub(crate) fn send_unheard(&self, to: Pid, envelope: Envelope) {
        self.trace_sent(Some(to), envelope.header(), false);
        if to.node() != self.id() {
            let _ = self.send_away(Target::Pid(to), envelope);
            return;
        }
        if let Err(unsent) = self.push(to, envelope) {
            self.unsent_unheard(to, unsent);
        }
    }

    #[cold]
    fn unsent_unheard(&self, to: Pid, mut envelope: Envelope) {
        match envelope.take_marks(FULL | MAY_WAIT) {
            0 => self.undeliverable(to, envelope),
            _ => self.drop_full(to, envelope, DeadReason::Full),
        }
    }

    /// Delivers the message of a timer that the process itself has armed: its bound is the number of
    /// timers.
    pub(crate) fn send_own_timer(&self, to: Pid, envelope: Envelope) {
        let unsent = match self.living(to) {
            Some(block) => self.push_into(block, to, envelope),
            None => Err(envelope),
        };
        if let Err(envelope) = unsent {
            self.undeliverable(to, envelope);
        }
    }

    #[cold]
    pub(crate) fn send_away(&self, to: Target<'_>, envelope: Envelope) -> Result<(), SendError> {
        self.send_away_by(Course::default(), to, envelope)
    }

    /// [`Core::send_away`], by this course.
    pub(crate) fn send_away_by(
        &self,
        course: Course,
        to: Target<'_>,
        envelope: Envelope,
    ) -> Result<(), SendError> {
        let (from, name, request) = (envelope.from(), envelope.name(), envelope.is_request());
        let sent = self.message_away(to.node(), course, envelope, |message| Frame::Message {
            to,
            message,
        });
        let reason = match sent {
            Ok(()) => return Ok(()),
            Err(Unsent::NoConnection) => DeadReason::NoConnection,
            Err(Unsent::Full) => return Err(SendError::Full),
            Err(Unsent::NoChannel(name)) => return Err(SendError::NoChannel(name)),
            Err(Unsent::Unwritten(why)) => match why.send_error() {
                Some(error) => return Err(error),
                None => DeadReason::NoName,
            },
        };
        if !request {
            self.report_dead(None, from, name, reason);
        }
        Ok(())
    }

    /// How a caller of this node is called on another.
    pub(crate) fn remote_caller(&self, caller: Caller, node: crate::NodeId) -> (Pid, u64) {
        match caller {
            Caller::Process { pid, id, .. } => {
                self.remember_peer(node, pid);
                (pid, id)
            }
            Caller::Guest(slot) => {
                let id = self.fresh_guest();
                self.guests.insert(id, slot, Some(node));
                (guest(self.id()), id)
            }
        }
    }

    pub(crate) fn fresh_guest(&self) -> u64 {
        self.counters
            .next_guest
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn send_signal(&self, to: Pid, signal: Signal) {
        if to.node() != self.id() {
            return self.signal_away(to, signal, None);
        }
        if to.slot() == GUEST_SLOT {
            return self.signal_guest(signal);
        }
        if let Err(unsent) = self.push(to, Envelope::signal(signal)) {
            self.unsent_unheard(to, unsent);
        }
    }

    pub(crate) fn exit_signal(&self, to: Pid, from: Pid, reason: Reason, kind: ExitKind) {
        self.send_signal(to, Signal::Exit { from, reason, kind });
    }

    fn signal_guest(&self, signal: Signal) {
        let Signal::Down { id, from, reason } = signal else {
            return;
        };
        if let Some(slot) = self.guests.take(id) {
            let monitor = MonitorRef {
                owner: guest(self.id()),
                id,
            };
            let down = crate::Down {
                monitor,
                pid: Some(from),
                node: from.node(),
                name: None,
                reason,
                tag: None,
            };
            slot.put(Envelope::signal(Signal::DownNotice(Box::new(down))));
        }
    }

    /// Answers a call of a process of this node. A late answer is dropped.
    #[inline]
    pub(crate) fn push_reply(&self, to: Pid, envelope: Envelope) {
        if let Err(late) = self.push(to, envelope) {
            late.discard(&CallError::NoProc);
        }
    }

    pub(crate) fn fail_call(&self, caller: Pid, id: u64, failure: &CallError) {
        if caller.slot() == GUEST_SLOT {
            if let Some(slot) = self.guests.take(id) {
                Caller::Guest(slot).fail(failure);
            }
            return;
        }
        let reply = crate::envelope::EncodedReply {
            id,
            answer: Err(failure.clone()),
        };
        self.push_reply(caller, Envelope::encoded_reply(reply));
    }

    /// Tells a server that a call it let out of its hands is over.
    pub(crate) fn call_closed(&self, server: Pid, address: usize) {
        if server.node() == self.id() {
            self.send_signal(server, Signal::CallClosed { address });
        }
    }

    /// Asks for a poll of a process.
    pub(crate) fn wake_process(&self, pid: Pid) {
        let Some(block) = self.living(pid) else {
            return;
        };
        if block.inbox.notify() == Pushed::Wake {
            self.enqueue(pid.slot(), block.priority());
        }
    }

    /// Deals with an envelope for an earlier tenant of a slot.
    pub(crate) fn undeliverable_here(&self, slot: u32, envelope: Envelope) {
        let generation = std::num::NonZeroU32::new(envelope.header().generation);
        let generation = generation.unwrap_or(std::num::NonZeroU32::MIN);
        self.undeliverable(Pid::new(self.id(), slot, generation), envelope);
    }

    /// Deals with an envelope for `to`, who is dead.
    #[cold]
    pub(crate) fn undeliverable(&self, to: Pid, envelope: Envelope) {
        let envelope = match envelope.is_signal() {
            true => match self.push_dying(to, envelope) {
                Ok(()) => return,
                Err(envelope) => envelope,
            },
            false => envelope,
        };
        match envelope.take_signal() {
            Err(envelope) => match envelope.kind() {
                Kind::Reply | Kind::EncodedReply => envelope.discard(&CallError::NoProc),
                _ => self.dead_letter(to, envelope, DeadReason::NoProc, &CallError::NoProc),
            },
            Ok(signal) => self.signal_undeliverable(to, signal),
        }
    }

    /// Delivers a signal to a process that is dying. It is refused when the state is dropped and the
    /// death told, so that nobody who asks by it, with a monitor or a link, learns of it sooner.
    fn push_dying(&self, to: Pid, envelope: Envelope) -> Result<(), Envelope> {
        let block = self.table().find(to.slot());
        match block.filter(|block| block.is_dying(to.tenancy())) {
            // If that wakes a later tenant, it sees that this is not for it.
            Some(block) => self.push_into(block, to, envelope),
            None => Err(envelope),
        }
    }

    fn signal_undeliverable(&self, to: Pid, signal: Signal) {
        match signal {
            Signal::Link { from } => {
                self.exit_signal(from, to, Reason::NoProc, ExitKind::Link);
            }
            Signal::Monitor { watcher, id, .. } => {
                let reason = Reason::NoProc;
                self.send_signal(
                    watcher,
                    Signal::Down {
                        id,
                        from: to,
                        reason,
                    },
                );
            }
            Signal::Unlink { from, id } => {
                self.send_signal(from, Signal::UnlinkAck { from: to, id });
            }
            Signal::Info(request) => request.caller.fail(&CallError::NoProc),
            Signal::Suspend { caller, .. } | Signal::Resume { caller, .. } => {
                caller.fail(&CallError::NoProc);
            }
            Signal::Alias { message, .. } => {
                self.dead_letter(to, message, DeadReason::NoProc, &CallError::NoProc);
            }
            _ => {}
        }
    }

    /// Counts and shows a message that reached nobody; a call in it fails with `failure`.
    #[cold]
    pub(crate) fn dead_letter(
        &self,
        to: Pid,
        envelope: Envelope,
        reason: DeadReason,
        failure: &CallError,
    ) {
        if !envelope.is_request() {
            self.report_dead(Some(to), envelope.from(), envelope.name(), reason);
        }
        envelope.discard(failure);
    }

    pub(crate) fn report_dead(
        &self,
        to: Option<Pid>,
        from: Option<Pid>,
        message: &'static str,
        reason: DeadReason,
    ) {
        self.dead.report(
            || DeadLetter {
                to,
                from,
                message,
                reason,
            },
            reason,
        );
    }

    /// As `send_named`, when nobody hears the error: without a place it is a dead letter.
    pub(crate) fn send_named_unheard(&self, name: &str, envelope: Envelope) {
        match self.names().find(name) {
            Some(pid) if envelope.from() == Some(pid) => self.send_own_timer(pid, envelope),
            Some(pid) => self.send_unheard(pid, envelope),
            None => {
                let _ = self.send_named(name, envelope);
            }
        }
    }

    /// Sends to whoever has the name now. A call to nobody fails, a message is a dead letter; the
    /// error says so to those who ask.
    pub(crate) fn send_named(&self, name: &str, envelope: Envelope) -> Result<(), SendError> {
        self.send_found(self.names().find(name), || name.into(), envelope)
    }

    /// As [`Core::send_named`], to whoever was found by something that people call `name`.
    pub(crate) fn send_found(
        &self,
        found: Option<Pid>,
        name: impl FnOnce() -> Box<str>,
        envelope: Envelope,
    ) -> Result<(), SendError> {
        match found {
            Some(pid) => {
                let mut envelope = envelope;
                if envelope.kind() == Kind::Call {
                    envelope.set_server(pid);
                }
                self.send(pid, envelope)
            }
            None => {
                if envelope.kind() != Kind::Call {
                    let from = envelope.from();
                    self.report_dead(None, from, envelope.name(), DeadReason::NoName);
                }
                envelope.discard(&CallError::NoProc);
                Err(SendError::NoName(name()))
            }
        }
    }
}
