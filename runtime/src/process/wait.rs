//! Waiting, with a bound.
//!
//! Role       What calls, questions and receives share: a deadline, and a place where one answer
//!            arrives.
//! Invariant  A deadline never passes early. One that is a second or more away is taken from the
//!            coarse clock, and passes later by as much as that clock was ever behind. A process
//!            has one alarm, armed when it first waits and left running while it still fits.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::local::PendingCall;
use crate::envelope::{Caller, Envelope, GuestCall};
use crate::platform::current;
use crate::scheduler::Running;
use crate::timer::{Action, Key};
use crate::{CallError, Me, Node, NodeId};

const COARSE_FROM: Duration = Duration::from_secs(1);

/// When a wait is over, and the timer that says so to a foreign waker.
pub(crate) struct Deadline {
    node: Node,
    at: u64,
    coarse: bool,
    armed: Option<Key>,
}

impl Deadline {
    pub(crate) fn after(node: Node, bound: Duration) -> Self {
        let clock = node.core().clock();
        let coarse = bound >= COARSE_FROM && current::scheduler().is_some();
        let now = if coarse { clock.coarse() } else { clock.now() };
        let at = now.saturating_add(crate::time::nanos(bound));
        Self {
            node,
            at,
            coarse,
            armed: None,
        }
    }

    /// A deadline on the exact clock, however far away.
    pub(crate) fn exact(node: Node, bound: Duration) -> Self {
        let at = node
            .core()
            .clock()
            .now()
            .saturating_add(crate::time::nanos(bound));
        Self {
            node,
            at,
            coarse: false,
            armed: None,
        }
    }

    fn due(&self) -> u64 {
        let lag = if self.coarse {
            self.node.core().clock().coarse_lag()
        } else {
            0
        };
        self.at.saturating_add(lag)
    }

    pub(crate) fn has_passed(&self) -> bool {
        let clock = self.node.core().clock();
        // The coarse clock is never ahead: if it says no, it may be yes, but not by much.
        clock.coarse() >= self.due() || clock.now() >= self.due()
    }

    /// Whether the deadline has passed; if not, the task is woken when it has.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let own = current::process()
            .filter(|running| running.core().id() == self.node.id())
            .filter(|running| super::is_own(running, cx.waker()));
        if let Some(running) = own {
            if may_have_passed(running, self.due()) && self.has_passed() {
                return Poll::Ready(());
            }
            set_alarm(running, self.due());
            return Poll::Pending;
        }
        if self.has_passed() {
            return Poll::Ready(());
        }
        let core = self.node.core();
        if let Some(old) = self.armed.take() {
            core.timers().cancel(old);
        }
        self.armed = Some(core.arm(0, self.due(), Action::Waker(cx.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some(key) = self.armed.take() {
            self.node.core().timers().cancel(key);
        }
    }
}

/// Whether the process's alarm, which is never later than `due`, has gone off.
fn may_have_passed(running: &Running, due: u64) -> bool {
    let alarm = running.local(|local| local.extra.as_ref().and_then(|extra| extra.alarm));
    match alarm {
        Some((key, at)) if at <= due => running.core().timers().deadline(key).is_none(),
        _ => true,
    }
}

/// Sees to it that the running process is polled at `at` or before.
fn set_alarm(running: &Running, at: u64) {
    let core = running.core();
    let alarm = running.extra(|extra| extra.alarm);
    if let Some((key, set)) = alarm {
        if set <= at && core.timers().deadline(key).is_some() {
            return;
        }
        core.timers().cancel(key);
    }
    let key = core.arm(running.slot(), at, Action::Wake(running.pid()));
    running.extra(|extra| extra.alarm = Some((key, at)));
}

/// The place where one answer arrives.
pub(crate) enum Pending {
    Process(Me, u64),
    Guest(Arc<GuestCall>),
}

impl Pending {
    /// Makes ready for an answer from `target`, and says where it must be sent.
    pub(crate) fn begin(node: &Node, target: Option<NodeId>) -> (Self, Caller) {
        match current::process().filter(|running| running.core().id() == node.id()) {
            Some(running) => {
                let id = running.extra(|extra| {
                    let id = extra.fresh_id();
                    let node = target.filter(|target| *target != node.id());
                    extra.calls.push(PendingCall {
                        id,
                        node,
                        reply: None,
                        waker: None,
                    });
                    id
                });
                let (node, pid) = (node.clone(), running.pid());
                (
                    Self::Process(Me::of(running), id),
                    Caller::Process { node, pid, id },
                )
            }
            None => {
                let slot = GuestCall::new();
                (Self::Guest(Arc::clone(&slot)), Caller::Guest(slot))
            }
        }
    }

    /// The answer, if it has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let (me, id) = match self {
            Self::Guest(slot) => return slot.poll(cx),
            Self::Process(me, id) => (*me, *id),
        };
        let running = me.running();
        if running.block().inbox.has_arrivals() {
            super::fetch(running);
        }
        let own = super::is_own(running, cx.waker());
        running.extra(|extra| {
            let Some(at) = extra.calls.iter().position(|call| call.id == id) else {
                return Poll::Pending;
            };
            match extra.calls[at].reply.take() {
                Some(reply) => {
                    extra.calls.swap_remove(at);
                    Poll::Ready(reply)
                }
                None => {
                    extra.calls[at].waker = (!own).then(|| cx.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Self::Process(me, id) = *self else { return };
        // Dropped elsewhere (a call moved to another task): the entry stays until the process ends.
        let Some(running) = current::process().filter(|running| running.pid() == me.pid()) else {
            return;
        };
        let reply = running.local(|local| {
            let calls = &mut local.extra.as_mut()?.calls;
            let at = calls.iter().position(|call| call.id == id)?;
            Some(calls.swap_remove(at))
        });
        drop(reply);
    }
}

/// The bytes of an answer that is no typed value.
pub(crate) fn bytes_of(envelope: Envelope) -> Result<Vec<u8>, CallError> {
    match envelope.take_encoded_reply() {
        Ok(reply) => reply.answer,
        Err(_) => Err(CallError::NoReply),
    }
}
