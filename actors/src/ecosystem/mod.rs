//! How are a coordinator and its workers run as one?
//!
//! Role       [`Ecosystem`]: a supervised coordinator with workers of one kind, their mailboxes and
//!            heaps.
//! Inputs     Recipes of coordinator and workers, how many, how they are supervised.
//! Outputs    [`EcosystemRef`], once it runs.
//! Limit      [`WORKERS_MAX`] workers.
//! Invariant  What cannot be is an error before anything is started. The coordinator is the first
//!            child: with `rest_for_one`, workers are started again with it.
//! Absent     OTP's `fullsweep_after`, `min_heap_size` and `min_bin_vheap_size`: there is no garbage
//!            collector to be told.
//! Source     Foundation 2.0: BEAM.spawn_ecosystem

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::heap::HeapGroup;
use foundation_runtime::{Mailbox, MaxHeap, Node, SpawnOptions};

use crate::server::{Name, StartError};
use crate::supervisor::{Child, Supervisor, SupervisorBuilder};

mod auto_scale;
mod running;
mod scaler;

pub use auto_scale::{AutoScale, BadAutoScale};
pub use running::{EcosystemHealth, EcosystemRef};
use scaler::Scaler;

/// What the process that changes the number of workers is called behind the ecosystem's name.
const SCALER: &str = "/scaler";

/// The most workers of an ecosystem.
pub const WORKERS_MAX: usize = 100_000;

/// How many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many.
    Count(usize),
    /// One for each scheduler of the node.
    CpuCount,
    /// As many as the load asks for.
    AutoScale(AutoScale),
}

/// Where the heaps of an ecosystem's processes are counted, and when they are freed.
///
/// Foundation 2.0's strategies that tell a garbage collector what to do, and those that share
/// binaries, mean nothing here: there is none, and `Arc`, `Bytes` and
/// [`SharedBytes`](foundation_runtime::heap::SharedBytes) are shared in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryStrategy {
    /// Each process by itself: what it leaves is freed where it died, unless it is large.
    #[default]
    IsolatedHeaps,
    /// All of them, the supervisor too, are one [`HeapGroup`] with this bound: if they hold more
    /// together, the ecosystem dies as one process would, and what is left of it is freed by the
    /// reaper in one go.
    SharedHeap(MaxHeap),
    /// What a worker or the coordinator leaves is freed by the reaper, however small it is: no
    /// scheduler is held by an end. Whoever hears of it may find files and sockets not released yet.
    LowLatency,
}

/// Whom a death concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Supervision {
    /// Whoever ends is started again, alone.
    #[default]
    OneForOne,
    /// When one ends, all are started again.
    OneForAll,
    /// When the coordinator ends, all are started again; a worker with those started after it.
    RestForOne,
}

/// Why there is no such ecosystem. Nothing of it is left.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EcosystemError {
    /// There are to be no workers, or more than [`WORKERS_MAX`].
    Workers(usize),
    /// Nothing is called by no name.
    NoName,
    /// Workers cannot be scaled like that.
    AutoScale(BadAutoScale),
    /// There can be no such mailbox.
    Mailbox(foundation_runtime::BadMailbox),
    /// One of its processes did not start.
    Start(StartError),
}

