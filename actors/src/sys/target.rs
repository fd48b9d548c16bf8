//! Who can be asked by the system?
//!
//! Outputs    [`Target`]: references to actors and processes, and a node with a pid.

use foundation_runtime::{Destination, Node, Pid, ProcessRef};

use crate::server::{Addressed, Client, Ref};

/// What leads to a process that the system asks: a [`Ref`], a [`ProcessRef`], or `(&node, pid)`.
pub trait Target {
    /// The node from which it is asked.
    #[doc(hidden)]
    fn node(&self) -> &Node;
    /// Where it is.
    #[doc(hidden)]
    fn destination(&self) -> Destination;
}

impl<A: Addressed + ?Sized> Target for Ref<A> {
    fn node(&self) -> &Node {
        Self::node(self)
    }

    fn destination(&self) -> Destination {
        self.address().destination().into_owned()
    }
}

impl<M> Target for ProcessRef<M> {
    fn node(&self) -> &Node {
        Self::node(self)
    }

    fn destination(&self) -> Destination {
        Destination::Pid(self.pid())
    }
}

impl Target for (&Node, Pid) {
    fn node(&self) -> &Node {
        self.0
    }

    fn destination(&self) -> Destination {
        Destination::Pid(self.1)
    }
}

impl<T: Target + ?Sized> Target for &T {
    fn node(&self) -> &Node {
        (**self).node()
    }

    fn destination(&self) -> Destination {
        (**self).destination()
    }
}
