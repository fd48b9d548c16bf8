//! What one node does for one process: table, signals, mailboxes, scheduler, timers.
//!
//! Role       The bottom of the house. Programs use the facade crate `foundation`.
//! Invariant  A node is a value: no statics but the current-process slot, the panic hook, and, for tests
//!            alone, the fault that was planted; all in `platform`, the only room with a clock, threads or
//!            entropy.

mod call;
mod crash_reports;
mod dead_letter;
mod destination;
pub mod disk;
mod envelope;
mod error;
mod feed;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzzed {
    //! What a fuzzer calls.
    pub use crate::port::fuzz::frame;
}
pub mod heap;
mod mailbox;
mod names;
mod node;
mod observe;
mod pid;
mod platform;
mod port;
mod process;
mod process_ref;
mod reason;
mod report;
mod scheduler;
mod secret;
mod shown;
mod stack;
mod term;
pub mod time;
pub mod timer;
mod trace;
mod via;
mod waits;
mod world;

pub use call::{CALL_TIMEOUT, Call, CallFuture, Promise, promise};
pub use crash_reports::{CrashReport, CrashReports};
pub use dead_letter::{DeadLetter, DeadLetterStream, DeadReason};
pub use destination::Destination;
pub use envelope::{
    CallPayload, Codec, CodecError, Down, Entry, Envelope, Exit, Payload, Portable, ReplyTo, Tag,
    Wrap,
};
pub use error::{CallError, LinkError, RegisterError, SendError, SpawnError, SuspendError};
pub use feed::Stream as EventStream;
pub use heap::{HEAP, HandOver, HeapInfo, MaxHeap, NodeMemory};
pub use mailbox::{
    AlarmState, BadMailbox, Bound, CAPACITY_MAX, HIGH_WATER, HIGH_WATER_MAX, Mailbox, MailboxAlarm,
    MailboxAlarmStream, Place, QueueData, Ready, ReadyError, Reserved, WhenFull,
};
pub use node::{
    Builder as NodeBuilder, Leak, Leaks, Node, NodeStartError, NodeStats, ShutdownError, Survey,
    Unyielding,
};
pub use observe::{
    Activity, By, Load, Neighbour, ProcessFacts, ProcessKind, Query, Sampler, SchedulerLoad,
    Snapshot,
};
pub use pid::{NodeId, Pid};
pub use platform::entropy::{Rng, random_bytes, seed};
pub use platform::panics::reason as reason_of_panic;
#[doc(hidden)]
pub use platform::planted;
pub use port::{
    BadChannels, BadFrame, Brought, CHANNEL_NAME_MAX, CHANNELS, CHANNELS_MAX, Carried, Course,
    Freight, FreightKind, Loopback, NoChannel, NodeChange, Port, SendOptions, Spool, WIRE_VERSION,
};
pub use process::{
    Alias, AliasMode, Asked, BadOption, Behaviour, Held, HoldError, Info, IntoReason, Mail, Mailed,
    Me, Message, OpenCall, Process, ProcessInfo, Receive, ReceiveTimeout, SpawnOptions, StateCell,
    Status, Turn, WaitingCall, exit, me,
};
#[doc(hidden)]
pub use process_ref::NO_NODE;
pub use process_ref::ProcessRef;
pub use reason::{Crash, Reason};
pub use report::{CRASH, report_part};
pub use scheduler::{
    BadPriority, DirtyError, DirtyLimits, DirtyPoolStats, DirtyStats, Priority, Stuck, dirty_cpu,
    dirty_io,
};
pub use secret::Secret;
pub use shown::{SHOWN_MAX, shown, shown_arguments};
pub use stack::Stack;
pub use term::Term;
pub use timer::TimerRef;
pub use trace::{Trace, TraceError, TraceEvent, TraceStream, Traced};
pub use via::{Registrar, Via};
pub use waits::{CallCycle, CallCycleStream, CallStage, Deadlocks, Wait};
pub use world::{
    BadDelivery, BadSchedule, Delivery, Explore, ExploreFailure, Explored, Schedule, SimError,
    SimReport, TestInput, TestOptions, TestOutput, World, test_explored, test_real, test_simulated,
};

use serde::{Deserialize, Serialize};

/// A monitor of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MonitorRef {
    pub(crate) owner: Pid,
    pub(crate) id: u64,
}
