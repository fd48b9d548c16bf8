//! How is a trace read, and how does it end?
//!
//! Outputs    [`TraceStream`]: the events of one session, for one reader.
//! Invariant  Dropping it ends the session: no process is traced for a reader that is gone.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::channel::Channel;
use super::event::TraceEvent;
use super::spec::{Choice, Trace, TraceError};
use crate::{Node, process};

impl Node {
    /// Traces processes of this node until the stream is dropped. Processes that run take part from
    /// their next turn on.
    ///
    /// # Errors
    /// [`TraceError`]: nobody is traced.
    pub fn trace(&self, mut trace: Trace) -> Result<TraceStream, TraceError> {
        check(self, &trace)?;
        if let Some(me) = process::me() {
            trace.except.push(me.pid());
        }
        let core = self.core();
        let (nth, channel) = core.tracer().begin(core, trace)?;
        let stream = TraceStream {
            node: self.clone(),
            nth,
            channel,
        };
        core.tracer().attach(core, nth);
        Ok(stream)
    }
}

fn check(node: &Node, trace: &Trace) -> Result<(), TraceError> {
    if trace.choices.is_empty() {
        return Err(TraceError::Nobody);
    }
    if trace.flags == 0 {
        return Err(TraceError::Nothing);
    }
    if trace.capacity == 0 || trace.rate == 0 {
        return Err(TraceError::NoRoom);
    }
    let foreign = |choice: &Choice| match choice {
        Choice::One(pid) | Choice::ChildrenOf(pid) => pid.node() != node.id(),
        _ => false,
    };
    if trace.choices.iter().any(foreign) {
        return Err(TraceError::Foreign);
    }
    Ok(())
}

/// The events of a trace, oldest first. Also a [`Stream`] without an end, for a server's
/// `Cx::attach`.
pub struct TraceStream {
    node: Node,
    nth: usize,
    channel: Arc<Channel>,
}

impl TraceStream {
    fn now(&self) -> u64 {
        self.node.core().clock().now()
    }

    /// The next event, when there is one.
    pub async fn next(&mut self) -> TraceEvent {
        std::future::poll_fn(|cx| self.channel.poll(self.now(), cx.waker())).await
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<TraceEvent> {
        self.channel.take(self.now())
    }

    /// How many events were lost so far, because nobody read them in time or the rate was exceeded.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.channel.lost()
    }

    /// Traces nobody until [`TraceStream::resume`]; what was buffered stays. Meanwhile it costs the
    /// node nothing.
    pub fn pause(&mut self) {
        let core = self.node.core();
        core.tracer().detach(core, self.nth, false);
    }

    /// Goes on: with those that are chosen now, and those that come.
    pub fn resume(&mut self) {
        let core = self.node.core();
        core.tracer().go_on(core, self.nth);
    }
}

impl Drop for TraceStream {
    fn drop(&mut self) {
        let core = self.node.core();
        core.tracer().detach(core, self.nth, true);
    }
}

impl Stream for TraceStream {
    type Item = TraceEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TraceEvent>> {
        self.channel.poll(self.now(), cx.waker()).map(Some)
    }
}

impl fmt::Debug for TraceStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceStream")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
