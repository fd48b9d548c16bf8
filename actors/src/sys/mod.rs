//! Seeing into a live process, and taking hold of it: state, statistics, suspension, end.
//!
//! Role       OTP's `sys`, for servers, supervisors and every other behaviour that answers it.
//! Limit      Every operation has a bound, 5 seconds unless set.
//! Invariant  System messages keep their order with the other messages of their sender and are
//!            handled between two handlers: never while one runs or waits. A server that is stuck
//!            answers none, and the operation says so by [`SysError::Timeout`].
//! Source     otp: sys, "Sys: A functional interface to system messages"
//!
//! ```ignore
//! counter.add(2)?;
//! assert_eq!(sys::get_state(&counter).await?.n, 2);
//!
//! sys::suspend(&counter).await?;
//! counter.add(3)?;                                     // waits
//! sys::replace_state(&counter, |old| Counter { n: old.n * 10 }).await?;
//! assert_eq!(sys::get_status(&counter).await?.messages_waiting, 1);
//! sys::resume(&counter).await?;
//! assert_eq!(sys::get_state(&counter).await?.n, 23);
//! ```
//!
//! The page "Seeing into a live system" of the book has it as a program.

mod ask;
mod control;
mod error;
mod operation;
mod report;
mod statem;
mod target;
mod upgrade;

pub(crate) use ask::is_system;
pub(crate) use control::{Control, Controlled, Then};
pub use error::SysError;
pub use operation::{
    Asking, SYS_TIMEOUT, get_log, get_state, get_status, log, no_log, no_statistics, replace_state,
    resume, show_state, statistics, suspend, terminate, with_state, with_statistics,
};
pub use report::{LogEvent, Logged, Statistics, Status, SysState};
pub use statem::{get_statem, replace_statem, with_statem};
pub use target::Target;
pub use upgrade::{ChangeError, CodeChange, SavedState, change_code, export};
