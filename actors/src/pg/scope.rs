//! What can be done with the groups of one scope?
//!
//! Outputs    [`Scope`]: a handle by name; the scope is there as long as a handle, a member or a
//!            watcher is.
//! Owns       The machine of the scope, behind a lock: reads send nothing.
//! Limit      `machine::MEMBERS_MAX` memberships and `machine::MONITORS_MAX` monitors a scope;
//!            beyond, they are refused.
//! Invariant  No code of the program runs under the lock. Events leave under it, so that their
//!            order is that of the changes. A member is gone before its death is told.
//! Source     otp: pg

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak};

use foundation_runtime::{Held, HoldError, Message, Node, NodeId, Pid, me};

use super::event::{GroupEvent, GroupMonitor};
use super::group::Group;
use super::machine::{Effect, Input, Machine, Refusal};
use super::seam::Feed;
use crate::server::Addressed;

/// The scope of those who do not say which.
const DEFAULT: &str = "pg";

/// The scopes of a node.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    opened: RwLock<Opened>,
    pub(super) feed: Arc<Feed>,
}

#[derive(Debug, Default)]
struct Opened {
    by_name: BTreeMap<Box<str>, Weak<Inner>>,
    /// How many there have been.
    count: u64,
}

impl Scopes {
    fn open(&self, node: NodeId, name: &str) -> Arc<Inner> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        let Opened { by_name, count } = &mut *opened;
        if let Some(open) = by_name.get(name).and_then(Weak::upgrade) {
            return open;
        }
        by_name.retain(|_, scope| 0 < scope.strong_count());
        *count += 1;
        let made = Arc::new(Inner {
            name: name.into(),
            number: *count,
            machine: RwLock::new(Machine::new(node)),
            feed: Arc::clone(&self.feed),
        });
        by_name.insert(name.into(), Arc::downgrade(&made));
        made
    }

    /// The scopes that are there, by name.
    pub(super) fn open_now(&self) -> Vec<Arc<Inner>> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.by_name.values().filter_map(Weak::upgrade).collect()
    }
}

/// What the handles of a scope share, and those who are held by it.
#[derive(Debug)]
pub(super) struct Inner {
    name: Arc<str>,
    /// Which of the node's scopes, also after one of the same name is gone.
    number: u64,
    machine: RwLock<Machine<Pid>>,
    feed: Arc<Feed>,
}

impl Inner {
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Machine<Pid>> {
        self.machine.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn monitor(&self, id: u64) -> GroupMonitor {
        let scope = self.number;
        GroupMonitor { scope, id }
    }

    /// Feeds one input, tells the watchers, and says what the answer is.
    pub(super) fn step(
        &self,
        node: &Node,
        machine: &mut Machine<Pid>,
        input: Input<Pid>,
    ) -> Option<Effect<Pid>> {
        let mut effects = Vec::new();
        machine.step(input, &mut effects);
        let mut answer = None;
        for effect in effects {
            match effect {
                Effect::Notify {
                    watcher,
                    id,
                    change,
                    group,
                    pids,
                } => {
                    let event = GroupEvent {
                        monitor: self.monitor(id),
                        change,
                        group,
                        pids,
                    };
                    // It cannot fail: watchers live here. One that dies just now is a dead letter.
                    let _ = node.send(watcher, event);
                }
                Effect::Done | Effect::Refused(_) | Effect::Monitored { .. } => {
                    answer = Some(effect);
                }
                Effect::Sync { .. }
                | Effect::TellPeersJoined { .. }
                | Effect::TellPeersLeft { .. } => {
                    self.feed.pass(node, (&self.name, self.number), effect);
                }
            }
        }
        answer
    }
}

impl Held for Inner {
    fn release(&self, pid: Pid) {
        let Some(node) = Node::current() else { return };
        self.step(&node, &mut self.write(), Input::Down { pid });
    }
}
/// Why nobody joined, or why nobody watches. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// This process is dead.
    NoProc(Pid),
    /// This process lives on another node: it is joined there.
    OtherNode(Pid),
    /// The scope has as many memberships, or monitors, as it may have.
    Full(usize),
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc(pid) => write!(f, "there is no process {pid}"),
            Self::OtherNode(pid) => write!(f, "{pid} lives on another node, and joins there"),
            Self::Full(limit) => write!(f, "the scope is full with {limit}"),
        }
    }
}

impl std::error::Error for JoinError {}

/// None of those who were to leave had joined the group. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJoined;

impl fmt::Display for NotJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none of them had joined the group")
    }
}

impl std::error::Error for NotJoined {}

