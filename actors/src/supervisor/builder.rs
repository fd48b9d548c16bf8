//! How is a supervisor put together?
//!
//! Outputs    [`Supervisor`] and [`Dynamic`]: what names and references of supervisors are of, and
//!            where their builders begin.
//! Source     otp: supervisor; elixir: DynamicSupervisor

use std::any::Any;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use foundation_runtime::{Me, Node, Pid, Process, ProcessKind, SpawnOptions, Via, promise};

use super::child::{Child, IntoChild, Recipe};
use super::client::{DynamicClient, SupervisorClient};
use super::driver::{self, Plan};
use super::extra::Extra;
use super::machine::{
    AutoShutdown, ChildId, ChildKind, ChildSpec, DynamicFlags, Flags, Restart, Shutdown, Strategy,
};
use crate::nothing::Nothing;
use crate::server::{
    Actor, Addressed, BoxFuture, Name, Ref, START_TIMEOUT, StartError, Started, Starter,
    await_start,
};

/// A supervisor of children that are known when it starts.
///
/// ```
/// use foundation_actors::Supervisor;
/// use std::time::Duration;
/// let tree = Supervisor::one_for_one().intensity(3, Duration::from_secs(5));
/// # drop(tree);
/// ```
#[derive(Debug)]
pub enum Supervisor {}

impl Addressed for Supervisor {
    type Client = SupervisorClient;
}

impl Supervisor {
    /// A child that ends is restarted alone.
    pub fn one_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::OneForOne)
    }

    /// When one child ends, all are restarted.
    pub fn one_for_all() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::OneForAll)
    }

    /// When one child ends, it and those started after it are restarted.
    pub fn rest_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::RestForOne)
    }

    /// A supervisor of any number of children of one kind, started while it runs.
    pub fn dynamic<A: Actor>() -> DynamicBuilder<A> {
        DynamicBuilder {
            flags: DynamicFlags {
                intensity: 1,
                period: Duration::from_secs(5),
                max_children: usize::MAX,
            },
            child: ChildSpec::worker(A::NAME, ()),
            name: None,
            extra: None,
            _actor: PhantomData,
        }
    }
}

/// A supervisor that is being put together. One restart in five seconds is allowed unless set.
#[derive(Clone, Debug)]
#[must_use = "a supervisor is started by `start`, or as a child of another"]
pub struct SupervisorBuilder {
    flags: Flags,
    children: Vec<ChildSpec<Recipe>>,
    name: Option<Box<str>>,
    id: Option<ChildId>,
}

impl SupervisorBuilder {
    fn new(strategy: Strategy) -> Self {
        let flags = Flags {
            strategy,
            intensity: 1,
            period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::Never,
        };
        Self {
            flags,
            children: Vec::new(),
            name: None,
            id: None,
        }
    }

    /// Gives up when there are more than `restarts` within `period`, which is in whole seconds.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = restarts;
        self.flags.period = period;
        self
    }

    /// Whether the end of significant children ends the supervisor.
    pub fn auto_shutdown(mut self, when: AutoShutdown) -> Self {
        self.flags.auto_shutdown = when;
        self
    }

    /// Adds a child. Children are started in this order and stopped in the reverse one.
    pub fn child(mut self, child: impl IntoChild) -> Self {
        self.children.push(child.into_child());
        self
    }

    /// Registers the supervisor under this name.
    pub fn name(mut self, name: Name<Supervisor>) -> Self {
        self.name = Some(name.as_str().into());
        self
    }

    /// What the supervisor above calls it; its name unless set.
    pub fn id(mut self, id: impl Into<ChildId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Starts it and its children, and waits until the last one's init is done.
    pub fn start(self, node: &Node) -> StartTree<Supervisor> {
        let name = self.name.clone();
        StartTree::new(node, name, self.recipe())
    }

    /// The supervisor as a child, for those that are not to be permanent or not to have all the
    /// time they need to shut down.
    pub fn nested(self) -> Child<Supervisor> {
        let id = self.id.clone();
        let id = id.unwrap_or_else(|| self.name.as_deref().unwrap_or("Supervisor").into());
        Child::new(id.as_str(), self.recipe(), ChildKind::Supervisor)
    }

    fn recipe(self) -> Recipe {
        let name = self.name.clone();
        tree_recipe("Supervisor", Plan::Static(self.flags, self.children)).named(name)
    }
}

impl IntoChild for SupervisorBuilder {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.nested().into_child()
    }
}

/// A supervisor of children of type `A`, started while it runs.
#[derive(Debug)]
pub struct Dynamic<A>(PhantomData<fn() -> A>);

impl<A: Actor> Addressed for Dynamic<A> {
    type Client = DynamicClient<A>;
}

/// A dynamic supervisor that is being put together. Its children are permanent unless set.
#[derive(Debug)]
#[must_use = "a supervisor is started by `start`, or as a child of another"]
pub struct DynamicBuilder<A> {
    flags: DynamicFlags,
    child: ChildSpec,
    name: Option<Box<str>>,
    extra: Option<Extra>,
    _actor: PhantomData<fn() -> A>,
}

