//! What does a program do with global names and locks?
//!
//! Role       [`Global`]: the handle of one node; what it waits for are builders with a bound.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation_actors::{Addressed, Name, NodeExt as _, Ref};
use foundation_runtime::{CallError, Codec, Message, Node, Pid, SendError, Tag};

use super::driver::{Globals, claim};
use super::event::Trouble;
use super::shared::{Decider, GLOBALS, Shared};
use super::word::Conflict;

/// The longest global name, or name of a lock.
pub const NAME_BYTES_MAX: usize = 1024;
/// How often it is tried to set a lock unless said otherwise.
pub const LOCK_TRIES: u32 = u32::MAX;
/// How long it may take unless said otherwise.
const BOUND: Duration = Duration::from_secs(5);
/// The registry keeps to the bound itself; after so long more it is not waited for.
const MARGIN: Duration = Duration::from_millis(500);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A process has lost a global name: two parts of the cluster had both given it, and have found each
/// other. A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalNameConflict {
    /// Which name.
    pub name: Arc<str>,
    /// Who had it as well, and has lost it, too; nothing when that one keeps it.
    pub other: Option<Pid>,
}

/// It never leaves its node.
impl Message for GlobalNameConflict {
    const NAME: &'static str = "GlobalNameConflict";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "GlobalNameConflict", "")
    }
}

/// Why a global name was not given or taken, or a lock not set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GlobalError {
    /// This process has the name. Nothing was changed.
    AlreadyRegistered(Pid),
    /// Nobody has the name, or the process does not hold the lock. Nothing was changed.
    NotHeld,
    /// This process has ended. Nothing was changed.
    NoProc(Pid),
    /// It was not done within the bound, or the tries. Nothing was changed.
    TimedOut,
    /// It is done on the process's own node, but within the bound not all nodes have said that they
    /// know.
    Unconfirmed,
    /// There are as many names, locks or waiting requests as may be. Nothing was changed.
    Full(usize),
    /// The name is longer than may be. Nothing was changed.
    TooLong(usize),
    /// A lock is set, and a function for conflicts is given, on the node of the process itself.
    OtherNode(Pid),
    /// The node of the process is not connected, or is no part of a cluster.
    NoNode(Pid),
    /// The registry gave no answer: it may be done.
    Call(CallError),
}

impl fmt::Display for GlobalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRegistered(pid) => write!(f, "{pid} has the name"),
            Self::NotHeld => f.write_str("it is nobody's"),
            Self::NoProc(pid) => write!(f, "there is no process {pid}"),
            Self::TimedOut => f.write_str("it was not done in time"),
            Self::Unconfirmed => {
                f.write_str("it is done, but not all nodes have said that they know")
            }
            Self::Full(limit) => write!(f, "there is room for {limit} only"),
            Self::TooLong(length) => {
                write!(
                    f,
                    "{length} bytes are more than a name may have: {NAME_BYTES_MAX}"
                )
            }
            Self::OtherNode(pid) => write!(f, "{pid} lives on another node, and has to ask there"),
            Self::NoNode(pid) => write!(f, "the node of {pid} is not connected to this cluster"),
            Self::Call(error) => write!(f, "the registry gave no answer: {error}"),
        }
    }
}

impl std::error::Error for GlobalError {}

impl From<Trouble<Pid>> for GlobalError {
    fn from(trouble: Trouble<Pid>) -> Self {
        match trouble {
            Trouble::Taken(pid) => Self::AlreadyRegistered(pid),
            Trouble::NotHeld => Self::NotHeld,
            Trouble::Late => Self::TimedOut,
            Trouble::Unconfirmed => Self::Unconfirmed,
            Trouble::Full(limit) => Self::Full(limit),
            Trouble::NoProc(pid) => Self::NoProc(pid),
        }
    }
}

/// What becomes of two processes that have the same name, when two parts of a cluster that have both
/// given it find each other. The one with the lower pid says by which of these.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum OnConflict {
    /// One of them keeps the name, the other is killed.
    #[default]
    RandomExit,
    /// One of them keeps the name, the other is sent a [`GlobalNameConflict`].
    RandomNotify,
    /// Neither keeps it, and each is sent a [`GlobalNameConflict`] with the other's pid.
    NotifyAll,
    /// This function is given the name and both pids, and says which keeps it, if any. Nothing else
    /// becomes of the other. When it panics, the first keeps it.
    Decide(Arc<dyn Fn(&str, Pid, Pid) -> Option<Pid> + Send + Sync>),
}

impl OnConflict {
    /// A function that says who keeps the name.
    pub fn decide(by: impl Fn(&str, Pid, Pid) -> Option<Pid> + Send + Sync + 'static) -> Self {
        Self::Decide(Arc::new(by))
    }
}

