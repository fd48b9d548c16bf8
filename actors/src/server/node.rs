//! What a node can do with actors.
//!
//! Role       Starts them, finds them by name, stops them.

use std::time::Duration;

use foundation_runtime::{Destination, Node, Pid, Reason, SpawnError, SpawnOptions};

use super::actor::Actor;
use super::body::Server;
use super::refs::{Address, Addressed, Client, Name, Ref, Remote};
use super::start::Start;
use super::system::{self, StopError};

/// Actors on a node; the prelude brings it into scope.
pub trait NodeExt {
    /// Starts an actor that is there already, without waiting: for actors without `#[init]`.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    fn spawn<A: Actor<Args = A>>(&self, actor: A) -> Result<Ref<A>, SpawnError>;

    /// Starts an actor from the arguments of its `#[init]`, and waits until that is done.
    fn start<A: Actor>(&self, args: A::Args) -> Start<A>;

    /// Whoever has this name, found again at each use: the reference survives restarts.
    fn at<A: Addressed + ?Sized>(&self, name: Name<A>) -> Ref<A>;

    /// Another node, by its name. It need not be connected yet: whoever is connected under this
    /// name is found again at each use, and while nobody is, calls fail with `NoConnection`.
    fn remote(&self, name: &str) -> Remote;

    /// A reference to the actor with this pid. It is not checked that it is an `A`: calls to
    /// something else are answered with an error or not at all.
    fn reference<A: Addressed + ?Sized>(&self, pid: Pid) -> Ref<A>;

    /// Ends a server in order: its `#[terminate]` runs, and it exits with `reason`. Returns when
    /// it has.
    ///
    /// # Errors
    /// [`StopError`]: it was not there, ended otherwise, or not within `bound`.
    fn stop<A: Addressed + ?Sized>(
        &self,
        server: &Ref<A>,
        reason: Reason,
        bound: Duration,
    ) -> impl Future<Output = Result<(), StopError>> + Send;
}

impl NodeExt for Node {
    fn spawn<A: Actor<Args = A>>(&self, actor: A) -> Result<Ref<A>, SpawnError> {
        let options = SpawnOptions::new()
            .kind(A::KIND)
            .mailbox_if_unset(A::MAILBOX);
        let pid = self.spawn_behaviour(&options, Server::<A>::new(actor, None))?;
        Ok(Ref::of_pid(self, pid))
    }

    fn start<A: Actor>(&self, args: A::Args) -> Start<A> {
        Start::new(self.clone(), args)
    }

    fn at<A: Addressed + ?Sized>(&self, name: Name<A>) -> Ref<A> {
        let to = Destination::Name(self.id(), name.as_str().into());
        Ref::from_address(Address::new(self.clone(), to))
    }

    fn remote(&self, name: &str) -> Remote {
        Remote::new(self.clone(), name)
    }

    fn reference<A: Addressed + ?Sized>(&self, pid: Pid) -> Ref<A> {
        Ref::of_pid(self, pid)
    }

    fn stop<A: Addressed + ?Sized>(
        &self,
        server: &Ref<A>,
        reason: Reason,
        bound: Duration,
    ) -> impl Future<Output = Result<(), StopError>> + Send {
        let target = server.address().destination().into_owned();
        system::stop(self.clone(), target, reason, bound)
    }
}
