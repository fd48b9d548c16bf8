//! A supervisor of tasks.
//!
//! Role       Tasks that are nobody's children but its own: a tree that stops takes them along, and
//!            there are never more of them than it may have.
//! Limit      `max_children` tasks at a time; one more is refused.
//! Invariant  Its tasks are temporary, unless their start says otherwise: one that ends is forgotten.
//!            When it stops, all get `shutdown` at once, and are killed when the time for that is over.
//! Source     elixir: Task.Supervisor

use std::time::Duration;

use foundation_runtime::{CallError, Pid};

use super::error::TaskStartError;
use super::handle::Task;
use super::start::{start_child, start_child_as, start_task};
use super::stream::TaskStream;
use crate::server::{Address, Addressed, Client, Name};
use crate::supervisor::client::{AskDynamic, expect_answer};
use crate::supervisor::machine::{
    Answer, Ask, Child as ChildKey, ChildKind, ChildSpec, ChildState, DynamicFlags, Restart,
    Shutdown, TerminateError,
};
use crate::supervisor::{Child, IntoChild, Plan, Recipe, StartTree, tree_recipe};

/// A supervisor of tasks: what names and references of one are of.
///
/// ```
/// use foundation_actors::TaskSupervisor;
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let tasks = TaskSupervisor::builder().max_children(100).start(&node).await?;
/// let answer = tasks.spawn_nolink(async { 6 * 7 }).await?;
/// assert_eq!(answer.await?, 42);
/// tasks.start_child(async { /* nobody waits for it */ }).await?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub enum TaskSupervisor {}

impl TaskSupervisor {
    /// One that is to be put together.
    pub fn builder() -> TaskSupervisorBuilder {
        TaskSupervisorBuilder {
            flags: DynamicFlags {
                intensity: 3,
                ..DynamicFlags::default()
            },
            shutdown: Shutdown::Timeout(Duration::from_secs(5)),
            name: None,
        }
    }
}

impl Addressed for TaskSupervisor {
    type Client = TaskSupervisorClient;
}

/// A supervisor of tasks that is being put together.
#[derive(Clone, Debug)]
#[must_use = "a supervisor is started by `start`, or as a child of another"]
pub struct TaskSupervisorBuilder {
    flags: DynamicFlags,
    shutdown: Shutdown,
    name: Option<Box<str>>,
}

impl TaskSupervisorBuilder {
    /// How many tasks there may be at a time: no limit but the node's unless set. With zero every
    /// task is refused.
    pub fn max_children(mut self, limit: usize) -> Self {
        self.flags.max_children = limit;
        self
    }

    /// Gives up, and ends with all its tasks, when there are more than `restarts` of those that are
    /// restarted within `period`, which is in whole seconds: three within five seconds unless set.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = restarts;
        self.flags.period = period;
        self
    }

    /// How tasks are stopped when the supervisor is, all at once: they have five seconds unless set.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Registers the supervisor under this name, which is also its id.
    pub fn name(mut self, name: Name<TaskSupervisor>) -> Self {
        self.name = Some(name.as_str().into());
        self
    }

    /// Starts it, without tasks.
    pub fn start(self, node: &foundation_runtime::Node) -> StartTree<TaskSupervisor> {
        let name = self.name.clone();
        StartTree::new(node, name, self.recipe())
    }

    /// The supervisor as a child, for those that are not to be permanent or not to have all the
    /// time they need to shut down.
    pub fn nested(self) -> Child<TaskSupervisor> {
        let id = self.name.clone().unwrap_or_else(|| "TaskSupervisor".into());
        Child::new(&id, self.recipe(), ChildKind::Supervisor)
    }

    fn recipe(self) -> Recipe {
        let mut task = ChildSpec::worker("Task", ());
        task.restart = Restart::Temporary;
        task.shutdown = self.shutdown;
        tree_recipe("TaskSupervisor", Plan::Dynamic(self.flags, task)).named(self.name)
    }
}

impl IntoChild for TaskSupervisorBuilder {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.nested().into_child()
    }
}

