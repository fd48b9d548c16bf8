//! What the lock-free files synchronise with.
//!
//! Role       One name for the atomics, so that `runtime/models` can compile the same files against
//!            loom's.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

/// How many entries a worker's run queue holds.
pub(crate) const RING: usize = 512;
