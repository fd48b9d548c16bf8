//! Supervisors: processes that start, watch and restart others.
//!
//! Role       Static trees (one_for_one, one_for_all, rest_for_one) and dynamic ones. The rules are
//!            pure machines; one driver performs what they decide.
//! Source     otp: supervisor; elixir: DynamicSupervisor

mod builder;
mod child;
mod client;
mod driver;
pub mod intensity;
pub mod machine;

pub use builder::{Dynamic, DynamicBuilder, Supervisor, SupervisorBuilder};
pub use child::{Child, IntoChild, Recipe, child, child_fn, child_with};
pub use client::{DynamicClient, SupervisorClient};
pub use machine::{
    AutoShutdown, ChildId, ChildInfo, ChildKind, ChildState, Counts, DeleteError, Restart,
    RestartError, Shutdown, SpecError, StartChildError, StartFailure, Strategy, TerminateError,
};
