//! How does a process end itself, from however deep?
//!
//! Role       [`exit`] unwinds with the reason; the scheduler's catch reads it back.
//! Source     otp: erlang:exit/1

use crate::Reason;

/// What an exit of `foundation::exit` unwinds with.
pub(crate) struct ExitPayload(pub(crate) Reason);

/// Ends the running process with `reason`, from however deep: unwinds, so destructors run, and
/// `std::panic::catch_unwind` can catch it, as `catch` does in Erlang. Outside a process it is a
/// panic.
pub fn exit(reason: Reason) -> ! {
    std::panic::resume_unwind(Box::new(ExitPayload(reason)))
}
