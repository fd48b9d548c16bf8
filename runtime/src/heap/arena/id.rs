//! What leads to a value in an arena?

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// A handle of a value in an [`Arena`](super::Arena): eight bytes, `Copy`, valid until the value is
/// removed, whatever the arena does meanwhile. It can lie in the arena itself.
pub struct Id<T: ?Sized> {
    pub(super) index: u32,
    pub(super) generation: u32,
    of: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Id<T> {
    pub(super) fn new(index: u32, generation: u32) -> Self {
        Self {
            index,
            generation,
            of: PhantomData,
        }
    }
}

impl<T: ?Sized> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Id<T> {}

impl<T: ?Sized> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.index, self.generation) == (other.index, other.generation)
    }
}

impl<T: ?Sized> Eq for Id<T> {}

impl<T: ?Sized> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.index, self.generation).hash(state);
    }
}

impl<T: ?Sized> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({}.{})", self.index, self.generation)
    }
}
