//! Messages that reached nobody.
//!
//! Role       Counts them by reason and shows them to whoever subscribed; nothing is lost silently.
//! Limit      A reader that does not read loses the oldest of its `capacity` letters, and is told
//!            how many.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Pid;
use crate::feed::{Feed, Stream};

/// Why a message reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DeadReason {
    /// The process had ended before.
    NoProc,
    /// The process ended with the message unread.
    Died,
    /// Nobody had the name it was sent to.
    NoName,
    /// There was no connection to the process's node.
    NoConnection,
    /// The alias it was sent through is not active.
    InactiveAlias,
    /// It came from another node, and the receiver knows no such message.
    Unknown,
    /// The mailbox was full, and there was nobody to be told so: it came from another node, from a
    /// timer of another process, or through an alias.
    Full,
    /// The mailbox was full and drops what has waited longest: a newer message took its place.
    DroppedOldest,
    /// The mailbox was full and drops what arrives.
    DroppedNewest,
}

impl DeadReason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::NoProc,
        Self::Died,
        Self::NoName,
        Self::NoConnection,
        Self::InactiveAlias,
        Self::Unknown,
        Self::Full,
        Self::DroppedOldest,
        Self::DroppedNewest,
    ];
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProc => "the process had ended",
            Self::Died => "the process ended with the message unread",
            Self::NoName => "nobody had the name",
            Self::NoConnection => "there was no connection to the process's node",
            Self::InactiveAlias => "the alias was not active",
            Self::Unknown => "the receiver knows no such message",
            Self::Full => "the mailbox was full",
            Self::DroppedOldest => "the mailbox was full, and a newer message took its place",
            Self::DroppedNewest => "the mailbox was full, and drops what arrives",
        })
    }
}

/// A message that reached nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who it was for; `None` when a name led nowhere.
    pub to: Option<Pid>,
    /// Who sent it; `None` for code outside any process.
    pub from: Option<Pid>,
    /// The kind of message: a method or type.
    pub message: &'static str,
    /// Why it reached nobody.
    pub reason: DeadReason,
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.message)?;
        if let Some(from) = self.from {
            write!(f, " from {from}")?;
        }
        if let Some(to) = self.to {
            write!(f, " to {to}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Dead letters from the moment of subscription on.
pub type DeadLetterStream = Stream<DeadLetter>;

#[derive(Default)]
pub(crate) struct DeadLetters {
    counts: [AtomicU64; DeadReason::ALL.len()],
    feed: Feed<DeadLetter>,
}

impl DeadLetters {
    pub(crate) fn report(&self, letter: impl FnOnce() -> DeadLetter, reason: DeadReason) {
        self.counts[reason as usize].fetch_add(1, Ordering::Relaxed);
        if !self.feed.is_watched() {
            return;
        }
        let letter = letter();
        tracing::debug!(target: "foundation::dead_letter", ?letter, "dead letter");
        self.feed.tell(&letter);
    }

    pub(crate) fn count(&self, reason: DeadReason) -> u64 {
        self.counts[reason as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    pub(crate) fn subscribe(&self, capacity: usize) -> DeadLetterStream {
        self.feed.subscribe(capacity)
    }
}
