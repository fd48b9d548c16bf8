//! The supervisor as a pure machine: who is started, stopped and restarted, and when?
//!
//! Role       Decides for one supervisor; a driver performs what is decided.
//! Inputs     [`Input`]: answers to starts, exits of children, timers, requests, the order to stop.
//! Outputs    [`Effect`]s in the order in which they are to be performed.
//! Invariant  A child is started only when its former incarnation is known to be dead.
//! Absent     I/O, clocks, randomness, locks, tasks, the children's code.
//! Source     otp: supervisor, "Supervision Principles"
//!
//! ```text
//!                   +--------------------- machine ---------------------+
//!  Started, Exited  | Static  : children by id, in start order; one    |  Start, Shutdown, Kill
//!  Timer, TryAgain =>           start or stop at a time, rest is held  => ArmTimer, Report
//!  Request, Stop    | Dynamic : children by pid, alike, up to millions |  Reply, Ready, Stopped
//!                   +---------------------------------------------------+
//! ```
//!
//! How a driver uses either: construct it (a bad specification is refused there), `step` it with
//! [`Input::Begin`], and from then on with whatever happens, performing the effects in order after
//! each step. After [`Effect::Start`] the next input is the answer to it, or [`Input::Stop`]. Every
//! pid a start yielded is watched, and its end is told by [`Input::Exited`].
//!
//! Reading order: the surface (`spec`, `input`, `effect`, `answer`), then [`Static`]
//! (`static_tree`, `requests`, `restarting`, `stopping`, `children`), then [`Dynamic`] (`dynamic`,
//! `calls`, `sweep`, `kin`).

mod answer;
mod calls;
mod children;
mod dynamic;
mod effect;
mod input;
mod kin;
mod requests;
mod restarting;
mod spec;
mod static_tree;
mod stopping;
mod sweep;

pub use answer::{
    Answer, ChildInfo, ChildState, Counts, DeleteError, GetSpecError, RestartError,
    StartChildError, StartFailure, TerminateError,
};
pub use calls::WAITERS_MAX;
pub use dynamic::Dynamic;
pub use effect::{Context, Effect, Report};
pub use input::{Ask, Child, Input, RequestToken, TimerToken};
pub use spec::{
    Address, AutoShutdown, CHILDREN_MAX, ChildId, ChildKind, ChildSpec, DynamicFlags, Flags,
    Restart, Shutdown, SpecError, Strategy,
};
pub use static_tree::{REQUESTS_HELD_MAX, Static};
pub use sweep::{SHUTDOWN_REASONS_MAX, SIGNALS_PER_STEP_MAX};
