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
use crate::node::Core;
use crate::platform::current;
use crate::scheduler::Running;
use crate::timer::{Action, Key};
use crate::{CallError, Me, Node, NodeId};

const COARSE_FROM: Duration = Duration::from_secs(1);

/// When a wait is over, and the timer that says so to a foreign waker.
pub(crate) struct Deadline {
    at: u64,
    coarse: bool,
    armed: Option<(Node, Key)>,
}

impl Deadline {
    /// So long from now on the node's clock; the coarse one if that is fine enough.
    #[inline]
    pub(crate) fn after(node: &Node, bound: Duration) -> Self {
        let clock = node.core().clock();
        let coarse = bound >= COARSE_FROM && current::scheduler().is_some();
        let now = if coarse { clock.coarse() } else { clock.now() };
        let at = now.saturating_add(crate::time::nanos(bound));
        Self {
            at,
            coarse,
            armed: None,
        }
    }

    /// A deadline on the exact clock, however far away.
    pub(crate) fn exact(node: &Node, bound: Duration) -> Self {
        let now = node.core().clock().now();
        let at = now.saturating_add(crate::time::nanos(bound));
        Self {
            at,
            coarse: false,
            armed: None,
        }
    }

    #[inline]
    fn due(&self, core: &Core) -> u64 {
        let lag = if self.coarse {
            core.clock().coarse_lag()
        } else {
            0
        };
        self.at.saturating_add(lag)
    }

    /// Whether the deadline has passed on this node's clock; if not, the task is woken when it has.
    ///
    /// Inside a process the coarse clock decides: it is never ahead, and it is refreshed before the
    /// process's alarm goes off.
    #[inline]
    pub(crate) fn poll(&mut self, node: &Node, cx: &mut Context<'_>) -> Poll<()> {
        let core = node.core();
        let due = self.due(core);
        if core.clock().coarse() >= due {
            return passed(cx);
        }
        let own = current::process()
            .filter(|running| std::ptr::eq(running.core(), core))
            .filter(|running| super::is_own(running, cx.waker()));
        match own {
            Some(running) => {
                if !has_alarm(running, due) && set_alarm(running, due).is_ready() {
                    return passed(cx);
                }
                Poll::Pending
            }
            None => self.arm(node, due, cx),
        }
    }

    #[cold]
    fn arm(&mut self, node: &Node, due: u64, cx: &mut Context<'_>) -> Poll<()> {
        if node.core().clock().now() >= due {
            return passed(cx);
        }
        self.disarm();
        let key = node.core().arm(0, due, Action::Waker(cx.waker().clone()));
        self.armed = Some((node.clone(), key));
        Poll::Pending
    }

    fn disarm(&mut self) {
        if let Some((node, key)) = self.armed.take() {
            node.core().timers().cancel(key);
        }
    }
}

impl Drop for Deadline {
    #[inline]
    fn drop(&mut self) {
        if self.armed.is_some() {
            self.disarm();
        }
    }
}

/// A deadline has passed. A process whose slice is over, or who is to end, hears of it when it has
/// yielded: a loop over a receive that finds no budget, and a timeout, would never yield.
fn passed(cx: &Context<'_>) -> Poll<()> {
    match current::process() {
        Some(running) if running.yielded.get() || running.is_doomed() => {
            if !super::is_own(running, cx.waker()) {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }
        _ => Poll::Ready(()),
    }
}

/// Whether the process has an alarm that goes off at `due` or before, and has not yet.
#[inline]
fn has_alarm(running: &Running, due: u64) -> bool {
    let coarse = running.core().clock().coarse();
    running.local(|local| match &local.extra {
        Some(extra) => extra.alarm.is_some_and(|(_, at)| coarse < at && at <= due),
        None => false,
    })
}

/// Sees to it that the running process is polled at `at`; `Ready` when that is now.
#[cold]
fn set_alarm(running: &Running, at: u64) -> Poll<()> {
    let core = running.core();
    if core.clock().now() >= at {
        return Poll::Ready(());
    }
    if let Some((old, _)) = running.extra(|extra| extra.alarm.take()) {
        core.timers().cancel(old);
    }
    let key = core.arm(running.slot(), at, Action::Wake(running.pid()));
    running.extra(|extra| extra.alarm = Some((key, at)));
    Poll::Pending
}

/// The place where one answer arrives.
pub(crate) enum Pending {
    Process(Me, u64),
    Guest(Arc<GuestCall>),
    /// The answer was taken.
    Over,
}

impl Pending {
    /// Makes ready for an answer from `target`, and says where it must be sent.
    #[inline]
    pub(crate) fn begin(node: Node, target: Option<NodeId>) -> (Self, Caller) {
        match current::process().filter(|running| running.core().id() == node.id()) {
            Some(running) => {
                let target = target.filter(|target| *target != node.id());
                let id = running.extra(|extra| {
                    let id = extra.fresh_id();
                    extra.calls.push(PendingCall {
                        id,
                        node: target,
                        reply: None,
                        waker: None,
                    });
                    id
                });
                let me = Me::of(running);
                (
                    Self::Process(me, id),
                    Caller::Process {
                        node,
                        pid: me.pid(),
                        id,
                    },
                )
            }
            None => {
                let slot = GuestCall::new();
                (Self::Guest(Arc::clone(&slot)), Caller::Guest(slot))
            }
        }
    }

    /// The answer, if it has come.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let (me, id) = match self {
            Self::Process(me, id) => (*me, *id),
            Self::Guest(slot) => return slot.poll(cx),
            Self::Over => return Poll::Pending,
        };
        let running = me.running();
        super::fetch(running);
        let own = super::is_own(running, cx.waker());
        let reply = running.local(|local| {
            let calls = &mut local.extra.as_mut()?.calls;
            let at = calls.iter().position(|call| call.id == id)?;
            if calls[at].reply.is_some() {
                return calls.swap_remove(at).reply;
            }
            if !own {
                calls[at].waker = Some(cx.waker().clone());
            }
            None
        });
        match reply {
            Some(reply) => {
                *self = Self::Over;
                Poll::Ready(reply)
            }
            None => {
                running.waits.set(own || running.waits.get());
                Poll::Pending
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Self::Process(me, id) = *self else { return };
        // Dropped elsewhere (a call moved to another task): the entry stays until the process ends.
        let Some(running) = me.if_running() else {
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
