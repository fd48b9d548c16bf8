//! A group whose members are all of one type.
//!
//! Outputs    [`Group`]: joins and leaves by reference, and does something with every member.
//! Invariant  It is not checked that a member that joined by its pid is an `A`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use foundation_runtime::{Pid, SendError};

use super::scope::{JoinError, NotJoined, Scope};
use crate::server::{Addressed, Ref};

/// One group of a [`Scope`], with members of type `A`.
pub struct Group<A: ?Sized> {
    scope: Scope,
    name: Arc<str>,
    _members: PhantomData<fn() -> *const A>,
}

impl<A: Addressed + ?Sized> Group<A> {
    pub(super) fn new(scope: Scope, name: &str) -> Self {
        Self {
            scope,
            name: name.into(),
            _members: PhantomData,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// An actor of this node joins; by name, whoever has the name now. As often as it joins it has
    /// to leave.
    ///
    /// # Errors
    /// [`JoinError`]: it is dead, or elsewhere, or the scope is full.
    pub fn join(&self, member: &Ref<A>) -> Result<(), JoinError> {
        self.scope.join(&self.name, self.pid_of(member))
    }

    /// An actor leaves once.
    ///
    /// # Errors
    /// [`NotJoined`].
    pub fn leave(&self, member: &Ref<A>) -> Result<(), NotJoined> {
        self.scope.leave(&self.name, self.pid_of(member))
    }

    /// The members on all nodes, those of this node first.
    #[must_use]
    pub fn members(&self) -> Vec<Ref<A>> {
        self.refs(self.scope.get_members(&self.name))
    }

    /// The members on this node.
    #[must_use]
    pub fn local_members(&self) -> Vec<Ref<A>> {
        self.refs(self.scope.get_local_members(&self.name))
    }

    /// Casts to every member, on all nodes, once for each time it has joined; says how many casts
    /// were sent.
    pub fn broadcast(&self, mut cast: impl FnMut(&Ref<A>) -> Result<(), SendError>) -> usize {
        let members = self.members();
        members.iter().filter(|member| cast(member).is_ok()).count()
    }

    /// The process that a reference leads to now; for a name that leads nowhere, nobody's.
    fn pid_of(&self, member: &Ref<A>) -> Pid {
        let nobody = || Pid::nobody(self.scope.node().id());
        member.find().unwrap_or_else(nobody)
    }

    fn refs(&self, pids: Vec<Pid>) -> Vec<Ref<A>> {
        let node = self.scope.node();
        pids.into_iter().map(|pid| Ref::of_pid(node, pid)).collect()
    }
}

impl<A: ?Sized> Clone for Group<A> {
    fn clone(&self) -> Self {
        Self {
            scope: self.scope.clone(),
            name: Arc::clone(&self.name),
            _members: PhantomData,
        }
    }
}

impl<A: ?Sized> fmt::Debug for Group<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({:?} of {:?})", self.name, self.scope)
    }
}
