//! Who has which key, in one part of a registry?
//!
//! Role       Two tables behind one lock: holders by key, and keys by holder.
//! Owns       Its registrations. What a process has here is released at its death.
//! Invariant  An entry stands in both tables or in none. No code of the program runs under the
//!            lock but hashing and comparing of keys: values and keys are shared out and dropped
//!            outside, so that a panic in them loses nothing.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use foundation_runtime::{Held, HoldError, Node, Pid};
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::key::{Key, Lookup};
use super::ordered::Ordered;
use super::{Registration, RegistryError};

type Map<K, V> = IndexMap<K, V, FxBuildHasher>;

/// What the partitions of a registry count together.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) limit: usize,
    entries: AtomicUsize,
    next: AtomicU64,
}

impl Counts {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: AtomicUsize::new(0),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    fn admit(&self) -> Result<u64, RegistryError> {
        if self.limit <= self.entries.fetch_add(1, Ordering::Relaxed) {
            self.leave(1);
            return Err(RegistryError::Full(self.limit));
        }
        Ok(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn leave(&self, count: usize) {
        self.entries.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Who has a key, with which value.
#[derive(Debug)]
struct Entry<V> {
    pid: Pid,
    value: Arc<V>,
}

struct Tables<K, V> {
    by_key: Map<Key<K>, Ordered<Entry<V>>>,
    by_pid: Map<Pid, Ordered<Key<K>>>,
}

/// One registration as a walk over all of them sees it.
pub(super) struct Row<K, V> {
    pub(super) number: u64,
    pub(super) key: Key<K>,
    pub(super) holder: Registration<V>,
}

pub(super) struct Partition<K: 'static, V: 'static> {
    node: Node,
    held: Arc<dyn Held>,
    counts: Arc<Counts>,
    tables: RwLock<Tables<K, V>>,
}

/// What a process's death leads to.
struct AtDeath<K: 'static, V: 'static>(Weak<Partition<K, V>>);

impl<K, V> Held for AtDeath<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn release(&self, pid: Pid) {
        if let Some(partition) = self.0.upgrade() {
            partition.release(pid);
        }
    }
}

impl<K, V> Partition<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new(node: &Node, counts: &Arc<Counts>) -> Arc<Self> {
        Arc::new_cyclic(|weak: &Weak<Self>| Self {
            node: node.clone(),
            held: Arc::new(AtDeath(Weak::clone(weak))),
            counts: Arc::clone(counts),
            tables: RwLock::new(Tables {
                by_key: Map::default(),
                by_pid: Map::default(),
            }),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables<K, V>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables<K, V>> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `key` to `pid`; with `unique`, only when nobody has it.
    pub(super) fn register(
        &self,
        unique: bool,
        key: &Key<K>,
        pid: Pid,
        value: &Arc<V>,
    ) -> Result<(), RegistryError> {
        let mut tables = self.write();
        let holders = tables.by_key.get(key);
        if unique && let Some(holder) = holders.and_then(Ordered::first) {
            return Err(RegistryError::AlreadyRegistered(holder.pid));
        }
        let number = self.counts.admit()?;
        // Under the lock that `release` waits for: from here on the death of `pid` finds the entry.
        if let Err(error) = self.node.hold(pid, &self.held) {
            self.counts.leave(1);
            return Err(match error {
                HoldError::OtherNode => RegistryError::OtherNode,
                _ => RegistryError::NoProc,
            });
        }
        let entry = Entry {
            pid,
            value: Arc::clone(value),
        };
        put(&mut tables.by_key, key.clone(), number, entry);
        put(&mut tables.by_pid, pid, number, key.clone());
        Ok(())
    }

    /// Takes from `pid` its entries under `key` whose value is `wanted`: the key as it was
    /// registered, and how many.
    pub(super) fn unregister<Q>(
        &self,
        key: &Q,
        pid: Pid,
        wanted: impl Fn(&V) -> bool,
    ) -> Option<(Key<K>, usize)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut entries = self.of_pid(key, pid);
        entries.retain(|(_, value)| wanted(value));
        let mut removed = Vec::with_capacity(entries.len());
        let mut tables = self.write();
        let (own, _) = tables.by_key.get_key_value(&Lookup(key))?;
        let own = own.clone();
        for (number, _) in &entries {
            removed.extend(tables.remove(&own, pid, *number));
        }
        if !removed.is_empty() && !tables.by_pid.contains_key(&pid) {
            self.node.let_go(pid, &self.held);
        }
        drop(tables);
        self.counts.leave(removed.len());
        (!removed.is_empty()).then_some((own, removed.len()))
    }

    /// Everything of a process that is dead.
    fn release(&self, pid: Pid) {
        let mut removed = Vec::new();
        let mut tables = self.write();
        let Some(keys) = tables.by_pid.swap_remove(&pid) else {
            return;
        };
        for (number, key) in keys.iter() {
            removed.extend(take(&mut tables.by_key, key, number));
        }
        drop(tables);
        self.counts.leave(removed.len());
    }

    /// Who has the key, oldest first, each with its number.
    pub(super) fn lookup<Q>(&self, key: &Q, mut found: impl FnMut(u64, Registration<V>))
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let tables = self.read();
        if let Some(holders) = tables.by_key.get(&Lookup(key)) {
            for (number, holder) in holders.iter() {
                found(number, holder.share());
            }
        }
    }

    /// The first who has the key.
    pub(super) fn holder<Q>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let tables = self.read();
        let holders = tables.by_key.get(&Lookup(key))?;
        holders.first().map(|holder| holder.pid)
    }

    /// Numbers and values of one process under one key.
    pub(super) fn of_pid<Q>(&self, key: &Q, pid: Pid) -> Vec<(u64, Arc<V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let tables = self.read();
        let Some(holders) = tables.by_key.get(&Lookup(key)) else {
            return Vec::new();
        };
        // A process with many keys, and a key with many holders: neither is searched for the other.
        if let Ordered::One(number, entry) = holders {
            let own = (entry.pid == pid).then(|| (*number, Arc::clone(&entry.value)));
            return own.into_iter().collect();
        }
        let keys = tables.by_pid.get(&pid).into_iter().flat_map(Ordered::iter);
        let own = keys.filter_map(|(number, _)| Some((number, holders.get(number)?)));
        own.map(|(number, entry)| (number, Arc::clone(&entry.value)))
            .collect()
    }

    /// Puts `new` in the place of `old`, if that is still the value there.
    pub(super) fn replace<Q>(&self, key: &Q, number: u64, old: &Arc<V>, new: &Arc<V>) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut tables = self.write();
        let holders = tables.by_key.get_mut(&Lookup(key));
        match holders.and_then(|holders| holders.get_mut(number)) {
            // The caller keeps `old`, so nothing of the program is dropped here.
            Some(entry) if Arc::ptr_eq(&entry.value, old) => {
                entry.value = Arc::clone(new);
                true
            }
            _ => false,
        }
    }

