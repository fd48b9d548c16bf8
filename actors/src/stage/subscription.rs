//! How does a consumer get a stage's items?
//!
//! Role       [`Subscription`]: a stream that asks for more as it is read.
//! Owns       At most [`Subscribe::max_demand`] items that have arrived and were not read.
//! Invariant  What has arrived and what was asked for are together never more than the demand.
//! Source     elixir: GenStage, `subscribe_to` options

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use foundation_runtime::{CallError, CallFuture, Destination, Envelope, Node, Pid, Reason, me};
use futures_core::Stream;

use super::builder::Stage;
use super::client::{Batch, Join, Joined, Leave, Want};
use super::dispatch::{Selector, SubscribeError, SubscriberId};
use crate::server::Address;

/// What the end of the stage means to the process that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Cancel {
    /// It ends with the stage, whatever the reason.
    Permanent,
    /// It ends with the stage, unless that ended in order: `normal` or `shutdown`, or with its last
    /// item delivered.
    #[default]
    Transient,
    /// It goes on; [`Subscription::ended`] says what happened.
    Temporary,
}

/// How a stage is subscribed.
pub struct Subscribe<T> {
    max_demand: usize,
    min_demand: Option<usize>,
    partition: Option<usize>,
    selector: Option<Selector<T>>,
    cancel: Cancel,
}

impl<T> Default for Subscribe<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Subscribe<T> {
    /// A demand of 1,000 items.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_demand: 1_000,
            min_demand: None,
            partition: None,
            selector: None,
            cancel: Cancel::default(),
        }
    }

    /// How many items may be on their way or wait to be read: 1,000 unless set. With 1, the next
    /// item is asked for when this one has been read.
    #[must_use]
    pub fn max_demand(mut self, items: usize) -> Self {
        self.max_demand = items;
        self
    }

    /// More is asked for when no more than so many wait to be read: half of the most unless set. It
    /// must be below it.
    #[must_use]
    pub fn min_demand(mut self, items: usize) -> Self {
        self.min_demand = Some(items);
        self
    }

    /// The partition, of a stage that has some, counted from 0.
    #[must_use]
    pub fn partition(mut self, partition: usize) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Only the items that `wanted` takes, of a stage that broadcasts. It runs in the stage: keep it
    /// short.
    #[must_use]
    pub fn select(mut self, wanted: impl Fn(&T) -> bool + Send + 'static) -> Self {
        self.selector = Some(Box::new(wanted));
        self
    }

    /// What the end of the stage means to the process that reads: [`Cancel::Transient`] unless set.
    /// Code outside any process is never ended.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    fn least(&self) -> usize {
        self.min_demand.unwrap_or(self.max_demand / 2)
    }
}

impl<T> fmt::Debug for Subscribe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("max_demand", &self.max_demand)
            .field("min_demand", &self.least())
            .field("partition", &self.partition)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

/// Why a subscription delivers no more.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// The stage has delivered its last item.
    Done,
    /// The stage ended, for this reason. Items that were on their way are lost.
    Down(Reason),
    /// The stage refused the subscription.
    Refused(SubscribeError),
    /// There is no such stage, or it cannot be reached: a stage on another node cannot.
    Failed(CallError),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("the stage has delivered its last item"),
            Self::Down(reason) => write!(f, "the stage ended: {reason}"),
            Self::Refused(error) => write!(f, "the stage refused the subscription: {error}"),
            Self::Failed(error) => write!(f, "the stage was not reached: {error}"),
        }
    }
}

impl std::error::Error for Ended {}

impl Ended {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Done => Reason::Normal,
            Self::Down(reason) => reason.clone(),
            Self::Failed(error) => error.clone().into_reason(),
            Self::Refused(error) => Reason::other(error.to_string()),
        }
    }
}

/// The items of a stage, as a stream: no faster than they are read.
///
/// In an actor it is attached: `cx.attach(lines.subscribe(Subscribe::new()), WorkerMsg::Line)`, and
/// each item is a message of the actor. Elsewhere it is read with [`Subscription::next`].
///
/// Delivery is at most once: items on their way to a process that ends, or to a subscription that is
/// dropped, are lost.
#[must_use = "a subscription begins when it is polled"]
pub struct Subscription<T> {
    stage: Address<Stage<T>>,
    options: Subscribe<T>,
    /// The stage serves us for as long as this lives.
    token: Arc<()>,
    state: State<T>,
    buffer: VecDeque<T>,
    ended: Option<Ended>,
}

enum State<T> {
    New,
    Joining(CallFuture<Joined>),
    Open {
        id: SubscriberId,
        stage: Pid,
        asking: Option<CallFuture<Batch<T>>>,
    },
    Over,
}

