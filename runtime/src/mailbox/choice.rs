//! What kind of mailbox does a process have?
//!
//! Role       The choice, as it is written where a process is started.
//! Outputs    [`Mailbox`]: unbounded, or bounded with what happens when it is full; and the mark at
//!            which it gives alarm. [`QueueData`]: where its messages are counted.
//! Source     otp: erlang:spawn_opt/4, message_queue_data

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Marks;
use crate::process::{COUNTS_QUEUE, WAITING_SHIFT};
use crate::scheduler::Running;
use crate::{Me, heap};

/// How many messages may wait in a mailbox before it gives alarm, unless the node or the process says
/// otherwise.
pub const HIGH_WATER: u32 = 100_000;

/// The highest mark there is; a mark above is as this one.
pub const HIGH_WATER_MAX: u32 = (1 << 23) - 2;

/// The largest capacity of a bounded mailbox.
pub const CAPACITY_MAX: usize = u32::MAX as usize;

/// What happens to a message when the mailbox it is for is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum WhenFull {
    /// Whoever sends waits for a place, as long as it likes. A call waits by itself, until its
    /// bound; a cast is refused with `SendError::Full`, and `ready().await` waits for a place
    /// beforehand.
    Block,
    /// The sender is told at once: a cast fails with `SendError::Full`, a call with
    /// `CallError::Full`.
    Reject,
    /// The message that has waited longest goes, a dead letter, and the new one is taken. If it is
    /// a call that goes, it fails with `CallError::Full`.
    DropOldest,
    /// The new message is a dead letter. A call fails with `CallError::Full`.
    DropNewest,
}

impl FromStr for WhenFull {
    type Err = BadMailbox;

    fn from_str(text: &str) -> Result<Self, BadMailbox> {
        Ok(match text {
            "block" => Self::Block,
            "reject" => Self::Reject,
            "drop_oldest" => Self::DropOldest,
            "drop_newest" => Self::DropNewest,
            _ => return Err(BadMailbox::Unknown(text.into())),
        })
    }
}

/// Where the messages of a process are counted: with its heap or apart from it.
///
/// It changes neither order nor speed. A message in an `OffHeap` queue does not count towards the
/// bound of the process's heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueData {
    /// With the heap.
    #[default]
    OnHeap,
    /// Apart from the heap.
    OffHeap,
}

impl FromStr for QueueData {
    type Err = BadMailbox;

    fn from_str(text: &str) -> Result<Self, BadMailbox> {
        match text {
            "on_heap" => Ok(Self::OnHeap),
            "off_heap" => Ok(Self::OffHeap),
            _ => Err(BadMailbox::Unknown(text.into())),
        }
    }
}

/// A bound, and what happens at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// How many messages may wait.
    pub capacity: usize,
    /// What happens to the next one.
    pub when_full: WhenFull,
}

/// The kind of mailbox that a process is started with: unbounded unless it says otherwise.
///
/// ```
/// use foundation_runtime::{Mailbox, WhenFull};
///
/// let work = Mailbox::bounded(1_000, WhenFull::Block);
/// let prices = Mailbox::bounded(16, WhenFull::DropOldest);
/// let log = Mailbox::unbounded().high_water(10_000);
/// assert_eq!(work.bound().map(|bound| bound.capacity), Some(1_000));
/// assert_eq!((prices.check(), log.bound()), (Ok(()), None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    bound: Option<Bound>,
    high_water: Option<u32>,
}

impl Mailbox {
    /// Takes whatever is sent, and gives alarm when much waits.
    #[must_use]
    pub const fn unbounded() -> Self {
        Self {
            bound: None,
            high_water: None,
        }
    }

    /// At most `capacity` messages wait in it; `when_full` says what happens to the next one.
    ///
    /// A capacity of zero is refused where a process is started with it.
    #[must_use]
    pub const fn bounded(capacity: usize, when_full: WhenFull) -> Self {
        let bound = Bound {
            capacity,
            when_full,
        };
        Self {
            bound: Some(bound),
            high_water: None,
        }
    }

