//! What one may ask of a supervisor.
//!
//! Outputs    [`SupervisorClient`], [`DynamicClient`]: what `Ref<Supervisor>` and
//!            `Ref<Dynamic<A>>` deref to.
//! Source     otp: supervisor, "Functions"; elixir: DynamicSupervisor

use foundation_runtime::{CallError, CallPayload, Codec, Node, Payload, Pid, Tag, Via};

use super::builder::{Dynamic, Supervisor};
use super::child::{IntoChild, Recipe, actor_recipe};
use super::machine::{
    Answer, Ask, Child, ChildId, ChildInfo, ChildSpec, Counts, DeleteError, RestartError,
    StartChildError, TerminateError,
};
use crate::server::{Actor, Address, Client, Ref};

/// A request to a static supervisor.
pub(super) struct AskStatic(pub(super) Ask<Pid, ChildSpec<Recipe>>);

/// A request to a dynamic supervisor.
pub(crate) struct AskDynamic(pub(crate) Ask<Pid, Recipe>);

macro_rules! ask {
    ($ask:ident) => {
        impl Payload for $ask {
            const NAME: &'static str = "Supervisor::ask";
            const CODEC: Codec<Self> = Codec::local();

            fn tag() -> Tag {
                Tag::of("foundation", "Supervisor", stringify!($ask))
            }
        }

        impl CallPayload for $ask {
            type Reply = Answer<Pid>;
            const REPLY_CODEC: Codec<Answer<Pid>> = Codec::local();
        }
    };
}

ask!(AskStatic);
ask!(AskDynamic);

/// An answer of the wrong kind, or none: the supervisor is overloaded or going down.
fn unexpected<T>(answer: &Answer<Pid>) -> Result<T, CallError> {
    Err(match answer {
        Answer::Busy => CallError::Refused("the supervisor has too many requests waiting".into()),
        Answer::Stopping => CallError::Down(foundation_runtime::Reason::Shutdown),
        other => unreachable!("a supervisor answered {other:?} to another question"),
    })
}

/// The answer, unless the supervisor had none to give.
pub(crate) fn expect_answer(answer: Answer<Pid>) -> Result<Answer<Pid>, CallError> {
    match answer {
        Answer::Busy | Answer::Stopping => unexpected(&answer),
        answer => Ok(answer),
    }
}

/// The verbs of a static supervisor. A call waits 5 seconds.
#[derive(Clone, Debug)]
pub struct SupervisorClient(Address<Supervisor>);

impl Client for SupervisorClient {
    type Actor = Supervisor;

    fn from_address(address: Address<Supervisor>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<Supervisor> {
        &self.0
    }
}

impl SupervisorClient {
    async fn ask(&self, ask: Ask<Pid, ChildSpec<Recipe>>) -> Result<Answer<Pid>, CallError> {
        self.0
            .node()
            .call(&self.0.destination(), AskStatic(ask))
            .await
    }

    /// Adds and starts a child. `None`: its init said that there is nothing to run.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn start_child(
        &self,
        child: impl IntoChild,
    ) -> Result<Result<Option<Pid>, StartChildError<Pid>>, CallError> {
        match self.ask(Ask::StartChild(child.into_child())).await? {
            Answer::Started(outcome) => Ok(outcome),
            other => unexpected(&other),
        }
    }

    /// Starts a child that was terminated or ended by itself, from the same recipe.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn restart_child(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<Result<Option<Pid>, RestartError>, CallError> {
        match self.ask(Ask::RestartChild(id.into())).await? {
            Answer::Restarted(outcome) => Ok(outcome),
            other => unexpected(&other),
        }
    }

    /// Stops a child. Its recipe is kept, unless it is temporary.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn terminate_child(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<Result<(), TerminateError>, CallError> {
        match self.ask(Ask::TerminateChild(Child::Id(id.into()))).await? {
            Answer::Terminated(outcome) => Ok(outcome),
            other => unexpected(&other),
        }
    }

    /// Forgets the recipe of a child that does not run.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn delete_child(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<Result<(), DeleteError>, CallError> {
        match self.ask(Ask::DeleteChild(id.into())).await? {
            Answer::Deleted(outcome) => Ok(outcome),
            other => unexpected(&other),
        }
    }

    /// All children, in the order of their start.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo<Pid>>, CallError> {
        match self.ask(Ask::WhichChildren).await? {
            Answer::Children(children) => Ok(children),
            other => unexpected(&other),
        }
    }

    /// How many children there are, of which kind.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        match self.ask(Ask::CountChildren).await? {
            Answer::Counts(counts) => Ok(counts),
            other => unexpected(&other),
        }
    }
}

