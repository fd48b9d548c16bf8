//! A world of nodes: real threads and time, or one seeded thread and virtual time.
//!
//! Role       The same test body runs in both. In the simulated one the seed decides every choice,
//!            so a failure replays.
//! Invariant  Same seed, same program: same trace hash.

mod alarm;
mod always;
mod bell;
mod driver;
mod due;
mod explore;
mod faults;
mod flight;
mod harness;
mod hosted;
mod plan;
mod ready;
mod rest;
mod schedule;
mod settle;
mod shrink;
mod sim;
mod trace;

use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

pub(crate) use alarm::Alarm;
pub use driver::{SimError, SimReport};
pub use explore::{Explore, ExploreFailure, Explored};
pub use flight::{BadDelivery, Delivery};
pub use harness::{TestInput, TestOptions, TestOutput, test_explored, test_real, test_simulated};
pub use schedule::{BadSchedule, Schedule};
pub(crate) use sim::{Sim, SimScheduler};

use crate::node::SharedValues;
use crate::platform::clock::{Clock, VirtualClock};
use crate::scheduler::Scheduler;
use crate::{CrashReports, Loopback, Node, Survey};

/// Where the nodes of one test or simulation live.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    kind: Kind,
    nodes: Mutex<Vec<Node>>,
    /// What libraries keep.
    shared: SharedValues,
    /// The reports of all nodes, if somebody asked.
    crashes: OnceLock<CrashReports>,
    /// What is to be done when the body is done, the last first.
    endings: Mutex<Vec<Ending>>,
    /// What is to hold at every moment.
    always: always::Conditions,
}

/// Something that a test does at its end, and may fail by.
type Ending = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

enum Kind {
    Real { workers: usize },
    Simulated(Arc<sim::Sim>),
}

impl World {
    /// A world of real nodes, each with so many workers.
    #[must_use]
    pub fn real(workers: usize) -> Self {
        Self(Arc::new(Inner {
            kind: Kind::Real { workers },
            nodes: Mutex::default(),
            shared: SharedValues::default(),
            crashes: OnceLock::new(),
            endings: Mutex::default(),
            always: always::Conditions::default(),
        }))
    }

    /// Runs `body` in a simulated world: one thread, virtual time, and `seed` for every choice.
    /// When it is done, its nodes are shut down.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use std::time::Duration;
    /// let run = |seed| World::simulate(seed, |world| async move {
    ///     world.node().sleep(Duration::from_secs(3600)).await;
    ///     world.node().now()
    /// });
    /// let (now, report) = run(7)?;
    /// assert!(now >= Duration::from_secs(3600));
    /// assert_eq!(report.trace_hash, run(7)?.1.trace_hash);
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Errors
    /// [`SimError`]: nothing could run any more, it did not end, a process escaped the world, or
    /// would not end. A panic of the body goes on to the caller.
    pub fn simulate<F, Fut>(seed: u64, body: F) -> Result<(Fut::Output, SimReport), SimError>
    where
        F: FnOnce(World) -> Fut,
        Fut: Future,
    {
        Self::simulate_with(seed, Delivery::default(), body)
    }

    /// [`World::simulate`] with a choice of the order in which what is sent arrives.
    ///
    /// # Errors
    /// As [`World::simulate`].
    pub fn simulate_with<F, Fut>(
        seed: u64,
        delivery: Delivery,
        body: F,
    ) -> Result<(Fut::Output, SimReport), SimError>
    where
        F: FnOnce(World) -> Fut,
        Fut: Future,
    {
        let sim = sim::Sim::seeded(seed, delivery);
        let world = Self::simulated(&sim);
        let _forget = Forget(&world);
        driver::run(&sim, &world, None, body)
    }

    fn simulated(sim: &Arc<sim::Sim>) -> Self {
        Self(Arc::new(Inner {
            kind: Kind::Simulated(Arc::clone(sim)),
            nodes: Mutex::default(),
            shared: SharedValues::default(),
            crashes: OnceLock::new(),
            endings: Mutex::default(),
            always: always::Conditions::default(),
        }))
    }

    /// Nodes and their world hold each other: at its end the world lets go.
    fn forget_nodes(&self) {
        let nodes = self.0.nodes.lock();
        nodes.unwrap_or_else(PoisonError::into_inner).clear();
        self.forget_conditions();
    }

    /// The world's first node, started at first use.
    #[must_use]
    pub fn node(&self) -> Node {
        let first = self
            .0
            .nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .first()
            .cloned();
        first.unwrap_or_else(|| self.start("main"))
    }

