//! Waiting, with a bound.
//!
//! Role       What calls, questions and receives share: a deadline, and a place where one answer
//!            arrives.
//! Invariant  A deadline never passes early. One that is a second or more away is taken from the
//!            coarse clock, and passes later by as much as that clock was ever behind. A process
//!            has one alarm, armed when it first waits and left running while it still fits.

use crate::planted::{self, Bug};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::envelope::{Caller, Envelope, GuestCall};
use crate::mailbox::Waiter;
use crate::node::Core;
use crate::platform::current;
use crate::scheduler::Running;
use crate::timer::{Action, Key};
use crate::{CallError, Me, Node, NodeId, Pid};

const COARSE_FROM: Duration = Duration::from_secs(1);

/// When a wait is over, and the timer that says so to a foreign waker.
pub(crate) struct Deadline {
    at: u64,
    coarse: bool,
    /// It has passed, and its process was let yield before it hears of that.
    held: bool,
    armed: Option<Box<(Node, Key)>>,
}

impl Deadline {
    /// So long from now on the node's clock; the coarse one if that is fine enough.
    #[inline]
    pub(crate) fn after(node: &Node, bound: Duration) -> Self {
        Self::of(node.core(), bound, current::scheduler().is_some())
    }

    /// `inside`: for somebody who runs on a scheduler.
    #[inline]
    pub(crate) fn of(core: &Core, bound: Duration, inside: bool) -> Self {
        let clock = core.clock();
        let coarse = bound >= COARSE_FROM && inside;
        let now = if coarse { clock.coarse() } else { clock.now() };
        let at = now.saturating_add(crate::time::nanos(bound));
        Self {
            at,
            coarse,
            held: false,
            armed: None,
        }
    }

    /// Begins: this one does not run yet.
    #[inline]
    pub(crate) fn begin(&mut self, deadline: Self) {
        debug_assert!(self.armed.is_none(), "the deadline is running");
        std::mem::forget(std::mem::replace(self, deadline));
    }

    /// A deadline that does not pass.
    pub(crate) fn never() -> Self {
        Self {
            at: u64::MAX,
            coarse: false,
            held: false,
            armed: None,
        }
    }

    /// Whether this is [`Deadline::never`].
    #[inline]
    pub(crate) fn is_never(&self) -> bool {
        self.at == u64::MAX
    }

    /// When the exact clock shows `at`.
    pub(crate) fn at(at: Duration) -> Self {
        Self {
            at: crate::time::nanos(at),
            coarse: false,
            held: false,
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
            held: false,
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
            return self.passed(cx);
        }
        let own = current::process()
            .filter(|running| std::ptr::eq(running.core(), core))
            .filter(|running| super::is_own(running, cx.waker()));
        match own {
            Some(running) if has_alarm(running, due) || set_alarm(running, due) => Poll::Pending,
            Some(_) => self.passed(cx),
            None => self.arm(node, due, cx),
        }
    }

    #[cold]
    fn arm(&mut self, node: &Node, due: u64, cx: &mut Context<'_>) -> Poll<()> {
        if node.core().clock().now() >= due {
            return self.passed(cx);
        }
        if self.armed.is_some() {
            self.disarm();
        }
        let key = node.core().arm(0, due, Action::Waker(cx.waker().clone()));
        self.armed = Some(Box::new((node.clone(), key)));
        Poll::Pending
    }

