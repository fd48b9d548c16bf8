//! Which kinds of tables are there?
//!
//! Outputs    The four kinds as types, and what they have in common: [`Single`] or [`Multi`].
//! Source     otp: ets:new/2, table types

use std::fmt::Debug;
use std::hash::Hash;

use super::rows::{Hashed, Rows};
use super::sorted::Sorted;

/// One value a key; walks have no order that means anything.
#[derive(Clone, Copy, Debug)]
pub enum Set {}

/// One value a key, in the order of the keys.
#[derive(Clone, Copy, Debug)]
pub enum OrderedSet {}

/// Several values a key, each once.
#[derive(Clone, Copy, Debug)]
pub enum Bag {}

/// Several values a key, also equal ones.
#[derive(Clone, Copy, Debug)]
pub enum DuplicateBag {}

/// A kind of table, for these keys and values.
pub trait Kind<K, V>: Debug + Send + Sync + 'static {
    /// Where its objects lie.
    type Rows: Rows<K, V>;
    /// Its name, for people.
    const NAME: &'static str;
}

/// A kind with one value a key.
pub trait Single<K, V>: Kind<K, V> {}

/// A kind with several values a key.
pub trait Multi<K, V>: Kind<K, V> {
    /// Whether a value that the key has already is added again.
    fn adds(has: &[std::sync::Arc<V>], value: &V) -> bool;
}

impl<K, V> Kind<K, V> for Set
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Rows = Hashed<K, V>;
    const NAME: &'static str = "set";
}

impl<K, V> Kind<K, V> for OrderedSet
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Rows = Sorted<K, V>;
    const NAME: &'static str = "ordered set";
}

impl<K, V> Kind<K, V> for Bag
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
{
    type Rows = Hashed<K, V>;
    const NAME: &'static str = "bag";
}

impl<K, V> Kind<K, V> for DuplicateBag
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Rows = Hashed<K, V>;
    const NAME: &'static str = "duplicate bag";
}

impl<K, V> Single<K, V> for Set where Self: Kind<K, V> {}
impl<K, V> Single<K, V> for OrderedSet where Self: Kind<K, V> {}

impl<K, V: PartialEq> Multi<K, V> for Bag
where
    Self: Kind<K, V>,
{
    fn adds(has: &[std::sync::Arc<V>], value: &V) -> bool {
        has.iter().all(|one| **one != *value)
    }
}

impl<K, V> Multi<K, V> for DuplicateBag
where
    Self: Kind<K, V>,
{
    fn adds(_: &[std::sync::Arc<V>], _: &V) -> bool {
        true
    }
}
