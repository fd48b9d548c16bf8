//! Tasks: one computation in a process of its own, and many of them.
//!
//! Role       What Elixir's Task and Task.Supervisor are. Reading order: `handle` (one task), `many`
//!            (several at once), `supervised` and `start` (under a supervisor), `stream` (one per
//!            item of an iterator).
//! Source     elixir: Task, Task.Supervisor

mod error;
mod handle;
mod many;
mod start;
mod stream;
mod supervised;

pub use error::{TaskError, TaskStartError};
pub use handle::{Task, child_task};
pub use stream::{OnTimeout, TaskExit, TaskStream, machine};
pub use supervised::{TaskSupervisor, TaskSupervisorBuilder, TaskSupervisorClient};
