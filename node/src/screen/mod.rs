//! What does the operator see while the job runs, and what can they do?
//!
//! Role       The full-screen view: a [`Snapshot`] in, a frame out; a key in, a [`Command`] out.
//! Inputs     Snapshots taken by the job; key events of the terminal.
//! Outputs    Frames; commands.
//! Owns       The terminal's modes, while a [`Terminal`] lives.
//! Invariant  Drawing reads nothing but the snapshot, and no size of terminal makes it panic.

mod draw;
mod keys;
mod panels;
mod snapshot;
mod terminal;
mod tree;

pub use draw::draw;
pub use keys::{Command, command};
pub use snapshot::{Branch, Found, Ledger, Phase, Snapshot, State, Throughput};
pub use terminal::Terminal;
