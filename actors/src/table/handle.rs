//! What can be done with any table?
//!
//! Outputs    [`Table`]: a handle, cheap to clone. The table lives as long as its owner, not as its
//!            handles: of one that is gone they say so.
//! Source     otp: ets

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use foundation_runtime::{Node, Pid, Term};

use super::TableError;
use super::builder::{Access, TableBuilder};
use super::kind::{Bag, DuplicateBag, Kind, OrderedSet, Set};
use super::names::TableNames;
use super::rows::Rows;
use super::shared::Shared;

/// What is known of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableInfo {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// Its kind: `set`, `ordered set`, `bag`, `duplicate bag`.
    pub kind: &'static str,
    /// Whose it is.
    pub owner: Pid,
    /// Who gets it after the owner.
    pub heir: Option<Pid>,
    /// Who may do what.
    pub access: Access,
    /// How many objects it has.
    pub len: usize,
}

/// A table in memory, with an owner.
///
/// Reading is a look into the table: no message is sent, and readers do not wait for each other. What
/// is read is an `Arc` of the value, and stays as it is whatever is done to the table.
///
/// ```
/// use foundation_actors::table::{Access, Table};
/// # use foundation_runtime::{Codec, Message, Node, Process, Tag};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder().start()?;
/// # let owner = node.spawn_fn(|mut me: Process<Word>| async move { drop(me.recv().await) })?;
/// let hits = Table::<String, u64>::set(&node)
///     .name("hits")
///     .access(Access::Public)
///     .owner(&owner)
///     .create()?;
/// hits.insert("/".to_owned(), 1)?;
/// hits.upsert("/".to_owned(), || 1, |n| n + 1)?;
/// assert_eq!(hits.get(&"/".to_owned())?.as_deref(), Some(&2));
///
/// let same = Table::<String, u64>::find(&node, "hits")?;
/// assert_eq!(same.len()?, 1);
/// # Ok(()) }
/// ```
pub struct Table<K, V, S: Kind<K, V> = Set>(pub(super) Arc<Shared<K, V, S>>);

