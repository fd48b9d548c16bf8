//! One process: its control block, its mailbox, its signals, its beginning and its end.
//!
//! Role       Everything of OTP's semantics that concerns a single process.
//! Invariant  The private half ([`local`]) is touched by the running process only.

mod alias;
mod aside;
mod ask;
mod behaviour;
mod bury;
mod callers;
mod calls;
mod cell;
mod exit;
mod fetch;
mod flush;
mod handling;
mod held;
mod inbox;
mod info;
mod kin;
mod links;
mod local;
mod look;
mod mail;
mod me;
mod options;
mod plain;
mod queue;
mod remains;
mod spawn;
mod suspend;
mod table;
mod turn;
mod unborn;
mod unlink;
mod wait;
mod waiting;
mod wake;

pub use alias::Alias;
pub(crate) use alias::message_arrived as alias_arrived;
pub(crate) use ask::{AwaitDown, ask};
pub use behaviour::Behaviour;
pub(crate) use behaviour::FnBody;
pub(crate) use bury::{bury, refuse_at_death};
pub use cell::StateCell;
pub(crate) use exit::ExitPayload;
pub use exit::exit;
pub(crate) use fetch::fetch;
pub use handling::Asked;
pub(crate) use handling::{Handling, failed};
pub(crate) use held::Holdings;
pub use held::{Held, HoldError};
pub(crate) use inbox::Pushed;
pub(crate) use info::{
    InfoRequest, ancestors, ancestors_of, describe, is_process, name_of, parent_of,
};
pub use info::{ProcessInfo, Status};
pub use local::AliasMode;
pub(crate) use local::{
    COUNTS_QUEUE, Extra, HAS_BACKLOG, HIBERNATING, KeptCall, Local, Map, PARENT_LINK, RAISED,
    TRAP_EXIT, WAITING_MASK, WAITING_SHIFT, Watch, forget_fired,
};
pub(crate) use look::look;
pub use mail::{Info, Mail, Mailed, Message};
pub use me::{Me, me};
pub use options::{BadOption, SpawnOptions};
pub use plain::{IntoReason, Process, Receive, ReceiveTimeout};
pub(crate) use queue::Queue;
pub(crate) use remains::{Reaper, Remains};
pub(crate) use spawn::spawn;
pub(crate) use suspend::{hold, is_overdue, suspended};
pub(crate) use table::{
    ALIVE, Block, HAS_PEERS, HOLDS, LIMITED, NAMED, ProcessTable, SLOT_BATCH, SUSPENDED, TRACED,
};
pub use turn::{OpenCall, Turn, WaitingCall};
pub(crate) use wait::{Deadline, Pending, bytes_of};
pub(crate) use wake::{is_own, with_waker};
