//! A question to a process's runtime half, and waiting for one death.
//!
//! Role       `process_info`, suspend and resume ask by signal; [`AwaitDown`] waits for a monitor
//!            without searching the queue for what comes later.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::local::Awaited;
use super::wait::{Deadline, Pending, bytes_of};
use crate::envelope::{Caller, Down, Signal};
use crate::{CallError, Me, MonitorRef, Node, Pid};

/// Sends a signal that is answered, and waits for the answer.
pub(crate) async fn ask(
    node: Node,
    target: Pid,
    bound: Duration,
    signal: impl FnOnce(Caller) -> Signal,
) -> Result<Vec<u8>, CallError> {
    let (mut pending, caller) = Pending::begin(&node, Some(target.node()));
    node.core().send_signal(target, signal(caller));
    let mut deadline = Deadline::after(&node, bound);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(envelope) = pending.poll(cx) {
            return Poll::Ready(bytes_of(envelope));
        }
        deadline.poll(&node, cx).map(|()| Err(CallError::Timeout))
    })
    .await
}

/// Waits for a monitor of the running process to fire.
pub(crate) struct AwaitDown {
    me: Me,
    monitor: MonitorRef,
    registered: bool,
}

impl AwaitDown {
    pub(crate) fn new(me: Me, monitor: MonitorRef) -> Self {
        Self {
            me,
            monitor,
            registered: false,
        }
    }
}

impl Future for AwaitDown {
    type Output = Down;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Down> {
        let (me, monitor) = (self.me, self.monitor);
        let running = me.running();
        super::fetch(running);
        let own = super::is_own(running, cx.waker());
        if !self.registered {
            self.registered = true;
            if let Some(down) = queued(running, monitor) {
                return Poll::Ready(down);
            }
            running.extra(|extra| {
                extra.awaited.push(Awaited {
                    id: monitor.id,
                    down: None,
                    waker: None,
                });
            });
        }
        running.extra(|extra| {
            let awaited = extra
                .awaited
                .iter_mut()
                .find(|awaited| awaited.id == monitor.id);
            let Some(awaited) = awaited else {
                return Poll::Pending;
            };
            match awaited.down.take() {
                Some(down) => Poll::Ready(down),
                None => {
                    awaited.waker = (!own).then(|| cx.waker().clone());
                    running.waits.set(own || running.waits.get());
                    Poll::Pending
                }
            }
        })
    }
}

/// The down of this monitor, if it was queued before anybody awaited it.
fn queued(running: &crate::scheduler::Running, monitor: MonitorRef) -> Option<Down> {
    let watched = running.local(|local| {
        local
            .extra
            .as_ref()?
            .watches
            .contains_key(&monitor.id)
            .then_some(())
    });
    if watched.is_some() {
        return None;
    }
    let is_it = |envelope: &crate::Envelope| {
        matches!(envelope.as_signal(),
            Some(Signal::DownNotice(down)) if down.monitor == monitor)
    };
    let envelope = running.take_first(is_it)?;
    match envelope.take_signal() {
        Ok(Signal::DownNotice(down)) => Some(*down),
        _ => None,
    }
}

impl Drop for AwaitDown {
    fn drop(&mut self) {
        let Some(running) = self.me.if_running() else {
            return;
        };
        let id = self.monitor.id;
        let down = running.local(|local| {
            let awaited = &mut local.extra.as_mut()?.awaited;
            let at = awaited.iter().position(|awaited| awaited.id == id)?;
            awaited.swap_remove(at).down
        });
        // It fired, and nobody took it: it is a message again.
        if let Some(down) = down {
            let notice = Signal::DownNotice(Box::new(down));
            running.enqueue_message(crate::Envelope::signal(notice));
        }
    }
}
