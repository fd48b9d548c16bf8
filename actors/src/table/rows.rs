//! Where do the objects of a table lie?
//!
//! Role       [`Rows`]: what a table needs of its store; [`Hashed`]: a store in parts, so that readers
//!            and writers of different keys do not meet.
//! Invariant  A walk sees each object that was there all the time, once. Its order follows from what
//!            was done to the table, and from nothing else.

use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use indexmap::IndexMap;
use indexmap::map::Entry;
use rustc_hash::FxBuildHasher;

use super::object::Object;

/// A store of objects by key.
pub trait Rows<K, V>: Default + Send + Sync + 'static {
    /// Looks at the object of a key.
    #[doc(hidden)]
    fn read<R>(&self, key: &K, look: impl FnOnce(Option<&Object<V>>) -> R) -> R;
    /// Changes the object of a key: makes it, replaces it, takes it away.
    #[doc(hidden)]
    fn write<R>(&self, key: K, edit: impl FnOnce(&mut Option<Object<V>>) -> R) -> R;
    /// Takes the object of a key, if `may` under the lock.
    #[doc(hidden)]
    fn take(&self, key: &K, may: impl FnOnce(&Object<V>) -> bool) -> Option<Object<V>>;
    /// All objects, a part of them after the other.
    #[doc(hidden)]
    fn walk(&self, see: impl FnMut(Vec<(K, Vec<Arc<V>>)>));
    /// Takes everything out, as it lies.
    #[doc(hidden)]
    fn drain(&self) -> Self;
    /// How many objects there are.
    #[doc(hidden)]
    fn count(&self) -> usize;
}

const PARTS: usize = 16;

type Map<K, V> = IndexMap<K, Object<V>, FxBuildHasher>;

/// Objects by the hash of their key.
pub struct Hashed<K, V>([RwLock<Map<K, V>>; PARTS]);

impl<K, V> Default for Hashed<K, V> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }
}

impl<K: Hash, V> Hashed<K, V> {
    fn part(&self, key: &K) -> &RwLock<Map<K, V>> {
        // The upper bits: the map uses the lower ones.
        let hash = FxBuildHasher.hash_one(key);
        &self.0[(hash >> 59) as usize % PARTS]
    }

    fn reading(&self, key: &K) -> RwLockReadGuard<'_, Map<K, V>> {
        self.part(key)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self, key: &K) -> RwLockWriteGuard<'_, Map<K, V>> {
        self.part(key)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Rows<K, V> for Hashed<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn read<R>(&self, key: &K, look: impl FnOnce(Option<&Object<V>>) -> R) -> R {
        look(self.reading(key).get(key))
    }

    fn write<R>(&self, key: K, edit: impl FnOnce(&mut Option<Object<V>>) -> R) -> R {
        match self.writing(&key).entry(key) {
            Entry::Vacant(vacant) => {
                let mut slot = None;
                let result = edit(&mut slot);
                if let Some(object) = slot {
                    vacant.insert(object);
                }
                result
            }
            Entry::Occupied(mut occupied) => {
                let nothing = Object::Many(Vec::new());
                let mut slot = Some(std::mem::replace(occupied.get_mut(), nothing));
                let result = edit(&mut slot);
                match slot {
                    Some(object) => *occupied.get_mut() = object,
                    None => drop(occupied.swap_remove()),
                }
                result
            }
        }
    }

    fn take(&self, key: &K, may: impl FnOnce(&Object<V>) -> bool) -> Option<Object<V>> {
        let mut part = self.writing(key);
        let found = part.get(key)?;
        let takes = may(found);
        takes.then(|| part.swap_remove(key)).flatten()
    }

    fn walk(&self, mut see: impl FnMut(Vec<(K, Vec<Arc<V>>)>)) {
        for part in &self.0 {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            let objects = part.iter();
            let seen = objects
                .map(|(key, object)| (key.clone(), object.values().to_vec()))
                .collect();
            drop(part);
            see(seen);
        }
    }

    fn drain(&self) -> Self {
        Self(std::array::from_fn(|at| {
            let mut part = self.0[at].write().unwrap_or_else(PoisonError::into_inner);
            RwLock::new(std::mem::take(&mut *part))
        }))
    }

    fn count(&self) -> usize {
        let of_part = |part: &RwLock<Map<K, V>>| {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            part.values()
                .map(|object| object.values().len())
                .sum::<usize>()
        };
        self.0.iter().map(of_part).sum()
    }
}
