//! What does an arena say of itself?

use std::fmt;

/// How much an arena holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaUsage {
    /// How much it may hold.
    pub limit: usize,
    /// What it has taken from the allocator: chunks, filled or not, and the table of handles.
    pub held: usize,
    /// The values that live.
    pub live: usize,
    /// What was removed or replaced since the last compaction.
    pub holes: usize,
}

/// What a compaction did: bytes taken from the allocator before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Before.
    pub before: usize,
    /// After.
    pub after: usize,
}

/// Why an arena takes no value. It is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArenaError {
    /// It would pass its limit, or the program has no more memory. Compact it if there are holes, or
    /// remove something first.
    Full(ArenaUsage),
    /// A value of so many bytes is more than an arena takes: 256 MiB.
    TooLarge(usize),
    /// The handle leads nowhere: its value was removed, or it is not this arena's.
    Gone,
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(usage) => write!(
                f,
                "the arena is full: it holds {} of {} bytes, {} of them live, {} in holes",
                usage.held, usage.limit, usage.live, usage.holes
            ),
            Self::TooLarge(bytes) => {
                write!(f, "a value of {bytes} bytes is larger than an arena takes")
            }
            Self::Gone => f.write_str("the handle leads to no value of this arena"),
        }
    }
}

impl std::error::Error for ArenaError {}
