//! How a test runs on both platforms.
//!
//! Role       What `#[foundation::test]` expands to: the body once in a real world, and under many
//!            seeds in a simulated one.
//! Outputs    A failure names the seed and the command that replays it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::time::Duration;

use super::{Delivery, Explore, Schedule, World};
use crate::Node;

/// The environment variable that picks one seed.
const SEED: &str = "FOUNDATION_SEED";
/// The one that picks a schedule of an explored test.
const SCHEDULE: &str = "FOUNDATION_SCHEDULE";
/// The one that says in which order what is sent arrives, in all simulated tests.
const DELIVERY: &str = "FOUNDATION_DELIVERY";
const REAL_BOUND: Duration = Duration::from_secs(300);
const SHUTDOWN_BOUND: Duration = Duration::from_secs(20);

/// How a test is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOptions {
    /// Under how many seeds the simulated run is repeated.
    pub seeds: u32,
    /// How many workers each real node has.
    pub workers: usize,
    /// Under how many schedules the explored run is repeated.
    pub explore: u32,
    /// In which order what is sent arrives in the simulated runs.
    pub delivery: Delivery,
    /// Whether the test fails when it leaves processes, names or timers behind.
    pub leak_check: bool,
    /// Whether the test fails by crashes that it did not expect.
    pub strict_crashes: bool,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            seeds: 50,
            workers: 2,
            explore: 300,
            delivery: Delivery::default(),
            leak_check: false,
            strict_crashes: false,
        }
    }
}

/// What a test body may ask for.
pub trait TestInput {
    /// The value in this world.
    fn from_world(world: &World) -> Self;
}

impl TestInput for World {
    fn from_world(world: &World) -> Self {
        world.clone()
    }
}

impl TestInput for Node {
    fn from_world(world: &World) -> Self {
        world.node()
    }
}

/// What a test body may return.
pub trait TestOutput {
    /// Panics when the test has failed.
    fn check(self);
}

impl TestOutput for () {
    fn check(self) {}
}

impl<E: std::fmt::Debug> TestOutput for Result<(), E> {
    #[track_caller]
    fn check(self) {
        if let Err(error) = self {
            panic!("the test returned an error: {error:?}");
        }
    }
}

type Body = Pin<Box<dyn Future<Output = ()>>>;

/// How long what a test has left may take to go by itself.
const LEAK_BOUND: Duration = Duration::from_secs(1);

/// The body, and what is done at the end of a test.
async fn whole(options: TestOptions, body: fn(World) -> Body, world: World) {
    let crashes = options.strict_crashes.then(|| world.capture_crashes());
    body(world.clone()).await;
    world.end().await;
    if options.leak_check {
        world.check_leaks(LEAK_BOUND).await;
    }
    if let Some(crashes) = crashes {
        let texts: Vec<String> = crashes.all().iter().map(ToString::to_string).collect();
        assert!(
            texts.is_empty(),
            "the test did not expect these crashes:\n{}",
            texts.join("\n")
        );
    }
}

/// Runs a test on real threads, bounded to five minutes.
///
/// # Panics
/// When the body panics, does not end, or leaves a process that does not end.
#[expect(
    clippy::disallowed_methods,
    reason = "the bound of a test on real threads"
)]
pub fn test_real(name: &str, options: TestOptions, body: fn(World) -> Body) {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("{name}: no tokio runtime: {error}"),
    };
    let world = World::real(options.workers);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            tokio::time::timeout(REAL_BOUND, whole(options, body, world.clone())).await
        })
    }));
    let left: Vec<_> = runtime.block_on(async {
        let mut left = Vec::new();
        for node in world.nodes() {
            left.extend(node.shutdown(SHUTDOWN_BOUND).await.err());
        }
        left
    });
    match outcome {
        Err(payload) => resume_unwind(payload),
        Ok(Err(_)) => panic!("{name} did not end within {REAL_BOUND:?}"),
        Ok(Ok(())) => assert!(left.is_empty(), "{name}: {}", left[0]),
    }
}

/// What a variable of the environment says, if it is set.
///
/// # Panics
/// When it says what it cannot.
fn picked<T: std::str::FromStr<Err: std::fmt::Display>>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => panic!("{variable}: {error}"),
    }
}

/// How cargo is asked for one test.
fn path(name: &str) -> &str {
    name.split_once("::").map_or(name, |(_, path)| path)
}

/// Runs a test in simulated worlds, one per seed.
///
/// # Panics
/// When a run fails; the seed and the command that replays it are printed.
pub fn test_simulated(name: &str, options: TestOptions, body: fn(World) -> Body) {
    let delivery = picked(DELIVERY).unwrap_or(options.delivery);
    let seeds = match picked::<u64>(SEED) {
        Some(seed) => seed..=seed,
        None => 0..=u64::from(options.seeds.max(1) - 1),
    };
    for seed in seeds {
        let run = || World::simulate_with(seed, delivery, |world| whole(options, body, world));
        let run = catch_unwind(AssertUnwindSafe(run));
        let replay = || {
            eprintln!(
                "\n{name} failed under seed {seed}. Replay it:\n  {SEED}={seed} cargo test {}\n",
                path(name)
            );
        };
        match run {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                replay();
                panic!("{name}, seed {seed}: {error}");
            }
            Err(payload) => {
                replay();
                resume_unwind(payload);
            }
        }
    }
}

/// Runs a test under many schedules.
///
/// # Panics
/// When it fails under one of them; the schedule, cut down to what the failure needs, what happens
/// under it, and the command that replays it are printed.
pub fn test_explored(name: &str, options: TestOptions, body: fn(World) -> Body) {
    let delivery = picked(DELIVERY).unwrap_or(options.delivery);
    let run = |world| whole(options, body, world);
    let outcome = match picked::<Schedule>(SCHEDULE) {
        Some(schedule) => World::replay(&schedule, delivery, run).map(|_| ()),
        None => {
            let explore = Explore {
                delivery,
                seed: picked(SEED).unwrap_or(0),
                ..Explore::runs(options.explore.max(1))
            };
            World::explore(&explore, run).map(|_| ())
        }
    };
    if let Err(failure) = outcome {
        panic!(
            "{name}: {failure}\n\nReplay it:\n  {SCHEDULE}='{}' cargo test {}\n",
            failure.schedule,
            path(name)
        );
    }
}