impl fmt::Display for EcosystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workers(count) => {
                write!(
                    f,
                    "an ecosystem has 1 to {WORKERS_MAX} workers, not {count}"
                )
            }
            Self::NoName => f.write_str("an ecosystem needs a name"),
            Self::AutoScale(why) => why.fmt(f),
            Self::Mailbox(why) => why.fmt(f),
            Self::Start(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for EcosystemError {}

/// A coordinator and its workers, about to start.
///
/// ```
/// use foundation_actors::{Ecosystem, Supervision, Workers};
/// # use foundation_actors::child_fn;
/// # use foundation_runtime::{Codec, Message, Process, Tag};
/// # struct Note;
/// # impl Message for Note {
/// #     const NAME: &'static str = "Note";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Note", "") }
/// # }
/// # async fn works(mut me: Process<Note>) { loop { me.recv().await; } }
/// # let node = foundation_runtime::Node::builder().start().unwrap();
/// # node.block_on(async {
/// let shop = Ecosystem::new("shop", child_fn("till", works), |_| child_fn("clerk", works))
///     .workers(Workers::Count(3))
///     .supervision(Supervision::RestForOne)
///     .start(&node)
///     .await?;
/// let health = shop.health().await?;
/// assert!(health.is_healthy());
/// assert_eq!((health.workers_alive, health.workers), (3, 3));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "an ecosystem does nothing until it is started"]
pub struct Ecosystem<C, W> {
    name: String,
    coordinator: Child<C>,
    worker: Arc<dyn Fn(usize) -> Child<W> + Send + Sync>,
    workers: Workers,
    supervision: Supervision,
    intensity: Option<(u32, Duration)>,
    mailbox: Option<Mailbox>,
    memory: MemoryStrategy,
}

impl<C, W: 'static> Ecosystem<C, W> {
    /// An ecosystem of this name, with a worker for each scheduler. `worker` makes the recipe of the
    /// nth one, from zero. Coordinator and workers are called `name/coordinator` and `name/worker-n`
    /// where children are listed.
    pub fn new(
        name: impl Into<String>,
        coordinator: Child<C>,
        worker: impl Fn(usize) -> Child<W> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            coordinator,
            worker: Arc::new(worker),
            workers: Workers::CpuCount,
            supervision: Supervision::default(),
            intensity: None,
            mailbox: None,
            memory: MemoryStrategy::default(),
        }
    }

    /// How many workers; one for each scheduler unless set.
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Whom a death concerns; only the dead unless set.
    pub fn supervision(mut self, supervision: Supervision) -> Self {
        self.supervision = supervision;
        self
    }

    /// How many restarts within how long are too many; as of a supervisor unless set.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.intensity = Some((restarts, period));
        self
    }

    /// The kind of mailbox of its workers; as their recipe says unless set.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.mailbox = Some(mailbox);
        self
    }

    /// Where heaps are counted, and when they are freed; each by itself unless set.
    pub fn memory_strategy(mut self, memory: MemoryStrategy) -> Self {
        self.memory = memory;
        self
    }

    /// Starts it, under a supervisor that is registered under its name.
    ///
    /// # Errors
    /// [`EcosystemError`]; nothing of it is left.
    pub async fn start(self, node: &Node) -> Result<EcosystemRef, EcosystemError> {
        if self.name.is_empty() {
            return Err(EcosystemError::NoName);
        }
        if let Some(mailbox) = &self.mailbox {
            mailbox.check().map_err(EcosystemError::Mailbox)?;
        }
        let (count, scale) = match self.workers {
            Workers::Count(count) => (count, None),
            Workers::CpuCount => (crate::intensive::schedulers(node), None),
            Workers::AutoScale(scale) => {
                scale.check().map_err(EcosystemError::AutoScale)?;
                (scale.min, Some(scale))
            }
        };
        let most = scale.map_or(count, |scale| scale.max);
        if let Some(bad) = [count, most]
            .into_iter()
            .find(|count| !(1..=WORKERS_MAX).contains(count))
        {
            return Err(EcosystemError::Workers(bad));
        }
        let heap_group = match self.memory {
            MemoryStrategy::SharedHeap(bound) => Some(HeapGroup::new(node, &*self.name, bound)),
            _ => None,
        };
        let begun = node.now();
        let name = Name::<Supervisor>::dynamic(self.name.clone());
        let tree = self
            .tree(count, scale, heap_group.as_ref())
            .name(name)
            .start(node);
        let in_group = |options| joined(options, heap_group.as_ref());
        let tree = tree.options(in_group).await;
        Ok(EcosystemRef {
            name: self.name,
            tree: tree.map_err(EcosystemError::Start)?,
            heap_group,
            started_at: begun,
        })
    }

    /// The supervisor with its first children.
    fn tree(
        &self,
        count: usize,
        scale: Option<AutoScale>,
        group: Option<&HeapGroup>,
    ) -> SupervisorBuilder {
        let mut tree: SupervisorBuilder = match self.supervision {
            Supervision::OneForOne => Supervisor::one_for_one(),
            Supervision::OneForAll => Supervisor::one_for_all(),
            Supervision::RestForOne => Supervisor::rest_for_one(),
        };
        if let Some((restarts, period)) = self.intensity {
            tree = tree.intensity(restarts, period);
        }
        let memory = (self.memory, group.cloned());
        let coordinator = self
            .coordinator
            .clone()
            .id(&*format!("{}/coordinator", self.name));
        tree = tree.child(coordinator.options(|options| kept(options, &memory)));
        let worker = {
            let (make, name, mailbox) = (Arc::clone(&self.worker), self.name.clone(), self.mailbox);
            move |nth: usize| {
                let worker = make(nth).id(&*format!("{name}/worker-{nth}"));
                let options = |options: SpawnOptions| match mailbox {
                    Some(mailbox) => kept(options.mailbox(mailbox), &memory),
                    None => kept(options, &memory),
                };
                worker.options(options)
            }
        };
        for nth in 0..count {
            tree = tree.child(worker(nth));
        }
        match scale {
            Some(scale) => tree.child(Scaler::new(&self.name, scale, worker).child()),
            None => tree,
        }
    }
}

/// Options of a process whose heap is counted and freed like this.
fn kept(options: SpawnOptions, memory: &(MemoryStrategy, Option<HeapGroup>)) -> SpawnOptions {
    match memory {
        (MemoryStrategy::LowLatency, _) => options.release_last(),
        (_, group) => joined(options, group.as_ref()),
    }
}

fn joined(options: SpawnOptions, group: Option<&HeapGroup>) -> SpawnOptions {
    match group {
        Some(group) => options.heap_group(group),
        None => options,
    }
}

impl<C, W> fmt::Debug for Ecosystem<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ecosystem")
            .field("name", &self.name)
            .field("workers", &self.workers)
            .field("supervision", &self.supervision)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