    /// It has passed. A process whose slice is over hears of it when it has yielded, once: a loop over a
    /// receive that finds no budget, and a timeout, would never yield. One that is to end does not
    /// hear of it.
    fn passed(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(running) = current::process() else {
            return Poll::Ready(());
        };
        let over = running.yielded.get() && !std::mem::replace(&mut self.held, true);
        if !over && !running.is_doomed() {
            return Poll::Ready(());
        }
        if !super::is_own(running, cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    #[cold]
    fn disarm(&mut self) {
        if let Some(armed) = self.armed.take() {
            let (node, key) = *armed;
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

/// Whether the process has an alarm that goes off at `due` or before, and has not yet.
#[inline]
fn has_alarm(running: &Running, due: u64) -> bool {
    let coarse = running.core().clock().coarse();
    running.local(|local| match &local.extra {
        Some(extra) => extra.alarm.is_some_and(|(_, at)| {
            let is_ahead = coarse < at || planted::is(Bug::TimerForgotten);
            is_ahead && at <= due
        }),
        None => false,
    })
}

/// Sees to it that the running process is polled at `at`; `false` when that is now.
#[cold]
fn set_alarm(running: &Running, at: u64) -> bool {
    let core = running.core();
    if core.clock().now() >= at {
        return false;
    }
    if let Some((old, _)) = running.extra(|extra| extra.alarm.take()) {
        core.timers().cancel(old);
    }
    let key = core.arm(running.slot(), at, Action::Wake(running.pid()));
    running.extra(|extra| extra.alarm = Some((key, at)));
    true
}

/// The place where one answer arrives.
pub(crate) enum Pending {
    Process(Me, u64),
    Guest(Arc<GuestCall>),
    /// The request waits for a place in a full mailbox.
    Place(Box<Placing>),
    /// The answer was taken.
    Over,
}

/// A request that waits for a place.
pub(crate) struct Placing {
    node: Node,
    waiter: Waiter,
    request: Option<Envelope>,
    /// Where its answer arrives, once it is sent.
    answer: Pending,
}

impl Pending {
    /// Makes ready for an answer from `target`, and says where it must be sent.
    #[inline]
    pub(crate) fn begin(node: &Node, target: Option<NodeId>) -> (Self, Caller) {
        match current::process().filter(|running| std::ptr::eq(running.core(), node.core())) {
            Some(running) => Self::begin_in(running, target.filter(|target| *target != node.id())),
            None => {
                let slot = GuestCall::new();
                (Self::Guest(Arc::clone(&slot)), Caller::Guest(slot))
            }
        }
    }

    /// Makes the running process ready for an answer from this node, or from `target`.
    #[inline(always)]
    pub(crate) fn begin_in(running: &Running, target: Option<NodeId>) -> (Self, Caller) {
        let away = target.map(|node| (node, running.core().connection_to(node)));
        let id = running.extra(|extra| {
            let id = extra.fresh_id();
            extra.calls.begin(id, away);
            id
        });
        let caller = Caller::Process {
            node: running.handle(),
            pid: running.pid(),
            id,
        };
        (Self::Process(Me::of(running), id), caller)
    }

    /// Whether the running process has nothing to do but wait for what it has just asked for. The
    /// short way of the first poll: nothing was fetched since [`Pending::begin_in`].
    #[inline]
    pub(crate) fn has_just_begun(running: &Running, deadline: &Deadline, cx: &Context<'_>) -> bool {
        if running.block().inbox.has_arrivals() || !super::is_own(running, cx.waker()) {
            return false;
        }
        let due = deadline.due(running.core());
        if !has_alarm(running, due) && !set_alarm(running, due) {
            return false;
        }
        running.waits.set(true);
        true
    }

    /// The answer, if it has come.
    #[inline(always)]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let (me, id) = match self {
            Self::Process(me, id) => (*me, *id),
            Self::Guest(slot) => return slot.poll(cx),
            Self::Place(_) => return self.poll_place(cx),
            Self::Over => panic!("a call was polled after it was done"),
        };
        let running = me.running();
        super::fetch(running);
        if let Some(reply) = running.local(|local| local.extra.as_mut()?.calls.take(id)) {
            // Its entry is gone: there is nothing to forget.
            std::mem::forget(std::mem::replace(self, Self::Over));
            return Poll::Ready(reply);
        }
        if super::is_own(running, cx.waker()) {
            running.waits.set(true);
            return Poll::Pending;
        }
        let waker = cx.waker().clone();
        running.extra(|extra| extra.calls.wake_for(id, waker));
        Poll::Pending
    }
}

impl Drop for Pending {
    #[inline]
    fn drop(&mut self) {
        if let Self::Process(me, id) = *self {
            Self::forget(me, id);
        }
    }
}

impl Pending {
    /// Waits for a place for `request`, then for its answer.
    #[cold]
    pub(crate) fn await_place(node: &Node, to: Pid, request: Envelope, answer: Self) -> Self {
        let Some(limit) = node.core().limits().find(to) else {
            // It has ended meanwhile: that is the answer.
            node.core().undeliverable(to, request);
            return answer;
        };
        Self::Place(Box::new(Placing {
            node: node.clone(),
            waiter: Waiter::new(limit),
            request: Some(request),
            answer,
        }))
    }

    #[cold]
    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let Self::Place(placing) = self else {
            unreachable!("only a request that waits for a place is polled here")
        };
        let Poll::Ready(place) = placing.waiter.poll(&placing.node, cx) else {
            return Poll::Pending;
        };
        let request = placing.request.take().expect("a request waits once");
        let answer = std::mem::replace(&mut placing.answer, Self::Over);
        *self = answer;
        // A request that cannot be sent answers itself.
        let _ = place.send_envelope(request);
        self.poll(cx)
    }

    /// An answer that is not waited for any more is dropped when it is fetched.
    #[cold]
    fn forget(me: Me, id: u64) {
        // Dropped elsewhere (a call moved to another task): the entry stays until the process ends.
        let Some(running) = me.if_running() else {
            return;
        };
        let reply = running.local(|local| local.extra.as_mut()?.calls.forget(id));
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
