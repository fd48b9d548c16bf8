//! What does a table keep for one key?
//!
//! Owns       The values of one key, in the order in which they came: mostly one.

use std::sync::Arc;

/// The values of one key; never none, but while it is edited.
#[derive(Debug)]
pub enum Object<V> {
    /// The only one.
    One(Arc<V>),
    /// Several.
    Many(Vec<Arc<V>>),
}

impl<V> Object<V> {
    pub(super) fn first(&self) -> &Arc<V> {
        match self {
            Self::One(value) => value,
            Self::Many(values) => &values[0],
        }
    }

    pub(super) fn values(&self) -> &[Arc<V>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    pub(super) fn into_values(self) -> Vec<Arc<V>> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }

    pub(super) fn add(self, value: Arc<V>) -> Self {
        let mut values = self.into_values();
        values.push(value);
        Self::Many(values)
    }
}
