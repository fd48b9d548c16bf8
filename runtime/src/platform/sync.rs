//! One switch between the real atomics and loom's.
//!
//! Role       Lets loom run the lock-free files (inbox, run queue, slots) unchanged.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
