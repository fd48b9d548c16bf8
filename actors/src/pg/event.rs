//! What is a watcher of groups told?

use std::sync::Arc;

use foundation_runtime::{Codec, Message, Pid, Tag};

use super::machine::Change;

/// One monitor of a scope or of a group. No two of a node are the same, whatever their scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupMonitor {
    /// Which of the scopes that the node has had.
    pub(super) scope: u64,
    /// Which of that scope's.
    pub(super) id: u64,
}

/// Who joined or left a group; a message to the process that watches.
///
/// An actor takes it in `#[info]` with `info.take::<GroupEvent>()`, a plain process likewise, or by
/// its own type of message when that is `GroupEvent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEvent {
    /// By which monitor it is told.
    pub monitor: GroupMonitor,
    /// What happened,
    pub change: Change,
    /// in which group,
    pub group: Arc<str>,
    /// to whom: a process that joined twice with one call is here twice.
    pub pids: Vec<Pid>,
}

/// It never leaves its node.
impl Message for GroupEvent {
    const NAME: &'static str = "GroupEvent";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "GroupEvent", "")
    }
}