/// The verbs of a dynamic supervisor. A call waits 5 seconds.
pub struct DynamicClient<A>(Address<Dynamic<A>>);

impl<A> Clone for DynamicClient<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A> std::fmt::Debug for DynamicClient<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DynamicClient({:?})", self.0)
    }
}

impl<A: Actor> Client for DynamicClient<A> {
    type Actor = Dynamic<A>;

    fn from_address(address: Address<Dynamic<A>>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<Dynamic<A>> {
        &self.0
    }
}

impl<A: Actor> DynamicClient<A> {
    async fn ask(&self, ask: Ask<Pid, Recipe>) -> Result<Answer<Pid>, CallError> {
        self.0
            .node()
            .call(&self.0.destination(), AskDynamic(ask))
            .await
    }

    fn node(&self) -> &Node {
        self.0.node()
    }

    async fn start(
        &self,
        recipe: Recipe,
    ) -> Result<Result<Option<Ref<A>>, StartChildError<Pid>>, CallError> {
        match self.ask(Ask::StartChild(recipe)).await? {
            Answer::Started(Ok(pid)) => Ok(Ok(pid.map(|pid| Ref::of_pid(self.node(), pid)))),
            Answer::Started(Err(error)) => Ok(Err(error)),
            other => unexpected(&other),
        }
    }

    /// Starts a child whose init gets `args`, now and at each restart. `None`: its init said that
    /// there is nothing to run.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn start_child(
        &self,
        args: A::Args,
    ) -> Result<Result<Option<Ref<A>>, StartChildError<Pid>>, CallError>
    where
        A::Args: Clone + Sync,
    {
        self.start(actor_recipe::<A>(move || args.clone())).await
    }

    /// [`DynamicClient::start_child`], registered under a key of a registry, again at each restart:
    /// see `Registry::via`.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn start_child_via(
        &self,
        via: Via,
        args: A::Args,
    ) -> Result<Result<Option<Ref<A>>, StartChildError<Pid>>, CallError>
    where
        A::Args: Clone + Sync,
    {
        let recipe = actor_recipe::<A>(move || args.clone());
        self.start(recipe.registered(Some(via))).await
    }

    /// Starts a child whose init gets the supervisor's extra arguments and then `own`, now and at
    /// each restart. It fails when the supervisor was not given any.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn start_child_with_extra<E, O>(
        &self,
        own: O,
    ) -> Result<Result<Option<Ref<A>>, StartChildError<Pid>>, CallError>
    where
        A: Actor<Args = (E, O)>,
        E: std::any::Any + Clone + Send,
        O: Clone + Send + Sync + 'static,
    {
        self.start(super::extra::recipe::<A, E, O>(own)).await
    }

    /// [`DynamicClient::start_child`], with a function that makes the arguments of each start.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn start_child_from(
        &self,
        make: impl Fn() -> A::Args + Send + Sync + 'static,
    ) -> Result<Result<Option<Ref<A>>, StartChildError<Pid>>, CallError> {
        self.start(actor_recipe::<A>(make)).await
    }

    /// Stops a child.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn terminate_child(
        &self,
        child: impl Into<Pid>,
    ) -> Result<Result<(), TerminateError>, CallError> {
        self.terminate(Child::Pid(child.into())).await
    }

    /// Always refused: the children of a dynamic supervisor have no ids.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn terminate_child_by_id(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<Result<(), TerminateError>, CallError> {
        self.terminate(Child::Id(id.into())).await
    }

    async fn terminate(&self, child: Child<Pid>) -> Result<Result<(), TerminateError>, CallError> {
        match self.ask(Ask::TerminateChild(child)).await? {
            Answer::Terminated(outcome) => Ok(outcome),
            other => unexpected(&other),
        }
    }

    /// All children.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo<Pid>>, CallError> {
        match self.ask(Ask::WhichChildren).await? {
            Answer::Children(children) => Ok(children),
            other => unexpected(&other),
        }
    }

    /// How many children there are.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        match self.ask(Ask::CountChildren).await? {
            Answer::Counts(counts) => Ok(counts),
            other => unexpected(&other),
        }
    }
}