impl<A: Actor> DynamicBuilder<A> {
    /// Gives up when there are more than `restarts` within `period`, which is in whole seconds.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = restarts;
        self.flags.period = period;
        self
    }

    /// How many children there may be; those that are being restarted count.
    pub fn max_children(mut self, limit: usize) -> Self {
        self.flags.max_children = limit;
        self
    }

    /// Whether children are restarted.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.child.restart = restart;
        self
    }

    /// Children are never restarted.
    pub fn temporary(self) -> Self {
        self.restart(Restart::Temporary)
    }

    /// Children are restarted unless they end `normal` or `shutdown`.
    pub fn transient(self) -> Self {
        self.restart(Restart::Transient)
    }

    /// How children are stopped, all at once.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.child.shutdown = shutdown;
        self
    }

    /// What every child gets before its own arguments: the init of such an actor takes a pair, and
    /// `start_child_with_extra` gives its second half.
    pub fn extra_arguments<E, O>(mut self, extra: E) -> Self
    where
        A: Actor<Args = (E, O)>,
        E: Any + Clone + Send + Sync,
    {
        self.extra = Some(Extra::new(extra));
        self
    }

    /// Registers the supervisor under this name.
    pub fn name(mut self, name: Name<Dynamic<A>>) -> Self {
        self.name = Some(name.as_str().into());
        self
    }

    /// Starts it, without children.
    pub fn start(self, node: &Node) -> StartTree<Dynamic<A>> {
        let name = self.name.clone();
        StartTree::new(node, name, self.recipe())
    }

    /// The supervisor as a child, for those that are not to be permanent or not to have all the
    /// time they need to shut down.
    pub fn nested(self) -> Child<Dynamic<A>> {
        let id = self.name.clone().unwrap_or_else(|| A::NAME.into());
        Child::new(&id, self.recipe(), ChildKind::Supervisor)
    }

    fn recipe(self) -> Recipe {
        let name = self.name;
        let plan = Plan::Dynamic(self.flags, self.child);
        tree_recipe_with("Supervisor::dynamic", plan, self.extra).named(name)
    }
}

impl<A: Actor> IntoChild for DynamicBuilder<A> {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.nested().into_child()
    }
}

pub(crate) fn tree_recipe(code: &'static str, plan: Plan) -> Recipe {
    tree_recipe_with(code, plan, None)
}

/// As [`tree_recipe`], and all its children get `extra`.
fn tree_recipe_with(code: &'static str, plan: Plan, extra: Option<Extra>) -> Recipe {
    Recipe::new(move |node, options, timeout| {
        let (plan, extra) = (plan.clone(), extra.clone());
        let begin = move |me| {
            if let Some(extra) = &extra {
                extra.keep(me);
            }
        };
        Box::pin(start_tree(node, options, timeout, code, plan, begin))
    })
}

/// Starts the process of a tree, which does `begin` before anything else.
pub(super) async fn start_tree(
    node: Node,
    options: SpawnOptions,
    timeout: Duration,
    code: &'static str,
    plan: Plan,
    begin: impl FnOnce(Me) + Send + 'static,
) -> Result<Pid, StartError> {
    let linked = foundation_runtime::me().is_some();
    let (reply, started) = promise::<Started>(&node);
    let starter = Starter::new(Some(reply));
    let options = options.trap_exit().code(code).kind(ProcessKind::Supervisor);
    let body = move |me: Process<Nothing>| {
        begin(*me);
        driver::run(me, plan, starter)
    };
    let (process, _) = node.spawn_fn_with(&options, body)?;
    await_start(&node, process.pid(), started, linked, timeout).await?;
    Ok(process.pid())
}

/// A supervisor that is about to start.
#[must_use = "a start does nothing until it is awaited"]
pub struct StartTree<S> {
    node: Node,
    options: SpawnOptions,
    recipe: Recipe,
    timeout: Duration,
    _tree: PhantomData<fn() -> S>,
}

impl<S> StartTree<S> {
    pub(crate) fn new(node: &Node, name: Option<Box<str>>, recipe: Recipe) -> Self {
        let mut options = SpawnOptions::new();
        if let Some(name) = name {
            options = options.name(name);
        }
        Self {
            node: node.clone(),
            options,
            recipe,
            timeout: START_TIMEOUT,
            _tree: PhantomData,
        }
    }

    /// Links it with the process that starts it.
    pub fn link(mut self) -> Self {
        self.options = self.options.link();
        self
    }

    /// Registers it under this key of a registry: see `Registry::via`.
    pub fn via(mut self, via: Via) -> Self {
        self.options = self.options.via(via);
        self
    }

    /// Starts its supervisor with these options; what was set before stays.
    pub fn options(mut self, more: impl FnOnce(SpawnOptions) -> SpawnOptions) -> Self {
        self.options = more(self.options);
        self
    }

    /// How long the start of the whole tree may take: 30 seconds unless set.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.timeout = bound;
        self
    }
}

impl<S> std::fmt::Debug for StartTree<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartTree")
            .field("recipe", &self.recipe)
            .finish_non_exhaustive()
    }
}

impl<S: Addressed> IntoFuture for StartTree<S> {
    type Output = Result<Ref<S>, StartError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let pid = self
                .recipe
                .start_with(self.node.clone(), self.options, self.timeout)
                .await?;
            Ok(Ref::of_pid(&self.node, pid))
        })
    }
}
