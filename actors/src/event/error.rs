//! What may go wrong with a handler of an event manager?
//!
//! Outputs    [`AddHandlerError`], [`RemoveHandlerError`], [`HandlerCallError`].

use std::fmt;

use foundation_runtime::Reason;

/// Why a handler was not added. The manager has none of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AddHandlerError {
    /// There is a handler of this type and word already; it stays.
    AlreadyPresent,
    /// The manager has as many handlers as it may (`max_handlers`).
    TooMany,
    /// Its init failed or panicked, for this reason; in a swap the former handler is gone.
    Failed(Reason),
    /// It was to be added in the name of a process, and the caller is none.
    NoOwner,
}

impl fmt::Display for AddHandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyPresent => f.write_str("there is a handler of this type and word already"),
            Self::TooMany => f.write_str("the manager has as many handlers as it may"),
            Self::Failed(reason) => write!(f, "the handler's init failed: {reason}"),
            Self::NoOwner => f.write_str("the caller is no process that could own the handler"),
        }
    }
}

impl std::error::Error for AddHandlerError {}

/// Why a handler that was to be removed is not returned. The manager has none of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RemoveHandlerError {
    /// There was no handler of this type and word.
    NoHandler,
    /// It was removed, and its terminate panicked.
    Failed(Reason),
}

impl fmt::Display for RemoveHandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHandler => f.write_str("there is no handler of this type and word"),
            Self::Failed(reason) => write!(f, "the handler's terminate failed: {reason}"),
        }
    }
}

impl std::error::Error for RemoveHandlerError {}

/// Why a handler gave no answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandlerCallError {
    /// There is no handler of this type and word. What OTP calls `bad_module`.
    NoHandler,
    /// It panicked, and was removed for it.
    Failed(Reason),
}

impl fmt::Display for HandlerCallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHandler => f.write_str("there is no handler of this type and word"),
            Self::Failed(reason) => write!(f, "the handler failed and was removed: {reason}"),
        }
    }
}

impl std::error::Error for HandlerCallError {}
