//! How is a registry made?
//!
//! Outputs    [`RegistryBuilder`]: partitions, limit and listeners; then a registry, or an error.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use foundation_runtime::Node;

use super::listener::{Listener, RegistryEvent};
use super::meta::Meta;
use super::partition::{Counts, Partition};
use super::table::{Duplicate, Registry, Shared, Unique};
use super::{PARTITIONS_MAX, REGISTRATIONS_MAX};

/// A registry that is being put together: one partition and no listeners unless set.
#[must_use = "a registry is made by `unique` or `duplicate`"]
pub struct RegistryBuilder<K, V> {
    partitions: usize,
    limit: usize,
    listeners: Vec<Listener<K, V>>,
}

/// Why a registry was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryOptionError {
    /// Not between one and [`PARTITIONS_MAX`] partitions.
    BadPartitions(usize),
    /// A limit of zero: it could never hold anything.
    NoRoom,
}

impl fmt::Display for RegistryOptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPartitions(count) => write!(
                f,
                "a registry has 1 to {PARTITIONS_MAX} partitions, and not {count}"
            ),
            Self::NoRoom => f.write_str("a registry with a limit of 0 could never hold anything"),
        }
    }
}

impl std::error::Error for RegistryOptionError {}

impl<K, V> RegistryBuilder<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self {
            partitions: 1,
            limit: REGISTRATIONS_MAX,
            listeners: Vec::new(),
        }
    }

    /// Spreads the entries over so many tables, each with a lock of its own: by key if keys are
    /// unique, else by process. More of them let more writers in at once; a look at a duplicate key
    /// visits all of them.
    pub fn partitions(mut self, count: usize) -> Self {
        self.partitions = count;
        self
    }

    /// How many registrations there may be at a time: [`REGISTRATIONS_MAX`] unless set. Beyond,
    /// they are refused.
    pub fn limit(mut self, entries: usize) -> Self {
        self.limit = entries;
        self
    }

    /// Calls `listener` after each explicit registration and each explicit end of one, in the
    /// process that made it. The death of a holder is not told: monitor the pid.
    ///
    /// Events of one process come in order, those of several in any. A listener usually sends a
    /// message on; a panic in it is logged, and harms nobody.
    ///
    /// ```
    /// use foundation_actors::{Registry, RegistryEvent};
    /// # use std::sync::mpsc;
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
    /// let (seen, log) = mpsc::channel();
    /// let rooms = Registry::<String>::builder()
    ///     .listener(move |event| {
    ///         let _ = seen.send(format!("{event:?}"));
    ///     })
    ///     .unique(&node)?;
    /// rooms.register("lobby".to_owned(), &process, ())?;
    /// assert!(log.try_recv()?.starts_with("Registered"));
    /// # Ok(()) }
    /// ```
    pub fn listener(
        mut self,
        listener: impl Fn(RegistryEvent<K, V>) + Send + Sync + 'static,
    ) -> Self {
        self.listeners.push(Listener::new(listener));
        self
    }

    /// A registry in which a key has one holder.
    ///
    /// # Errors
    /// [`RegistryOptionError`]: nothing was made.
    pub fn unique(self, node: &Node) -> Result<Registry<K, V, Unique>, RegistryOptionError> {
        self.build(node).map(Registry::of)
    }

    /// A registry in which a key has any number of holders.
    ///
    /// # Errors
    /// [`RegistryOptionError`]: nothing was made.
    pub fn duplicate(self, node: &Node) -> Result<Registry<K, V, Duplicate>, RegistryOptionError> {
        self.build(node).map(Registry::of)
    }

    fn build(self, node: &Node) -> Result<Arc<Shared<K, V>>, RegistryOptionError> {
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) {
            return Err(RegistryOptionError::BadPartitions(self.partitions));
        }
        if self.limit == 0 {
            return Err(RegistryOptionError::NoRoom);
        }
        Ok(self.assemble(node))
    }

    /// What nothing is wrong with.
    pub(super) fn assemble(self, node: &Node) -> Arc<Shared<K, V>> {
        let counts = Arc::new(Counts::new(self.limit));
        let partitions = (0..self.partitions).map(|_| Partition::new(node, &counts));
        Arc::new(Shared {
            node: node.clone(),
            partitions: partitions.collect(),
            counts,
            listeners: self.listeners,
            meta: Meta::default(),
        })
    }
}

impl<K, V> fmt::Debug for RegistryBuilder<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("partitions", &self.partitions)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
