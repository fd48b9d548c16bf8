//! What is a process's code, to the scheduler?
//!
//! Role       The lowest interface of the runtime: server, supervisor and plain functions are
//!            built on it.
//! Outputs    [`Behaviour`], polled until it says why it ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::turn::{Turn, WaitingCall};
use crate::Reason;

/// The code and state of a process.
///
/// The scheduler polls it when a message or signal arrived, when its waker was woken or a deadline
/// passed. It must take its messages from the [`Turn`] and return `Pending` when there is none.
pub trait Behaviour: Send + 'static {
    /// The name of the code, for people.
    fn name(&self) -> &'static str;

    /// Runs until it has to wait. `Ready` ends the process with that reason.
    fn poll(self: Pin<&mut Self>, turn: &mut Turn<'_>, cx: &mut Context<'_>) -> Poll<Reason>;

    /// The poll panicked, for this reason. What is to be done before the process ends; it is polled
    /// on when this returns `Pending`.
    fn panicked(self: Pin<&mut Self>, reason: Reason, _cx: &mut Context<'_>) -> Poll<Reason> {
        Poll::Ready(reason)
    }

    /// The call that its code is about to answer, when that has to wait. For whoever looks who waits
    /// for whom, and never while it is polled.
    fn serves(&self) -> Option<&WaitingCall> {
        None
    }

    /// The state as text for a crash report, if it may be shown.
    fn describe(self: Pin<&mut Self>) -> Option<String> {
        None
    }
}

/// A plain function as a process: it ends `Normal` when the function returns.
pub(crate) struct FnBody<F> {
    pub(crate) name: &'static str,
    pub(crate) future: F,
}

impl<F: Future<Output = Reason> + Send + 'static> Behaviour for FnBody<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn poll(self: Pin<&mut Self>, _: &mut Turn<'_>, cx: &mut Context<'_>) -> Poll<Reason> {
        // SAFETY: `future` is pinned with `self` and never moved out.
        unsafe { self.map_unchecked_mut(|body| &mut body.future) }.poll(cx)
    }
}
