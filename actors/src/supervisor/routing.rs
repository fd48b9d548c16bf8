//! Which child of a partitioned supervisor does a key lead to?
//!
//! Role       What each partitioned supervisor of a node publishes while it lives: how many parts,
//!            how a key is routed, who has which number.
//! Outputs    [`PartitionsClient`]: what `Ref<Partitions<A, K>>` derefs to.
//! Invariant  A look sends nothing. A table is gone before the supervisor's death is told.
//! Source     elixir: PartitionSupervisor

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation_runtime::{CallError, Held, Me, Pid};

use super::builder::Supervisor;
use super::machine::{ChildInfo, Counts};
use super::partitioned::{Partitions, holder};
use crate::registry::Registry;
use crate::server::{Address, Addressed, Client, Ref};

/// Which of so many partitions a key leads to.
pub(super) type Route<K> = Arc<dyn Fn(&K, usize) -> usize + Send + Sync>;

/// What one supervisor publishes.
pub(super) struct Table<K: ?Sized> {
    count: usize,
    route: Route<K>,
    holders: Registry<usize>,
}

/// The tables of a node, by supervisor; each is an `Arc<Table<K>>` of its own `K`.
#[derive(Default)]
struct Tables(Mutex<BTreeMap<Pid, Arc<dyn Any + Send + Sync>>>);

impl Tables {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Pid, Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held for Tables {
    fn release(&self, pid: Pid) {
        let table = self.lock().remove(&pid);
        drop(table);
    }
}

impl<K: ?Sized + 'static> Table<K> {
    pub(super) fn new(count: usize, route: Route<K>, holders: Registry<usize>) -> Self {
        Self {
            count,
            route,
            holders,
        }
    }

    /// Shows the table for as long as the supervisor, who calls this, lives.
    pub(super) fn publish(self, me: Me) {
        let tables = me.node().shared::<Tables>();
        let held: Arc<dyn Held> = Arc::clone(&tables) as _;
        let mut all = tables.lock();
        let alive = me.node().hold(me.pid(), &held);
        assert_eq!(alive, Ok(()), "a process that runs is alive");
        all.insert(me.pid(), Arc::new(self));
    }
}

/// The verbs of a partitioned supervisor.
pub struct PartitionsClient<A: Addressed, K: Hash + ?Sized + 'static = str> {
    address: Address<Partitions<A, K>>,
}

impl<A: Addressed, K: Hash + ?Sized + 'static> Client for PartitionsClient<A, K> {
    type Actor = Partitions<A, K>;

    fn from_address(address: Address<Partitions<A, K>>) -> Self {
        Self { address }
    }

    fn address(&self) -> &Address<Partitions<A, K>> {
        &self.address
    }
}

impl<A: Addressed, K: Hash + ?Sized + 'static> PartitionsClient<A, K> {
    /// The child that a key leads to: the same for equal keys. The reference survives the child's
    /// restarts, not those of the supervisor: ask again then.
    ///
    /// # Errors
    /// [`CallError::NoProc`]: no such supervisor of this node, with keys of this type, runs now.
    ///
    /// # Panics
    /// When a route of the program's own leads to a partition that there is not.
    pub fn partition(&self, key: &K) -> Result<Ref<A>, CallError> {
        let table = self.table()?;
        let number = (table.route)(key, table.count);
        let count = table.count;
        assert!(
            number < count,
            "the route led to partition {number} of {count}"
        );
        Ok(holder(&table.holders, number))
    }

    /// The child with this number, from 0 on; `None` when there are not so many.
    ///
    /// # Errors
    /// As [`PartitionsClient::partition`].
    pub fn partition_at(&self, number: usize) -> Result<Option<Ref<A>>, CallError> {
        let table = self.table()?;
        let there = number < table.count;
        Ok(there.then(|| holder(&table.holders, number)))
    }

    /// How many partitions there are.
    ///
    /// # Errors
    /// As [`PartitionsClient::partition`].
    pub fn partitions(&self) -> Result<usize, CallError> {
        Ok(self.table()?.count)
    }

    /// All children; the id of each is its number.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo<Pid>>, CallError> {
        self.tree().which_children().await
    }

    /// How many children there are, of which kind.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        self.tree().count_children().await
    }

    fn table(&self) -> Result<Arc<Table<K>>, CallError> {
        let node = self.address.node();
        let supervisor = self.address.pid().ok_or(CallError::NoProc)?;
        let table = node.shared::<Tables>().lock().get(&supervisor).cloned();
        let table = table.ok_or(CallError::NoProc)?;
        table.downcast().map_err(|_| CallError::NoProc)
    }

    /// The same supervisor as what it is underneath.
    fn tree(&self) -> Ref<Supervisor> {
        let to = self.address.destination().into_owned();
        Ref::from_address(Address::new(self.address.node().clone(), to))
    }
}

impl<A: Addressed, K: Hash + ?Sized + 'static> Clone for PartitionsClient<A, K> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
        }
    }
}

impl<A: Addressed, K: Hash + ?Sized + 'static> fmt::Debug for PartitionsClient<A, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionsClient({:?})", self.address)
    }
}