impl fmt::Debug for OnConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RandomExit => "RandomExit",
            Self::RandomNotify => "RandomNotify",
            Self::NotifyAll => "NotifyAll",
            Self::Decide(_) => "Decide",
        })
    }
}

/// The global names and locks of a cluster, as one node sees them.
///
/// ```
/// # use foundation_cluster::{NodeClusterExt, WorldClusterExt};
/// # use foundation_runtime::{Codec, Message, Process, Tag, World};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// World::simulate(3, |world| async move {
///     let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
///     let leader = |mut me: Process<Word>| async move { drop(me.recv().await) };
///     let leader = a.spawn_fn(leader).expect("there is room").pid();
///     a.global().register("leader", leader).await.expect("nobody has the name");
///     assert_eq!(b.global().whereis("leader"), Some(leader));
/// })?;
/// # Ok::<(), foundation_runtime::SimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Global {
    node: Node,
}

impl Global {
    pub(crate) fn of(node: &Node) -> Self {
        let node = node.clone();
        Self { node }
    }

    /// Gives a name to a process, which may be of another node. When that is done, every node that is
    /// connected to the process's own knows it.
    pub fn register(&self, name: &str, pid: impl Into<Pid>) -> TakeName {
        TakeName {
            node: self.node.clone(),
            name: name.to_owned(),
            pid: pid.into(),
            is_forced: false,
            on_conflict: OnConflict::default(),
            bound: BOUND,
        }
    }

    /// [`Global::register`], also when somebody else has the name, and loses it by that. Where the two
    /// are of different nodes, for a moment nobody has it.
    pub fn re_register(&self, name: &str, pid: impl Into<Pid>) -> TakeName {
        let is_forced = true;
        TakeName {
            is_forced,
            ..self.register(name, pid)
        }
    }

    /// Takes a name back from whoever has it. When that is done, every node that is connected to the
    /// one that had given it knows it.
    ///
    /// # Errors
    /// [`GlobalError`].
    pub async fn unregister(&self, name: &str, bound: Duration) -> Result<(), GlobalError> {
        let holder = self.whereis(name).ok_or(GlobalError::NotHeld)?;
        let registry = registry_of(&self.node, holder)?;
        let given = registry.give(name.to_owned(), bound);
        answered(given.timeout(bound + MARGIN).await)
    }

    /// Who has this name, as this node knows it: nobody is asked.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        let shared = self.node.shared::<Shared>();
        shared.read().shown.get(name).copied()
    }

    /// All names that somebody has, as this node knows it, sorted.
    #[must_use]
    pub fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        let shared = self.node.shared::<Shared>();
        let tables = shared.read();
        let shown = tables.shown.iter();
        shown.map(|(name, pid)| (Arc::clone(name), *pid)).collect()
    }

    /// The actor that has this name now, by its pid: for the next call, not to be kept. Nobody when
    /// nobody has it. It is not checked that it is an `A`.
    #[must_use]
    pub fn find<A: Addressed + ?Sized>(&self, name: &Name<A>) -> Option<Ref<A>> {
        let pid = self.whereis(name.as_str())?;
        Some(self.node.reference(pid))
    }

    /// Sends a message to whoever has this name.
    ///
    /// # Errors
    /// [`SendError`]: [`SendError::NoName`] when nobody has it.
    pub fn send<M: Message>(&self, name: &str, message: M) -> Result<(), SendError> {
        let pid = self.whereis(name);
        let pid = pid.ok_or_else(|| SendError::NoName(name.into()))?;
        self.node.send(pid, message)
    }

    /// Locks something for a process of this node, at all nodes that are connected. It is held until
    /// [`Global::del_lock`] or the end of the process; set twice by the same, it is to be given back
    /// twice.
    pub fn set_lock(&self, resource: &str, requester: impl Into<Pid>) -> SetLock {
        SetLock {
            node: self.node.clone(),
            resource: resource.to_owned(),
            requester: requester.into(),
            tries: LOCK_TRIES,
            bound: BOUND,
        }
    }

    /// Gives a lock back, once.
    ///
    /// # Errors
    /// [`GlobalError::NotHeld`], or no answer of the registry.
    pub async fn del_lock(
        &self,
        resource: &str,
        requester: impl Into<Pid>,
    ) -> Result<(), GlobalError> {
        let registry = self.node.at(GLOBALS);
        let given = registry.unlock(resource.to_owned(), requester.into());
        answered(given.timeout(BOUND).await)
    }

    /// Does something while the lock is held for a process of this node, and gives it back, also when
    /// the work is dropped half done. `bound` is for the lock.
    ///
    /// # Errors
    /// [`GlobalError`]: it could not be locked, and nothing was done.
    pub async fn trans<T>(
        &self,
        resource: &str,
        requester: impl Into<Pid>,
        bound: Duration,
        work: impl AsyncFnOnce() -> T,
    ) -> Result<T, GlobalError> {
        let requester = requester.into();
        self.set_lock(resource, requester).timeout(bound).await?;
        let lock = LockTransaction::of(&self.node, resource, requester);
        let done = work().await;
        drop(lock);
        Ok(done)
    }
}

