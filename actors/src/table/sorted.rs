//! Where do the objects of an ordered table lie?
//!
//! Role       A store in the order of its keys, behind one lock.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeBounds;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::object::Object;
use super::rows::Rows;

/// Objects in the order of their keys.
pub struct Sorted<K, V>(RwLock<BTreeMap<K, Object<V>>>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K, V> Sorted<K, V> {
    fn reading(&self) -> RwLockReadGuard<'_, BTreeMap<K, Object<V>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, BTreeMap<K, Object<V>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Clone, V> Sorted<K, V> {
    /// The first object of a range of keys, or its last.
    pub(super) fn end_of(&self, range: impl RangeBounds<K>, last: bool) -> Option<(K, Arc<V>)> {
        let rows = self.reading();
        let mut range = rows.range(range);
        let found = if last {
            range.next_back()
        } else {
            range.next()
        };
        found.map(|(key, object)| (key.clone(), Arc::clone(object.first())))
    }

    /// The objects of a range of keys, at most so many.
    pub(super) fn range(&self, range: impl RangeBounds<K>, limit: usize) -> Vec<(K, Arc<V>)> {
        let rows = self.reading();
        let objects = rows.range(range).take(limit);
        objects
            .map(|(key, object)| (key.clone(), Arc::clone(object.first())))
            .collect()
    }
}

impl<K, V> Rows<K, V> for Sorted<K, V>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn read<R>(&self, key: &K, look: impl FnOnce(Option<&Object<V>>) -> R) -> R {
        look(self.reading().get(key))
    }

    fn write<R>(&self, key: K, edit: impl FnOnce(&mut Option<Object<V>>) -> R) -> R {
        match self.writing().entry(key) {
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
                    None => drop(occupied.remove()),
                }
                result
            }
        }
    }

    fn take(&self, key: &K, may: impl FnOnce(&Object<V>) -> bool) -> Option<Object<V>> {
        let mut rows = self.writing();
        let takes = may(rows.get(key)?);
        takes.then(|| rows.remove(key)).flatten()
    }

    fn walk(&self, mut see: impl FnMut(Vec<(K, Vec<Arc<V>>)>)) {
        let rows = self.reading();
        let objects = rows.iter();
        let seen = objects
            .map(|(key, object)| (key.clone(), object.values().to_vec()))
            .collect();
        drop(rows);
        see(seen);
    }

    fn drain(&self) -> Self {
        Self(RwLock::new(std::mem::take(&mut *self.writing())))
    }

    fn count(&self) -> usize {
        let rows = self.reading();
        rows.values().map(|object| object.values().len()).sum()
    }
}