    /// A simulated run is stopped with [`SimError::Endless`] when it has taken more turns of processes than
    /// this: 50 million unless set, which is a minute of a thousand nodes. In a real world it has no effect.
    ///
    /// ```
    /// use foundation_runtime::{SimError, World};
    /// use std::time::Duration;
    /// let run = World::simulate(1, |world| async move {
    ///     world.bound_steps(1000);
    ///     loop {
    ///         world.sleep(Duration::from_millis(1)).await;
    ///     }
    /// });
    /// assert!(matches!(run, Err(SimError::Endless { .. })));
    /// ```
    pub fn bound_steps(&self, most: u64) {
        if let Kind::Simulated(sim) = &self.0.kind {
            sim.bound_steps(most);
        }
    }

    /// Starts one more node.
    ///
    /// # Panics
    /// When the operating system gives no thread.
    #[must_use]
    pub fn start(&self, name: &str) -> Node {
        self.start_with(Node::builder().name(name))
    }

    /// Starts one more node with settings of its own; the number of workers is the world's.
    ///
    /// # Panics
    /// When the operating system gives no thread.
    #[must_use]
    pub fn start_with(&self, builder: crate::NodeBuilder) -> Node {
        let mut nodes = self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let node = match &self.0.kind {
            Kind::Real { workers } => match builder.workers(*workers).start() {
                Ok(node) => node,
                Err(error) => panic!("a node did not start: {error}"),
            },
            Kind::Simulated(sim) => {
                let index = nodes.len();
                let scheduler = SimScheduler::new(Arc::clone(sim), index);
                let clock = Clock::Virtual(VirtualClock::new(sim.clock()));
                builder.simulated(
                    sim.incarnation(index),
                    clock,
                    Scheduler::Simulated(scheduler),
                )
            }
        };
        nodes.push(node.clone());
        if let Some(crashes) = self.0.crashes.get() {
            crashes.attach(&node);
        }
        node
    }

    /// The crash reports of all the world's nodes, those that are started later too. Every call
    /// gives the same.
    #[must_use]
    pub fn capture_crashes(&self) -> CrashReports {
        let nodes = self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let attach = || {
            let crashes = CrashReports::default();
            nodes.iter().for_each(|node| crashes.attach(node));
            crashes
        };
        self.0.crashes.get_or_init(attach).clone()
    }

    /// Does something when the test's body is done, before its nodes are shut down: what was
    /// registered last is done first. It may fail the test by a panic. When the body itself fails,
    /// it is not done.
    pub fn at_end<Fut>(&self, ending: impl FnOnce() -> Fut + Send + 'static)
    where
        Fut: Future<Output = ()> + 'static,
    {
        let endings = self.0.endings.lock();
        let mut endings = endings.unwrap_or_else(PoisonError::into_inner);
        endings.push(Box::new(|| Box::pin(ending())));
    }

    /// Does what is to be done at the end of a test.
    pub(super) async fn end(&self) {
        loop {
            let next = {
                let endings = self.0.endings.lock();
                endings.unwrap_or_else(PoisonError::into_inner).pop()
            };
            match next {
                Some(ending) => ending().await,
                None => return,
            }
        }
    }

    /// The world's one value of this type, made by `default` at first use: for libraries that keep
    /// something per world, as [`Node::shared`] is for nodes. It must not hold the world, or neither
    /// ever goes.
    #[must_use]
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.0.shared.get()
    }

    /// Connects two nodes in memory.
    #[must_use]
    pub fn connect(&self, a: &Node, b: &Node) -> Loopback {
        Loopback::connect(a, b)
    }

