//! Answers that are no typed value, and where code outside any process waits for one.
//!
//! Role       [`EncodedReply`]: an answer as bytes, or a failure; [`GuestCall`]: one waiting place.
//! Invariant  A waiting place takes one answer; what comes later is dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::typed::Internal;
use super::{Envelope, Kind};
use crate::CallError;

/// An answer that is no typed value: from another node, or a failure.
pub(crate) struct EncodedReply {
    pub(crate) id: u64,
    pub(crate) answer: Result<Vec<u8>, CallError>,
}

impl Internal for EncodedReply {
    const KIND: Kind = Kind::EncodedReply;
    const NAME: &'static str = "reply from another node";

    fn refuse(self, _: &CallError) {}
}

impl Envelope {
    pub(crate) fn encoded_reply(reply: EncodedReply) -> Self {
        Self::internal(reply)
    }

    /// The number under which the caller waits for this answer from elsewhere.
    pub(crate) fn encoded_reply_id(&self) -> u64 {
        self.internal_ref::<EncodedReply>()
            .map_or(0, |reply| reply.id)
    }

    pub(crate) fn take_encoded_reply(self) -> Result<EncodedReply, Self> {
        self.take_internal()
    }
}

/// Where code outside any process waits for one answer.
pub(crate) struct GuestCall {
    state: Mutex<(Option<Envelope>, Option<Waker>)>,
}

impl std::fmt::Debug for GuestCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuestCall")
    }
}

impl GuestCall {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new((None, None)),
        })
    }

    pub(crate) fn put(&self, envelope: Envelope) {
        let (late, waker) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let late = if state.0.is_none() {
                state.0.replace(envelope)
            } else {
                Some(envelope)
            };
            (late, state.1.take())
        };
        if let Some(late) = late {
            late.discard(&CallError::NoProc);
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.0.take() {
            Some(envelope) => Poll::Ready(envelope),
            None => {
                state.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for GuestCall {
    fn drop(&mut self) {
        // An answer that nobody waited for: whoever drops it last is not to blame for its drop.
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = state.0.take() {
            answer.discard(&CallError::NoProc);
        }
    }
}
