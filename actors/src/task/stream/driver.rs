//! The stream that performs what its machine decides.
//!
//! Role       [`TaskStream`]: a function over the items of an iterator, each item in a process of
//!            its own, some at a time.
//! Owns       The tasks that run for it. Dropped, it kills them.
//! Limit      See the machine. Each wake looks at all items that run.
//! Invariant  A task's end is no message in its owner's mailbox: an owner that traps exits is not
//!            linked with the tasks, since it is told of them anyway.
//! Source     elixir: Task.async_stream/5

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use foundation_runtime::{Node, Pid, Reason, Term, me};
use futures_core::Stream;

use super::items::{Item, Place};
use super::machine::{Effect, Flags, Input, Machine, OnTimeout};
use crate::server::{Address, BoxFuture};
use crate::task::{Task, TaskError, TaskSupervisor};

/// Why an item of a stream has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskExit<In> {
    /// Why.
    pub error: TaskError,
    /// The item, if [`TaskStream::zip_input_on_exit`] was asked for.
    pub input: Option<In>,
}

impl<In> fmt::Display for TaskExit<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<In: fmt::Debug> std::error::Error for TaskExit<In> {}

/// The outcomes of a function over the items of an iterator, each item in a task of its own.
///
/// It is a [`Stream`]; [`TaskStream::next`] and [`TaskStream::to_vec`] are for those who have no
/// other use for streams. Unless set otherwise:
///
/// - items leave in the order of their inputs; [`TaskStream::unordered`] as they finish.
/// - as many run at once as the node has workers: [`TaskStream::max_concurrency`].
/// - one may take 5 seconds: [`TaskStream::timeout`]; then see [`OnTimeout`].
/// - the tasks are linked with the process that reads the stream: if one crashes, so does it.
///   Failures are items for who traps exits, for code outside any process, and after
///   [`TaskStream::nolink`].
///
/// Inputs are taken as the stream is read, so the iterator may be infinite. A stream belongs to the
/// process that reads it first. Dropped before its end it kills its tasks, and calls off those that
/// a supervisor has not started yet; [`TaskStream::halt`] also waits until they are gone.
///
/// ```
/// use foundation_actors::Task;
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let mut squares = Task::stream(&node, 1.., |n: u64| async move { n * n }).max_concurrency(4);
/// assert_eq!(squares.next().await, Some(Ok(1)));
/// assert_eq!(squares.next().await, Some(Ok(4)));
/// squares.halt().await;
/// # });
/// ```
#[must_use = "a stream starts nothing until it is read"]
pub struct TaskStream<I: Iterator, F, T> {
    inputs: I,
    work: Arc<F>,
    place: Place,
    link: bool,
    keep: Option<fn(&I::Item) -> I::Item>,
    flags: Flags,
    buffer: Option<usize>,
    live: Option<Live<I::Item, T>>,
}

/// What there is once the stream is read.
struct Live<In, T> {
    node: Node,
    owner: Option<Pid>,
    machine: Machine,
    /// The reader was told to wait, and the machine that it wants something.
    wanted: bool,
    /// The iterator is being asked.
    pulling: bool,
    /// When somebody may be late.
    until: Option<Duration>,
    effects: VecDeque<Effect>,
    fresh: Vec<Effect>,
    items: BTreeMap<u64, (Item<T>, Option<In>)>,
    outcomes: BTreeMap<u64, Result<T, TaskExit<In>>>,
    alarm: Option<(Duration, BoxFuture<'static, ()>)>,
}

// Nothing in it is pinned in its place.
impl<I: Iterator, F, T> Unpin for TaskStream<I, F, T> {}

impl<T: Send + 'static> Task<T> {
    /// A task per item of `inputs`, on this node: see [`TaskStream`]. What Elixir calls
    /// `async_stream`.
    pub fn stream<I, F, Fut>(node: &Node, inputs: I, work: F) -> TaskStream<I::IntoIter, F, T>
    where
        I: IntoIterator,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        TaskStream::new(Place::Node(node.clone()), inputs.into_iter(), work)
    }
}

impl<I: Iterator, F, T> TaskStream<I, F, T> {
    pub(in crate::task) fn under(supervisor: Address<TaskSupervisor>, inputs: I, work: F) -> Self {
        Self::new(Place::Under(supervisor), inputs, work)
    }

