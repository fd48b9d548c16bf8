//! How does a node start?
//!
//! Role       Names, limits and the runtime underneath; then a running node, or an error.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, Parts};
use crate::Node;
use crate::disk::Folder;
use crate::mailbox::Marks;
use crate::platform::clock::{self, Clock};
use crate::platform::{panics, threads};
use crate::port::{BadChannels, ChannelNames};
use crate::scheduler::{DirtyLimits, DirtyPools, RealScheduler, Scheduler};

const PROCESSES_MAX: usize = 16 << 20;

/// A node that is being configured.
#[derive(Debug)]
#[must_use = "a node is started by `start`"]
pub struct Builder {
    name: Box<str>,
    workers: usize,
    spares_max: usize,
    max_processes: usize,
    watch_after: Duration,
    stacks: bool,
    print_crashes: bool,
    marks: Marks,
    dirty: DirtyLimits,
    tokio: Option<tokio::runtime::Handle>,
    channels: ChannelNames,
    disk: Option<PathBuf>,
}

/// Why a node did not start. Nothing of it is left.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The program is built with `panic = "abort"`: a panic would end it instead of one process.
    PanicAbort,
    /// There can be no such channels.
    Channels(BadChannels),
    /// The operating system gave no thread or no event loop.
    Os(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PanicAbort => f.write_str(
                "the program is built with `panic = \"abort\"`, so a panic would end all of it and \
                 not one process; remove that line from the profile in Cargo.toml",
            ),
            Self::Channels(why) => why.fmt(f),
            Self::Os(error) => write!(f, "the operating system refused a thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            name: "nonode".into(),
            workers: threads::parallelism(),
            spares_max: 16,
            max_processes: PROCESSES_MAX,
            watch_after: Duration::from_millis(10),
            stacks: true,
            print_crashes: false,
            marks: Marks::default(),
            dirty: DirtyLimits::default(),
            tokio: None,
            channels: ChannelNames::default(),
            disk: None,
        }
    }

    /// The node's name; `nonode` unless set.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many workers run processes: one a core unless set, at least one.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many workers may be started in place of stuck ones: 16 unless set.
    pub fn spare_workers(mut self, spares: usize) -> Self {
        self.spares_max = spares;
        self
    }

    /// How many processes there may be at a time: 16,777,216 unless set.
    pub fn max_processes(mut self, limit: usize) -> Self {
        self.max_processes = limit;
        self
    }

    /// After how long a handler that holds a worker is reported: 10 ms unless set.
    pub fn watchdog(mut self, after: Duration) -> Self {
        self.watch_after = after;
        self
    }

    /// Whether the report of a handler that holds a worker shows its stack, where the system lets us
    /// see it: on Linux with glibc. On unless set.
    ///
    /// The stuck thread is asked by the signal `SIGURG`, which nobody has a handler for in most
    /// programs; in one that has, it is left alone and stacks are not shown. The thread goes on as
    /// before, but a call into the system that waits, and that Linux does not take up again after a
    /// signal (`poll`, for one), may end early with `EINTR`.
    pub fn stuck_stacks(mut self, on: bool) -> Self {
        self.stacks = on;
        self
    }

    /// Prints crash reports to standard error while the program has no `tracing` subscriber, which
    /// gets them otherwise. Off unless set; `#[foundation::main]` sets it.
    pub fn print_crashes(mut self, on: bool) -> Self {
        self.print_crashes = on;
        self
    }

    /// How many messages may wait in a mailbox before it gives alarm, unless its process was
    /// started with another mark: [`HIGH_WATER`](crate::HIGH_WATER) unless set. `u32::MAX` is no
    /// alarm; zero is as one.
    pub fn high_water(mut self, mark: u32) -> Self {
        self.marks = Marks::new(mark);
        self
    }

    /// The bounds of the dirty pools.
    pub fn dirty(mut self, limits: DirtyLimits) -> Self {
        self.dirty = limits;
        self
    }

    /// The tokio runtime that handlers may use. Unless set: the one this code runs in, else one
    /// of the node's own.
    pub fn tokio(mut self, handle: tokio::runtime::Handle) -> Self {
        self.tokio = Some(handle);
        self
    }

    /// The folder for the files that processes of the node keep, [`Node::disk`]; it is made where it is not
    /// there. Unless set, the node has none. Two nodes must not have the same. In a simulated world it is not
    /// used: there the disk is that of the node's name.
    ///
    /// ```
    /// use foundation_runtime::Node;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("foundation-doc-{}", std::process::id()));
    /// let node = Node::builder().disk(&folder).start()?;
    /// node.block_on(async {
    ///     let file = node.disk().open("ledger").await?;
    ///     file.write_at(0, "ten").await?;
    ///     file.sync().await?;
    ///     assert_eq!(file.read_at(0, 100).await?, b"ten");
    ///     node.disk().sync_names().await
    /// })?;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(()) }
    /// ```
    pub fn disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.disk = Some(folder.into());
        self
    }

    /// The node has a channel of this name, besides those that every node has: what is sent with
    /// [`SendOptions::channel`](crate::SendOptions::channel) may name it. What a channel is, the
    /// cluster's builder says; this is for a node without one, on which a program that names its
    /// channels runs as well.
    pub fn channel(mut self, name: impl Into<Arc<str>>) -> Self {
        self.channels.add(name.into());
        self
    }

    /// Starts the node.
    ///
    /// # Errors
    /// [`StartError`]: nothing was started.
    pub fn start(self) -> Result<Node, StartError> {
        if cfg!(panic = "abort") {
            return Err(StartError::PanicAbort);
        }
        self.channels.check().map_err(StartError::Channels)?;
        panics::install();
        let incarnation = clock::incarnation();
        let tokio = match self
            .tokio
            .clone()
            .or_else(|| tokio::runtime::Handle::try_current().ok())
        {
            Some(handle) => Tokio::Theirs(handle),
            None => Tokio::Own(own_tokio().map_err(StartError::Os)?),
        };
        let scheduler =
            RealScheduler::new(self.workers, self.spares_max, self.watch_after).stacks(self.stacks);
        let node = self.assemble(
            incarnation,
            Clock::real(),
            Scheduler::Real(scheduler),
            Some(tokio),
        );
        let Scheduler::Real(real) = node.core().scheduler() else {
            unreachable!("it was just made real")
        };
        if let Err(error) = real.start(&node) {
            real.stop(Duration::from_secs(1));
            return Err(StartError::Os(error));
        }
        Ok(node)
    }

    /// A node without threads, for a simulated world.
    pub(crate) fn simulated(self, incarnation: u64, clock: Clock, scheduler: Scheduler) -> Node {
        panics::install();
        self.assemble(incarnation, clock, scheduler, None)
    }

    fn assemble(
        self,
        incarnation: u64,
        clock: Clock,
        scheduler: Scheduler,
        tokio: Option<Tokio>,
    ) -> Node {
        let dirty = DirtyPools::new(&self.name, self.dirty);
        Node::of(Arc::new(Core::new(Parts {
            incarnation,
            name: self.name.into(),
            max_processes: self.max_processes,
            clock,
            scheduler,
            print_crashes: self.print_crashes,
            marks: self.marks,
            dirty,
            tokio,
            channels: self.channels,
            disk: self.disk.map(|folder| Arc::new(Folder::new(folder))),
        })))
    }
}

/// The tokio runtime underneath a node.
pub(crate) enum Tokio {
    Theirs(tokio::runtime::Handle),
    Own(OwnTokio),
}

impl Tokio {
    pub(crate) fn handle(&self) -> &tokio::runtime::Handle {
        match self {
            Self::Theirs(handle) => handle,
            Self::Own(own) => own.runtime().handle(),
        }
    }
}

/// A runtime that may be dropped anywhere, also inside a future: tokio's own drop would block.
pub(crate) struct OwnTokio(Option<tokio::runtime::Runtime>);

impl OwnTokio {
    fn runtime(&self) -> &tokio::runtime::Runtime {
        self.0
            .as_ref()
            .expect("the runtime is there until the drop")
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }
}

impl Drop for OwnTokio {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn own_tokio() -> std::io::Result<OwnTokio> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("foundation-tokio")
        .enable_all()
        .build()
        .map(|runtime| OwnTokio(Some(runtime)))
}
