//! Where do a stage's items come from?
//!
//! Role       [`Producer`]: what is asked for items; iterators and streams as producers.
//! Outputs    [`Produced`]: items, or that there are no more.
//! Limit      One ask makes `BATCH_MAX` items at most, so that a stage gives way between them.

use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;

use crate::server::BoxFuture;

/// How many items an iterator or a stream is asked for at once.
const BATCH_MAX: usize = 1_000;

/// What a producer made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Produced<T> {
    /// Items, oldest first: at least one, and no more than it was asked for.
    Items(Vec<T>),
    /// There are no more, now or ever.
    Done,
}

/// What makes the items of a stage, when it is asked to.
///
/// It runs inside the stage's process, one ask at a time; while it waits, the stage goes on serving
/// subscribers. If it panics, the stage ends, and its subscribers learn the reason.
///
/// ```
/// use foundation_actors::stage::{Produced, Producer, Stage, Subscribe};
///
/// struct Squares(u64);
///
/// impl Producer for Squares {
///     type Item = u64;
///
///     async fn produce(&mut self, demand: usize) -> Produced<u64> {
///         let first = self.0;
///         self.0 += demand as u64;
///         Produced::Items((first..self.0).map(|n| n * n).collect())
///     }
/// }
///
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let squares = Stage::of(Squares(0)).start(&node).await?;
/// let mut some = squares.subscribe(Subscribe::new().max_demand(10));
/// assert_eq!(some.next().await, Some(0));
/// assert_eq!(some.next().await, Some(1));
/// assert_eq!(some.next().await, Some(4));
/// # Ok::<_, foundation_actors::stage::StageError>(())
/// # }).unwrap();
/// ```
pub trait Producer: Send + 'static {
    /// What it makes.
    type Item: Send + 'static;

    /// Makes up to `demand` items, and at least one: it waits until it has one. More than `demand`,
    /// or none, ends the stage with a panic.
    fn produce(&mut self, demand: usize) -> impl Future<Output = Produced<Self::Item>> + Send;
}

/// A production under way; it gives the source back.
pub(super) type Production<T> = BoxFuture<'static, (Box<dyn Source<T>>, Produced<T>)>;

/// A producer whose type does not matter.
pub(super) trait Source<T>: Send {
    fn produce(self: Box<Self>, demand: usize) -> Production<T>;
}

impl<P: Producer> Source<P::Item> for P {
    fn produce(mut self: Box<Self>, demand: usize) -> Production<P::Item> {
        Box::pin(async move {
            let produced = Producer::produce(&mut *self, demand).await;
            (self as Box<dyn Source<P::Item>>, produced)
        })
    }
}

/// The items of an iterator.
pub(super) struct OfIterator<I>(pub(super) I);

impl<I: Iterator<Item: Send + 'static> + Send + 'static> Producer for OfIterator<I> {
    type Item = I::Item;

    async fn produce(&mut self, demand: usize) -> Produced<I::Item> {
        let items: Vec<I::Item> = self.0.by_ref().take(demand.min(BATCH_MAX)).collect();
        match items.is_empty() {
            true => Produced::Done,
            false => Produced::Items(items),
        }
    }
}

/// The items of a stream: what is there, once something is.
pub(super) struct OfStream<S>(pub(super) Pin<Box<S>>, pub(super) bool);

impl<S: Stream<Item: Send + 'static> + Send + 'static> Producer for OfStream<S> {
    type Item = S::Item;

    async fn produce(&mut self, demand: usize) -> Produced<S::Item> {
        let Self(stream, over) = self;
        let mut items = Vec::new();
        std::future::poll_fn(|cx| {
            while !*over && items.len() < demand.min(BATCH_MAX) {
                match stream.as_mut().poll_next(cx) {
                    Poll::Ready(Some(item)) => items.push(item),
                    Poll::Ready(None) => *over = true,
                    Poll::Pending if items.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(())
        })
        .await;
        match items.is_empty() {
            true => Produced::Done,
            false => Produced::Items(items),
        }
    }
}
