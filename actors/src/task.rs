//! One computation in a process of its own.
//!
//! Role       [`Task`]: start it, and await what it returns: for as long as it takes, or a while.
//! Source     elixir: Task

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use foundation_runtime::{
    CallError, Message, Node, Pid, Process, Promise, Reason, SpawnError, SpawnOptions, me, promise,
};

use crate::server::BoxFuture;

/// A computation under way in another process.
///
/// Awaited, it gives its value, or says why there is none. `(&mut task).await` keeps the task, for
/// a `select!`; [`Task::join`] waits a while and can be asked again; [`Task::shutdown`] ends it.
/// Dropped, it runs on, and its value is lost.
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
    answer: Promise<T>,
}

/// Why a task gave no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// It ended without a value, for this reason.
    Exited(Reason),
    /// It was not done in time. It still runs.
    Timeout,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(reason) => write!(f, "the task ended: {reason}"),
            Self::Timeout => f.write_str("the task was not done in time"),
        }
    }
}

impl std::error::Error for TaskError {}

enum Unit {}

impl Message for Unit {
    const NAME: &'static str = "nothing";
    const CODEC: foundation_runtime::Codec<Self> = foundation_runtime::Codec::local();

    fn tag() -> foundation_runtime::Tag {
        foundation_runtime::Tag::of("foundation", "Task", "nothing")
    }
}

impl<T: Send + 'static> Task<T> {
    /// Starts `work` in a process linked with this one: if either crashes, so does the other.
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

    fn start<F>(node: &Node, work: F, link: bool) -> Result<Self, SpawnError>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (reply, answer) = promise::<T>(node);
        let mut options = SpawnOptions::new().code("Task");
        if link {
            options = options.link();
        }
        let body = move |_: Process<Unit>| async move {
            reply.send(work.await);
        };
        let (process, _) = node.spawn_fn_with(&options, body)?;
        let owner = me().map(|me| me.pid());
        let answer = answer.timeout(Duration::MAX);
        Ok(Self {
            node: node.clone(),
            pid: process.pid(),
            linked: link,
            owner,
            answer,
        })
    }

    /// The task's process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for the value, at most `bound`. On time-out the task runs on, and can be asked again.
    ///
    /// # Errors
    /// [`TaskError`]: it ended without a value, or not in time. A linked owner that does not trap
    /// exits dies with the task instead.
    ///
    /// # Panics
    /// When another process than its owner awaits it, or it has given its value already.
    pub async fn join(&mut self, bound: Duration) -> Result<T, TaskError> {
        let node = self.node.clone();
        let value = foundation_runtime::time::timeout_on(&node, bound, self.value()).await;
        value.unwrap_or(Err(TaskError::Timeout))
    }

    /// Waits for the value, however long it takes.
    async fn value(&mut self) -> Result<T, TaskError> {
        assert_eq!(
            me().map(|me| me.pid()),
            self.owner,
            "a task is awaited by the process that started it"
        );
        match (&mut self.answer).await {
            Ok(value) => Ok(value),
            Err(CallError::Down(reason)) => Err(TaskError::Exited(reason)),
            Err(error) => Err(TaskError::Exited(error.into_reason())),
        }
    }

    /// Ends the task: what it had finished is returned. It has `bound` to end by itself after it
    /// was asked to, then it is killed.
    ///
    /// # Errors
    /// [`TaskError::Exited`] when it had no value.
    pub async fn shutdown(mut self, bound: Duration) -> Result<T, TaskError> {
        if let Ok(value) = self.join(Duration::ZERO).await {
            return Ok(value);
        }
        if let Some(me) = me().filter(|_| self.linked) {
            me.unlink(self.pid);
        }
        self.node.exit(self.pid, Reason::Shutdown);
        match self.join(bound).await {
            Err(TaskError::Timeout) => {
                self.node.exit(self.pid, Reason::Kill);
                self.node.down(self.pid).await;
                Err(TaskError::Exited(Reason::Killed))
            }
            outcome => outcome,
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