/// The groups of one name space.
///
/// ```
/// use foundation_actors::Scope;
/// # use foundation_runtime::{Codec, Message, Node, Process, Tag};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder().start()?;
/// # let process = node.spawn_fn(|mut me: Process<Word>| async move { drop(me.recv().await) })?;
/// let rooms = Scope::named(&node, "rooms");
/// rooms.join("lobby", &process)?;
/// rooms.join("lobby", &process)?;
/// assert_eq!(rooms.get_members("lobby"), [process.pid(), process.pid()]);
/// rooms.leave("lobby", &process)?;
/// assert_eq!(rooms.get_members("lobby"), [process.pid()]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Scope {
    node: Node,
    name: Box<str>,
    inner: Arc<Inner>,
}

impl Scope {
    /// The scope of those who do not say which: `pg`.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Self::named(node, DEFAULT)
    }

    /// The scope of this name; groups of different scopes know nothing of each other.
    #[must_use]
    pub fn named(node: &Node, name: &str) -> Self {
        Self {
            node: node.clone(),
            name: name.into(),
            inner: node.shared::<Scopes>().open(node.id(), name),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node whose view of the groups this is.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// One group, with members of one type.
    #[must_use]
    pub fn group<A: Addressed + ?Sized>(&self, name: &str) -> Group<A> {
        Group::new(self.clone(), name)
    }

    /// A process of this node joins a group. It may join k times, and is then there k times.
    ///
    /// # Errors
    /// [`JoinError`]: it is dead or elsewhere, or the scope is full.
    pub fn join(&self, group: &str, pid: impl Into<Pid>) -> Result<(), JoinError> {
        self.join_all(group, [pid.into()])
    }

    /// Several processes join a group as one: all or none, and watchers are told once.
    ///
    /// # Errors
    /// As [`Scope::join`].
    pub fn join_all(
        &self,
        group: &str,
        pids: impl IntoIterator<Item = Pid>,
    ) -> Result<(), JoinError> {
        let pids: Vec<Pid> = pids.into_iter().collect();
        let group = group.into();
        let join = Input::Join {
            group,
            pids: pids.clone(),
        };
        self.held(&pids, join).map(|_| ())
    }

    /// A process leaves a group once.
    ///
    /// # Errors
    /// [`NotJoined`].
    pub fn leave(&self, group: &str, pid: impl Into<Pid>) -> Result<(), NotJoined> {
        self.leave_all(group, [pid.into()])
    }

    /// Several processes leave a group, each once for each time it is named. Those that have not
    /// joined it do not matter, unless none has.
    ///
    /// # Errors
    /// [`NotJoined`]: none had joined.
    pub fn leave_all(
        &self,
        group: &str,
        pids: impl IntoIterator<Item = Pid>,
    ) -> Result<(), NotJoined> {
        let mut pids: Vec<Pid> = pids.into_iter().collect();
        pids.retain(|pid| pid.node() == self.node.id());
        let mut machine = self.inner.write();
        let group = group.into();
        let leave = Input::Leave {
            group,
            pids: pids.clone(),
        };
        let answer = self.inner.step(&self.node, &mut machine, leave);
        self.settle(&machine, &pids);
        match answer {
            Some(Effect::Done) => Ok(()),
            _ => Err(NotJoined),
        }
    }

    /// The members of a group, on all nodes: those of this node first, in the order in which they
    /// joined.
    #[must_use]
    pub fn get_members(&self, group: &str) -> Vec<Pid> {
        self.read(|machine| machine.members(group))
    }

    /// The members of a group on this node, in the order in which they joined.
    #[must_use]
    pub fn get_local_members(&self, group: &str) -> Vec<Pid> {
        self.read(|machine| machine.local_members(group))
    }

    /// The groups that have members, sorted.
    #[must_use]
    pub fn which_groups(&self) -> Vec<Arc<str>> {
        self.read(Machine::groups)
    }

    /// The groups that have members on this node, sorted.
    #[must_use]
    pub fn which_local_groups(&self) -> Vec<Arc<str>> {
        self.read(Machine::local_groups)
    }

    /// Has `watcher` told, by [`GroupEvent`]s, of everybody who joins or leaves this group from now
    /// on, and says who is in it now.
    ///
    /// # Errors
    /// [`JoinError`]: the watcher is dead or elsewhere, or there are too many monitors.
    pub fn monitor(
        &self,
        group: &str,
        watcher: impl Into<Pid>,
    ) -> Result<(GroupMonitor, Vec<Pid>), JoinError> {
        let (monitor, snapshot) = self.watch(watcher.into(), Some(group.into()))?;
        let members = snapshot.into_iter().flat_map(|(_, members)| members);
        Ok((monitor, members.collect()))
    }

    /// [`Scope::monitor`] for all groups, also those to come.
    ///
    /// # Errors
    /// As [`Scope::monitor`].
    pub fn monitor_scope(
        &self,
        watcher: impl Into<Pid>,
    ) -> Result<(GroupMonitor, Vec<(Arc<str>, Vec<Pid>)>), JoinError> {
        self.watch(watcher.into(), None)
    }

    /// Ends a monitor, and says whether there was one. What it has told already may still be on its
    /// way to the watcher, or in its mailbox: see [`Scope::demonitor_flush`].
    pub fn demonitor(&self, monitor: GroupMonitor) -> bool {
        let GroupMonitor { scope, id } = monitor;
        let mut machine = self.inner.write();
        let own = scope == self.inner.number;
        let Some(watcher) = machine.watcher(id).filter(|_| own) else {
            return false;
        };
        let demonitor = Input::Demonitor { id };
        let answer = self.inner.step(&self.node, &mut machine, demonitor);
        self.settle(&machine, &[watcher]);
        answer == Some(Effect::Done)
    }

    /// [`Scope::demonitor`] by the watcher itself: afterwards nothing that the monitor has told is in its
    /// mailbox either. Where another process calls it, what has been told is not taken back. What
    /// `pg:demonitor/2` does.
    ///
    /// ```
    /// # use foundation_actors::Scope;
    /// # use foundation_runtime::{Codec, Message, Node, Process, Tag, promise};
    /// # struct Word;
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    /// # let node = Node::builder().start().unwrap();
    /// # let (tell, told) = promise(&node);
    /// let watcher = node.spawn_fn(|me: Process<Word>| async move {
    ///     let rooms = Scope::named(&me.node(), "rooms");
    ///     let (monitor, _) = rooms.monitor("lobby", me.pid()).unwrap();
    ///     rooms.join("lobby", me.pid()).unwrap();
    ///     assert!(rooms.demonitor_flush(monitor));
    ///     assert_eq!(me.info().message_queue_len, 0);
    /// #     tell.send(());
    /// });
    /// # watcher.unwrap();
    /// # assert_eq!(node.block_on(told), Ok(()));
    /// ```
    pub fn demonitor_flush(&self, monitor: GroupMonitor) -> bool {
        let ended = self.demonitor(monitor);
        let own = monitor.scope == self.inner.number;
        if let Some(me) = me().filter(|me| own && me.node() == self.node) {
            me.flush(|event: &GroupEvent| event.monitor == monitor);
        }
        ended
    }

    /// Sends a message to every member of a group, on all nodes, once for each time it has joined;
    /// says to how many.
    pub fn broadcast<M: Message + Clone>(&self, group: &str, message: &M) -> usize {
        let members = self.get_members(group);
        let sent = members.into_iter().filter(|pid| {
            let sent = self.node.send(*pid, message.clone());
            sent.is_ok()
        });
        sent.count()
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Machine<Pid>) -> T) -> T {
        let machine = self.inner.machine.read();
        look(&machine.unwrap_or_else(PoisonError::into_inner))
    }

    fn watch(
        &self,
        watcher: Pid,
        group: Option<Arc<str>>,
    ) -> Result<(GroupMonitor, Vec<(Arc<str>, Vec<Pid>)>), JoinError> {
        match self.held(&[watcher], Input::Monitor { watcher, group })? {
            Some(Effect::Monitored { id, snapshot }) => Ok((self.inner.monitor(id), snapshot)),
            other => unreachable!("a monitor was answered {other:?}"),
        }
    }

    /// Feeds an input that needs these processes to be alive, and their ends to be told.
    fn held(&self, pids: &[Pid], input: Input<Pid>) -> Result<Option<Effect<Pid>>, JoinError> {
        let mut machine = self.inner.write();
        let held: Arc<dyn Held> = Arc::clone(&self.inner) as _;
        let alive = pids.iter().try_for_each(|pid| {
            let held = self.node.hold(*pid, &held);
            held.map_err(|error| match error {
                HoldError::OtherNode => JoinError::OtherNode(*pid),
                _ => JoinError::NoProc(*pid),
            })
        });
        let answer = alive.map(|()| self.inner.step(&self.node, &mut machine, input));
        self.settle(&machine, pids);
        match answer? {
            Some(Effect::Refused(Refusal::Full(limit))) => Err(JoinError::Full(limit)),
            answer => Ok(answer),
        }
    }

    /// Those that have nothing here any more need not be held.
    fn settle(&self, machine: &Machine<Pid>, pids: &[Pid]) {
        let held: Arc<dyn Held> = Arc::clone(&self.inner) as _;
        for pid in pids {
            if !machine.knows(*pid) {
                self.node.let_go(*pid, &held);
            }
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.name).finish()
    }
}
