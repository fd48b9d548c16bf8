//! What does a test of processes need?
//!
//! Role       [`Test`] owns what a test starts, and ends it; [`Probe`] is a process that the test
//!            listens at; the macros wait for messages and crashes, or see that none comes.
//! Source     elixir: ExUnit.Callbacks (`start_supervised`), ExUnit.Assertions (`assert_receive`)

mod crashes;
mod inbox;
mod macros;
mod owner;
mod probe;

pub use foundation_runtime::{CrashReport, CrashReports, Leak, Leaks, Survey};

pub use self::crashes::{CrashPattern, expect_crash};
pub use self::inbox::{Inbox, Letters, Mails, Missed, Unwanted, listen, look, refuse};
pub use self::owner::{StartSupervisedError, StopSupervisedError, Supervised, Test, scoped};
pub use self::probe::{Anything, Probe};
pub use crate::{
    assert_crash, assert_receive, assert_received, refute_crash, refute_receive, refute_received,
};

use std::time::Duration;

/// How long `assert_receive!` and `assert_crash!` wait unless told otherwise: a second. Only a test
/// that fails waits that long.
pub const ASSERT_WITHIN: Duration = Duration::from_secs(1);

/// How long `refute_receive!` and `refute_crash!` wait unless told otherwise: a tenth of a second.
pub const REFUTE_WITHIN: Duration = Duration::from_millis(100);
