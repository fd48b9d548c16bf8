//! Which table has which name?
//!
//! Role       The names of one node's tables.
//! Owns       Names, and tables only as long as somebody else does.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::TableError;

type Anything = dyn Any + Send + Sync;

/// Tables by name.
#[derive(Default)]
pub(super) struct TableNames(Mutex<BTreeMap<Box<str>, Weak<Anything>>>);

impl TableNames {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Weak<Anything>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, name: &str, table: Weak<Anything>) -> Result<(), TableError> {
        match self.lock().entry(name.into()) {
            Entry::Occupied(held) if 0 < held.get().strong_count() => {
                Err(TableError::NameTaken(name.into()))
            }
            Entry::Occupied(mut left) => {
                left.insert(table);
                Ok(())
            }
            Entry::Vacant(free) => {
                free.insert(table);
                Ok(())
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Anything>> {
        self.lock().get(name)?.upgrade()
    }

    /// Frees a name, if it is this table's.
    pub(super) fn release(&self, name: &str, table: &Weak<Anything>) {
        let mut names = self.lock();
        if names.get(name).is_some_and(|held| held.ptr_eq(table)) {
            names.remove(name);
        }
    }
}
