//! Several tasks, awaited at once.
//!
//! Role       All values or the first failure; or what there is after a while.
//! Limit      As many as are given; each wake looks at all that are not done.
//! Source     elixir: Task.await_many/2, Task.yield_many/2

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use foundation_runtime::{Node, Reason};

use super::error::TaskError;
use super::handle::Task;

/// What each of several tasks gave, where it gave something.
type Outcomes<T> = Vec<Option<Result<T, TaskError>>>;

impl<T: Send + 'static> Task<T> {
    /// Waits for all values, at most `bound`, and gives them in the order of the tasks.
    ///
    /// ```
    /// # use foundation_actors::Task;
    /// # use std::time::Duration;
    /// # let node = foundation_runtime::Node::builder().start().unwrap();
    /// # node.block_on(async {
    /// let tasks = [1, 2, 3].map(|n| Task::spawn(&node, async move { n * n }).unwrap());
    /// let squares = Task::await_many(tasks, Duration::from_secs(5)).await;
    /// assert_eq!(squares, Ok(vec![1, 4, 9]));
    /// # });
    /// ```
    ///
    /// # Errors
    /// The first [`TaskError`], at once: the others are then asked to end (`shutdown`), since
    /// nobody can await them any more. [`TaskError::Timeout`] when not all were done in time.
    ///
    /// # Panics
    /// When another process than their owner awaits them.
    pub async fn await_many(
        tasks: impl IntoIterator<Item = Self>,
        bound: Duration,
    ) -> Result<Vec<T>, TaskError> {
        let mut tasks: Vec<Self> = tasks.into_iter().collect();
        let mut outcomes: Outcomes<T> = tasks.iter().map(|_| None).collect();
        let count = tasks.len();
        let failed = |outcome: &Option<Result<T, TaskError>>| matches!(outcome, Some(Err(_)));
        wait(&mut tasks, &mut outcomes, bound, |outcomes, done| {
            done == count || outcomes.iter().any(failed)
        })
        .await;
        if outcomes
            .iter()
            .all(|outcome| matches!(outcome, Some(Ok(_))))
        {
            return Ok(outcomes.into_iter().flatten().flatten().collect());
        }
        for (task, outcome) in tasks.iter_mut().zip(&outcomes) {
            if outcome.is_none() {
                task.end(Reason::Shutdown);
            }
        }
        let first = outcomes.into_iter().flatten().find_map(Result::err);
        Err(first.unwrap_or(TaskError::Timeout))
    }

    /// Waits for all of them, at most `bound`, and says what each gave: `None` for one that was not
    /// done in time. That one runs on, and can be asked again.
    ///
    /// # Panics
    /// When another process than their owner awaits them.
    pub async fn yield_many(tasks: &mut [Self], bound: Duration) -> Outcomes<T> {
        let all = tasks.len();
        Self::yield_some(tasks, all, bound).await
    }

    /// [`Task::yield_many`] that is content with `limit` of them.
    ///
    /// # Panics
    /// When another process than their owner awaits them.
    pub async fn yield_some(tasks: &mut [Self], limit: usize, bound: Duration) -> Outcomes<T> {
        let mut outcomes: Outcomes<T> = tasks.iter().map(|_| None).collect();
        let enough = limit.min(tasks.len());
        wait(tasks, &mut outcomes, bound, |_, done| done >= enough).await;
        outcomes
    }
}

/// Fills in what the tasks give, until it is enough or time is up.
async fn wait<T: Send + 'static>(
    tasks: &mut [Task<T>],
    outcomes: &mut Outcomes<T>,
    bound: Duration,
    mut enough: impl FnMut(&Outcomes<T>, usize) -> bool,
) {
    let Some(first) = tasks.first() else { return };
    let node: Node = first.node().clone();
    let mut sleep = pin!(node.sleep(bound));
    let mut done = 0;
    poll_fn(|cx: &mut Context<'_>| {
        for (task, outcome) in tasks.iter_mut().zip(outcomes.iter_mut()) {
            if outcome.is_none()
                && let Poll::Ready(value) = task.poll_value(cx)
            {
                *outcome = Some(value);
                done += 1;
            }
        }
        match enough(outcomes, done) {
            true => Poll::Ready(()),
            false => sleep.as_mut().poll(cx),
        }
    })
    .await;
}