/// A lock that is given back when this is dropped.
#[derive(Debug)]
pub struct LockTransaction {
    node: Node,
    resource: String,
    requester: Pid,
    is_over: bool,
}

impl LockTransaction {
    fn of(node: &Node, resource: &str, requester: Pid) -> Self {
        Self {
            node: node.clone(),
            resource: resource.to_owned(),
            requester,
            is_over: false,
        }
    }
}

impl Drop for LockTransaction {
    fn drop(&mut self) {
        if !self.is_over {
            let resource = std::mem::take(&mut self.resource);
            // Where the registry has ended, no lock of it is left.
            let _ = self.node.at(GLOBALS).abandon(resource, self.requester);
        }
    }
}

/// A global name that is to be given; done when it is awaited.
#[must_use = "a name is given when this is awaited"]
#[derive(Clone, Debug)]
pub struct TakeName {
    node: Node,
    name: String,
    pid: Pid,
    is_forced: bool,
    on_conflict: OnConflict,
    bound: Duration,
}

impl TakeName {
    /// What becomes of it when another part of the cluster has given the name as well: one of the two
    /// processes is killed, unless set.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// How long it may take: 5 s unless set.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    async fn take(self) -> Result<(), GlobalError> {
        let Self {
            node, name, pid, ..
        } = self;
        check_length(&name)?;
        let registry = registry_of(&node, pid)?;
        let conflict = match self.on_conflict {
            OnConflict::RandomExit => Conflict::RandomExit,
            OnConflict::RandomNotify => Conflict::RandomNotify,
            OnConflict::NotifyAll => Conflict::NotifyAll,
            OnConflict::Decide(_) if pid.node() != node.id() => {
                return Err(GlobalError::OtherNode(pid));
            }
            OnConflict::Decide(decider) => {
                let decider: Decider = decider;
                let shared = node.shared::<Shared>();
                let key = (name.clone(), pid);
                shared.write().deciders.insert(key, decider);
                Conflict::Own
            }
        };
        let key = (name.clone(), pid);
        let taken = registry.take(name, claim(pid, conflict), self.is_forced, self.bound);
        let taken = answered(taken.timeout(self.bound + MARGIN).await);
        if let Err(GlobalError::TimedOut | GlobalError::NoProc(_) | GlobalError::Full(_)) = taken {
            node.shared::<Shared>().write().deciders.remove(&key);
        }
        taken
    }
}

impl IntoFuture for TakeName {
    type Output = Result<(), GlobalError>;
    type IntoFuture = Boxed<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.take())
    }
}

/// A lock that is to be set; done when it is awaited. Dropped before that, it is not set.
#[must_use = "a lock is set when this is awaited"]
#[derive(Clone, Debug)]
pub struct SetLock {
    node: Node,
    resource: String,
    requester: Pid,
    tries: u32,
    bound: Duration,
}

impl SetLock {
    /// How often it is tried, with growing pauses: once is enough to know whether it is free now. As
    /// often as there is time for, unless set.
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// How long it may take: 5 s unless set.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    async fn set(self) -> Result<(), GlobalError> {
        let Self {
            node, requester, ..
        } = self;
        check_length(&self.resource)?;
        if requester.node() != node.id() {
            return Err(GlobalError::OtherNode(requester));
        }
        let mut waiting = LockTransaction::of(&node, &self.resource, requester);
        let set = node
            .at(GLOBALS)
            .lock(self.resource, requester, self.tries, self.bound);
        let set = set.timeout(self.bound + MARGIN).await;
        waiting.is_over = set.is_ok();
        answered(set)
    }
}

impl IntoFuture for SetLock {
    type Output = Result<(), GlobalError>;
    type IntoFuture = Boxed<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.set())
    }
}

/// The registry of a process's node.
fn registry_of(node: &Node, pid: Pid) -> Result<Ref<Globals>, GlobalError> {
    if pid.node() == node.id() {
        return Ok(node.at(GLOBALS));
    }
    let peers = node.peers().into_iter();
    let name = peers
        .filter(|(_, id)| *id == pid.node())
        .map(|(name, _)| name)
        .next();
    let name = name.ok_or(GlobalError::NoNode(pid))?;
    Ok(node.remote(&name).at(GLOBALS))
}

fn check_length(name: &str) -> Result<(), GlobalError> {
    match name.len() {
        0..=NAME_BYTES_MAX => Ok(()),
        length => Err(GlobalError::TooLong(length)),
    }
}

fn answered(answer: Result<Result<(), Trouble<Pid>>, CallError>) -> Result<(), GlobalError> {
    answer.map_err(GlobalError::Call)?.map_err(Into::into)
}
