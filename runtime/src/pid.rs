//! Who is meant: the address of one process, for ever.
//!
//! Role       Names a process across nodes, restarts of nodes and reuse of memory.
//! Inputs     A node id, a slot of that node's process table, and the slot's generation.
//! Outputs    [`Pid`]: 16 bytes, `Copy`, ordered, serde.
//! Invariant  Two processes never share a `Pid`: a slot's generation rises at each reuse, and a
//!            slot whose generation would wrap is retired.
//! Source     otp: erts, "Processes"; reference manual, "Pid"

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use crate::node::GUEST_SLOT;

/// The identity of one incarnation of a node: a hash of its name and of when it started.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(u64);

impl NodeId {
    /// The id of the node called `name` in this incarnation: see
    /// [`Node::incarnation`](crate::Node::incarnation).
    #[must_use]
    pub fn of(name: &str, incarnation: u64) -> Self {
        Self::new(name, incarnation)
    }

    pub(crate) fn new(name: &str, incarnation: u64) -> Self {
        // FNV-1a: stable over builds and platforms, which a pid that travels needs.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes().chain(incarnation.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(hash | 1)
    }

    /// The id that stands for a node of this name, whether it is connected or not: see
    /// [`Node::resolve`](crate::Node::resolve).
    #[must_use]
    pub fn unconnected(name: &str) -> Self {
        Self::new(name, 0)
    }

    /// The one with this number, as [`NodeId::as_u64`] gave it.
    #[must_use]
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }

    /// The bare number, for logs and for hashing.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The address of a process. It stays valid as a name after the process has died: whatever is sent
/// to it then becomes a dead letter, and never reaches a process that was started later.
///
/// `Display` is `<slot.generation>` as seen on the process's own node, or `<nobody>`, or `<outside>`
/// for code that is no process; `Debug` adds the node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Pid {
    node: NodeId,
    /// Slot and generation: two words travel in registers, three fields do not.
    word: NonZeroU64,
}

/// How a pid is written.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Pid")]
struct Written {
    node: NodeId,
    slot: u32,
    generation: NonZeroU32,
}

/// The slot of nobody: no table grows so far.
const NOBODY_SLOT: u32 = u32::MAX - 1;

impl From<Written> for Pid {
    fn from(written: Written) -> Self {
        Self::new(written.node, written.slot, written.generation)
    }
}

impl From<Pid> for Written {
    fn from(pid: Pid) -> Self {
        Self {
            node: pid.node,
            slot: pid.slot(),
            generation: pid.generation(),
        }
    }
}

impl Pid {
    /// The pid of nobody on this node: whatever is done with it, it is as that of a dead process.
    #[must_use]
    pub fn nobody(node: NodeId) -> Self {
        Self::new(node, NOBODY_SLOT, NonZeroU32::MIN)
    }

    #[inline]
    pub(crate) fn new(node: NodeId, slot: u32, generation: NonZeroU32) -> Self {
        let word = NonZeroU64::from(generation) | u64::from(slot) << 32;
        Self { node, word }
    }

    /// The node this process lives (or lived) on.
    #[inline]
    #[must_use]
    pub fn node(self) -> NodeId {
        self.node
    }

    /// A number below `count`, the same for the same process: to spread processes over a few places.
    ///
    /// # Panics
    /// When `count` is zero.
    #[must_use]
    pub fn spread(self, count: u32) -> u32 {
        self.slot() % count
    }

    #[inline]
    pub(crate) fn slot(self) -> u32 {
        (self.word.get() >> 32) as u32
    }

    #[inline]
    pub(crate) fn generation(self) -> NonZeroU32 {
        NonZeroU32::new(self.word.get() as u32).unwrap_or(NonZeroU32::MIN)
    }

    /// The generation as a bare number.
    #[inline]
    pub(crate) fn tenancy(self) -> u32 {
        self.word.get() as u32
    }

    /// The slot and generation in one word: unique on the pid's node.
    #[inline]
    pub(crate) fn local_word(self) -> NonZeroU64 {
        self.word
    }
}

const _: () = assert!(size_of::<Pid>() == 16);
const _: () = assert!(size_of::<Option<Pid>>() == 16);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot() {
            NOBODY_SLOT => f.write_str("<nobody>"),
            GUEST_SLOT => f.write_str("<outside>"),
            slot => write!(f, "<{slot}.{}>", self.tenancy()),
        }
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}@{:?}>", self.slot(), self.tenancy(), self.node)
    }
}
