//! Process groups: everybody who does the same, under one name.
//!
//! Role       [`Scope`]: groups of pids, joined and left and watched; [`Group`]: one of them, with
//!            members of one type. The rules are a pure [`machine`]; the members on other nodes come
//!            through the [`seam`].
//! Source     otp: pg

mod event;
mod group;
pub mod machine;
mod scope;
pub mod seam;

pub use event::{GroupEvent, GroupMonitor};
pub use group::Group;
pub use machine::Change;
pub use scope::{JoinError, NotJoined, Scope};