impl<K, V, S: Kind<K, V>> Clone for Table<K, V, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V, S: Kind<K, V>> fmt::Debug for Table<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.0.name)
            .field("kind", &S::NAME)
            .field("len", &self.0.count.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

impl<K, V> Table<K, V, Set>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    Set: Kind<K, V>,
{
    /// A table with one value a key.
    pub fn set(node: &Node) -> TableBuilder<K, V, Set> {
        TableBuilder::new(node)
    }

    /// The set of this name: see [`Table::find_kind`] for the others.
    ///
    /// # Errors
    /// [`TableError::NoName`], [`TableError::OtherType`].
    pub fn find(node: &Node, name: &str) -> Result<Self, TableError> {
        Self::find_kind(node, name)
    }
}

impl<K, V> Table<K, V, OrderedSet>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    OrderedSet: Kind<K, V>,
{
    /// A table with one value a key, in the order of the keys.
    pub fn ordered_set(node: &Node) -> TableBuilder<K, V, OrderedSet> {
        TableBuilder::new(node)
    }
}

impl<K, V> Table<K, V, Bag>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    Bag: Kind<K, V>,
{
    /// A table with several values a key, each once.
    pub fn bag(node: &Node) -> TableBuilder<K, V, Bag> {
        TableBuilder::new(node)
    }
}

impl<K, V> Table<K, V, DuplicateBag>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    DuplicateBag: Kind<K, V>,
{
    /// A table with several values a key, also equal ones.
    pub fn duplicate_bag(node: &Node) -> TableBuilder<K, V, DuplicateBag> {
        TableBuilder::new(node)
    }
}

impl<K, V, S> Table<K, V, S>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Kind<K, V>,
{
    pub(super) fn of(shared: Arc<Shared<K, V, S>>) -> Self {
        Self(shared)
    }

    pub(super) fn create(builder: TableBuilder<K, V, S>, owner: Pid) -> Result<Self, TableError> {
        Shared::create(builder, owner).map(Self)
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`TableError::NoName`], [`TableError::OtherType`].
    pub fn find_kind(node: &Node, name: &str) -> Result<Self, TableError> {
        let found = node.shared::<TableNames>().find(name);
        let found = found.ok_or_else(|| TableError::NoName(name.into()))?;
        let shared = found.downcast::<Shared<K, V, S>>();
        let shared = shared.map_err(|_| TableError::OtherType(name.into()))?;
        Ok(Self(shared))
    }

    /// What is known of it.
    ///
    /// # Errors
    /// [`TableError::Gone`].
    pub fn info(&self) -> Result<TableInfo, TableError> {
        self.0.check_alive()?;
        let owned = self.0.owned();
        Ok(TableInfo {
            name: self.0.name.clone(),
            kind: S::NAME,
            owner: owned.owner,
            heir: owned.heir.as_ref().map(|(heir, _)| *heir),
            access: self.0.access,
            len: self.0.count.load(Ordering::Relaxed),
        })
    }

    /// How many objects it has.
    ///
    /// # Errors
    /// [`TableError::Gone`].
    pub fn len(&self) -> Result<usize, TableError> {
        self.0.check_alive()?;
        Ok(self.0.count.load(Ordering::Relaxed))
    }

    /// Whether it has no object.
    ///
    /// # Errors
    /// [`TableError::Gone`].
    pub fn is_empty(&self) -> Result<bool, TableError> {
        self.len().map(|len| len == 0)
    }

    /// Whether it has an object with this key.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn contains(&self, key: &K) -> Result<bool, TableError> {
        self.0.check_read()?;
        Ok(self.0.rows.read(key, |object| object.is_some()))
    }

    /// Everything that is in it, as it is now: each key with one of its values. Of an ordered set in
    /// the order of the keys; of a bag the values of one key in the order in which they came.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn to_vec(&self) -> Result<Vec<(K, Arc<V>)>, TableError>
    where
        K: Clone,
    {
        self.select(|key, value| Some((key.clone(), Arc::clone(value))))
    }

    /// What `choose` makes of the objects, without those of which it makes nothing. It runs outside
    /// all locks: others may read and write meanwhile, and an object that is changed while the walk
    /// goes on is seen as it was or as it is.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn select<R>(
        &self,
        mut choose: impl FnMut(&K, &Arc<V>) -> Option<R>,
    ) -> Result<Vec<R>, TableError> {
        self.0.check_read()?;
        let mut chosen = Vec::new();
        self.0.rows.walk(|objects| {
            for (key, values) in objects {
                chosen.extend(values.iter().filter_map(|value| choose(&key, value)));
            }
        });
        Ok(chosen)
    }

    /// Takes everything out, and says how many objects there were.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn clear(&self) -> Result<usize, TableError> {
        self.0.check_write()?;
        let taken = self.0.rows.drain();
        let count = taken.count();
        self.0.count.fetch_sub(count, Ordering::Relaxed);
        self.0.discard(taken, count);
        Ok(count)
    }

    /// Deletes the table. Only its owner may.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn delete(&self) -> Result<(), TableError> {
        let owner = self.0.check_owner()?;
        self.0.end();
        self.0.let_go(owner);
        Ok(())
    }

    /// Gives the table to another process, which gets a [`TableTransfer`](super::TableTransfer) with `data`. Only its owner
    /// may; the heir stays what it was.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`], [`TableError::NoProc`],
    /// [`TableError::OtherNode`].
    pub fn give_away(&self, to: impl Into<Pid>, data: impl Into<Term>) -> Result<(), TableError> {
        let (to, from) = (to.into(), self.0.check_owner()?);
        {
            let mut owned = self.0.owned();
            self.0.hold(to)?;
            owned.owner = to;
        }
        if to != from {
            self.0.let_go(from);
        }
        self.0.tell(to, from, data.into());
        Ok(())
    }

    /// Says who gets the table after its owner, or that nobody does. Only its owner may.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn set_heir(&self, heir: Option<(Pid, Term)>) -> Result<(), TableError> {
        self.0.check_owner()?;
        self.0.owned().heir = heir;
        Ok(())
    }
}
