//! Who is in which group, here and on other nodes, and who is to be told?
//!
//! Role       One scope of process groups on one node, as a pure machine: its own members, what
//!            each other node has said of its members, and monitors of both.
//! Inputs     [`Input`]: joins, leaves and deaths here; syncs, updates and losses of other nodes.
//! Outputs    [`Effect`]: answers, events for watchers, and what the other nodes are to be told.
//! Owns       At most [`MEMBERS_MAX`] memberships of this node, as many of each other node, and
//!            [`MONITORS_MAX`] monitors.
//! Invariant  A process that has joined a group k times is there k times. The members of another
//!            node are those it named last, and none once it is lost. A watcher's events, in their
//!            order, turn its snapshot into the members of now.
//! Absent     Locks, processes, clocks. A pid is whatever [`Member`] is implemented for.
//! Source     otp: pg

mod input;
mod local;
mod peers;
mod watching;

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

pub use input::{Change, Effect, Group, Input, Refusal};
use local::Local;
use peers::Peers;
use watching::Watching;

/// How many memberships one node has in a scope at most: beyond, a join is refused, and what
/// another node says beyond is not taken.
pub const MEMBERS_MAX: usize = 16 << 20;
/// How many monitors a scope has at most: beyond, they are refused.
pub const MONITORS_MAX: usize = 1 << 20;

/// What a machine needs to know of a process's address.
pub trait Member: Copy + Ord + Hash + std::fmt::Debug {
    /// What tells nodes apart.
    type Node: Copy + Ord + std::fmt::Debug;
    /// The node it lives on.
    fn node(self) -> Self::Node;
}

impl Member for foundation_runtime::Pid {
    type Node = foundation_runtime::NodeId;

    fn node(self) -> Self::Node {
        self.node()
    }
}

/// The groups of one scope, as one node sees them.
#[derive(Debug)]
pub struct Machine<P: Member> {
    own: P::Node,
    local: Local<P>,
    peers: Peers<P>,
    watching: Watching<P>,
    members_max: usize,
    monitors_max: usize,
}

type Effects<P> = Vec<Effect<P>>;

impl<P: Member> Machine<P> {
    /// A scope of the node `own`, without members.
    #[must_use]
    pub fn new(own: P::Node) -> Self {
        Self::with_limits(own, MEMBERS_MAX, MONITORS_MAX)
    }

    /// The same, with other limits.
    #[must_use]
    pub fn with_limits(own: P::Node, members_max: usize, monitors_max: usize) -> Self {
        Self {
            own,
            local: Local::new(),
            peers: Peers::new(),
            watching: Watching::new(),
            members_max,
            monitors_max,
        }
    }

    /// Takes one input; what is to be done is appended to `effects`.
    ///
    /// # Panics
    /// When a process of another node is to join or leave here.
    pub fn step(&mut self, input: Input<P>, effects: &mut Effects<P>) {
        match input {
            Input::Join { group, pids } => self.join(&group, pids, effects),
            Input::Leave { group, pids } => self.leave(&group, pids, effects),
            Input::Down { pid } => self.down(pid, effects),
            Input::Monitor { watcher, group } => self.monitor(watcher, group, effects),
            Input::Demonitor { id } => self.demonitor(id, effects),
            Input::PeerUp { node } => self.peer_up(node, effects),
            Input::PeerSync { node, groups } => self.peer_sync(node, groups, effects),
            Input::PeerJoined { node, group, pids } => {
                self.peer_joined(node, &group, pids, effects);
            }
            Input::PeerLeft { node, group, pids } => self.peer_left(node, &group, &pids, effects),
            Input::PeerDown { node } => self.peer_down(node, effects),
        }
    }