    fn new(place: Place, inputs: I, work: F) -> Self {
        let flags = Flags {
            max_concurrency: place.node().workers(),
            buffer: 0,
            ordered: true,
            timeout: foundation_runtime::CALL_TIMEOUT,
            on_timeout: OnTimeout::Exit,
        };
        Self {
            inputs,
            work: Arc::new(work),
            place,
            link: true,
            keep: None,
            flags,
            buffer: None,
            live: None,
        }
    }

    /// How many items may run at once: one a worker of the node unless set.
    ///
    /// # Panics
    /// With zero: nothing could run.
    #[track_caller]
    pub fn max_concurrency(mut self, limit: usize) -> Self {
        assert!(
            0 < limit,
            "a stream with a max_concurrency of zero never ends"
        );
        self.flags.max_concurrency = limit;
        self
    }

    /// How many finished items may wait until somebody takes them, or for an earlier one: as many
    /// as may run unless set. When so many wait, nothing more is started.
    pub fn buffer(mut self, limit: usize) -> Self {
        self.buffer = Some(limit);
        self
    }

    /// Items leave as they finish.
    pub fn unordered(mut self) -> Self {
        self.flags.ordered = false;
        self
    }

    /// How long one item may take, from when its start is asked for: 5 seconds unless set;
    /// `Duration::MAX` is no bound.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.flags.timeout = bound;
        self
    }

    /// What happens when an item takes longer.
    pub fn on_timeout(mut self, what: OnTimeout) -> Self {
        self.flags.on_timeout = what;
        self
    }

    /// The tasks are not linked with the reader: every failure is an item.
    pub fn nolink(mut self) -> Self {
        self.link = false;
        self
    }

    /// An item that fails comes with its input.
    pub fn zip_input_on_exit(mut self) -> Self
    where
        I::Item: Clone,
    {
        self.keep = Some(Clone::clone);
        self
    }
}

impl<I, F, Fut, T> TaskStream<I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// The next outcome; `None` when there are no more.
    pub async fn next(&mut self) -> Option<Result<T, TaskExit<I::Item>>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All outcomes, from here to the end. Of an infinite iterator that is never.
    pub async fn to_vec(mut self) -> Vec<Result<T, TaskExit<I::Item>>> {
        let mut outcomes = Vec::new();
        while let Some(outcome) = self.next().await {
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Performs what the machine wants until there is an outcome, or it has to wait.
    fn perform(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, TaskExit<I::Item>>>> {
        loop {
            let live = self.live.as_mut().expect("it is being read");
            match live.effects.pop_front() {
                Some(Effect::Start(item)) => {
                    live.pulling = true;
                    self.start(item, cx);
                }
                Some(Effect::Kill(item)) => {
                    live.kill(item);
                }
                Some(Effect::Expire(item)) => live.expire(item),
                Some(Effect::Wait(until)) => live.until = until,
                Some(Effect::Deliver(item)) => return live.give(Some(item)),
                Some(Effect::GiveUp(item)) => {
                    if me().is_some() {
                        foundation_runtime::exit(Reason::other(Term::atom("timeout")));
                    }
                    return live.give(Some(item));
                }
                Some(Effect::End) => return live.give(None),
                None if live.is_late(cx) => live.feed(Input::Tick),
                None => return Poll::Pending,
            }
        }
    }

    /// Takes the next input and begins on it.
    fn start(&mut self, item: u64, cx: &mut Context<'_>) {
        let input = self.inputs.next();
        let live = self.live.as_mut().expect("it is being read");
        live.pulling = false;
        let Some(input) = input else {
            return live.feed(Input::Exhausted);
        };
        let kept = self.keep.map(|keep| keep(&input));
        let link = self.link && me().is_some_and(|me| !me.traps_exits());
        let task = Item::begin(&self.place, &self.work, input, link);
        live.items.insert(item, (task, kept));
        live.feed(Input::Started);
        // From now on it is looked at when it wakes the reader: once it must be looked at so.
        live.look(item, cx);
    }
}

impl<I, F, Fut, T> Stream for TaskStream<I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    type Item = Result<T, TaskExit<I::Item>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let flags = Flags {
            buffer: self.buffer.unwrap_or(self.flags.max_concurrency),
            ..self.flags
        };
        let node = self.place.node().clone();
        let live = self.live.get_or_insert_with(|| Live::new(node, flags));
        assert_eq!(
            me().map(|me| me.pid()),
            live.owner,
            "a stream of tasks is read by the process that read it first"
        );
        live.catch_up(cx);
        self.perform(cx)
    }
}