    /// Whether time is virtual here.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self.0.kind, Kind::Simulated(_))
    }

    /// A number from the world's seed; in a real world, from entropy.
    #[must_use]
    pub fn random(&self) -> u64 {
        match &self.0.kind {
            Kind::Real { .. } => crate::platform::entropy::seed(),
            Kind::Simulated(sim) => sim.random(),
        }
    }

    /// Waits in the world's time. In a simulated world that is no node's: it passes for the body
    /// whatever becomes of a node and of its clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0.kind {
            Kind::Real { .. } => {
                self.check_always();
                self.node().sleep(duration).await;
                self.check_always();
            }
            Kind::Simulated(sim) => {
                let at = sim.now().saturating_add(crate::time::nanos(duration));
                alarm::Alarm::new(Arc::clone(sim), at).await;
            }
        }
    }

    /// Wakes somebody when the world's time has come to this: what [`World::sleep`] is for whoever polls by
    /// hand, and knows when there is something to see. In a real world it is woken at once, and looks at the
    /// clock itself.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::task::{Wake, Waker};
    /// use std::time::Duration;
    /// use foundation_runtime::World;
    ///
    /// #[derive(Default)]
    /// struct Rung(AtomicBool);
    /// impl Wake for Rung {
    ///     fn wake(self: Arc<Self>) {
    ///         self.0.store(true, Ordering::Relaxed);
    ///     }
    /// }
    /// World::simulate(1, |world| async move {
    ///     let bell = Arc::<Rung>::default();
    ///     world.wake_at(Duration::from_secs(2), Waker::from(Arc::clone(&bell)));
    ///     world.sleep(Duration::from_millis(1_999)).await;
    ///     assert!(!bell.0.load(Ordering::Relaxed));
    ///     world.sleep(Duration::from_millis(2)).await;
    ///     assert!(bell.0.load(Ordering::Relaxed));
    /// }).unwrap();
    /// ```
    pub fn wake_at(&self, at: Duration, waker: Waker) {
        match &self.0.kind {
            Kind::Real { .. } => waker.wake(),
            Kind::Simulated(sim) => {
                let at = crate::time::nanos(at);
                sim.alarms(|alarms| alarms.ring(at, waker));
            }
        }
    }

    /// Waits until `condition` holds, at most `bound` of the world's time.
    ///
    /// # Panics
    /// When it does not hold in time.
    pub async fn eventually(&self, bound: Duration, mut condition: impl AsyncFnMut() -> bool) {
        let until = self.now() + bound;
        while !condition().await {
            assert!(
                self.now() < until,
                "the condition did not hold within {bound:?}"
            );
            self.sleep(Duration::from_millis(1)).await;
        }
    }

    /// The world's time: since it began; in a real world, since its first node did.
    #[must_use]
    pub fn now(&self) -> Duration {
        match &self.0.kind {
            Kind::Real { .. } => self.node().now(),
            Kind::Simulated(sim) => Duration::from_nanos(sim.now()),
        }
    }

    /// Waits until nothing more happens without time passing: in a simulated world no process can
    /// run, nothing is on its way and no timer is due. In a real world: until every process has
    /// been seen waiting with nothing unread, twice, a millisecond apart; who waits for a tokio
    /// timer or a socket counts as waiting. It does not itself let time pass in a simulated world.
    ///
    /// # Panics
    /// In a real world, when that does not happen within a minute.
    pub async fn settle(&self) {
        match &self.0.kind {
            Kind::Real { .. } => self.settle_real().await,
            Kind::Simulated(sim) => settle::Settle::new(Arc::clone(sim)).await,
        }
    }

    /// Lets so much time pass: when it returns, every timer that was due by then has fired and what
    /// that led to is done. Between them time stands still for nobody: a simulated world's clock
    /// jumps from timer to timer.
    ///
    /// ```
    /// use foundation_runtime::{Process, World};
    /// use std::time::Duration;
    /// World::simulate(1, |world| async move {
    ///     let begun = world.now();
    ///     world.advance(Duration::from_secs(60)).await;
    ///     assert_eq!(world.now(), begun + Duration::from_secs(60));
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    pub async fn advance(&self, duration: Duration) {
        self.settle().await;
        self.sleep(duration).await;
        self.settle().await;
    }

    /// Fails when something is left on one of the world's nodes: a process, a name, a timer that
    /// brings a message, a wait from outside. What goes within `bound` is not left.
    ///
    /// # Panics
    /// When something is left; each is named, with its ancestors.
    pub async fn check_leaks(&self, bound: Duration) {
        self.settle().await;
        for node in self.nodes() {
            let leaks = Survey::default().leaks(&node, bound).await;
            assert!(
                leaks.is_empty(),
                "left on node `{}` at the end of the test:{leaks}",
                node.name()
            );
        }
    }

    async fn settle_real(&self) {
        const PAUSE: Duration = Duration::from_millis(1);
        let node = self.node();
        let until = node.now() + Duration::from_secs(60);
        let mut quiet = 0;
        while quiet < 2 {
            let idle = self.nodes().iter().all(|node| node.core().is_idle());
            quiet = if idle { quiet + 1 } else { 0 };
            assert!(node.now() < until, "the processes do not come to rest");
            node.sleep(PAUSE).await;
        }
    }

    /// The nodes that were started after the first so many.
    fn nodes_after(&self, known: usize) -> Vec<Node> {
        let nodes = self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.get(known..).map_or(Vec::new(), <[Node]>::to_vec)
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        self.0
            .nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

struct Forget<'a>(&'a World);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget_nodes();
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("simulated", &self.is_simulated())
            .finish_non_exhaustive()
    }
}
