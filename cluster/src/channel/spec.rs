//! What is a channel to be like?
//!
//! Role       [`Channel`]: a name and what is asked of it, checked once.
//! Limit      [`LANES_MAX`] lanes; queues of up to [`FULL_MAX`] bytes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::Priority;

use super::width::Width;

/// How many connections to one node a channel may have.
pub const LANES_MAX: u8 = 16;
/// The most bytes that may wait in one channel for one node.
pub const FULL_MAX: usize = 1 << 30;

const HOLD_BYTES: usize = 1 << 20;
const FULL_BYTES: usize = 64 << 20;
const CAUSAL_BOUND: Duration = Duration::from_secs(5);

/// A way of its own for some of what goes from one node to another: connections that share nothing
/// with other channels, opened when they are first used.
///
/// Every node has four: `data`, over which goes whatever names no channel, `coordination` of high
/// priority, `gossip` of low priority, and `events` of low priority, compressed. A program declares
/// its own, or changes one of the last three, with [`Builder::channel`](crate::Builder::channel).
/// Messages name a channel by [`SendOptions`](foundation_runtime::SendOptions).
///
/// Between two processes, or for one key, messages over one channel keep their order. Those over two
/// channels have none between them.
///
/// ```
/// use foundation_cluster::channel::Channel;
/// use foundation_runtime::Priority;
/// let readings = Channel::named("readings").lanes(4).priority(Priority::Low).monotonic();
/// assert_eq!(readings.name(), "readings");
/// assert!(readings.check().is_ok());
/// assert!(Channel::named("readings").lanes(0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub(crate) name: Arc<str>,
    /// `None` for as many as are of use.
    pub(crate) lanes: Option<u8>,
    pub(crate) priority: Priority,
    pub(crate) is_monotonic: bool,
    pub(crate) is_compressed: bool,
    pub(crate) credit: Option<usize>,
    pub(crate) hold: usize,
    pub(crate) full: usize,
    pub(crate) causal_bound: Duration,
}

impl Channel {
    /// A channel of this name, of normal priority, with as many lanes as are of use: it begins with one, and has up to
    /// [`LANES_TUNED`](super::LANES_TUNED) while that lets more through.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            lanes: None,
            priority: Priority::Normal,
            is_monotonic: false,
            is_compressed: false,
            credit: None,
            hold: HOLD_BYTES,
            full: FULL_BYTES,
            causal_bound: CAUSAL_BOUND,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many connections to each node it has, at most [`LANES_MAX`], instead of as many as are of use. Each is opened
    /// when those before it have enough to do. What one process sends, or what has one key, is under way over one of
    /// them at a time.
    #[must_use]
    pub fn lanes(mut self, lanes: u8) -> Self {
        self.lanes = Some(lanes);
        self
    }

    /// While something waits in a channel to a node, those of lower priority have only 64 KiB at a
    /// time under way to it: they go on, and do not stand in its way.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The newest wins: a message takes the place of one that still waits and that has the same
    /// key, or without one the same sender, receiver and type. Requests are never so replaced.
    #[must_use]
    pub fn monotonic(mut self) -> Self {
        self.is_monotonic = true;
        self
    }

    /// What leaves together is compressed together (LZ4), where that makes it smaller.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    /// How many bytes of one sender may be under way or in mailboxes of the other node, where no
    /// process has taken them yet: so a sender is held to the pace of its slowest receiver. Unset,
    /// mailboxes grow as they do on one node.
    ///
    /// Two processes that send to each other what neither takes can so hold each other: bound the
    /// calls between them, as ever.
    #[must_use]
    pub fn credit(mut self, bytes: usize) -> Self {
        self.credit = Some(bytes);
        self
    }

    /// How many bytes may wait for a node before those who send over it are held: 1 MiB unless set.
    #[must_use]
    pub fn hold_at(mut self, bytes: usize) -> Self {
        self.hold = bytes;
        self
    }

    /// How many bytes may wait for a node before messages are refused: 64 MiB unless set. Held senders
    /// never come so far; code outside processes, and handlers that never wait, do.
    #[must_use]
    pub fn full_at(mut self, bytes: usize) -> Self {
        self.full = bytes;
        self
    }

    /// How long a message that is to come in [causal
    /// order](foundation_runtime::SendOptions::causal) waits on this node, at most, for what it follows: five
    /// seconds unless set. All that waits together takes at most 16 MiB.
    #[must_use]
    pub fn causal_within(mut self, bound: Duration) -> Self {
        self.causal_bound = bound;
        self
    }

    /// The lanes to one node.
    pub(crate) fn width(&self) -> Width {
        Width::new(self.lanes)
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadChannel`] names the first thing that does not.
    pub fn check(&self) -> Result<(), BadChannel> {
        let bad = |what| {
            Err(BadChannel {
                name: self.name.as_ref().into(),
                what,
            })
        };
        if let Some(lanes) = self.lanes
            && !(1..=LANES_MAX).contains(&lanes)
        {
            return bad(BadValue::Lanes(lanes));
        }
        if self.credit == Some(0) {
            return bad(BadValue::NoCredit);
        }
        if self.full > FULL_MAX {
            return bad(BadValue::Full(self.full));
        }
        match self.hold == 0 || self.full < self.hold {
            true => bad(BadValue::Hold(self.hold, self.full)),
            false => Ok(()),
        }
    }
}

/// A channel that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadChannel {
    /// Which.
    pub name: Box<str>,
    /// What is wrong with it.
    pub what: BadValue,
}

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadValue {
    /// It has no lane, or more than [`LANES_MAX`].
    Lanes(u8),
    /// With no credit nothing would ever be sent.
    NoCredit,
    /// Senders would be held always, or messages refused before senders are held.
    Hold(usize, usize),
    /// More than [`FULL_MAX`] bytes may wait.
    Full(usize),
    /// It is `data`, which is the connection itself.
    Data,
}

impl fmt::Display for BadChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the channel `{}` ", self.name)?;
        match self.what {
            BadValue::Lanes(lanes) => {
                write!(f, "cannot have {lanes} lanes: 1 to {LANES_MAX}")
            }
            BadValue::NoCredit => f.write_str("has a credit of 0: nothing would ever be sent"),
            BadValue::Hold(hold, full) => write!(
                f,
                "holds senders at {hold} bytes and is full at {full}: both above zero, the second not \
                 below the first"
            ),
            BadValue::Full(full) => {
                write!(f, "would be full at {full} bytes: at most {FULL_MAX}")
            }
            BadValue::Data => f.write_str(
                "is the connection that everything else goes over, and is as it is: declare another",
            ),
        }
    }
}

impl std::error::Error for BadChannel {}