    /// The keys of a process, oldest registration first.
    pub(super) fn keys(&self, pid: Pid, mut found: impl FnMut(u64, Arc<K>)) {
        let tables = self.read();
        if let Some(keys) = tables.by_pid.get(&pid) {
            keys.iter()
                .for_each(|(number, key)| found(number, Arc::clone(&key.0)));
        }
    }

    /// All registrations, in no order.
    pub(super) fn rows(&self, found: &mut Vec<Row<K, V>>) {
        let tables = self.read();
        for (key, holders) in &tables.by_key {
            found.extend(holders.iter().map(|(number, holder)| Row {
                number,
                key: key.clone(),
                holder: holder.share(),
            }));
        }
    }
}

impl<V> Entry<V> {
    fn share(&self) -> Registration<V> {
        Registration {
            pid: self.pid,
            value: Arc::clone(&self.value),
        }
    }
}

impl<K: Hash + Eq, V> Tables<K, V> {
    /// Takes one entry out of both tables.
    fn remove(&mut self, key: &Key<K>, pid: Pid, number: u64) -> Option<Removed<K, V>> {
        let entry = take(&mut self.by_key, key, number)?;
        let own = take(&mut self.by_pid, &pid, number);
        assert!(own.is_some(), "an entry stands in both tables");
        Some((entry, own))
    }
}

/// What was taken out, to be dropped when the lock is free.
type Removed<K, V> = ((Option<Key<K>>, Entry<V>), Option<(Option<Pid>, Key<K>)>);

fn put<K: Hash + Eq, T>(map: &mut Map<K, Ordered<T>>, key: K, number: u64, value: T) {
    match map.entry(key) {
        indexmap::map::Entry::Occupied(mut entry) => entry.get_mut().insert(number, value),
        indexmap::map::Entry::Vacant(entry) => {
            entry.insert(Ordered::One(number, value));
        }
    }
}

/// Takes one value of a key, and the key itself with its last value.
fn take<K, Q, T>(map: &mut Map<K, Ordered<T>>, key: &Q, number: u64) -> Option<(Option<K>, T)>
where
    K: Hash + Eq,
    Q: Hash + indexmap::Equivalent<K> + ?Sized,
{
    let values = map.get_mut(key)?;
    let value = values.remove(number)?;
    let last = values.is_empty();
    let key = if last {
        map.swap_remove_entry(key)
    } else {
        None
    };
    Some((key.map(|(key, _)| key), value))
}

/// A registry that is gone has nothing of anybody.
impl<K: 'static, V: 'static> Drop for Partition<K, V> {
    fn drop(&mut self) {
        let tables = self
            .tables
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for pid in tables.by_pid.keys() {
            self.node.let_go(*pid, &self.held);
        }
    }
}
