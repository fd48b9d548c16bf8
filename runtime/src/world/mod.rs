//! A world of nodes: real threads and time, or one seeded thread and virtual time.
//!
//! Role       The same test body runs in both. In the simulated one the seed decides every choice,
//!            so a failure replays.
//! Invariant  Same seed, same program: same trace hash.

mod driver;
mod harness;
mod sim;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use driver::{SimError, SimReport};
pub use harness::{TestInput, TestOptions, TestOutput, test_real, test_simulated};
pub(crate) use sim::SimScheduler;

use crate::platform::clock::Clock;
use crate::scheduler::Scheduler;
use crate::{Loopback, Node};

/// Where the nodes of one test or simulation live.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    kind: Kind,
    nodes: Mutex<Vec<Node>>,
}

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
        let sim = sim::Sim::new(seed);
        let kind = Kind::Simulated(Arc::clone(&sim));
        let world = Self(Arc::new(Inner {
            kind,
            nodes: Mutex::default(),
        }));
        let result = driver::run(&sim, &world, body);
        world
            .0
            .nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        result
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
                let clock = Clock::Virtual(sim.clock());
                builder.simulated(index as u64, clock, Scheduler::Simulated(scheduler))
            }
        };
        nodes.push(node.clone());
        node
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

    /// Waits in the world's time.
    pub async fn sleep(&self, duration: Duration) {
        self.node().sleep(duration).await;
    }

    /// Waits until `condition` holds, at most `bound` of the world's time.
    ///
    /// # Panics
    /// When it does not hold in time.
    pub async fn eventually(&self, bound: Duration, mut condition: impl AsyncFnMut() -> bool) {
        let node = self.node();
        let until = node.now() + bound;
        while !condition().await {
            assert!(
                node.now() < until,
                "the condition did not hold within {bound:?}"
            );
            node.sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        self.0
            .nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("simulated", &self.is_simulated())
            .finish_non_exhaustive()
    }
}
