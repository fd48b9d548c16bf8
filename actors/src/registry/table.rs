//! What can be done with a registry?
//!
//! Outputs    [`Registry`]: a handle, cheap to clone; the registry goes with its last handle.
//! Invariant  Registering and reading send nothing and wait for nobody but the lock of one
//!            partition. Results are in the order of registration.
//! Source     elixir: Registry

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use foundation_runtime::{Node, Pid};

use super::builder::RegistryBuilder;
use super::key::{Key, hash_of};
use super::listener::{Listener, RegistryEvent};
use super::meta::{Meta, MetaError};
use super::partition::{Counts, Partition, Row};

/// A key has one holder.
#[derive(Clone, Copy, Debug)]
pub enum Unique {}

/// A key has any number of holders, and one process may have it several times.
#[derive(Clone, Copy, Debug)]
pub enum Duplicate {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Unique {}
    impl Sealed for super::Duplicate {}
}

/// How many holders a key has: [`Unique`] or [`Duplicate`].
pub trait Keys: sealed::Sealed + 'static {
    /// Whether it has one.
    const UNIQUE: bool;
}

impl Keys for Unique {
    const UNIQUE: bool = true;
}

impl Keys for Duplicate {
    const UNIQUE: bool = false;
}

/// One who has a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Registration<V> {
    /// The process.
    pub pid: Pid,
    /// What it registered with the key.
    pub value: Arc<V>,
}

impl<V> Clone for Registration<V> {
    fn clone(&self) -> Self {
        Self {
            pid: self.pid,
            value: Arc::clone(&self.value),
        }
    }
}

/// Why nothing was registered. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// This process has the key.
    AlreadyRegistered(Pid),
    /// The process is dead.
    NoProc,
    /// The process lives on another node; a registry is of one.
    OtherNode,
    /// There are as many registrations as there may be.
    Full(usize),
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRegistered(pid) => write!(f, "the key is held by {pid}"),
            Self::NoProc => f.write_str("no such process"),
            Self::OtherNode => f.write_str("the process lives on another node"),
            Self::Full(limit) => write!(f, "the registry is full with {limit} entries"),
        }
    }
}

impl std::error::Error for RegistryError {}

/// What the handles of a registry share.
pub(super) struct Shared<K: 'static, V: 'static> {
    pub(super) node: Node,
    pub(super) partitions: Box<[Arc<Partition<K, V>>]>,
    pub(super) counts: Arc<Counts>,
    pub(super) listeners: Vec<Listener<K, V>>,
    pub(super) meta: Meta,
}

impl<K, V> Shared<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn part<Q: Hash + ?Sized>(&self, by: &Q) -> &Partition<K, V> {
        let count = self.partitions.len();
        let at = if count == 1 {
            0
        } else {
            hash_of(by) as usize % count
        };
        &self.partitions[at]
    }

    /// Where a unique key is.
    pub(super) fn by_key<Q: Hash + ?Sized>(&self, key: &Q) -> &Partition<K, V> {
        self.part(key)
    }

    /// Where the entries of a process in a registry of duplicate keys are.
    fn by_pid(&self, pid: Pid) -> &Partition<K, V> {
        self.part(&pid)
    }

    pub(super) fn enter(
        &self,
        partition: &Partition<K, V>,
        unique: bool,
        key: &Key<K>,
        pid: Pid,
        value: &Arc<V>,
    ) -> Result<(), RegistryError> {
        partition.register(unique, key, pid, value)?;
        self.tell(|| RegistryEvent::Registered {
            key: Arc::clone(&key.0),
            pid,
            value: Arc::clone(value),
        });
        Ok(())
    }

    fn tell(&self, event: impl Fn() -> RegistryEvent<K, V>) {
        for listener in &self.listeners {
            listener.tell(event());
        }
    }
}

