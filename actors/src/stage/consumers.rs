//! One process for each item: how many at once, and what if one fails?
//!
//! Role       [`ConsumerSupervisor`]: reads a subscription, and starts a process for each item while
//!            fewer than its limit run.
//! Limit      `max_children` processes, and as many items on their way.
//! Source     elixir: GenStage's ConsumerSupervisor

use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation_runtime::{Mailed, Node, Pid, Process, Reason, SpawnOptions};
use futures_core::Stream;

use super::builder::Stage;
use super::subscription::{Cancel, Ended, Subscribe, Subscription};
use crate::nothing::Nothing;
use crate::server::{BoxFuture, Ref, StartError};
use crate::supervisor::{Child, ChildKind, Recipe};

type Work<T> = Arc<dyn Fn(T) -> BoxFuture<'static, ()> + Send + Sync>;

/// A process for each item of a stage, as many at once as it may.
///
/// An item is asked for when there is a process to be had for it. A process that fails is reported,
/// as every crash is, and makes room for the next one: its item is not tried again. When the stage
/// has ended in order and all processes have, the consumer ends `normal`; when the stage crashed, so
/// does the consumer, and its supervisor starts it again.
///
/// ```
/// use foundation_actors::stage::{ConsumerSupervisor, Stage, Subscribe, stage_child};
/// use foundation_actors::{Name, NodeExt, Supervisor};
///
/// const PAGES: Name<Stage<u32>> = Name::new("pages");
///
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let crawl = ConsumerSupervisor::new(|page: u32| async move { assert_ne!(page, 3) })
///     .max_children(4)
///     .child("crawl", |node| node.at(PAGES));
/// let top = Supervisor::one_for_one()
///     .child(stage_child(|| Stage::from_iter(0..10)).name(PAGES).transient())
///     .child(crawl.transient())
///     .start(&node)
///     .await?;
/// # drop(top);
/// # Ok::<_, foundation_actors::StartError>(())
/// # }).unwrap();
/// ```
#[must_use = "it does nothing until it is a child of a supervisor"]
pub struct ConsumerSupervisor<T> {
    work: Work<T>,
    max_children: usize,
    shutdown: Duration,
}

impl<T: Send + 'static> ConsumerSupervisor<T> {
    /// Runs `work` for each item, in a process of its own; at most 100 at once.
    pub fn new<F, Fut>(work: F) -> Self
    where
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            work: Arc::new(move |item| Box::pin(work(item))),
            max_children: 100,
            shutdown: Duration::from_secs(5),
        }
    }

    /// How many processes run at once: 100 unless set. Zero is one.
    pub fn max_children(mut self, limit: usize) -> Self {
        self.max_children = limit.max(1);
        self
    }

    /// How long processes have to end when it is shut down, before they are killed: 5 seconds unless
    /// set. The child's own shutdown bound should be longer.
    pub fn shutdown(mut self, bound: Duration) -> Self {
        self.shutdown = bound;
        self
    }

    /// A child of a supervisor that consumes the stage which `stage` leads to, anew at each start.
    pub fn child(
        self,
        id: &str,
        stage: impl Fn(&Node) -> Ref<Stage<T>> + Send + Sync + 'static,
    ) -> Child<Self> {
        let bound = self.shutdown + Duration::from_secs(1);
        let stage = Arc::new(stage);
        let recipe = Recipe::new(move |node, options, _| {
            let (stage, work) = (Arc::clone(&stage), Arc::clone(&self.work));
            let (most, shutdown) = (self.max_children, self.shutdown);
            let body = move |me: Process<Nothing>| {
                let demand = Subscribe::new().max_demand(most).min_demand(most - 1);
                let items = stage(&me.node()).subscribe(demand.cancel(Cancel::Temporary));
                consume(me, items, work, most, shutdown)
            };
            let options = options.trap_exit().code("ConsumerSupervisor");
            let started = node.spawn_fn_with(&options, body);
            let started = started.map(|(process, _)| process.pid());
            Box::pin(std::future::ready(started.map_err(StartError::from)))
        });
        Child::new(id, recipe, ChildKind::Supervisor).shutdown(bound)
    }
}

impl<T> std::fmt::Debug for ConsumerSupervisor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsumerSupervisor")
            .field("max_children", &self.max_children)
            .finish_non_exhaustive()
    }
}

/// What it waits for.
enum Event<T> {
    Mailed(Mailed),
    Item(T),
    Over,
}

async fn consume<T: Send + 'static>(
    mut me: Process<Nothing>,
    mut items: Subscription<T>,
    work: Work<T>,
    max_children: usize,
    shutdown: Duration,
) -> Reason {
    let mut running = BTreeSet::new();
    let mut over = false;
    while !(over && running.is_empty()) {
        let wants = !over && running.len() < max_children;
        match next(&mut me, &mut items, wants).await {
            Event::Item(item) => match start(&me, &work, item) {
                Ok(pid) => {
                    running.insert(pid);
                }
                Err(error) => return Reason::other(error.to_string()),
            },
            Event::Over => over = true,
            Event::Mailed(Mailed::Exit(exit)) if running.remove(&exit.from) => {}
            Event::Mailed(Mailed::Exit(exit)) => {
                stop(&mut me, running, shutdown).await;
                return exit.reason;
            }
            Event::Mailed(Mailed::Message(envelope)) => {
                envelope.refuse_unknown("ConsumerSupervisor")
            }
            Event::Mailed(_) => {}
        }
    }
    match items.ended() {
        Some(Ended::Done) | None => Reason::Normal,
        Some(ended) => ended.reason(),
    }
}

async fn next<T: Send + 'static>(
    me: &mut Process<Nothing>,
    items: &mut Subscription<T>,
    wants: bool,
) -> Event<T> {
    let mut mailed = pin!(me.recv_mailed());
    std::future::poll_fn(|cx| {
        if let Poll::Ready(mailed) = mailed.as_mut().poll(cx) {
            return Poll::Ready(Event::Mailed(mailed));
        }
        if !wants {
            return Poll::Pending;
        }
        let item = Pin::new(&mut *items).poll_next(cx);
        item.map(|item| item.map_or(Event::Over, Event::Item))
    })
    .await
}

fn start<T: Send + 'static>(
    me: &Process<Nothing>,
    work: &Work<T>,
    item: T,
) -> Result<Pid, foundation_runtime::SpawnError> {
    let work = Arc::clone(work);
    let options = SpawnOptions::new().link().code("ConsumerSupervisor::work");
    let body = move |_: Process<Nothing>| async move { work(item).await };
    let (process, _) = me.node().spawn_fn_with(&options, body)?;
    Ok(process.pid())
}

/// Asks all to end, and kills those that have not in time.
async fn stop(me: &mut Process<Nothing>, mut running: BTreeSet<Pid>, bound: Duration) {
    for (reason, bound) in [(Reason::Shutdown, bound), (Reason::Kill, Duration::MAX)] {
        for pid in &running {
            me.exit(*pid, reason.clone());
        }
        let node = me.node();
        let ended = async {
            while !running.is_empty() {
                if let Mailed::Exit(exit) = me.recv_mailed().await {
                    running.remove(&exit.from);
                }
            }
        };
        foundation_runtime::time::timeout_on(&node, bound, ended).await;
    }
}
