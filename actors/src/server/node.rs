//! What a node can do with actors.
//!
//! Role       Starts them, finds them by name, stops them.

use std::time::Duration;

use foundation_runtime::{
    Destination, IntoReason, Message, Node, Pid, Process, Reason, SpawnError, SpawnOptions,
};

use super::actor::Actor;
use super::body::Server;
use super::init_ack::{InitAck, StartFn};
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

    /// Starts a plain process that says by its [`InitAck`] when it is ready, and waits until then:
    /// what it says the starter gets, with its address.
    ///
    /// ```
    /// use foundation_actors::{InitAck, NodeExt};
    /// # use foundation_runtime::{Codec, Message, Process, Tag};
    /// # struct Word;
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    /// # let node = foundation_runtime::Node::builder().start()?;
    /// # node.block_on(async {
    /// let serve = |mut me: Process<Word>, ack: InitAck<u16>| async move {
    ///     let port = 8080; // Binds it, say: an error returned from here fails the start.
    ///     ack.ok(port);
    ///     while let foundation_runtime::Mail::Msg(Word) = me.recv().await {}
    /// };
    /// let (server, port) = node.start_fn(serve).name("server").await?;
    /// assert_eq!(port, 8080);
    /// # drop(server);
    /// # Ok::<_, foundation_actors::StartError>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    fn start_fn<M, T, F, Fut>(&self, body: F) -> StartFn<M, T>
    where
        M: Message,
        T: Send + 'static,
        F: FnOnce(Process<M>, InitAck<T>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static;

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

    fn start_fn<M, T, F, Fut>(&self, body: F) -> StartFn<M, T>
    where
        M: Message,
        T: Send + 'static,
        F: FnOnce(Process<M>, InitAck<T>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        StartFn::new(self, body)
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
