//! The one room with a clock, threads, entropy and the current process.
//!
//! Role       Everything that would make two runs differ is behind this door.
//! Invariant  No other file of the workspace's libraries reads a clock, starts a thread, draws
//!            entropy or keeps a thread-local.

pub(crate) mod clock;
pub(crate) mod current;
pub(crate) mod entropy;
pub(crate) mod panics;
pub mod planted;
pub(crate) mod prefetch;
pub(crate) mod signals;
pub(crate) mod stacks;
pub(crate) mod symbols;
pub(crate) mod sync;
pub(crate) mod threads;