    /// Gives alarm when more than `mark` messages wait, and takes it back when no more than half as
    /// many do. Unless set it is the node's mark; `u32::MAX` is no mark.
    #[must_use]
    pub const fn high_water(mut self, mark: u32) -> Self {
        self.high_water = Some(mark);
        self
    }

    /// The bound, if there is one.
    #[must_use]
    pub const fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// Its own mark, if it has one.
    #[must_use]
    pub const fn mark(&self) -> Option<u32> {
        self.high_water
    }

    /// Whether a process can be started with it.
    ///
    /// # Errors
    /// [`BadMailbox`], which says what is wrong.
    pub const fn check(&self) -> Result<(), BadMailbox> {
        match self.bound {
            Some(Bound { capacity: 0, .. }) => Err(BadMailbox::NoRoom),
            Some(Bound { capacity, .. }) if CAPACITY_MAX < capacity => {
                Err(BadMailbox::TooLarge(capacity))
            }
            _ => match self.high_water {
                Some(0) => Err(BadMailbox::NoMark),
                _ => Ok(()),
            },
        }
    }
}

/// Reads `CAPACITY:WHEN_FULL`, as in `100:reject`; and `unbounded`.
impl FromStr for Mailbox {
    type Err = BadMailbox;

    fn from_str(text: &str) -> Result<Self, BadMailbox> {
        let unknown = || BadMailbox::Unknown(text.into());
        if text == "unbounded" {
            return Ok(Self::unbounded());
        }
        let (capacity, when_full) = text.split_once(':').ok_or_else(unknown)?;
        let capacity = capacity.parse().map_err(|_| unknown())?;
        let mailbox = Self::bounded(capacity, when_full.parse()?);
        mailbox.check().map(|()| mailbox)
    }
}

/// Why a process cannot have such a mailbox. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadMailbox {
    /// Its capacity is zero: no message would ever be handled.
    NoRoom,
    /// Its capacity is larger than [`CAPACITY_MAX`].
    TooLarge(usize),
    /// Its mark is zero: one message would be an alarm.
    NoMark,
    /// The text names no mailbox.
    Unknown(Box<str>),
}

impl fmt::Display for BadMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("a mailbox needs room for one message at least"),
            Self::TooLarge(capacity) => {
                write!(
                    f,
                    "a mailbox holds {CAPACITY_MAX} messages at most, not {capacity}"
                )
            }
            Self::NoMark => f.write_str("a high-water mark is one message at least"),
            Self::Unknown(text) => write!(
                f,
                "`{text}` is no mailbox; it is `unbounded` or a capacity and one of block, reject, \
                 drop_oldest, drop_newest, as in `100:reject`; its data is on_heap or off_heap"
            ),
        }
    }
}

impl std::error::Error for BadMailbox {}

/// The flags that a process begins with: how many messages may wait before there is an alarm, and
/// whether they are charged to it.
pub(crate) fn first_flags(marks: Marks, data: QueueData) -> u32 {
    let counts = data == QueueData::OnHeap && heap::is_on();
    let counts = if counts { COUNTS_QUEUE } else { 0 };
    counts | marks.bias() << WAITING_SHIFT
}

/// What waits is charged to the running process from here on, or to nobody.
#[cold]
fn recount(running: &Running, data: QueueData) {
    let counts = data == QueueData::OnHeap;
    running.set(COUNTS_QUEUE, counts);
    running.local(|local| {
        local.for_each_waiting(|waiting| match counts {
            // Signals are nobody's, whatever the choice.
            _ if !waiting.kind().is_for_the_queue() => {}
            true => waiting.count(),
            false => waiting.discount(),
        });
    });
}

impl Me {
    /// Where the messages in its mailbox are counted from now on, those that wait among them. Returns
    /// what it was. The order of messages does not change.
    pub fn message_queue_data(self, data: QueueData) -> QueueData {
        let running = self.running();
        let old = running.extra(|extra| std::mem::replace(&mut extra.queue_data, data));
        if old != data && heap::is_on() {
            recount(running, data);
        }
        old
    }
}
