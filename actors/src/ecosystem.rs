//! How are a coordinator and its workers run as one?
//!
//! Role       [`Ecosystem`]: a supervised coordinator with workers of one kind, their mailboxes, and
//!            how they are.
//! Inputs     Recipes of coordinator and workers, how many, how they are supervised.
//! Outputs    [`EcosystemRef`]: the coordinator, the workers that live, [`EcosystemHealth`].
//! Limit      [`WORKERS_MAX`] workers.
//! Invariant  What cannot be is an error before anything is started. The coordinator is the first
//!            child: with `rest_for_one`, workers are started again with it.
//! Absent     Counts that change by load. OTP's `fullsweep_after`, `min_heap_size` and
//!            `min_bin_vheap_size`: there is no garbage collector to be told.
//! Source     Foundation 2.0: BEAM.spawn_ecosystem, get_ecosystem_health

use std::fmt;
use std::time::Duration;

use foundation_runtime::{CallError, Mailbox, Node, Pid};

use crate::server::{Actor, Ref, StartError};
use crate::supervisor::{Child, ChildState, Supervisor, SupervisorBuilder};
use crate::{Name, NodeExt as _};

/// The most workers of an ecosystem.
pub const WORKERS_MAX: usize = 100_000;

/// How many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many.
    Count(usize),
    /// One for each scheduler of the node.
    CpuCount,
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
    worker: Box<dyn Fn(usize) -> Child<W> + Send>,
    workers: Workers,
    supervision: Supervision,
    intensity: Option<(u32, Duration)>,
    mailbox: Option<Mailbox>,
}

impl<C, W> Ecosystem<C, W> {
    /// An ecosystem of this name, with a worker for each scheduler. `worker` makes the recipe of the
    /// nth one, from zero. Coordinator and workers are called `name/coordinator` and `name/worker-n`
    /// where children are listed.
    pub fn new(
        name: impl Into<String>,
        coordinator: Child<C>,
        worker: impl Fn(usize) -> Child<W> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            coordinator,
            worker: Box::new(worker),
            workers: Workers::CpuCount,
            supervision: Supervision::default(),
            intensity: None,
            mailbox: None,
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
        let count = match self.workers {
            Workers::Count(count) => count,
            Workers::CpuCount => crate::intensive::schedulers(node),
        };
        if !(1..=WORKERS_MAX).contains(&count) {
            return Err(EcosystemError::Workers(count));
        }
        let mut tree: SupervisorBuilder = match self.supervision {
            Supervision::OneForOne => Supervisor::one_for_one(),
            Supervision::OneForAll => Supervisor::one_for_all(),
            Supervision::RestForOne => Supervisor::rest_for_one(),
        };
        if let Some((restarts, period)) = self.intensity {
            tree = tree.intensity(restarts, period);
        }
        tree = tree.child(self.coordinator.id(&*format!("{}/coordinator", self.name)));
        for nth in 0..count {
            let mut worker = (self.worker)(nth).id(&*format!("{}/worker-{nth}", self.name));
            if let Some(mailbox) = self.mailbox {
                worker = worker.mailbox(mailbox);
            }
            tree = tree.child(worker);
        }
        let begun = node.now();
        let name = Name::<Supervisor>::dynamic(self.name.clone());
        let tree = tree.name(name).start(node).await;
        Ok(EcosystemRef {
            name: self.name,
            tree: tree.map_err(EcosystemError::Start)?,
            workers: count,
            started_at: begun,
        })
    }
}

impl<C, W> fmt::Debug for Ecosystem<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ecosystem")
            .field("name", &self.name)
            .field("workers", &self.workers)
            .field("supervision", &self.supervision)
            .finish_non_exhaustive()
    }
}

/// An ecosystem that was started. Dropped, it runs on; [`EcosystemRef::stop`] ends it.
#[derive(Clone, Debug)]
pub struct EcosystemRef {
    name: String,
    tree: Ref<Supervisor>,
    workers: usize,
    started_at: Duration,
}

/// How an ecosystem is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EcosystemHealth {
    /// Its name.
    pub name: String,
    /// When it was started, on the node's clock.
    pub started_at: Duration,
    /// Its coordinator, if it lives.
    pub coordinator: Option<Pid>,
    /// How many workers it is to have.
    pub workers: usize,
    /// How many live.
    pub workers_alive: usize,
    /// How many messages wait at all of them, as far as it can be seen from outside.
    pub messages: usize,
    /// Which of them have a mailbox in alarm.
    pub in_alarm: Vec<Pid>,
}

impl EcosystemHealth {
    /// Whether all live, and no mailbox is in alarm.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let all = self.coordinator.is_some() && self.workers_alive == self.workers;
        all && self.in_alarm.is_empty()
    }
}

impl EcosystemRef {
    /// Its supervisor.
    #[must_use]
    pub fn supervisor(&self) -> &Ref<Supervisor> {
        &self.tree
    }

    async fn running(&self) -> Result<(Option<Pid>, Vec<Pid>), CallError> {
        let children = self.tree.which_children().await?;
        let pid = |state: &ChildState<Pid>| match state {
            ChildState::Running(pid) => Some(*pid),
            _ => None,
        };
        let mut children = children.iter().map(|child| pid(&child.state));
        let coordinator = children.next().flatten();
        Ok((coordinator, children.flatten().collect()))
    }

    /// The workers that live, in the order of their number.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer.
    pub async fn workers(&self) -> Result<Vec<Pid>, CallError> {
        self.running().await.map(|(_, workers)| workers)
    }

    /// The coordinator, if it lives. It is not checked that it is an `A`.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer.
    pub async fn coordinator<A: Actor>(&self) -> Result<Option<Ref<A>>, CallError> {
        let (coordinator, _) = self.running().await?;
        Ok(coordinator.map(|pid| self.tree.node().reference(pid)))
    }

    /// How it is.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer: it has ended.
    pub async fn health(&self) -> Result<EcosystemHealth, CallError> {
        let node = self.tree.node();
        let (coordinator, workers) = self.running().await?;
        let all: Vec<Pid> = coordinator.iter().chain(&workers).copied().collect();
        let waits = |pid: &Pid| node.facts(*pid)?.message_queue_len;
        let alarms = node.mailboxes_in_alarm().into_iter().map(|alarm| alarm.pid);
        Ok(EcosystemHealth {
            name: self.name.clone(),
            started_at: self.started_at,
            coordinator,
            workers: self.workers,
            workers_alive: workers.len(),
            messages: all.iter().filter_map(waits).sum(),
            in_alarm: alarms.filter(|pid| all.contains(pid)).collect(),
        })
    }

    /// Ends all of it in order: workers, the last first, then the coordinator.
    ///
    /// # Errors
    /// [`crate::StopError`]: it was not there, or did not end within `bound`.
    pub async fn stop(&self, bound: Duration) -> Result<(), crate::StopError> {
        let node = self.tree.node();
        let stopped = node.stop(&self.tree, foundation_runtime::Reason::Shutdown, bound);
        stopped.await
    }
}
