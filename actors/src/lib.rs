//! What processes mean: servers, supervisors, tasks, applications.
//!
//! Role       OTP's behaviours on top of the runtime. Programs use the facade crate `foundation`.
//! Invariant  No `unsafe`, no clock, no thread: only what the runtime offers.

#![forbid(unsafe_code)]

mod agent;
pub mod application;
mod ecosystem;
mod event;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz {
    //! What a fuzzer calls.
    pub use crate::offer::fuzz::{offer, offer_seeds};
}
mod intensive;
mod nothing;
#[cfg(feature = "observe")]
pub mod observe;
mod offer;
mod operable;
pub mod pg;
#[cfg(feature = "ractor")]
pub mod ractor;
mod registry;
mod server;
pub mod stage;
pub mod statem;
pub mod supervisor;
pub mod sys;
pub mod table;
pub mod task;
pub mod testkit;

pub use agent::Agent;
pub use application::{
    APPLICATIONS_MAX, Application, ApplicationError, Applications, ENV_MAX, EnvFull, EnvLayer,
    LoadError, Running, StartType,
};
pub use ecosystem::{
    AutoScale, BadAutoScale, Ecosystem, EcosystemError, EcosystemHealth, EcosystemRef,
    MemoryStrategy, Supervision, WORKERS_MAX, Workers,
};
pub use event::{
    AddHandlerError, EventCx, EventExit, EventHandler, EventManager, EventManagerBuilder,
    HandleCall, HandlerCallError, HandlerExit, HandlerId, HandlerKey, Removal, RemoveHandlerError,
};
pub use intensive::{Chunk, balance_work_across_schedulers, cpu_intensive};
pub use offer::{Offers, RemoteSpawn, RemoteSpawnError, SPAWNS_MAX};
pub use operable::{Operable, Operated, Operation};
pub use pg::{Change, Group, GroupEvent, GroupMonitor, JoinError, NotJoined, Scope};
pub use registry::{
    Duplicate, Keys, META_MAX, MetaError, PARTITIONS_MAX, REGISTRATIONS_MAX, Registration,
    Registry, RegistryBuilder, RegistryError, RegistryEvent, RegistryOptionError, Unique,
};
pub use server::{
    Actor, Address, Addressed, Cast, Client, Cx, Handled, Init, InitAck, IntoInit, Method,
    Multicall, Name, NodeExt, Protocol, ReadyRef, Ref, Remote, Request, Requests, Speaks, Start,
    StartError, StartFn, Stop, StopError, multicall,
};
pub use statem::In;
pub use statem::machine::TimeoutName;
pub use supervisor::{
    AutoShutdown, Child, ChildId, ChildInfo, ChildKind, ChildState, Counts, Dynamic,
    DynamicBuilder, IntoChild, PartitionedBuilder, Partitions, PartitionsClient, Restart, Shutdown,
    Supervisor, SupervisorBuilder, child, child_at, child_fn, child_start_fn, child_with,
};
pub use task::{
    OnTimeout, Task, TaskError, TaskExit, TaskStartError, TaskStream, TaskSupervisor, child_task,
};

#[doc(hidden)]
pub mod __macro {
    //! What the macros' output names. Not for people.
    pub use foundation_runtime::heap::{Field, Hand, HandOver, Owned, Untold};
    pub use foundation_runtime::{
        Asked, Call, Codec, Delivery, Down, Exit, Info, Mailbox, Message, Portable, Reason,
        ReplyTo, SendError, Tag, TestInput, TestOptions, TestOutput, WhenFull, shown,
        shown_arguments, test_explored, test_real, test_simulated,
    };
    pub use serde;

    pub use crate::application::run_main;
    pub use crate::server::{
        Actor, Address, Addressed, Beside, Cast, CastTo, Client, Cx, Handled, Init, IntoInit,
        Method, Protocol, ProtocolCast, ProtocolRequest, Request, RequestTo, Show, ShowDebug,
        ShowNothing, Speaks, Stop, tell_apart,
    };
    pub use crate::statem::{
        Accepts, Anywhere, At, Ending, Enter, Holds, In, IntoStart, Kept, Lend, Starting, State,
        Statem, States, To, arrived, begin,
    };
}