impl<In, T: Send + 'static> Live<In, T> {
    /// Tells the machine what has happened since, and that an item is wanted.
    fn catch_up(&mut self, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.pulling) {
            // The iterator panicked, and somebody caught it: nothing more is asked of it.
            self.feed(Input::Exhausted);
        }
        let running: Vec<u64> = self.items.keys().copied().collect();
        for item in running {
            self.look(item, cx);
        }
        self.feed(Input::Tick);
        if !std::mem::replace(&mut self.wanted, true) {
            self.feed(Input::Wanted);
        }
    }

    /// Looks whether an item has finished.
    fn look(&mut self, item: u64, cx: &mut Context<'_>) {
        let Some((task, _)) = self.items.get_mut(&item) else {
            return;
        };
        if let Poll::Ready(outcome) = task.poll(cx) {
            self.settle(item, outcome);
            self.feed(Input::Finished(item));
        }
    }
}

impl<In, T> Live<In, T> {
    fn new(node: Node, flags: Flags) -> Self {
        Self {
            node,
            owner: me().map(|me| me.pid()),
            machine: Machine::new(flags),
            wanted: false,
            pulling: false,
            until: None,
            effects: VecDeque::new(),
            fresh: Vec::new(),
            items: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            alarm: None,
        }
    }

    fn feed(&mut self, input: Input) {
        self.machine.step(self.node.now(), input, &mut self.fresh);
        self.machine.check();
        self.effects.extend(self.fresh.drain(..));
    }

    /// Keeps the outcome of an item that has ended until it is its turn.
    fn settle(&mut self, item: u64, outcome: Result<T, TaskError>) -> Option<Item<T>> {
        let (task, input) = self.items.remove(&item)?;
        let outcome = outcome.map_err(|error| TaskExit { error, input });
        self.outcomes.insert(item, outcome);
        Some(task)
    }

    fn expire(&mut self, item: u64) {
        let task = self.settle(item, Err(TaskError::Timeout));
        if let Some(task) = task {
            task.kill();
        }
    }

    /// Ends an item that nobody wants any more: which process it was.
    fn kill(&mut self, item: u64) -> Option<Pid> {
        let (task, _) = self.items.remove(&item)?;
        task.kill()
    }

    /// Gives whoever waits what it waits for.
    fn give(&mut self, item: Option<u64>) -> Poll<Option<Result<T, TaskExit<In>>>> {
        self.wanted = false;
        let outcome = item.and_then(|item| self.outcomes.remove(&item));
        assert_eq!(
            item.is_some(),
            outcome.is_some(),
            "an item left without an outcome"
        );
        Poll::Ready(outcome)
    }

    /// Whether it is time to look who is late; if not, the reader is woken then.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(until) = self.until else {
            return false;
        };
        if self.alarm.as_ref().is_none_or(|(at, _)| *at != until) {
            let (node, left) = (self.node.clone(), until.saturating_sub(self.node.now()));
            self.alarm = Some((until, Box::pin(async move { node.sleep(left).await })));
        }
        let Some((_, alarm)) = &mut self.alarm else {
            return false;
        };
        let late = alarm.as_mut().poll(cx).is_ready();
        if late {
            (self.alarm, self.until) = (None, None);
        }
        late
    }

    /// Ends everything: who was killed.
    fn halt(&mut self) -> Vec<Pid> {
        let items = std::mem::take(&mut self.items).into_values();
        items.filter_map(|(task, _)| task.kill()).collect()
    }
}

impl<I: Iterator, F, T> TaskStream<I, F, T> {
    /// Ends the stream before its end: its tasks are killed, and gone when this returns.
    pub async fn halt(mut self) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        let node = live.node.clone();
        let killed = live.halt();
        drop(self);
        for task in killed {
            node.down(task).await;
        }
    }
}

/// Kills what runs for a stream that nobody reads any more.
impl<In, T> Drop for Live<In, T> {
    fn drop(&mut self) {
        self.halt();
    }
}

impl<I: Iterator, F, T> fmt::Debug for TaskStream<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("flags", &self.flags)
            .field("machine", &self.live.as_ref().map(|live| &live.machine))
            .finish_non_exhaustive()
    }
}
