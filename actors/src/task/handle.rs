//! One computation in a process of its own.
//!
//! Role       [`Task`]: start it, and await what it returns: for as long as it takes, or a while.
//! Invariant  An owner that falls with its task does not see the task's error first: what a process
//!            keeps is dropped after its links were told.
//! Source     elixir: Task

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use foundation_runtime::{
    CallError, Codec, Me, Message, Node, Pid, Process, ProcessKind, Promise, Reason, ReplyTo,
    SpawnError, SpawnOptions, Tag, me, promise,
};

use super::error::TaskError;
use crate::server::BoxFuture;
use crate::supervisor::machine::ChildKind;
use crate::supervisor::{Child, Recipe};

/// A computation under way in another process.
///
/// Awaited, it gives its value, or says why there is none. `(&mut task).await` keeps the task, for
/// a `select!`; [`Task::join`] waits a while and can be asked again; [`Task::shutdown`] ends it.
/// Dropped, it runs on, and its value is lost.
///
/// It belongs to the process that started it: awaited by another, it panics.
///
/// ```
/// use foundation_actors::{Task, TaskError};
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let task = Task::spawn(&node, async { 6 * 7 })?;
/// assert_eq!(task.await, Ok(42));
/// # Ok::<_, foundation_runtime::SpawnError>(())
/// # }).unwrap();
/// ```
#[must_use = "the task runs, and its value is lost unless it is awaited; `drop` it if that is meant"]
pub struct Task<T> {
    node: Node,
    pid: Pid,
    linked: bool,
    owner: Option<Pid>,
    /// `None` once it was taken.
    answer: Option<Promise<T>>,
}

/// What a task can be told: that its owner has linked itself with it.
pub(super) struct Go;

impl Message for Go {
    const NAME: &'static str = "go";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Task", "go")
    }
}

/// Where a task keeps the right to answer: what is there is dropped after links were told.
const ANSWER: &str = "foundation: task";

/// Who asks for a task here, the nearest first.
pub(super) fn callers() -> Vec<Pid> {
    me().map(Me::callers_and_self).unwrap_or_default()
}

/// Does this for them.
pub(super) async fn for_callers<T>(callers: Vec<Pid>, work: impl Future<Output = T>) -> T {
    if let Some(me) = me().filter(|_| !callers.is_empty()) {
        me.set_callers(callers);
    }
    work.await
}

/// What a task's process does.
pub(super) async fn perform<T: Send + 'static>(
    reply: ReplyTo<T>,
    callers: Vec<Pid>,
    work: impl Future<Output = T>,
) {
    let me = me().expect("a task is polled in its process");
    me.put(ANSWER, reply);
    let work = for_callers(callers, work);
    let value = work.await;
    if let Some(reply) = me.erase::<ReplyTo<T>>(ANSWER) {
        reply.send(value);
    }
}

