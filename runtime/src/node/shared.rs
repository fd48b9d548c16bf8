//! What do libraries keep once per node, and once per world?
//!
//! Role       One value per type and node, made at first use: there are no statics, and what a
//!            library above needs for a whole node (scopes of groups, loaded applications) is here.
//! Limit      As many entries as there are such types in the program.
//! Invariant  A value is made once. It must not hold the node strongly, or neither ever goes.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Node;

type Value = Arc<dyn Any + Send + Sync>;

/// The values of one node.
#[derive(Default)]
pub(crate) struct SharedValues(RwLock<BTreeMap<TypeId, Value>>);

impl SharedValues {
    fn find(&self, id: TypeId) -> Option<Value> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        values.get(&id).cloned()
    }

    pub(crate) fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let id = TypeId::of::<T>();
        let value = self.find(id).unwrap_or_else(|| {
            // Made outside the lock: its `default` is somebody else's code.
            let made: Value = Arc::new(T::default());
            let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(values.entry(id).or_insert(made))
        });
        match value.downcast() {
            Ok(value) => value,
            Err(_) => unreachable!("it was put there by its type"),
        }
    }
}

impl Node {
    /// The node's one value of this type, made by `default` at first use: for libraries that keep
    /// something per node.
    ///
    /// ```
    /// # use foundation_runtime::Node;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// #[derive(Default)]
    /// struct Visits(AtomicU64);
    /// let node = Node::builder().start()?;
    /// node.shared::<Visits>().0.fetch_add(1, Ordering::Relaxed);
    /// assert_eq!(node.shared::<Visits>().0.load(Ordering::Relaxed), 1);
    /// # Ok::<(), foundation_runtime::NodeStartError>(())
    /// ```
    #[must_use]
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.core().shared.get()
    }
}
