//! How is a key kept once and found by what it looks like?
//!
//! Outputs    [`Key`]: shared between the two tables of a partition; [`Lookup`]: finds it by a
//!            borrowed form, as `HashMap::get` does.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use indexmap::Equivalent;
use rustc_hash::FxBuildHasher;

/// A key that is in several places.
#[derive(Debug)]
pub(super) struct Key<K>(pub(super) Arc<K>);

impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: PartialEq> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Eq> Eq for Key<K> {}

impl<K: Hash> Hash for Key<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A key in a borrowed form, such as `str` for `String`.
pub(super) struct Lookup<'a, Q: ?Sized>(pub(super) &'a Q);

impl<Q: Hash + ?Sized> Hash for Lookup<'_, Q> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Borrow<Q>, Q: Eq + ?Sized> Equivalent<Key<K>> for Lookup<'_, Q> {
    fn equivalent(&self, key: &Key<K>) -> bool {
        *self.0 == *(*key.0).borrow()
    }
}

/// A number for a key, the same in every run.
pub(crate) fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u64 {
    let hash = FxBuildHasher.hash_one(key);
    // The low bits of this hash are its weakest.
    hash ^ (hash >> 32)
}
