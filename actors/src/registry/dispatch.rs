//! How is something done for everybody who has a key?
//!
//! Role       Hands the holders out, a partition at a time, one after the other or at once.
//! Invariant  The program's closure runs outside every lock, on what was there when it was called.
//! Source     elixir: Registry.dispatch/4

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use foundation_runtime::Reason;

use super::partition::Partition;
use super::table::{Duplicate, Registration, Registry};
use crate::task::{Task, TaskError};

impl<K, V> Registry<K, V, Duplicate>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Calls `each` with the holders of a key, once for each partition that has some, oldest
    /// registration first.
    ///
    /// ```
    /// # use foundation_actors::{Duplicate, Registry};
    /// # use foundation_runtime::{Codec, Message, Node, Process, Tag};
    /// # struct Word;
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = Node::builder().start()?;
    /// # let body = |mut me: Process<Word>| async move { drop(me.recv().await) };
    /// # let (a, b) = (node.spawn_fn(body)?, node.spawn_fn(body)?);
    /// let topics = Registry::<&str, u32, Duplicate>::duplicate(&node);
    /// topics.register("orders", &a, 1)?;
    /// topics.register("orders", &b, 2)?;
    /// let mut weight = 0;
    /// topics.dispatch(&"orders", |holders| {
    ///     weight += holders.iter().map(|holder| *holder.value).sum::<u32>();
    /// });
    /// assert_eq!(weight, 3);
    /// # Ok(()) }
    /// ```
    pub fn dispatch<Q>(&self, key: &Q, mut each: impl FnMut(&[Registration<V>]))
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        for partition in &self.shared().partitions {
            let holders = holders(partition, key);
            if !holders.is_empty() {
                each(&holders);
            }
        }
    }

    /// [`Registry::dispatch`] with a process for each partition that has holders, all at once.
    /// Returns when the last has ended.
    ///
    /// # Errors
    /// [`TaskError`] of the first of those that panicked or did not start; the others have run.
    pub async fn dispatch_parallel<Q>(
        &self,
        key: &Q,
        each: impl Fn(&[Registration<V>]) + Send + Sync + 'static,
    ) -> Result<(), TaskError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let each = Arc::new(each);
        let mut tasks = Vec::new();
        for partition in &self.shared().partitions {
            let holders = holders(partition, key);
            if holders.is_empty() {
                continue;
            }
            let each = Arc::clone(&each);
            tasks.push(Task::spawn_nolink(self.node(), async move {
                each(&holders);
            }));
        }
        let mut outcome = Ok(());
        for task in tasks {
            let done = match task {
                Ok(task) => task.await,
                Err(error) => Err(TaskError::Exited(Reason::other(error.to_string()))),
            };
            outcome = outcome.and(done);
        }
        outcome
    }
}

fn holders<K, V, Q>(partition: &Partition<K, V>, key: &Q) -> Vec<Registration<V>>
where
    K: Hash + Eq + Send + Sync + Borrow<Q> + 'static,
    V: Send + Sync + 'static,
    Q: Hash + Eq + ?Sized,
{
    let mut holders = Vec::new();
    partition.lookup(key, |_, holder| holders.push(holder));
    holders
}