    /// The members of a group: those of this node in the order in which they joined, then those of
    /// the others.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<P> {
        let mut members = self.local.members(group);
        self.peers.members(group, &mut members);
        members
    }

    /// The members of a group on this node, in the order in which they joined.
    #[must_use]
    pub fn local_members(&self, group: &str) -> Vec<P> {
        self.local.members(group)
    }

    /// Whether the end of this process matters: whoever feeds the machine says so by
    /// [`Input::Down`] as long as it does.
    #[must_use]
    pub fn knows(&self, pid: P) -> bool {
        self.local.knows(pid) || self.watching.has(pid)
    }

    /// Who watches by this monitor.
    #[must_use]
    pub fn watcher(&self, id: u64) -> Option<P> {
        self.watching.watcher(id)
    }

    /// The other nodes that have named their members, sorted.
    #[must_use]
    pub fn peers(&self) -> Vec<P::Node> {
        self.peers.nodes()
    }

    /// Whether another node has named members, and not taken all of them back.
    #[must_use]
    pub fn has_members_of(&self, node: P::Node) -> bool {
        self.peers.has_members(node)
    }

    /// The groups with members, sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = self.local.groups();
        self.peers.groups(&mut groups);
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The groups with members on this node, sorted.
    #[must_use]
    pub fn local_groups(&self) -> Vec<Group> {
        self.local.groups()
    }

    fn join(&mut self, group: &Group, pids: Vec<P>, effects: &mut Effects<P>) {
        for pid in &pids {
            assert!(pid.node() == self.own, "{pid:?} joins where it lives");
        }
        if self.members_max - self.local.len() < pids.len() {
            let refusal = Refusal::Full(self.members_max);
            return effects.push(Effect::Refused(refusal));
        }
        if pids.is_empty() {
            return effects.push(Effect::Done);
        }
        for pid in &pids {
            self.local.join(group, *pid);
        }
        effects.push(Effect::Done);
        self.tell(Change::Joined, group, &pids, effects);
        let group = Arc::clone(group);
        effects.push(Effect::TellPeersJoined { group, pids });
    }

    fn leave(&mut self, group: &Group, pids: Vec<P>, effects: &mut Effects<P>) {
        let left: Vec<P> = pids
            .into_iter()
            .filter(|pid| {
                assert!(pid.node() == self.own, "{pid:?} leaves where it lives");
                self.local.leave(group, *pid)
            })
            .collect();
        if left.is_empty() {
            return effects.push(Effect::Refused(Refusal::NotJoined));
        }
        effects.push(Effect::Done);
        self.tell(Change::Left, group, &left, effects);
        let group = Arc::clone(group);
        effects.push(Effect::TellPeersLeft { group, pids: left });
    }

    /// A process of this node has ended.
    fn down(&mut self, pid: P, effects: &mut Effects<P>) {
        self.watching.forget(pid);
        for group in self.local.remove(pid) {
            // otp 25: a member that joined twice leaves in two messages.
            self.tell(Change::Left, &group, &[pid], effects);
            let pids = vec![pid];
            effects.push(Effect::TellPeersLeft { group, pids });
        }
    }

    fn monitor(&mut self, watcher: P, group: Option<Group>, effects: &mut Effects<P>) {
        assert!(
            watcher.node() == self.own,
            "{watcher:?} watches where it lives"
        );
        if self.monitors_max <= self.watching.len() {
            let refusal = Refusal::Full(self.monitors_max);
            return effects.push(Effect::Refused(refusal));
        }
        let groups = match &group {
            Some(group) => vec![Arc::clone(group)],
            None => self.groups(),
        };
        let id = self.watching.add(watcher, group);
        let snapshot = groups.into_iter().map(|group| {
            let members = self.members(&group);
            (group, members)
        });
        let snapshot = snapshot.collect();
        effects.push(Effect::Monitored { id, snapshot });
    }

    fn demonitor(&mut self, id: u64, effects: &mut Effects<P>) {
        match self.watching.remove(id) {
            Some(_) => effects.push(Effect::Done),
            None => effects.push(Effect::Refused(Refusal::NotMonitored)),
        }
    }

    fn peer_up(&mut self, node: P::Node, effects: &mut Effects<P>) {
        if node != self.own {
            let groups = self.local.all();
            effects.push(Effect::Sync { to: node, groups });
        }
    }

    fn peer_sync(&mut self, node: P::Node, groups: Vec<(Group, Vec<P>)>, effects: &mut Effects<P>) {
        if node == self.own {
            return;
        }
        let named = by_group(node, groups, self.members_max);
        let before = self.peers.replace(node, named.clone());
        let mut all: Vec<&Group> = before.keys().chain(named.keys()).collect();
        all.sort_unstable();
        all.dedup();
        let none = Vec::new();
        for group in all {
            let (old, new) = (before.get(group), named.get(group));
            let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
            self.tell(Change::Left, group, &without(old, new), effects);
            self.tell(Change::Joined, group, &without(new, old), effects);
        }
    }

    fn peer_joined(
        &mut self,
        node: P::Node,
        group: &Group,
        mut pids: Vec<P>,
        effects: &mut Effects<P>,
    ) {
        pids.retain(|pid| pid.node() == node);
        if self.peers.join(node, group, &pids, self.members_max) {
            self.tell(Change::Joined, group, &pids, effects);
        }
    }

    fn peer_left(&mut self, node: P::Node, group: &Group, pids: &[P], effects: &mut Effects<P>) {
        let left = self.peers.leave(node, group, pids);
        self.tell(Change::Left, group, &left, effects);
    }

    fn peer_down(&mut self, node: P::Node, effects: &mut Effects<P>) {
        for (group, pids) in self.peers.lose(node) {
            self.tell(Change::Left, &group, &pids, effects);
        }
    }

    fn tell(&self, change: Change, group: &Group, pids: &[P], effects: &mut Effects<P>) {
        if !pids.is_empty() {
            self.watching.tell(change, group, pids, effects);
        }
    }

    /// Whether all parts of the state say the same.
    ///
    /// # Panics
    /// When they do not: the machine is broken.
    pub fn check(&self) {
        self.local.check();
        self.peers.check(self.own, self.members_max);
        self.watching.check();
        assert!(self.local.len() <= self.members_max, "too many members");
        assert!(
            self.watching.len() <= self.monitors_max,
            "too many monitors"
        );
    }
}

/// What a node has named, of its own processes, up to the limit.
fn by_group<P: Member>(
    node: P::Node,
    groups: Vec<(Group, Vec<P>)>,
    max: usize,
) -> BTreeMap<Group, Vec<P>> {
    let mut room = max;
    let mut named: BTreeMap<Group, Vec<P>> = BTreeMap::new();
    for (group, mut pids) in groups {
        pids.retain(|pid| pid.node() == node);
        pids.truncate(room);
        room -= pids.len();
        if !pids.is_empty() {
            named.entry(group).or_default().extend(pids);
        }
    }
    named
}

/// What is in `these` more often than in `those`.
fn without<P: Member>(these: &[P], those: &[P]) -> Vec<P> {
    let mut counts: BTreeMap<P, usize> = BTreeMap::new();
    for pid in those {
        *counts.entry(*pid).or_default() += 1;
    }
    let mut rest = these.to_vec();
    rest.retain(|pid| match counts.get_mut(pid) {
        Some(count) if 0 < *count => {
            *count -= 1;
            false
        }
        _ => true,
    });
    rest
}
