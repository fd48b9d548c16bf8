//! How does a process compute for long without keeping others waiting?
//!
//! Role       Splits work over many items into chunks, and gives way between them; or spreads it over
//!            the node's schedulers.
//! Inputs     The items, and a function of one item that neither waits nor blocks.
//! Outputs    The values, in the order of the items.
//! Limit      An item's own call cannot be split: one that takes longer than a few milliseconds
//!            belongs in `dirty_cpu`. Spread, there are [`PARTS`] parts a scheduler at most.
//! Invariant  Dropped between two chunks it is over, and nothing runs on. A panic of the function is
//!            the process's. In a simulation time stands still meanwhile, so chunks grow to their
//!            largest: the same at each run.
//! Source     Foundation 2.0: BEAM.cpu_intensive, balance_work_across_schedulers

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation_runtime::{Node, Pid, Reason, SpawnError, me, time};

use crate::{Task, TaskError};

/// What a chunk is to take: a quarter of the time after which the timekeeper wants others to run.
const AIM: Duration = Duration::from_micros(250);
/// The most items in a chunk whose size is found by measuring.
const CHUNK_MAX: usize = 1 << 14;
/// How many parts there are for each scheduler: enough that one which is behind is helped.
const PARTS: usize = 4;

/// How many items are worked on before others have their turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunk {
    /// As many as take a quarter of a millisecond, found by measuring.
    #[default]
    Auto,
    /// So many; zero is as one.
    Of(usize),
}

impl From<usize> for Chunk {
    fn from(items: usize) -> Self {
        Self::Of(items)
    }
}

/// The size of the next chunk.
struct Pace {
    size: usize,
    measures: bool,
}

impl Pace {
    fn new(chunk: Chunk) -> Self {
        match chunk {
            Chunk::Auto => Self {
                size: 1,
                measures: true,
            },
            Chunk::Of(size) => Self {
                size: size.max(1),
                measures: false,
            },
        }
    }

    /// The last chunk took so long: a larger one if it was short, at most twice as large, and one
    /// that fits if it was long.
    fn learn(&mut self, took: Duration) {
        if !self.measures {
            return;
        }
        let fits = self.size as u128 * AIM.as_nanos() / took.as_nanos().max(1);
        let fits = usize::try_from(fits).unwrap_or(usize::MAX);
        self.size = fits.clamp(1, (self.size * 2).min(CHUNK_MAX));
    }
}

