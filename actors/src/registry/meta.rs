//! What is known of a registry as a whole?
//!
//! Role       A few values by name, of any type.
//! Limit      [`META_MAX`] values; beyond, a new name is refused.
//! Source     elixir: Registry.meta/2, put_meta/3, delete_meta/2

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// How many values of metadata a registry has at most.
pub const META_MAX: usize = 1024;

/// The registry has [`META_MAX`] values of metadata already. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaError;

impl fmt::Display for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a registry has at most {META_MAX} values of metadata")
    }
}

impl std::error::Error for MetaError {}

type Value = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Meta(RwLock<BTreeMap<Box<str>, Value>>);

impl Meta {
    pub(super) fn put(&self, name: &str, value: Value) -> Result<(), MetaError> {
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if META_MAX <= values.len() && !values.contains_key(name) {
            return Err(MetaError);
        }
        let old = values.insert(name.into(), value);
        drop(values);
        drop(old);
        Ok(())
    }

    pub(super) fn get<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        values.get(name).cloned()?.downcast().ok()
    }

    pub(super) fn delete(&self, name: &str) -> bool {
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let old = values.remove(name);
        drop(values);
        old.is_some()
    }
}
