//! What does a supervisor need to know of a child?
//!
//! Role       A child is a recipe, never a value: it has to be made again at each restart.
//! Outputs    [`child`], [`child_with`], [`child_fn`]: the three kinds of recipe.
//! Source     otp: supervisor, child specifications

use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{
    IntoReason, Mailbox, Message, Node, Pid, Process, SpawnOptions, Via, promise,
};

use super::machine::{ChildId, ChildKind, ChildSpec, Restart, Shutdown};
use crate::server::{
    Actor, Addressed, BoxFuture, InitAck, Name, START_TIMEOUT, Server, StartError, StartFn,
    Started, Starter, await_start,
};

/// How one kind of child is started.
pub(super) trait StartChild: Send + Sync {
    fn start(
        self: Arc<Self>,
        node: Node,
        options: SpawnOptions,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Pid, StartError>>;
}

/// What few children have.
#[derive(Clone)]
struct More {
    options: SpawnOptions,
    timeout: Duration,
}

/// How a child is started, as often as it takes.
#[derive(Clone)]
pub struct Recipe {
    start: Arc<dyn StartChild>,
    more: Option<Box<More>>,
}

impl Recipe {
    pub(super) fn of(start: impl StartChild + 'static) -> Self {
        Self {
            start: Arc::new(start),
            more: None,
        }
    }

    pub(crate) fn new<F>(start: F) -> Self
    where
        F: Fn(Node, SpawnOptions, Duration) -> BoxFuture<'static, Result<Pid, StartError>>
            + Send
            + Sync
            + 'static,
    {
        Self::of(ByFunction(start))
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                options: SpawnOptions::new(),
                timeout: START_TIMEOUT,
            })
        })
    }

    fn with(&mut self, change: impl FnOnce(SpawnOptions) -> SpawnOptions) {
        let more = self.more();
        more.options = change(std::mem::take(&mut more.options));
    }

    pub(crate) fn named(mut self, name: Option<Box<str>>) -> Self {
        if let Some(name) = name {
            self.with(|options| options.name(name));
        }
        self
    }

    pub(super) fn registered(mut self, via: Option<Via>) -> Self {
        if let Some(via) = via {
            self.with(|options| options.via(via));
        }
        self
    }

    /// Starts the child, linked with the process that runs this code.
    pub(super) async fn start(&self, node: Node) -> Result<Pid, StartError> {
        let (options, timeout) = match &self.more {
            Some(more) => (more.options.clone(), more.timeout),
            None => (SpawnOptions::new(), START_TIMEOUT),
        };
        self.start_with(node, options.link(), timeout).await
    }

    pub(super) async fn start_with(
        &self,
        node: Node,
        options: SpawnOptions,
        timeout: Duration,
    ) -> Result<Pid, StartError> {
        Arc::clone(&self.start).start(node, options, timeout).await
    }
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options = self.more.as_ref().map(|more| &more.options);
        f.debug_struct("Recipe")
            .field("options", &options)
            .finish_non_exhaustive()
    }
}

struct ByFunction<F>(F);