/// Computes `work` of every item, in order, and gives way to other processes between chunks of them.
///
/// ```
/// use foundation_actors::{Chunk, Task, cpu_intensive};
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let sums = Task::spawn(&node, async {
///     cpu_intensive(0..1_000_u64, Chunk::Auto, |n| (0..=n).sum::<u64>()).await
/// })?;
/// assert_eq!(sums.await.expect("computed")[4], 10);
/// # Ok::<_, foundation_runtime::SpawnError>(())
/// # }).unwrap();
/// ```
pub async fn cpu_intensive<I, R>(
    items: I,
    chunk: impl Into<Chunk>,
    mut work: impl FnMut(I::Item) -> R,
) -> Vec<R>
where
    I: IntoIterator,
{
    let mut items = items.into_iter();
    let mut values = Vec::with_capacity(items.size_hint().0);
    let mut pace = Pace::new(chunk.into());
    let node = Node::current();
    let now = || node.as_ref().map_or(Duration::ZERO, Node::now);
    loop {
        let begun = now();
        let before = values.len();
        values.extend(items.by_ref().take(pace.size).map(&mut work));
        if values.len() - before < pace.size {
            return values;
        }
        pace.learn(now().saturating_sub(begun));
        time::yield_now().await;
        look_around().await;
    }
}

/// Lets whatever is awaited beside this have its turn. A deadline that has passed is not heard of in
/// the poll that gives way, so a timeout around a computation would else never be.
async fn look_around() {
    let mut looked = false;
    std::future::poll_fn(|cx| match std::mem::replace(&mut looked, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// The tasks that work; dropped before they are done, they end.
struct Spread {
    node: Node,
    tasks: Vec<Pid>,
}

impl Drop for Spread {
    fn drop(&mut self) {
        for task in self.tasks.drain(..) {
            if let Some(me) = me() {
                me.unlink(task);
            }
            self.node.exit(task, Reason::Kill);
        }
    }
}

/// Computes `work` of every item, in order, on all schedulers of the node at once: in linked tasks,
/// each of which gives way as [`cpu_intensive`] does.
///
/// ```
/// use foundation_actors::balance_work_across_schedulers;
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let items = (0..100_u64).collect();
/// let squares = balance_work_across_schedulers(&node, items, |n| n * n).await?;
/// assert_eq!(squares[9], 81);
/// # Ok::<_, foundation_actors::TaskError>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`TaskError::Exited`] when `work` panicked, or the node takes no more processes. A process that
/// does not trap exits ends with the panic's reason instead.
pub async fn balance_work_across_schedulers<T, R, F>(
    node: &Node,
    items: Vec<T>,
    work: F,
) -> Result<Vec<R>, TaskError>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Fn(T) -> R + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let mut values = Vec::with_capacity(items.len());
    let mut spread = Spread {
        node: node.clone(),
        tasks: Vec::new(),
    };
    let mut tasks = Vec::new();
    for part in parts(items, PARTS * schedulers(node)) {
        let work = Arc::clone(&work);
        let computes = async move { cpu_intensive(part, Chunk::Auto, |item| work(item)).await };
        let task = Task::spawn(node, computes).map_err(refused)?;
        spread.tasks.push(task.pid());
        tasks.push(task);
    }
    for task in tasks {
        values.extend(task.await?);
    }
    spread.tasks.clear();
    Ok(values)
}

fn refused(error: SpawnError) -> TaskError {
    TaskError::Exited(Reason::other(error.to_string()))
}

/// How many schedulers the node has, spares not counted.
pub(crate) fn schedulers(node: &Node) -> usize {
    let load = node.load();
    load.schedulers
        .iter()
        .filter(|one| !one.spare)
        .count()
        .max(1)
}

/// Cuts a list into at most so many parts that differ by one item at most; none is empty.
fn parts<T>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let count = most.min(items.len());
    let (each, longer) = match count {
        0 => return Vec::new(),
        count => (items.len() / count, items.len() % count),
    };
    let mut items = items.into_iter();
    let part = |nth| {
        items
            .by_ref()
            .take(each + usize::from(nth < longer))
            .collect()
    };
    (0..count).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_twofold_and_shrink_at_once() {
        let mut pace = Pace::new(Chunk::Auto);
        let us = Duration::from_micros;
        let rows = [
            // took, next size
            (us(1), 2),
            (us(2), 4),
            (us(0), 8),
            (us(250), 8),
            (us(500), 4),
            (us(1_000_000), 1),
            (us(249), 1),
            (us(125), 2),
        ];
        for (took, size) in rows {
            pace.learn(took);
            assert_eq!(pace.size, size, "after {took:?}");
        }
        for _ in 0..40 {
            pace.learn(Duration::ZERO);
        }
        assert_eq!(pace.size, CHUNK_MAX);
        let mut fixed = Pace::new(Chunk::Of(0));
        fixed.learn(us(1));
        assert_eq!(fixed.size, 1);
    }

    #[test]
    fn parts_are_even_and_in_order() {
        for (items, most) in [(0, 3), (1, 3), (7, 3), (9, 3), (10, 4), (3, 8)] {
            let parts = parts((0..items).collect(), most);
            let sizes = parts.iter().map(Vec::len);
            let spread = sizes.clone().max().unwrap_or(0) - sizes.min().unwrap_or(0);
            assert!(spread <= 1 && parts.len() <= most, "{parts:?}");
            let all: Vec<usize> = parts.into_iter().flatten().collect();
            assert_eq!(all, (0..items).collect::<Vec<usize>>());
        }
    }
}