/// The verbs of a supervisor of tasks. Each waits 5 seconds for its answer; whoever stops waiting
/// before gets no task.
#[derive(Clone, Debug)]
pub struct TaskSupervisorClient(Address<TaskSupervisor>);

impl Client for TaskSupervisorClient {
    type Actor = TaskSupervisor;

    fn from_address(address: Address<TaskSupervisor>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<TaskSupervisor> {
        &self.0
    }
}

impl Address<TaskSupervisor> {
    pub(super) async fn ask(&self, ask: Ask<Pid, Recipe>) -> Result<Answer<Pid>, CallError> {
        let call = self.node().call(&self.destination(), AskDynamic(ask));
        expect_answer(call.await?)
    }
}

impl TaskSupervisorClient {
    /// Starts `work` as a task of the supervisor, linked with the calling process as well: if
    /// either crashes, so does the other. What Elixir calls `async`.
    ///
    /// # Errors
    /// [`TaskStartError`]: nothing of the task runs.
    pub async fn spawn<T, F>(&self, work: F) -> Result<Task<T>, TaskStartError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        start_task(self.0.clone(), work, true).await
    }

    /// Starts `work` as a task of the supervisor. Its crash concerns whoever awaits it, and its
    /// owner's does not concern it.
    ///
    /// # Errors
    /// [`TaskStartError`]: nothing of the task runs.
    pub async fn spawn_nolink<T, F>(&self, work: F) -> Result<Task<T>, TaskStartError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        start_task(self.0.clone(), work, false).await
    }

    /// Starts `work` as a task that nobody awaits.
    ///
    /// # Errors
    /// [`TaskStartError`]: nothing of the task runs.
    pub async fn start_child<F>(&self, work: F) -> Result<Pid, TaskStartError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        start_child(&self.0, work).await
    }

    /// Starts `work` as a task that nobody awaits, and that is restarted: always when it is
    /// [`Restart::Permanent`], after a crash when it is [`Restart::Transient`]. It begins anew, in a
    /// process of its own. One whose restart fails, or that restarts too often, is a matter of the
    /// supervisor: see [`TaskSupervisorBuilder::intensity`].
    ///
    /// ```
    /// use foundation_actors::TaskSupervisor;
    /// use foundation_actors::supervisor::Restart;
    /// # let node = foundation_runtime::Node::builder().start().unwrap();
    /// # node.block_on(async {
    /// let tasks = TaskSupervisor::builder().start(&node).await?;
    /// tasks.start_child_as(Restart::Transient, || async { /* again after a crash */ }).await?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`TaskStartError`]: nothing of the task runs, or will.
    pub async fn start_child_as<F, Fut>(
        &self,
        restart: Restart,
        work: F,
    ) -> Result<Pid, TaskStartError>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        start_child_as(&self.0, restart, work).await
    }

    /// A task per item, under this supervisor: see [`TaskStream`].
    pub fn stream<I, F, Fut, T>(&self, inputs: I, work: F) -> TaskStream<I::IntoIter, F, T>
    where
        I: IntoIterator,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        TaskStream::under(self.0.clone(), inputs.into_iter(), work)
    }

    /// Stops a task: it is asked to end, and killed if it does not in time.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn terminate_child(
        &self,
        task: Pid,
    ) -> Result<Result<(), TerminateError>, CallError> {
        match self.0.ask(Ask::TerminateChild(ChildKey::Pid(task))).await? {
            Answer::Terminated(outcome) => Ok(outcome),
            other => unreachable!("a supervisor answered {other:?} to another question"),
        }
    }

    /// All tasks that run now.
    ///
    /// # Errors
    /// [`CallError`] when the supervisor gives no answer.
    pub async fn children(&self) -> Result<Vec<Pid>, CallError> {
        let children = match self.0.ask(Ask::WhichChildren).await? {
            Answer::Children(children) => children.into_iter(),
            other => unreachable!("a supervisor answered {other:?} to another question"),
        };
        let running = children.filter_map(|child| match child.state {
            ChildState::Running(pid) => Some(pid),
            _ => None,
        });
        Ok(running.collect())
    }
}
