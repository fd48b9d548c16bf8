//! What does a supervisor want done?
//!
//! Role       The whole of what a supervisor machine can cause.
//! Outputs    [`Effect`]s, which the driver performs in order; [`Report`]s for the log.
//! Invariant  `Stopped` is the last effect of all.
//! Source     otp: supervisor, "Supervision Principles"; sasl, "Supervisor Report"

use std::fmt;
use std::time::Duration;

use foundation_runtime::Reason;

use super::{Address, TimerToken};
use super::{Answer, Child, ChildId, ChildKind, ChildSpec, RequestToken, Restart, StartFailure};

/// One thing to be done by the driver. `R` is what it needs to start a child.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<P, R> {
    /// Start this child, watch it, and answer with `Started`, `StartFailed` or `StartIgnored`
    /// before any other input except `Stop`. At most one start is under way.
    Start {
        /// Which child; under a dynamic supervisor the id of the template.
        id: ChildId,
        /// How.
        start: R,
    },
    /// Send this child the exit signal `shutdown`; its `Exited` will follow.
    Shutdown {
        /// The child.
        pid: P,
    },
    /// Send this child the exit signal `kill`; its `Exited` will follow.
    Kill {
        /// The child.
        pid: P,
    },
    /// Feed `Input::Timer` after this long.
    ArmTimer {
        /// Which.
        token: TimerToken,
        /// How long.
        after: Duration,
    },
    /// That timer is needed no more. It may fire all the same.
    CancelTimer {
        /// Which.
        token: TimerToken,
    },
    /// Feed `Input::TryAgain` by a message to the supervisor itself, so that whatever is waiting in
    /// its mailbox comes first.
    TryAgainLater {
        /// The child whose restart failed.
        child: Child<P>,
    },
    /// Feed `Input::Continue` once the effects of this step are performed. More follow.
    Continue,
    /// Answer a request.
    Reply {
        /// Whose.
        request: RequestToken,
        /// The answer.
        answer: Answer<P>,
    },
    /// Tell the log.
    Report(Report<P>),
    /// The initial start is over: tell whoever started this supervisor.
    Ready(Result<(), StartFailure>),
    /// Everything is down and every request answered: exit with this reason.
    Stopped {
        /// The supervisor's exit reason.
        reason: Reason,
    },
}

/// When did what is reported happen? `Display` gives OTP's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A child could not be started, initially or again.
    StartError,
    /// A child ended abnormally by itself, or a permanent one ended at all.
    ChildTerminated,
    /// A child that was told to stop ended otherwise: it crashed, or had to be killed.
    ShutdownError,
    /// The restart of this child was one too many: the supervisor ends.
    RestartIntensity,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartError => "start_error",
            Self::ChildTerminated => "child_terminated",
            Self::ShutdownError => "shutdown_error",
            Self::RestartIntensity => "shutdown",
        })
    }
}

/// A line for the log about a child.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<P> {
    /// When it happened.
    pub context: Context,
    /// Why; `reached_max_restart_intensity` for [`Context::RestartIntensity`].
    pub reason: Reason,
    /// Which child.
    pub id: ChildId,
    /// Its process, when there was one; the first of them when `count` is more than one.
    pub pid: Option<P>,
    /// Its restart type.
    pub restart: Restart,
    /// Worker or supervisor.
    pub kind: ChildKind,
    /// How many children this speaks of: more than one only when a dynamic supervisor stops.
    pub count: usize,
}

impl<P: Address> Report<P> {
    /// A report about one child.
    pub(super) fn new<R>(
        context: Context,
        spec: &ChildSpec<R>,
        pid: Option<P>,
        reason: Reason,
    ) -> Self {
        assert!(
            context != Context::ShutdownError || pid.is_some(),
            "nobody was shut down"
        );
        let (restart, kind) = (spec.restart, spec.kind);
        Self {
            context,
            reason,
            id: spec.id.clone(),
            pid,
            restart,
            kind,
            count: 1,
        }
    }
}
