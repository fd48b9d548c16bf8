//! Which process of the whole cluster has this name, and who holds this lock?
//!
//! Role       Global names and locks. To be read in this order: `word` and `event` (what is said, and what
//!            goes in and out), `claims`, `locks` and `ops` (what is known), `machine` (what happens) with
//!            `peer`, `asking` and `conflict`; then `driver`, the process that runs it, `shared`, what is
//!            read without asking it, and `handle`, what a program sees.
//! Source     otp: global

mod asking;
mod claims;
mod conflict;
mod driver;
mod event;
mod handle;
mod locks;
mod machine;
mod ops;
mod peer;
mod shared;
mod word;

pub(crate) use driver::child;
pub use event::{Effect, Input, Request, Trouble};
pub use handle::{
    Global, GlobalError, GlobalNameConflict, LOCK_TRIES, LockTransaction, NAME_BYTES_MAX,
    OnConflict, SetLock, TakeName,
};
pub use machine::{LOCKS_MAX, NAMES_MAX, Registrar};
pub use ops::OPS_MAX;
pub use word::{Claim, Conflict, Fate, NAMES_PER_WORD, Resource, Verdict, Word};