/// Processes of one node by key, with a value each.
///
/// Reading is a look into a table: no message, no process to wait for. A process that ends loses
/// its keys before anybody is told of the end, so whoever is told can register them at once.
///
/// ```
/// use foundation_actors::Registry;
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
/// let players = Registry::<String, u32>::unique(&node);
/// players.register("alice".to_owned(), &process, 7)?;
/// let alice = players.lookup("alice").expect("she plays");
/// assert_eq!((alice.pid, *alice.value), (process.pid(), 7));
/// assert_eq!(players.unregister("alice", &process), 1);
/// # Ok(()) }
/// ```
pub struct Registry<K: 'static, V: 'static = (), D = Unique> {
    shared: Arc<Shared<K, V>>,
    _keys: PhantomData<fn() -> D>,
}

impl<K, V, D> Registry<K, V, D> {
    pub(super) fn of(shared: Arc<Shared<K, V>>) -> Self {
        Self {
            shared,
            _keys: PhantomData,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared<K, V>> {
        &self.shared
    }

    /// The node whose processes are registered here.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.shared.node
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.shared.partitions.len()
    }

    /// How many registrations there are now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.counts.entries()
    }

    /// Sets a value of the registry as a whole.
    ///
    /// # Errors
    /// [`MetaError`]: there are [`META_MAX`](super::META_MAX) of them.
    pub fn put_meta<T: Any + Send + Sync>(&self, name: &str, value: T) -> Result<(), MetaError> {
        self.shared.meta.put(name, Arc::new(value))
    }

    /// A value of the registry as a whole; nothing if there is none of this name and type.
    #[must_use]
    pub fn meta<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        self.shared.meta.get(name)
    }

    /// Takes a value of the registry as a whole away; says whether there was one.
    pub fn delete_meta(&self, name: &str) -> bool {
        self.shared.meta.delete(name)
    }
}

impl<K, V> Registry<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// A registry with partitions, a limit or listeners.
    pub fn builder() -> RegistryBuilder<K, V> {
        RegistryBuilder::new()
    }

    /// A registry in which a key has one holder, with one partition.
    #[must_use]
    pub fn unique(node: &Node) -> Self {
        Self::of(RegistryBuilder::new().assemble(node))
    }

    /// Who has the key.
    #[must_use]
    pub fn lookup<Q>(&self, key: &Q) -> Option<Registration<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut found = None;
        self.shared
            .by_key(key)
            .lookup(key, |_, holder| found = Some(holder));
        found
    }

    /// The process that has the key.
    #[must_use]
    pub fn whereis<Q>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.by_key(key).holder(key)
    }

    /// Changes the value that `pid` has registered with the key, and returns the new value and the
    /// old one; nothing if it has not registered the key. `update` runs outside the lock, and once
    /// more when another thread changed the value meanwhile; if it panics the value stays.
    pub fn update_value<Q>(
        &self,
        key: &Q,
        pid: impl Into<Pid>,
        mut update: impl FnMut(&V) -> V,
    ) -> Option<(Arc<V>, Arc<V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (pid, partition) = (pid.into(), self.shared.by_key(key));
        loop {
            let (number, old) = partition.of_pid(key, pid).pop()?;
            let new = Arc::new(update(&old));
            if partition.replace(key, number, &old, &new) {
                return Some((new, old));
            }
        }
    }
}

impl<K, V> Registry<K, V, Duplicate>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// A registry in which a key has any number of holders, with one partition.
    #[must_use]
    pub fn duplicate(node: &Node) -> Self {
        Self::of(RegistryBuilder::new().assemble(node))
    }

    /// Who has the key, oldest registration first.
    #[must_use]
    pub fn lookup<Q>(&self, key: &Q) -> Vec<Registration<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut found = Vec::new();
        for partition in &self.shared.partitions {
            partition.lookup(key, |number, holder| found.push((number, holder)));
        }
        in_order(found)
    }
}

impl<K, V, D> Registry<K, V, D>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    D: Keys,
{
    /// Where the entries of this key and process are.
    fn home<Q: Hash + ?Sized>(&self, key: &Q, pid: Pid) -> &Partition<K, V> {
        match D::UNIQUE {
            true => self.shared.by_key(key),
            false => self.shared.by_pid(pid),
        }
    }

    /// Registers a process of this node under a key, with a value.
    ///
    /// # Errors
    /// [`RegistryError`]: the key is taken, the process dead or elsewhere, the registry full.
    pub fn register(&self, key: K, pid: impl Into<Pid>, value: V) -> Result<(), RegistryError> {
        let (key, pid, value) = (Key(Arc::new(key)), pid.into(), Arc::new(value));
        let home = self.home(&*key.0, pid);
        self.shared.enter(home, D::UNIQUE, &key, pid, &value)
    }

