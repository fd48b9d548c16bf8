//! Time that a simulation can own.
//!
//! Role       `sleep`, `timeout` and `now` for code that wants to run on both platforms.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::platform::current;
use crate::process::Deadline;

/// A duration in nanoseconds; what does not fit is "never".
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits. Inside a process on the node's clock, elsewhere on tokio's.
///
/// # Panics
/// Outside any process and any tokio runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "outside any process there is only tokio's clock"
)]
pub async fn sleep(duration: Duration) {
    match current::scheduler() {
        Some(running) => running.node.clone().sleep(duration).await,
        None => tokio::time::sleep(duration).await,
    }
}

/// Gives way to other processes (or tasks) once.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        if let Some(running) = current::process() {
            running.yielded.set(true);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Gives way to other threads of the machine, this program's and others', but not to other processes
/// of the node, which [`yield_now`] does: for one that copies or computes for longer than a millisecond, while others
/// wait for a core. Where nobody waits it takes less than a microsecond. In a simulated world nothing happens.
///
/// ```
/// use foundation_runtime::{Node, NodeChange, Process, time};
/// let node = Node::builder().start()?;
/// node.spawn_fn(async move |_: Process<NodeChange>| {
///     for part in 0..8 {
///         std::hint::black_box(vec![part; 64 * 1024]);
///         time::give_way();
///     }
/// })?;
/// # node.shutdown_blocking(std::time::Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn give_way() {
    let is_real = |running: &crate::scheduler::Running| {
        matches!(
            running.core().scheduler(),
            crate::scheduler::Scheduler::Real(_)
        )
    };
    if current::process().is_some_and(is_real) {
        crate::platform::threads::give_way();
    }
}

/// Waits for a future, but not longer than `bound`; `None` when time was up.
///
/// # Panics
/// Outside any process and any tokio runtime.
pub async fn timeout<F: Future>(bound: Duration, future: F) -> Option<F::Output> {
    either(future, sleep(bound)).await
}

/// [`timeout`] on a node's clock, from anywhere.
pub async fn timeout_on<F: Future>(
    node: &crate::Node,
    bound: Duration,
    future: F,
) -> Option<F::Output> {
    either(future, node.sleep(bound)).await
}

async fn either<F: Future>(future: F, sleep: impl Future<Output = ()>) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = pin!(sleep);
    poll_fn(|cx| {
        if let Poll::Ready(value) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(value));
        }
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}

impl crate::Node {
    /// Waits on this node's clock, from anywhere.
    pub async fn sleep(&self, duration: Duration) {
        let mut deadline = Deadline::exact(self, duration);
        poll_fn(|cx| deadline.poll(self, cx)).await;
    }

    /// Time on this node's clock, since the node (or its simulated world) began.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.core().clock().now())
    }
}