impl<F> StartChild for ByFunction<F>
where
    F: Fn(Node, SpawnOptions, Duration) -> BoxFuture<'static, Result<Pid, StartError>>
        + Send
        + Sync,
{
    fn start(
        self: Arc<Self>,
        node: Node,
        options: SpawnOptions,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Pid, StartError>> {
        (self.0)(node, options, timeout)
    }
}

/// An actor whose init takes what the function makes.
struct ByMaking<A, F>(F, std::marker::PhantomData<fn() -> A>);

impl<A: Actor, F: Fn() -> A::Args + Send + Sync + 'static> StartChild for ByMaking<A, F> {
    fn start(
        self: Arc<Self>,
        node: Node,
        options: SpawnOptions,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Pid, StartError>> {
        Box::pin(async move {
            let (reply, started) = promise::<Started>(&node);
            let body = Server::<A>::new_with(move || (self.0)(), Some(Starter::new(Some(reply))));
            let options = options.kind(A::KIND).mailbox_if_unset(A::MAILBOX);
            let pid = node.spawn_behaviour(&options, body)?;
            await_start(&node, pid, started, true, timeout).await?;
            Ok(pid)
        })
    }
}

/// The recipe of an actor whose init takes `make()`.
pub(crate) fn actor_recipe<A: Actor>(make: impl Fn() -> A::Args + Send + Sync + 'static) -> Recipe {
    Recipe::of(ByMaking::<A, _>(make, std::marker::PhantomData))
}

/// A child of a supervisor: a recipe, and how it is treated.
///
/// Unless set otherwise it is permanent, has five seconds to shut down (a supervisor: as long as it
/// takes), and its id is its name, or its type's.
#[derive(Debug)]
#[must_use = "a child does nothing until it is given to a supervisor"]
pub struct Child<A> {
    spec: ChildSpec<Recipe>,
    _actor: std::marker::PhantomData<fn() -> A>,
}

impl<A> Child<A> {
    pub(crate) fn new(id: &str, recipe: Recipe, kind: ChildKind) -> Self {
        let spec = match kind {
            ChildKind::Worker => ChildSpec::worker(id, recipe),
            ChildKind::Supervisor => ChildSpec::supervisor(id, recipe),
        };
        Self {
            spec,
            _actor: std::marker::PhantomData,
        }
    }

    /// What the supervisor calls it. Two children of one supervisor cannot have the same id.
    pub fn id(mut self, id: impl Into<ChildId>) -> Self {
        self.spec.id = id.into();
        self
    }

    /// Always restarted.
    pub fn permanent(mut self) -> Self {
        self.spec.restart = Restart::Permanent;
        self
    }

    /// Restarted unless it ends `normal` or `shutdown`.
    pub fn transient(mut self) -> Self {
        self.spec.restart = Restart::Transient;
        self
    }

    /// Never restarted.
    pub fn temporary(mut self) -> Self {
        self.spec.restart = Restart::Temporary;
        self
    }

    /// How long it has to shut down before it is killed.
    pub fn shutdown(mut self, bound: Duration) -> Self {
        self.spec.shutdown = Shutdown::Timeout(bound);
        self
    }

    /// It is killed at once, and its `#[terminate]` does not run.
    pub fn brutal_kill(mut self) -> Self {
        self.spec.shutdown = Shutdown::BrutalKill;
        self
    }

    /// It has as long as it takes to shut down. For supervisors; a worker that hangs would hang the
    /// tree.
    pub fn shutdown_infinity(mut self) -> Self {
        self.spec.shutdown = Shutdown::Infinity;
        self
    }

    /// Its end by itself may end the supervisor: see `auto_shutdown`.
    pub fn significant(mut self) -> Self {
        self.spec.significant = true;
        self
    }

    /// How long its start may take: 30 seconds unless set.
    pub fn start_timeout(mut self, bound: Duration) -> Self {
        self.spec.start.more().timeout = bound;
        self
    }

    /// Registers it under this key of a registry at each start: see `Registry::via`.
    pub fn via(mut self, via: Via) -> Self {
        self.spec.start.with(|options| options.via(via));
        self
    }

    /// The kind of mailbox it gets at each start; unless set, what its type says, or an unbounded
    /// one.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.spec.start.with(|options| options.mailbox(mailbox));
        self
    }

    /// Starts it with these options each time: how large its heap may become, say. What was set
    /// before stays; it is linked with its supervisor whatever they say.
    ///
    /// ```
    /// # use foundation_actors::child_fn;
    /// # use foundation_runtime::{Codec, MaxHeap, Message, Process, Tag};
    /// # struct Note;
    /// # impl Message for Note {
    /// #     const NAME: &'static str = "Note";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Note", "") }
    /// # }
    /// # async fn works(mut me: Process<Note>) { loop { me.recv().await; } }
    /// let child = child_fn("cache", works).options(|options| options.max_heap_size(MaxHeap::bytes(64 << 20)));
    /// # let _ = child;
    /// ```
    pub fn options(mut self, more: impl FnOnce(SpawnOptions) -> SpawnOptions) -> Self {
        self.spec.start.with(more);
        self
    }

    pub(super) fn into_spec(self) -> ChildSpec<Recipe> {
        self.spec
    }
}