    /// Gives up all that `pid` has under the key, and says how many that were: not having it is no
    /// error.
    pub fn unregister<Q>(&self, key: &Q, pid: impl Into<Pid>) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.unregister_match(key, pid, |_| true)
    }

    /// Gives up what `pid` has under the key with a value that `wanted` says yes to.
    pub fn unregister_match<Q>(
        &self,
        key: &Q,
        pid: impl Into<Pid>,
        wanted: impl Fn(&V) -> bool,
    ) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let pid = pid.into();
        let Some((key, count)) = self.home(key, pid).unregister(key, pid, wanted) else {
            return 0;
        };
        self.shared.tell(|| RegistryEvent::Unregistered {
            key: Arc::clone(&key.0),
            pid,
        });
        count
    }

    /// The keys of a process, oldest registration first; a key that it has twice comes twice.
    #[must_use]
    pub fn keys(&self, pid: impl Into<Pid>) -> Vec<Arc<K>> {
        let (pid, mut found) = (pid.into(), Vec::new());
        for partition in &self.shared.partitions {
            partition.keys(pid, |number, key| found.push((number, key)));
        }
        in_order(found)
    }

    /// The values that a process has registered with a key, oldest first.
    #[must_use]
    pub fn values<Q>(&self, key: &Q, pid: impl Into<Pid>) -> Vec<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let pid = pid.into();
        in_order(self.home(key, pid).of_pid(key, pid))
    }

    /// The holders of a key whose value `wanted` says yes to, oldest registration first.
    #[must_use]
    pub fn matching<Q>(&self, key: &Q, wanted: impl Fn(&V) -> bool) -> Vec<Registration<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut found = Vec::new();
        for partition in &self.shared.partitions {
            partition.lookup(key, |number, holder| found.push((number, holder)));
        }
        let mut found = in_order(found);
        found.retain(|holder| wanted(&holder.value));
        found
    }

    /// How many holders of a key [`Registry::matching`] would find.
    #[must_use]
    pub fn count_match<Q>(&self, key: &Q, wanted: impl Fn(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.matching(key, wanted).len()
    }

    /// What `pick` makes of the registrations, in their order; those it makes nothing of are left
    /// out. It runs outside every lock, on what was there when it was asked for.
    ///
    /// ```
    /// # use foundation_actors::Registry;
    /// # use foundation_runtime::Node;
    /// # let node = Node::builder().start()?;
    /// let players = Registry::<String, u32>::unique(&node);
    /// let good: Vec<String> = players.select(|name, _, score| (*score > 100).then(|| name.clone()));
    /// assert!(good.is_empty());
    /// # Ok::<(), foundation_runtime::NodeStartError>(())
    /// ```
    #[must_use]
    pub fn select<T>(&self, mut pick: impl FnMut(&K, Pid, &V) -> Option<T>) -> Vec<T> {
        let mut rows: Vec<Row<K, V>> = Vec::new();
        for partition in &self.shared.partitions {
            partition.rows(&mut rows);
        }
        rows.sort_unstable_by_key(|row| row.number);
        let pick = |row: &Row<K, V>| pick(&row.key.0, row.holder.pid, &row.holder.value);
        rows.iter().filter_map(pick).collect()
    }

    /// How many registrations `wanted` says yes to.
    #[must_use]
    pub fn count_select(&self, mut wanted: impl FnMut(&K, Pid, &V) -> bool) -> usize {
        self.select(|key, pid, value| wanted(key, pid, value).then_some(()))
            .len()
    }
}

fn in_order<T>(mut found: Vec<(u64, T)>) -> Vec<T> {
    found.sort_unstable_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, value)| value).collect()
}

impl<K, V, D> Clone for Registry<K, V, D> {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.shared))
    }
}

impl<K, V, D> fmt::Debug for Registry<K, V, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("entries", &self.count())
            .field("partitions", &self.partitions())
            .finish_non_exhaustive()
    }
}
