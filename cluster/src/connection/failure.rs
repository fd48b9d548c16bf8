//! Why did a connection not come about, in words for who reads the log?
//!
//! Role       The refusal, and what the transport knows beyond it.

use std::fmt;
use std::io;

use crate::handshake::Refusal;
use crate::transport::complaint;

/// A refusal with its reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) refusal: Refusal,
    reason: Option<Box<str>>,
}

impl Failure {
    pub(super) fn new(refusal: Refusal, reason: Option<Box<str>>) -> Self {
        Self { refusal, reason }
    }

    /// Whether whoever dialled should be told: nobody there, or a dial too many, is no news.
    pub(super) fn is_news(&self) -> bool {
        !self.refusal.may_pass() && self.refusal != Refusal::Oneself
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal, None)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match complaint(&error) {
            Some((refusal, reason)) => Self::new(refusal, Some(reason.into())),
            None => Refusal::Closed.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.refusal)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
