//! What can be done with a table that is in the order of its keys?
//!
//! Source     otp: ets:first/1, ets:next/2

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::TableError;
use super::handle::Table;
use super::kind::OrderedSet;

impl<K, V> Table<K, V, OrderedSet>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn end_of(
        &self,
        range: impl RangeBounds<K>,
        last: bool,
    ) -> Result<Option<(K, Arc<V>)>, TableError> {
        self.0.check_read()?;
        Ok(self.0.rows.end_of(range, last))
    }

    /// The object with the lowest key.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn first(&self) -> Result<Option<(K, Arc<V>)>, TableError> {
        self.end_of(.., false)
    }

    /// The object with the highest key.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn last(&self) -> Result<Option<(K, Arc<V>)>, TableError> {
        self.end_of(.., true)
    }

    /// The object after this key, which need not be there.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn next(&self, key: &K) -> Result<Option<(K, Arc<V>)>, TableError> {
        self.end_of((Bound::Excluded(key.clone()), Bound::Unbounded), false)
    }

    /// The object before this key, which need not be there.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn prev(&self, key: &K) -> Result<Option<(K, Arc<V>)>, TableError> {
        self.end_of((Bound::Unbounded, Bound::Excluded(key.clone())), true)
    }

    /// The objects whose keys are in this range, in order, at most `limit` of them. A range that ends
    /// before it begins has none.
    ///
    /// # Errors
    /// [`TableError::Gone`], [`TableError::Denied`].
    pub fn range(
        &self,
        range: impl RangeBounds<K>,
        limit: usize,
    ) -> Result<Vec<(K, Arc<V>)>, TableError> {
        self.0.check_read()?;
        let backwards = match (range.start_bound(), range.end_bound()) {
            (Bound::Excluded(start), Bound::Excluded(end)) => end <= start,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => end < start,
            _ => false,
        };
        match backwards {
            true => Ok(Vec::new()),
            false => Ok(self.0.rows.range(range, limit)),
        }
    }
}
