//! How is it written why a process ended, or why a call failed?
//!
//! Role       A byte of kind, and what is in it: [`Reason`], [`Crash`], [`CallError`].
//! Limit      A reason of [`REASON_BYTES_MAX`]; a larger one is written as the atom `...`, so that
//!            the news of an end has room in a frame whatever the reason is.

use std::sync::Arc;

use super::FRAME_BYTES_MAX;
use super::error::{Flaw, WireError};
use super::input::Input;
use super::output::Output;
use super::term::LEFT_OUT;
use crate::{CallError, Crash, Reason, Stack, Term};

/// How long a reason may be.
pub(super) const REASON_BYTES_MAX: usize = FRAME_BYTES_MAX / 2;

const NORMAL: u8 = 0;
const SHUTDOWN: u8 = 1;
const SHUTDOWN_WITH: u8 = 2;
const KILL: u8 = 3;
const KILLED: u8 = 4;
const NO_PROC: u8 = 5;
const NO_CONNECTION: u8 = 6;
const CRASH: u8 = 7;
const OTHER: u8 = 8;

/// It is known where the crash was.
const LOCATION: u8 = 1;
/// The stack was taken.
const STACK: u8 = 2;

impl Output<'_> {
    pub(super) fn reason(&mut self, reason: &Reason) {
        let begin = self.bytes.len();
        self.whole_reason(reason);
        if self.bytes.len() - begin > REASON_BYTES_MAX {
            self.bytes.truncate(begin);
            self.whole_reason(&Reason::other(Term::atom(LEFT_OUT)));
        }
    }

    fn whole_reason(&mut self, reason: &Reason) {
        self.byte(match reason {
            Reason::Normal => NORMAL,
            Reason::Shutdown => SHUTDOWN,
            Reason::ShutdownWith(_) => SHUTDOWN_WITH,
            Reason::Kill => KILL,
            Reason::Killed => KILLED,
            Reason::NoProc => NO_PROC,
            Reason::NoConnection => NO_CONNECTION,
            Reason::Crash(_) => CRASH,
            Reason::Other(_) => OTHER,
        });
        match reason {
            Reason::ShutdownWith(term) | Reason::Other(term) => self.term(term),
            Reason::Crash(crash) => self.crash(crash),
            _ => {}
        }
    }

    fn crash(&mut self, crash: &Crash) {
        let location = crash.location.as_ref().map_or(0, |_| LOCATION);
        let stack = crash.backtrace.as_ref().map_or(0, |_| STACK);
        self.byte(location | stack);
        self.text(&crash.message);
        if let Some(location) = &crash.location {
            self.text(location);
        }
        if let Some(stack) = &crash.backtrace {
            self.text(&stack.text());
        }
    }
}

impl Input<'_> {
    pub(super) fn reason(&mut self) -> Result<Reason, WireError> {
        Ok(match self.byte()? {
            NORMAL => Reason::Normal,
            SHUTDOWN => Reason::Shutdown,
            SHUTDOWN_WITH => Reason::ShutdownWith(Arc::new(self.term()?)),
            KILL => Reason::Kill,
            KILLED => Reason::Killed,
            NO_PROC => Reason::NoProc,
            NO_CONNECTION => Reason::NoConnection,
            CRASH => Reason::Crash(Arc::new(self.crash()?)),
            OTHER => Reason::Other(Arc::new(self.term()?)),
            kind => return Err(self.flaw(Flaw::Kind(kind))),
        })
    }

    fn crash(&mut self) -> Result<Crash, WireError> {
        let flags = self.byte()?;
        if flags & !(LOCATION | STACK) != 0 {
            return Err(self.flaw(Flaw::Flags(flags)));
        }
        let message = self.text()?.into();
        let location = match flags & LOCATION {
            0 => None,
            _ => Some(self.text()?.into()),
        };
        let backtrace = match flags & STACK {
            0 => None,
            _ => Some(Stack::told(self.text()?)),
        };
        Ok(Crash {
            message,
            location,
            backtrace,
        })
    }
}

mod failure {
    pub(super) const NO_PROC: u8 = 0;
    pub(super) const DOWN: u8 = 1;
    pub(super) const TIMEOUT: u8 = 2;
    pub(super) const NO_CONNECTION: u8 = 3;
    pub(super) const CALLING_SELF: u8 = 4;
    pub(super) const NO_REPLY: u8 = 5;
    pub(super) const NOT_PORTABLE: u8 = 6;
    pub(super) const REFUSED: u8 = 7;
    pub(super) const FULL: u8 = 8;
    pub(super) const NO_CHANNEL: u8 = 9;
}

impl Output<'_> {
    pub(super) fn failure(&mut self, failure: &CallError) {
        self.byte(match failure {
            CallError::NoProc => failure::NO_PROC,
            CallError::Down(_) => failure::DOWN,
            CallError::Timeout => failure::TIMEOUT,
            CallError::NoConnection => failure::NO_CONNECTION,
            CallError::CallingSelf => failure::CALLING_SELF,
            CallError::NoReply => failure::NO_REPLY,
            CallError::NotPortable(_) => failure::NOT_PORTABLE,
            CallError::Refused(_) => failure::REFUSED,
            CallError::Full => failure::FULL,
            CallError::NoChannel(_) => failure::NO_CHANNEL,
        });
        match failure {
            CallError::Down(reason) => self.reason(reason),
            CallError::NotPortable(text)
            | CallError::Refused(text)
            | CallError::NoChannel(text) => self.text(text),
            _ => {}
        }
    }
}

impl Input<'_> {
    pub(super) fn failure(&mut self) -> Result<CallError, WireError> {
        Ok(match self.byte()? {
            failure::NO_PROC => CallError::NoProc,
            failure::DOWN => CallError::Down(self.reason()?),
            failure::TIMEOUT => CallError::Timeout,
            failure::NO_CONNECTION => CallError::NoConnection,
            failure::CALLING_SELF => CallError::CallingSelf,
            failure::NO_REPLY => CallError::NoReply,
            failure::NOT_PORTABLE => CallError::NotPortable(self.text()?.into()),
            failure::REFUSED => CallError::Refused(self.text()?.into()),
            failure::FULL => CallError::Full,
            failure::NO_CHANNEL => CallError::NoChannel(self.text()?.into()),
            kind => return Err(self.flaw(Flaw::Kind(kind))),
        })
    }
}
