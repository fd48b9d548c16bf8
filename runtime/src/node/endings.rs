//! What is to be done before a node ends, and why does it?
//!
//! Role       The hooks of [`Node::before_shutdown`](super::Node::before_shutdown), and the failure that
//!            somebody has declared.
//! Limit      [`HOOKS_MAX`] hooks: one more pushes out the oldest.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::Node;

const HOOKS_MAX: usize = 1024;

pub(super) type Hook =
    Box<dyn Fn(Node, Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Endings(Mutex<State>);

#[derive(Default)]
struct State {
    hooks: Vec<Hook>,
    failed: Option<Arc<str>>,
    wakers: Vec<Waker>,
}

impl Endings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, hook: Hook) {
        let mut state = self.state();
        let oldest = (state.hooks.len() == HOOKS_MAX).then(|| state.hooks.remove(0));
        state.hooks.push(hook);
        drop(state);
        drop(oldest);
    }

    /// The last hook that has not run.
    pub(super) fn next(&self) -> Option<Hook> {
        self.state().hooks.pop()
    }

    pub(super) fn fail(&self, why: &str) {
        let mut state = self.state();
        state.failed.get_or_insert_with(|| why.into());
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn poll_failed(&self, cx: &mut Context<'_>) -> Poll<Arc<str>> {
        let mut state = self.state();
        match &state.failed {
            Some(why) => Poll::Ready(Arc::clone(why)),
            None => {
                state.wakers.retain(|waker| !waker.will_wake(cx.waker()));
                state.wakers.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
