//! What does an actor need only sometimes?
//!
//! Role       Keeps it apart from what every actor has; while there is none of it, the common case
//!            is all there is.

use std::time::Duration;

use foundation_runtime::{Reason, WaitingCall};

use super::method::BoxFuture;
use super::starter::Starter;
use crate::sys::Control;

/// What an actor needs only while it starts, waits in a handler or for silence, or is looked at.
#[derive(Default)]
pub(super) struct Later {
    pub(super) starter: Option<Starter>,
    pub(super) call: Option<WaitingCall>,
    pub(super) silence: Option<Silence>,
    pub(super) ending: Option<Reason>,
    pub(super) control: Option<Box<Control>>,
}

/// Waits for nothing to come for as long as this.
pub(super) struct Silence {
    pub(super) bound: Duration,
    pub(super) over: BoxFuture<'static, ()>,
}

impl Later {
    /// Gives up to wait for silence, and says for how long it was to last.
    pub(super) fn no_silence(&mut self) -> Option<Duration> {
        self.silence.take().map(|silence| silence.bound)
    }

    /// Whether it is needed no more.
    pub(super) fn is_over(&self) -> bool {
        self.starter.is_none()
            && self.call.is_none()
            && self.silence.is_none()
            && self.ending.is_none()
            && self.control.is_none()
    }
}
