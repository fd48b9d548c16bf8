//! What can be done with a table that has one value a key?
//!
//! Invariant  A value is replaced by what was made of it, and of nothing newer: `update` and `upsert`
//!            try again when somebody was faster.
//! Source     otp: ets:insert/2, ets:update_counter/3

use std::sync::Arc;

use super::TableError;
use super::handle::Table;
use super::kind::Single;
use super::object::Object;
use super::rows::Rows;

impl<K, V, S> Table<K, V, S>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Single<K, V>,
{
    /// The value of a key.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn get(&self, key: &K) -> Result<Option<Arc<V>>, TableError> {
        self.0.check_read()?;
        let look = |object: Option<&Object<V>>| object.map(|object| Arc::clone(object.first()));
        Ok(self.0.rows.read(key, look))
    }

    /// Puts a value in, and says what was there.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`], [`TableError::Full`].
    pub fn insert(&self, key: K, value: V) -> Result<Option<Arc<V>>, TableError> {
        self.0.check_write()?;
        let value = Object::One(Arc::new(value));
        let before = self.0.edit(key, |slot| slot.replace(value))?;
        Ok(before.map(|object| Arc::clone(object.first())))
    }

    /// Puts a value in, if the key has none; says whether it did.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`], [`TableError::Full`].
    pub fn insert_new(&self, key: K, value: V) -> Result<bool, TableError> {
        self.0.check_write()?;
        let value = Object::One(Arc::new(value));
        self.0.edit(key, |slot| {
            let free = slot.is_none();
            if free {
                *slot = Some(value);
            }
            free
        })
    }

    /// Replaces the value of a key by what `change` makes of it, if there is one, and says what is
    /// there now. Nobody sees anything between the two: when somebody was faster, `change` is called
    /// again with what is there then. It runs outside all locks; if it panics, nothing is changed.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn update(
        &self,
        key: &K,
        mut change: impl FnMut(&V) -> V,
    ) -> Result<Option<Arc<V>>, TableError> {
        self.0.check_write()?;
        loop {
            let Some(old) = self
                .0
                .rows
                .read(key, |object| object.map(|one| Arc::clone(one.first())))
            else {
                return Ok(None);
            };
            let new = Arc::new(change(&old));
            if self.0.swap(key.clone(), Some(&old), &new)? {
                return Ok(Some(new));
            }
        }
    }

    /// As [`Table::update`]; a key without a value gets what `first` makes.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`], [`TableError::Full`].
    pub fn upsert(
        &self,
        key: K,
        mut first: impl FnMut() -> V,
        mut change: impl FnMut(&V) -> V,
    ) -> Result<Arc<V>, TableError> {
        self.0.check_write()?;
        loop {
            let old = self
                .0
                .rows
                .read(&key, |object| object.map(|one| Arc::clone(one.first())));
            let new = Arc::new(match &old {
                Some(old) => change(old),
                None => first(),
            });
            if self.0.swap(key.clone(), old.as_ref(), &new)? {
                return Ok(new);
            }
        }
    }

    /// Takes the value of a key out.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn take(&self, key: &K) -> Result<Option<Arc<V>>, TableError> {
        self.0.check_write()?;
        let taken = self.0.take(key, |_| true);
        Ok(taken.map(|object| Arc::clone(object.first())))
    }

    /// Takes out what `keep` does not want to keep, and says how many that were. `keep` runs outside
    /// all locks; what was changed since it was asked stays.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) -> Result<usize, TableError> {
        self.0.check_write()?;
        let mut unwanted = Vec::new();
        self.0.rows.walk(|objects| {
            for (key, values) in objects {
                let unchanged = values.into_iter().find(|value| !keep(&key, value));
                unwanted.extend(unchanged.map(|value| (key, value)));
            }
        });
        let took = |(key, seen): &(K, Arc<V>)| {
            let same = |object: &Object<V>| Arc::ptr_eq(object.first(), seen);
            self.0.take(key, same).is_some()
        };
        Ok(unwanted.iter().filter(|one| took(one)).count())
    }
}