impl<A: Addressed> Child<A> {
    /// Registers it under this name at each start, which is also its id.
    pub fn name(mut self, name: Name<A>) -> Self {
        self.spec.id = ChildId::from(name.as_str());
        self.spec.start.with(|options| options.name(name.as_str()));
        self
    }
}

impl<A> Clone for Child<A> {
    fn clone(&self) -> Self {
        Self {
            spec: self.spec.clone(),
            _actor: std::marker::PhantomData,
        }
    }
}

/// What makes an actor anew for each start.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a recipe for an actor",
    label = "a supervisor must be able to start the child again",
    note = "give a function that makes the actor: `child(Counter::default)` or `child(|| Counter::new(1))`",
    note = "an actor with `#[init]` is started from its arguments: `child_with::<Worker>(cfg)`"
)]
pub trait Make<A>: Send + Sync + 'static {
    /// One more actor.
    fn make(&self) -> A;
}

impl<A, F: Fn() -> A + Send + Sync + 'static> Make<A> for F {
    fn make(&self) -> A {
        self()
    }
}

/// A child that `make` makes, inside its process, at each start.
pub fn child<A: Actor<Args = A>>(make: impl Make<A>) -> Child<A> {
    Child::new(
        A::NAME,
        actor_recipe::<A>(move || make.make()),
        ChildKind::Worker,
    )
}

/// A child whose `#[init]` gets a clone of `args` at each start.
pub fn child_with<A: Actor<Args: Clone + Sync>>(args: A::Args) -> Child<A> {
    Child::new(
        A::NAME,
        actor_recipe::<A>(move || args.clone()),
        ChildKind::Worker,
    )
}

/// A child that is a plain process; it counts as started at once.
pub fn child_fn<M, F, Fut>(id: &str, body: F) -> Child<M>
where
    M: Message,
    F: Fn(Process<M>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let recipe = Recipe::new(move |node, options, _| {
        let body = body.clone();
        Box::pin(async move {
            let (process, _) = node.spawn_fn_with(&options, body)?;
            Ok(process.pid())
        })
    });
    Child::new(id, recipe, ChildKind::Worker)
}

/// A child that is a plain process, and counts as started when it says so by its [`InitAck`].
///
/// ```
/// use foundation_actors::{InitAck, Supervisor, child_start_fn};
/// # use foundation_runtime::{Codec, Message, Process, Tag};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// let cache = child_start_fn("cache", |mut me: Process<Word>, ack: InitAck<()>| async move {
///     // Fill it. Those that are started after this one find it full.
///     ack.ok(());
///     loop {
///         me.recv().await;
///     }
/// });
/// let tree = Supervisor::one_for_one().child(cache);
/// # drop(tree);
/// ```
pub fn child_start_fn<M, F, Fut>(id: &str, body: F) -> Child<M>
where
    M: Message,
    F: Fn(Process<M>, InitAck<()>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let recipe = Recipe::new(move |node, options, timeout| {
        let start = StartFn::new(&node, body.clone());
        let options = options.code(std::any::type_name::<F>());
        Box::pin(async move {
            let (process, ()) = start.child(options, timeout).await?;
            Ok(process.pid())
        })
    });
    Child::new(id, recipe, ChildKind::Worker)
}

/// What a supervisor takes as a child: a [`Child`], or another supervisor.
pub trait IntoChild {
    /// The specification.
    fn into_child(self) -> ChildSpec<Recipe>;
}

impl<A> IntoChild for Child<A> {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.into_spec()
    }
}
