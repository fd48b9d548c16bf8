//! What can happen to a scope of groups, and what follows from it?

use std::sync::Arc;

use super::Member;

/// The name of a group. Cloning shares the text.
pub type Group = Arc<str>;

/// What happened to members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// They joined.
    Joined,
    /// They left, died, or their node was lost.
    Left,
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<P: Member> {
    /// Processes of this node join a group, each once for each time it is named.
    Join {
        /// Which group.
        group: Group,
        /// Who.
        pids: Vec<P>,
    },
    /// Processes of this node leave a group, each once for each time it is named.
    Leave {
        /// Which group.
        group: Group,
        /// Who; those that have not joined do not matter, unless none has.
        pids: Vec<P>,
    },
    /// A process of this node has ended.
    Down {
        /// Which.
        pid: P,
    },
    /// A process of this node wants to know of a group, or of all.
    Monitor {
        /// Who is told.
        watcher: P,
        /// Which group; all of the scope when there is none.
        group: Option<Group>,
    },
    /// Nobody is told by this monitor any more.
    Demonitor {
        /// Its number, from [`Effect::Monitored`].
        id: u64,
    },
    /// Another node with this scope is there: it is to be told of all members here.
    PeerUp {
        /// Which node.
        node: P::Node,
    },
    /// Another node has named all of its members.
    PeerSync {
        /// Which node.
        node: P::Node,
        /// Its groups with their members; pids of other nodes among them do not count.
        groups: Vec<(Group, Vec<P>)>,
    },
    /// Processes of another node have joined. Before its first sync this means nothing.
    PeerJoined {
        /// Which node.
        node: P::Node,
        /// Which group.
        group: Group,
        /// Who.
        pids: Vec<P>,
    },
    /// Processes of another node have left.
    PeerLeft {
        /// Which node.
        node: P::Node,
        /// Which group.
        group: Group,
        /// Who.
        pids: Vec<P>,
    },
    /// Another node is lost, or has the scope no more.
    PeerDown {
        /// Which node.
        node: P::Node,
    },
}

/// Why an input of this node changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// None of them had joined the group.
    NotJoined,
    /// There is no such monitor.
    NotMonitored,
    /// There are as many as there may be.
    Full(usize),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<P: Member> {
    /// The join, leave or demonitor was carried out.
    Done,
    /// The input changed nothing.
    Refused(Refusal),
    /// The monitor is set.
    Monitored {
        /// Its number.
        id: u64,
        /// The members as of now: of the one group, or of all groups that have some.
        snapshot: Vec<(Group, Vec<P>)>,
    },
    /// A watcher is to be told.
    Notify {
        /// Who.
        watcher: P,
        /// By which monitor.
        id: u64,
        /// What happened,
        change: Change,
        /// in which group,
        group: Group,
        /// to whom.
        pids: Vec<P>,
    },
    /// One other node is to be told of all members here.
    Sync {
        /// Which node.
        to: P::Node,
        /// The groups with members here.
        groups: Vec<(Group, Vec<P>)>,
    },
    /// All other nodes are to be told who joined here.
    TellPeersJoined {
        /// Which group.
        group: Group,
        /// Who.
        pids: Vec<P>,
    },
    /// All other nodes are to be told who left here.
    TellPeersLeft {
        /// Which group.
        group: Group,
        /// Who.
        pids: Vec<P>,
    },
}
