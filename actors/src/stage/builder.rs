//! How is a stage put together and started?
//!
//! Outputs    [`StageBuilder`], and a `Ref<Stage<T>>` once it runs; [`stage_child`], the recipe of a
//!            supervised one.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use foundation_runtime::{Node, Pid, SpawnError, SpawnOptions};
use futures_core::Stream;

use super::client::StageClient;
use super::dispatch::{Dispatcher, Limits, Overflow, Policy};
use super::driver;
use super::source::{OfIterator, OfStream, Producer, Source};
use crate::server::{Addressed, BoxFuture, Name, Ref, StartError};
use crate::supervisor::{Child, ChildKind, Recipe};

/// A process whose items others subscribe to: what a `Ref<Stage<T>>` leads to.
///
/// ```
/// use foundation_actors::stage::{Stage, Subscribe};
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let numbers = Stage::from_iter(1..=1_000_000).start(&node).await?;
/// let mut some = numbers.subscribe(Subscribe::new().max_demand(100));
/// let mut sum = 0;
/// while let Some(number) = some.next().await {
///     sum += number;
///     if number == 1_000 {
///         break; // and of the other 999,000 next to none was made
///     }
/// }
/// assert_eq!(sum, 500_500);
/// # Ok::<_, foundation_actors::stage::StageError>(())
/// # }).unwrap();
/// ```
pub struct Stage<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Stage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stage")
    }
}

impl<T: Send + 'static> Addressed for Stage<T> {
    type Client = StageClient<T>;
}

impl<T: Send + 'static> Stage<T> {
    /// A stage that asks `producer` for what its subscribers ask for.
    pub fn of(producer: impl Producer<Item = T>) -> StageBuilder<T> {
        StageBuilder::new(Some(Box::new(producer)))
    }

    /// A stage with the items of an iterator, which may be endless: it is advanced as far as
    /// subscribers ask.
    #[expect(
        clippy::should_implement_trait,
        reason = "a builder of a process, not a collection"
    )]
    pub fn from_iter<I>(items: I) -> StageBuilder<T>
    where
        I: IntoIterator<Item = T, IntoIter: Send + 'static>,
    {
        Self::of(OfIterator(items.into_iter()))
    }

    /// A stage with the items of a stream, which is polled as far as subscribers ask. A stream over a
    /// [`Subscription`](super::Subscription) makes it a stage in the middle: producer and consumer.
    pub fn from_stream(stream: impl Stream<Item = T> + Send + 'static) -> StageBuilder<T> {
        Self::of(OfStream(Box::pin(stream), false))
    }

    /// A stage with what is pushed into it: see [`StageClient::push`].
    pub fn queue() -> StageBuilder<T> {
        StageBuilder::new(None)
    }
}

/// Why a stage did not start. Nothing of it is left.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StageError {
    /// A bound is zero: this one.
    Zero(&'static str),
    /// It was not started.
    Start(StartError),
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(what) => write!(f, "a stage needs {what} of at least 1"),
            Self::Start(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StageError {}

impl From<SpawnError> for StageError {
    fn from(error: SpawnError) -> Self {
        Self::Start(error.into())
    }
}

impl From<StageError> for StartError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Start(error) => error,
            zero => Self::Failed(foundation_runtime::Reason::other(zero.to_string())),
        }
    }
}

/// A stage that is being put together.
#[must_use = "a stage does nothing until it is started"]
pub struct StageBuilder<T> {
    source: Option<Box<dyn Source<T>>>,
    policy: Policy<T>,
    limits: Limits,
    overflow: Overflow,
    options: SpawnOptions,
}

