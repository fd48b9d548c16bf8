//! What can happen to a supervisor?
//!
//! Role       The whole of what a supervisor machine is told.
//! Inputs     Made by the driver, one at a time.
//! Invariant  What is not an [`Input`] cannot happen.
//! Source     otp: supervisor, "Functions"

use foundation_runtime::Reason;

use super::{ChildId, Restart};

/// Names a waiting caller to the driver. The machine gives each back exactly once, in a `Reply`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(pub u64);

/// Names a timer. A machine never uses one twice, so a late timer is harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerToken(pub u64);

/// A child as others name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Child<P> {
    /// By its id: children of a static supervisor.
    Id(ChildId),
    /// By its pid: children of a dynamic supervisor.
    Pid(P),
}

/// What happened. `N` is what a new child is described by: a `ChildSpec` for a static supervisor,
/// the arguments of the start for a dynamic one.
#[derive(Clone, Debug)]
pub enum Input<P, N> {
    /// The supervisor's process runs: start the first children. First of all inputs, and only once.
    Begin,
    /// The start asked for by `Effect::Start` succeeded, and the child is watched.
    Started {
        /// The new child, never seen before.
        pid: P,
    },
    /// The start failed, and nothing of it lives.
    StartFailed {
        /// Why.
        reason: Reason,
    },
    /// The child asked to be left out.
    StartIgnored,
    /// A child has ended, by itself or because it was told to. Strangers are ignored, and so are
    /// repetitions.
    Exited {
        /// The child.
        pid: P,
        /// Its exit reason.
        reason: Reason,
    },
    /// A timer armed by `Effect::ArmTimer` fired. One that was cancelled meanwhile is ignored.
    Timer {
        /// Which.
        token: TimerToken,
    },
    /// What `Effect::TryAgainLater` asked the driver to send to itself, behind what was waiting.
    TryAgain {
        /// The child whose restart failed.
        child: Child<P>,
    },
    /// What `Effect::Continue` asked for.
    Continue,
    /// Somebody asks for something and waits for the `Reply`.
    Request {
        /// Who waits.
        request: RequestToken,
        /// For what.
        ask: Ask<P, N>,
    },
    /// End in order with this reason: the parent exited with it (`normal` too), or somebody stops
    /// the supervisor. It is taken up at once, ahead of held requests; the first one counts.
    Stop {
        /// The reason the supervisor will exit with.
        reason: Reason,
    },
}

/// What can be asked of a supervisor.
#[derive(Clone, Debug)]
pub enum Ask<P, N> {
    /// Add a child and start it: `Answer::Started`.
    StartChild(N),
    /// The same for a child that is to be restarted so, whatever the others are.
    StartChildAs(Restart, N),
    /// Start a child that is not running: `Answer::Restarted`.
    RestartChild(ChildId),
    /// Stop a child and keep its specification, unless it is temporary: `Answer::Terminated`.
    TerminateChild(Child<P>),
    /// Forget a child that is not running: `Answer::Deleted`.
    DeleteChild(ChildId),
    /// Show every child: `Answer::Children`.
    WhichChildren,
    /// Count the children: `Answer::Counts`.
    CountChildren,
    /// Show one child's specification: `Answer::Spec`.
    GetChildSpec(Child<P>),
}
