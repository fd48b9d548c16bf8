//! What can be done with a table that has several values a key?
//!
//! Source     otp: ets, `bag` and `duplicate_bag`

use std::sync::Arc;

use super::TableError;
use super::handle::Table;
use super::kind::Multi;
use super::object::Object;
use super::rows::Rows;

impl<K, V, S> Table<K, V, S>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Multi<K, V>,
{
    /// The values of a key, in the order in which they came.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn get_all(&self, key: &K) -> Result<Vec<Arc<V>>, TableError> {
        self.0.check_read()?;
        let look = |object: Option<&Object<V>>| object.map(|object| object.values().to_vec());
        Ok(self.0.rows.read(key, look).unwrap_or_default())
    }

    /// Adds a value to a key; says whether it did: a [`Bag`](super::Bag) has no value twice. Comparing values runs
    /// under the lock of the key.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`], [`TableError::Full`].
    pub fn add(&self, key: K, value: V) -> Result<bool, TableError> {
        self.0.check_write()?;
        let value = Arc::new(value);
        self.0.edit(key, |slot| {
            let adds = slot
                .as_ref()
                .is_none_or(|has| S::adds(has.values(), &value));
            if adds {
                *slot = Some(match slot.take() {
                    Some(object) => object.add(value),
                    None => Object::One(value),
                });
            }
            adds
        })
    }

    /// Takes all values of a key out.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn take_all(&self, key: &K) -> Result<Vec<Arc<V>>, TableError> {
        self.0.check_write()?;
        let taken = self.0.take(key, |_| true);
        Ok(taken.map(Object::into_values).unwrap_or_default())
    }
}
