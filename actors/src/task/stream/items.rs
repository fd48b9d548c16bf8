//! What a stream keeps of an item that is under way.
//!
//! Role       The task of an item, from when its start is asked for until it has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use foundation_runtime::{Node, Pid, Reason};

use crate::server::{Address, BoxFuture};
use crate::task::start::start_task;
use crate::task::{Task, TaskError, TaskStartError, TaskSupervisor};

type Starting<T> = BoxFuture<'static, Result<Task<T>, TaskStartError>>;

/// Where a stream's tasks are started.
pub(super) enum Place {
    /// In processes of this node.
    Node(Node),
    /// Under this supervisor.
    Under(Address<TaskSupervisor>),
}

impl Place {
    pub(super) fn node(&self) -> &Node {
        match self {
            Self::Node(node) => node,
            Self::Under(supervisor) => supervisor.node(),
        }
    }
}

/// An item under way.
pub(super) enum Item<T> {
    /// The supervisor was asked.
    Starting(Starting<T>),
    /// It runs.
    Running(Task<T>),
    /// It was not started, and this is why.
    Refused(TaskStartError),
}

impl<T: Send + 'static> Item<T> {
    /// Begins `work` on `input`, linked with the process that reads the stream if that is wanted.
    pub(super) fn begin<In, F, Fut>(place: &Place, work: &Arc<F>, input: In, link: bool) -> Self
    where
        In: Send + 'static,
        F: Fn(In) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        let work = Arc::clone(work);
        // The function itself runs in the task, too: its panic is the task's.
        let task = async move { work(input).await };
        match place {
            Place::Node(node) => match Task::start(node, task, link) {
                Ok(task) => Self::Running(task),
                Err(error) => Self::Refused(error.into()),
            },
            Place::Under(supervisor) => {
                let start = start_task(supervisor.clone(), task, link);
                Self::Starting(Box::pin(start))
            }
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        loop {
            match self {
                Self::Refused(error) => {
                    return Poll::Ready(Err(TaskError::NotStarted(error.clone())));
                }
                Self::Running(task) => return task.poll_value(cx),
                Self::Starting(start) => match Pin::as_mut(start).poll(cx) {
                    Poll::Ready(Ok(task)) => *self = Self::Running(task),
                    Poll::Ready(Err(error)) => *self = Self::Refused(error),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }
}

impl<T> Item<T> {
    /// Ends the task without hitting its owner: who it was. A start under way is called off.
    pub(super) fn kill(self) -> Option<Pid> {
        match self {
            Self::Running(mut task) => {
                task.end(Reason::Kill);
                Some(task.pid())
            }
            Self::Starting(_) | Self::Refused(_) => None,
        }
    }
}