impl<T: Send + 'static> Subscription<T> {
    pub(super) fn new(stage: Address<Stage<T>>, options: Subscribe<T>) -> Self {
        Self {
            stage,
            options,
            token: Arc::new(()),
            state: State::New,
            buffer: VecDeque::new(),
            ended: None,
        }
    }

    /// The next item; `None` when there will be none: [`Subscription::ended`] says why. It waits for
    /// as long as the stage lives.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What has arrived, at least one item; `None` when there will be none.
    pub async fn next_batch(&mut self) -> Option<Vec<T>> {
        let first = self.next().await?;
        let mut batch = Vec::with_capacity(1 + self.buffer.len());
        batch.push(first);
        batch.extend(self.buffer.drain(..));
        Some(batch)
    }

    /// Why there are no more items, once there are none.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Asks for more, if it is time to, and takes what has arrived. So many items are in the hands of
    /// the reader, and count.
    fn advance(&mut self, cx: &mut Context<'_>, in_hand: usize) -> Poll<()> {
        loop {
            match &mut self.state {
                State::New => self.begin(),
                State::Joining(joining) => match ready!(Pin::new(joining).poll(cx)) {
                    Ok(Ok((id, stage))) => {
                        self.state = State::Open {
                            id,
                            stage,
                            asking: None,
                        };
                    }
                    Ok(Err(refused)) => self.end(Ended::Refused(refused)),
                    Err(error) => self.end(failed(error)),
                },
                State::Open { id, stage, asking } => {
                    let asking = match asking {
                        Some(asking) => asking,
                        None if self.options.least() < self.buffer.len() + in_hand => {
                            return Poll::Ready(());
                        }
                        None => {
                            let demand = self.options.max_demand - self.buffer.len() - in_hand;
                            asking.insert(ask(self.stage.node(), *stage, *id, demand))
                        }
                    };
                    let answer = ready!(Pin::new(asking).poll(cx));
                    self.answered(answer);
                }
                State::Over => return Poll::Ready(()),
            }
        }
    }

    fn begin(&mut self) {
        let (least, most) = (self.options.least(), self.options.max_demand);
        if most <= least {
            return self.end(Ended::Refused(SubscribeError::BadDemand(least, most)));
        }
        let join = Join {
            token: Arc::downgrade(&self.token),
            partition: self.options.partition,
            selector: self.options.selector.take(),
        };
        let call = self.stage.node().call(&self.stage.destination(), join);
        self.state = State::Joining(call.into_future());
    }

    fn answered(&mut self, answer: Result<Batch<T>, CallError>) {
        match answer {
            Ok(Batch { items, last }) => {
                self.buffer.extend(items);
                match &mut self.state {
                    State::Open { asking, .. } if !last => *asking = None,
                    _ => self.end(Ended::Done),
                }
            }
            Err(error) => self.end(failed(error)),
        }
    }

    fn end(&mut self, ended: Ended) {
        self.state = State::Over;
        self.ended = Some(ended);
    }

    /// The stage is over: the process that reads may be to end with it.
    fn follow(&self) {
        let Some(ended) = &self.ended else {
            return;
        };
        let reason = ended.reason();
        let follows = match self.options.cancel {
            Cancel::Permanent => true,
            Cancel::Transient => !reason.is_orderly(),
            Cancel::Temporary => false,
        };
        if follows && me().is_some() {
            foundation_runtime::exit(reason);
        }
    }
}

fn failed(error: CallError) -> Ended {
    match error {
        CallError::Down(reason) => Ended::Down(reason),
        error => Ended::Failed(error),
    }
}

/// Nobody waits longer for items than there are none: the bound is the life of the stage.
fn ask<T: Send + 'static>(
    node: &Node,
    stage: Pid,
    id: SubscriberId,
    demand: usize,
) -> CallFuture<Batch<T>> {
    let want = Want {
        id,
        demand,
        _items: PhantomData,
    };
    let call = node.call(&Destination::Pid(stage), want);
    call.timeout(Duration::MAX).into_future()
}

impl<T> Unpin for Subscription<T> {}

impl<T: Send + 'static> Stream for Subscription<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        if let Some(item) = this.buffer.pop_front() {
            // What is asked for now is there when it is wanted.
            let _ = this.advance(cx, 1);
            return Poll::Ready(Some(item));
        }
        let advanced = this.advance(cx, 0);
        if let Some(item) = this.buffer.pop_front() {
            return Poll::Ready(Some(item));
        }
        ready!(advanced);
        this.follow();
        Poll::Ready(None)
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        if let State::Joining(_) | State::Open { .. } = &self.state {
            let leave = Envelope::message(Leave(Arc::downgrade(&self.token)));
            let to = match &self.state {
                State::Open { stage, .. } => Destination::Pid(*stage),
                _ => self.stage.destination().into_owned(),
            };
            // If the stage has gone meanwhile, there is nothing to leave.
            let _ = self.stage.node().send_envelope(&to, leave);
        }
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("stage", &self.stage)
            .field("waiting", &self.buffer.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