impl<T> fmt::Debug for StageBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageBuilder")
            .field("policy", &self.policy)
            .field("limits", &self.limits)
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> StageBuilder<T> {
    fn new(source: Option<Box<dyn Source<T>>>) -> Self {
        Self {
            source,
            policy: Policy::Demand,
            limits: Limits::default(),
            overflow: Overflow::default(),
            options: SpawnOptions::new().code("Stage"),
        }
    }

    /// Each item goes to all subscribers, a copy each, as fast as the slowest of them takes them.
    /// Unless this or [`StageBuilder::partition`] is said, each goes to one: the one that asked for
    /// most.
    pub fn broadcast(mut self) -> Self
    where
        T: Clone,
    {
        self.policy = Policy::Broadcast(T::clone);
        self
    }

    /// Each item goes to the one subscriber of its partition, which is `key(&item)` modulo `parts`.
    /// When the room is full of items of a partition that nobody serves, the stage waits for
    /// somebody who does.
    pub fn partition(mut self, parts: usize, key: impl Fn(&T) -> u64 + Send + 'static) -> Self {
        self.policy = Policy::Partition(parts, Box::new(key));
        self
    }

    /// How many items may wait that nobody has asked for yet: 10,000 unless set.
    pub fn buffer(mut self, items: usize) -> Self {
        self.limits.buffer = items;
        self
    }

    /// How many pushes may wait for room: 1,000 unless set. Further ones are refused.
    pub fn max_pushers(mut self, pushes: usize) -> Self {
        self.limits.pushers = pushes;
        self
    }

    /// How many subscribers there may be at a time: 1,000 unless set.
    pub fn max_subscribers(mut self, subscribers: usize) -> Self {
        self.limits.subscribers = subscribers;
        self
    }

    /// What happens to pushes for which there is no room: they wait unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Registers it under this name.
    pub fn name(mut self, name: &Name<Stage<T>>) -> Self {
        self.options = self.options.name(name.as_str());
        self
    }

    /// Links it with the process that starts it.
    pub fn link(mut self) -> Self {
        self.options = self.options.link();
        self
    }

    /// Starts it on this node, when awaited.
    ///
    /// # Errors
    /// [`StageError`]: nothing was started.
    pub fn start(self, node: &Node) -> StartStage<T> {
        StartStage {
            node: node.clone(),
            builder: self,
        }
    }

    fn zero(&self) -> Option<&'static str> {
        match (&self.policy, self.limits) {
            (Policy::Partition(0, _), _) => Some("a number of partitions"),
            (_, Limits { buffer: 0, .. }) => Some("a buffer"),
            (_, Limits { subscribers: 0, .. }) => Some("a number of subscribers"),
            _ => None,
        }
    }

    fn launch(self, node: &Node, options: &SpawnOptions) -> Result<Pid, StageError> {
        if let Some(what) = self.zero() {
            return Err(StageError::Zero(what));
        }
        let Self {
            source,
            policy,
            limits,
            overflow,
            ..
        } = self;
        let pulls = source.is_some();
        let dispatcher = Dispatcher::new(policy, limits, overflow, pulls);
        let body = move |me| driver::run(me, dispatcher, source);
        let (process, _) = node.spawn_fn_with(options, body)?;
        Ok(process.pid())
    }
}

/// A stage that is about to start.
#[must_use = "a start does nothing until it is awaited"]
#[derive(Debug)]
pub struct StartStage<T> {
    node: Node,
    builder: StageBuilder<T>,
}

impl<T: Send + 'static> IntoFuture for StartStage<T> {
    type Output = Result<Ref<Stage<T>>, StageError>;
    type IntoFuture = std::future::Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let options = self.builder.options.clone();
        let started = self.builder.launch(&self.node, &options);
        std::future::ready(started.map(|pid| Ref::of_pid(&self.node, pid)))
    }
}

/// A stage as a child of a supervisor: `make` puts it together anew at each start. Its name is given
/// to the child.
pub fn stage_child<T: Send + 'static>(
    make: impl Fn() -> StageBuilder<T> + Send + Sync + 'static,
) -> Child<Stage<T>> {
    let recipe = Recipe::new(move |node, options, _: Duration| {
        let started = make().launch(&node, &options.code("Stage"));
        let started: BoxFuture<'static, _> =
            Box::pin(std::future::ready(started.map_err(StartError::from)));
        started
    });
    Child::new("Stage", recipe, ChildKind::Worker)
}
