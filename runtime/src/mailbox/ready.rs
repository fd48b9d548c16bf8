//! How does a sender wait for a place in a mailbox?
//!
//! Role       Backpressure: [`Ready`] waits for a place and reserves it, [`Place`] is the reserved
//!            place, [`Reserved`] is one that an address carries.
//! Limit      A wait is bounded: 5 seconds unless it says otherwise.
//! Invariant  Who has waited longest gets the next place. A place or a wait that is dropped is free
//!            for the next one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use super::gate::Wait;
use super::limit::Limit;
use crate::envelope::Envelope;
use crate::platform::current;
use crate::process::{Deadline, Message};
use crate::{CALL_TIMEOUT, Node, Pid, SendError};

/// Why nobody got a place in a mailbox. Nothing was sent, and none is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadyError {
    /// No place was free in time.
    Timeout,
    /// The process would have waited for itself to handle a message.
    OwnMailbox,
}

impl fmt::Display for ReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "the mailbox was full until the time ran out",
            Self::OwnMailbox => "a process would have waited for a place in its own mailbox",
        })
    }
}

impl std::error::Error for ReadyError {}

/// An entry among those who wait.
pub(crate) struct Waiter {
    limit: Arc<Limit>,
    entry: Option<u64>,
}

impl Waiter {
    pub(crate) fn new(limit: Arc<Limit>) -> Self {
        Self { limit, entry: None }
    }

    /// The place, when there is one; `None` in it when none is needed.
    pub(crate) fn poll(&mut self, node: &Node, cx: &Context<'_>) -> Poll<Place> {
        match self.limit.wait(&mut self.entry, cx.waker()) {
            Wait::Waiting => Poll::Pending,
            Wait::Free => Poll::Ready(Place::free(node, self.limit.pid)),
            Wait::Reserved => {
                let limit = Arc::clone(&self.limit);
                Poll::Ready(Place {
                    node: node.clone(),
                    pid: limit.pid,
                    limit: Some(limit),
                })
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            self.limit.cancel(entry);
        }
    }
}

/// A place for one message in the mailbox of a process. Dropped unused, it is free for the next one.
#[must_use = "a place that is dropped is free for the next one"]
pub struct Place {
    node: Node,
    pid: Pid,
    /// `None` when nothing need be reserved: the mailbox has no bound, drops its oldest, is on
    /// another node, or its process has ended.
    limit: Option<Arc<Limit>>,
}

impl Place {
    fn free(node: &Node, pid: Pid) -> Self {
        Self {
            node: node.clone(),
            pid,
            limit: None,
        }
    }

    /// Whose mailbox it is in.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it is taken from the mailbox's bound: `false` where there is always one.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.limit.is_some()
    }

    /// Sends a message to a plain process. To one that has ended it is a dead letter.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the message is local and the process on another node.
    pub fn send<M: Message>(self, message: M) -> Result<(), SendError> {
        self.send_envelope(Envelope::plain(message))
    }

    /// Sends an envelope.
    ///
    /// # Errors
    /// As [`Place::send`].
    pub fn send_envelope(mut self, envelope: Envelope) -> Result<(), SendError> {
        let (core, pid) = (self.node.core(), self.pid);
        let Some(limit) = self.limit.take() else {
            return core.send(pid, envelope);
        };
        if let Err(envelope) = core.push_reserved(&limit, envelope) {
            core.undeliverable(pid, envelope);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(limit) = self.limit.take() {
            limit.release();
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.pid)
    }
}

/// A place that an address carries: the first message through it takes the place, others go the way
/// of all.
#[derive(Clone)]
pub struct Reserved(Arc<Carried>);

struct Carried {
    pid: Pid,
    place: std::sync::Mutex<Option<Place>>,
    used: AtomicBool,
}

impl Reserved {
    /// Lets an address carry `place`.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self(Arc::new(Carried {
            pid: place.pid,
            place: std::sync::Mutex::new(Some(place)),
            used: AtomicBool::new(false),
        }))
    }

    /// Whose mailbox it is in.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.0.pid
    }

    /// The place, for whoever comes first.
    pub(crate) fn take(&self) -> Option<Place> {
        if self.0.used.swap(true, Ordering::AcqRel) {
            return None;
        }
        let place = self.0.place.lock();
        place
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }
}

impl fmt::Debug for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reserved({})", self.0.pid)
    }
}

/// Waits for a place in a mailbox: 5 seconds, unless [`Ready::timeout`] says otherwise.
///
/// For a mailbox without a bound, one that drops its oldest, one on another node, or one whose process
/// has ended, there is a place at once.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Ready {
    node: Node,
    pid: Pid,
    waiter: Option<Waiter>,
    deadline: Deadline,
}

impl Ready {
    /// Waits at most so long, from now on.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.deadline = Deadline::after(&self.node, bound);
        self
    }
}

impl Future for Ready {
    type Output = Result<Place, ReadyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(waiter) = &mut this.waiter else {
            return Poll::Ready(Ok(Place::free(&this.node, this.pid)));
        };
        if let Poll::Ready(place) = waiter.poll(&this.node, cx) {
            return Poll::Ready(Ok(place));
        }
        if current::pid() == Some(this.pid) {
            return Poll::Ready(Err(ReadyError::OwnMailbox));
        }
        this.deadline
            .poll(&this.node, cx)
            .map(|()| Err(ReadyError::Timeout))
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready({})", self.pid)
    }
}

impl Node {
    /// Waits for a place in the mailbox of a process, and reserves it.
    pub fn ready(&self, to: impl Into<Pid>) -> Ready {
        let pid = to.into();
        let own = pid.node() == self.id();
        let limit = own.then(|| self.core().limits().find(pid)).flatten();
        Ready {
            node: self.clone(),
            pid,
            waiter: limit.map(Waiter::new),
            deadline: Deadline::after(self, CALL_TIMEOUT),
        }
    }
}