impl<T: Send + 'static> Task<T> {
    /// Starts `work` in a process linked with this one: if either crashes, so does the other.
    /// Outside any process there is nothing to link, and it is as [`Task::spawn_nolink`]. What
    /// Elixir calls `async`.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    pub fn spawn<F>(node: &Node, work: F) -> Result<Self, SpawnError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self::start(node, work, true)
    }

    /// Starts `work` in a process of its own fate.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    pub fn spawn_nolink<F>(node: &Node, work: F) -> Result<Self, SpawnError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self::start(node, work, false)
    }

    pub(super) fn start<F>(node: &Node, work: F, link: bool) -> Result<Self, SpawnError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (reply, answer) = promise::<T>(node);
        let mut options = SpawnOptions::new().code("Task").kind(ProcessKind::Task);
        if link {
            options = options.link();
        }
        let callers = callers();
        let body = move |_: Process<Go>| perform(reply, callers, work);
        let (process, _) = node.spawn_fn_with(&options, body)?;
        Ok(Self::of(node, process.pid(), link, answer))
    }

    /// A task that is done, without a process: for who has the value already and owes a task.
    ///
    /// ```
    /// # use foundation_actors::Task;
    /// # let node = foundation_runtime::Node::builder().start().unwrap();
    /// # node.block_on(async {
    /// assert_eq!(Task::completed(&node, 7).await, Ok(7));
    /// # });
    /// ```
    pub fn completed(node: &Node, value: T) -> Self {
        let (reply, answer) = promise::<T>(node);
        reply.send(value);
        Self::of(node, Pid::nobody(node.id()), false, answer)
    }

    pub(super) fn of(node: &Node, pid: Pid, linked: bool, answer: Promise<T>) -> Self {
        Self {
            node: node.clone(),
            pid,
            linked,
            owner: me().map(|me| me.pid()),
            answer: Some(answer.timeout(Duration::MAX)),
        }
    }

    /// Waits for the value, at most `bound`. On time-out the task runs on, and can be asked again.
    /// What Elixir calls `yield`.
    ///
    /// # Errors
    /// [`TaskError`]: it ended without a value, or not in time, or the value was taken before. A
    /// linked owner that does not trap exits dies with the task instead.
    ///
    /// # Panics
    /// When another process than its owner awaits it.
    pub async fn join(&mut self, bound: Duration) -> Result<T, TaskError> {
        let node = self.node.clone();
        let value = foundation_runtime::time::timeout_on(&node, bound, self.value()).await;
        value.unwrap_or(Err(TaskError::Timeout))
    }

    /// Waits for the value, however long it takes.
    async fn value(&mut self) -> Result<T, TaskError> {
        std::future::poll_fn(|cx| self.poll_value(cx)).await
    }

    pub(super) fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        assert_eq!(
            me().map(|me| me.pid()),
            self.owner,
            "a task is awaited by the process that started it"
        );
        let Some(answer) = &mut self.answer else {
            return Poll::Ready(Err(TaskError::Taken));
        };
        let Poll::Ready(outcome) = Pin::new(answer).poll(cx) else {
            return Poll::Pending;
        };
        self.answer = None;
        Poll::Ready(outcome.map_err(|error| match error {
            CallError::Down(reason) => TaskError::Exited(reason),
            error => TaskError::Exited(error.into_reason()),
        }))
    }

    /// Lets the task go its own way: it runs on, unlinked, and nobody awaits it. What it had
    /// finished is returned.
    ///
    /// # Panics
    /// When another process than its owner does it.
    pub fn ignore(mut self) -> Option<Result<T, TaskError>> {
        self.unlink();
        match self.poll_value(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// Ends the task: what it had finished is returned, also if that arrived meanwhile. It has
    /// `bound` to end by itself after it was asked to, then it is killed; with zero at once. An owner
    /// that traps exits finds none of it in its mailbox afterwards.
    ///
    /// # Errors
    /// [`TaskError::Exited`] when it had no value.
    ///
    /// # Panics
    /// When another process than its owner does it.
    pub async fn shutdown(mut self, bound: Duration) -> Result<T, TaskError> {
        let outcome = self.shut_down(bound).await;
        // An owner that traps exits has learnt of the end by this.
        if let Some(me) = me().filter(|me| Some(me.pid()) == self.owner) {
            me.unlink_flush(self.pid);
        }
        outcome
    }

    async fn shut_down(&mut self, bound: Duration) -> Result<T, TaskError> {
        match self.join(Duration::ZERO).await {
            Err(TaskError::Timeout) => {}
            outcome => return outcome,
        }
        self.end(Reason::Shutdown);
        match self.join(bound).await {
            Err(TaskError::Timeout) => {}
            outcome => return outcome,
        }
        self.end(Reason::Kill);
        // Dead or done: in both cases it has said so when its process is gone.
        self.node.down(self.pid).await;
        self.value().await
    }
}

impl Task<()> {
    /// Inside a task, for whom it works, the nearest first: who started it, and who asked for the
    /// work of that process, and so on, at most eight. The same as [`Me::callers`]. They stand in its
    /// crash report, too. What Elixir keeps as `$callers`.
    ///
    /// ```
    /// use foundation_actors::Task;
    /// # let node = foundation_runtime::Node::builder().start().unwrap();
    /// # node.block_on(async {
    /// let inner = node.clone();
    /// let task = Task::spawn(&node, async move {
    ///     let outer = foundation_runtime::me().unwrap().pid();
    ///     let nested = Task::spawn(&inner, async { Task::callers() }).unwrap();
    ///     assert_eq!(nested.await, Ok(vec![outer]));
    /// });
    /// assert!(task?.await.is_ok());
    /// # Ok::<_, foundation_runtime::SpawnError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn callers() -> Vec<Pid> {
        me().map(Me::callers).unwrap_or_default()
    }
}

impl<T> Task<T> {
    /// The task's process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Sends the task an exit signal that does not come back over the link.
    pub(super) fn end(&mut self, reason: Reason) {
        self.unlink();
        self.node.exit(self.pid, reason);
    }

    fn unlink(&mut self) {
        let owner = me().filter(|me| self.linked && Some(me.pid()) == self.owner);
        if let Some(me) = owner {
            me.unlink(self.pid);
            self.linked = false;
        }
    }
}

/// Waits for the value, however long it takes; [`Task::join`] sets a bound.
impl<T: Send + 'static> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move { self.value().await })
    }
}

/// The same, and the task is still there if the wait is dropped.
impl<'a, T: Send + 'static> IntoFuture for &'a mut Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.value())
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// A child that does `work` once and ends: it is temporary unless set otherwise, and counts as
/// started at once.
///
/// ```
/// use foundation_actors::{Supervisor, child_task};
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let warm_up = child_task("warm up", || async { /* fill the cache */ });
/// let tree = Supervisor::one_for_one().child(warm_up).start(&node).await?;
/// # drop(tree);
/// # Ok::<_, foundation_actors::StartError>(())
/// # }).unwrap();
/// ```
pub fn child_task<F, Fut>(id: &str, work: F) -> Child<Task<()>>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let work = std::sync::Arc::new(work);
    let recipe = Recipe::new(move |node, options, _| {
        let work = std::sync::Arc::clone(&work);
        Box::pin(async move {
            let body = move |_: Process<Go>| async move { work().await };
            let (process, _) =
                node.spawn_fn_with(&options.code("Task").kind(ProcessKind::Task), body)?;
            Ok(process.pid())
        })
    });
    Child::new(id, recipe, ChildKind::Worker).temporary()
}
