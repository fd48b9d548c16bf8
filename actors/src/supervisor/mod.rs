//! Supervisors: processes that start, watch and restart others.
//!
//! Role       Static trees (one_for_one, one_for_all, rest_for_one) and dynamic ones. The rules are
//!            pure machines; one driver performs what they decide.
//! Source     otp: supervisor; elixir: DynamicSupervisor

mod builder;
mod child;
pub(crate) mod client;
mod driver;
mod elsewhere;
mod extra;
pub mod intensity;
pub mod machine;
mod partitioned;
mod routing;

pub(crate) use builder::tree_recipe;
pub use builder::{Dynamic, DynamicBuilder, StartTree, Supervisor, SupervisorBuilder};
pub(crate) use child::actor_recipe;
pub use child::{Child, IntoChild, Recipe, child, child_fn, child_start_fn, child_with};
pub use client::{DynamicClient, SupervisorClient};
pub(crate) use driver::Plan;
pub use elsewhere::child_at;
pub use machine::{
    AutoShutdown, ChildId, ChildInfo, ChildKind, ChildState, Counts, DeleteError, Restart,
    RestartError, Shutdown, SpecError, StartChildError, StartFailure, Strategy, TerminateError,
};
pub use partitioned::{PartitionedBuilder, Partitions};
pub use routing::PartitionsClient;
