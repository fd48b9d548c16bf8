//! BEAM processes for Rust: cheap, isolated, supervised, behind location-transparent PIDs.
//!
//! Role       The facade: re-exports and the prelude, no logic.

#![forbid(unsafe_code)]

extern crate self as foundation;

mod allocator;

pub use foundation_actors::*;
pub use foundation_macros::{HandOver, Message, actor, main, protocol, statem, states, test};
pub use foundation_runtime::*;

/// Other nodes: who is in the cluster, and what holds it together.
pub mod cluster {
    pub use foundation_cluster::*;
}

/// The error of a program's `main`: anything that went wrong.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a program's `main` returns.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What most programs use.
pub mod prelude {
    pub use foundation_actors::{
        Cx, Dynamic, In, Name, NodeExt, Ref, StartError, Stop, Supervisor, Task, TaskError, child,
        child_fn, child_with,
    };
    pub use foundation_cluster::{BuilderExt as _, NodeClusterExt as _, WorldClusterExt as _};
    pub use foundation_macros::{Message, actor, protocol, statem, states};
    pub use foundation_runtime::{
        Call, CallError, Down, Exit, Info, Mail, Me, Message, MonitorRef, Node, Pid, Priority,
        Process, ProcessRef, Reason, ReplyTo, Secret, SendError, SendOptions, SpawnOptions, Term,
        TimerRef, World,
    };

    pub use crate::{ms, secs};
}

/// So many milliseconds.
#[must_use]
pub const fn ms(millis: u64) -> std::time::Duration {
    std::time::Duration::from_millis(millis)
}

/// So many seconds.
#[must_use]
pub const fn secs(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

#[doc(hidden)]
pub use allocator::{UNDERNEATH as __UNDERNEATH, Underneath as __Underneath};
#[doc(hidden)]
pub use foundation_actors::__macro;

/// The README and the book: their blocks of Rust are tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../book/src/channels.md")]
    mod channels {}
    #[doc = include_str!("../book/src/discovery.md")]
    mod discovery {}
    #[doc = include_str!("../book/src/first-actor.md")]
    mod first_actor {}
    #[doc = include_str!("../book/src/calls.md")]
    mod calls {}
    #[doc = include_str!("../book/src/supervision.md")]
    mod supervision {}
    #[doc = include_str!("../book/src/state-machines.md")]
    mod state_machines {}
    #[doc = include_str!("../book/src/tasks.md")]
    mod tasks {}
    #[doc = include_str!("../book/src/event-managers.md")]
    mod event_managers {}
    #[doc = include_str!("../book/src/agents.md")]
    mod agents {}
    #[doc = include_str!("../book/src/stages.md")]
    mod stages {}
    #[doc = include_str!("../book/src/memory.md")]
    mod memory {}
    #[doc = include_str!("../book/src/process-groups.md")]
    mod process_groups {}
    #[doc = include_str!("../book/src/global-names.md")]
    mod global_names {}
    #[doc = include_str!("../book/src/applications.md")]
    mod applications {}
    #[doc = include_str!("../book/src/first-cluster.md")]
    mod first_cluster {}
    #[doc = include_str!("../book/src/remote-spawn.md")]
    mod remote_spawn {}
    #[doc = include_str!("../book/src/simulation.md")]
    mod simulation {}
    #[doc = include_str!("../book/src/registry.md")]
    mod registry {}
    #[doc = include_str!("../book/src/mailboxes.md")]
    mod mailboxes {}
    #[doc = include_str!("../book/src/blocking.md")]
    mod blocking {}
    #[doc = include_str!("../book/src/tables.md")]
    mod tables {}
    #[doc = include_str!("../book/src/tokio.md")]
    mod tokio {}
    #[doc = include_str!("../book/src/semantics.md")]
    mod semantics {}
    #[doc = include_str!("../book/src/which.md")]
    mod which {}
    #[doc = include_str!("../book/src/live-system.md")]
    mod live_system {}
    #[doc = include_str!("../book/src/disks.md")]
    mod disks {}
    #[doc = include_str!("../book/src/testing.md")]
    mod testing {}
    #[doc = include_str!("../book/src/topologies.md")]
    mod topologies {}
    #[doc = include_str!("../book/src/membership.md")]
    mod membership {}
}
