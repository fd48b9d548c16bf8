//! A world that lives in the time of another runtime.
//!
//! Role       Drives a world as one future of a tokio runtime: its clock is that runtime's, and what its
//!            processes wait for may come from there, a socket or a timer.
//! Limit      [`SHARE`] slices, then the runtime's other tasks have their turn.

#![allow(
    clippy::disallowed_methods,
    reason = "here tokio's clock is the world's, whether that one is real or simulated"
)]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::driver::{BodyWaker, Driver, Went, end_all};
use super::sim::Sim;
use super::{Delivery, Forget, SimError, SimReport, World};

/// How many slices run before others do.
const SHARE: usize = 1000;
/// No timer is set for later than this: it is looked at again then.
const LATER: Duration = Duration::from_secs(3600);

impl World {
    /// Runs `body` in a world whose time is that of the tokio runtime that polls this, and whose processes may
    /// wait for its sockets and timers. They run on its thread, when it has nothing else to do, and `seed` decides in what
    /// order. What happens in that runtime is not the seed's: on a simulated one, turmoil's or one whose clock is paused,
    /// a run replays, on a real one it does not.
    ///
    /// The incarnations of its nodes are counted from the seed: a world that takes the place of one that has ended takes a
    /// greater seed, that its nodes are known for newer ones.
    ///
    /// This is for a network that somebody else simulates. [`World::simulate`] is quicker, and all of it replays.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use std::time::Duration;
    /// let tokio = tokio::runtime::Builder::new_current_thread()
    ///     .enable_time()
    ///     .start_paused(true)
    ///     .build()?;
    /// let (slept, _) = tokio.block_on(World::hosted(7, |world| async move {
    ///     world.node().sleep(Duration::from_secs(3600)).await;
    ///     tokio::time::sleep(Duration::from_secs(60)).await;
    ///     world.now()
    /// }))?;
    /// assert!(slept >= Duration::from_secs(3660));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SimError`], but for `Deadlock`: that nothing can run does not mean that nothing will. A panic of the body goes
    /// on to the caller. When this is dropped, so are the world's processes.
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    pub async fn hosted<F, Fut>(seed: u64, body: F) -> Result<(Fut::Output, SimReport), SimError>
    where
        F: FnOnce(World) -> Fut,
        Fut: Future,
    {
        let sim = Sim::seeded(seed, Delivery::default());
        sim.count_from(seed);
        let world = Self::simulated(&sim);
        let _forget = Forget(&world);
        let mut hosted = Hosted::new(&sim, &world);
        let output = hosted.drive(body(world.clone())).await?;
        world.check_always();
        world.forget_conditions();
        sim.rest_no_more();
        let report = hosted.driver.report();
        let ended = hosted.drive(end_all(world.nodes())).await?;
        ended.map_err(|error| SimError::Unyielding(error.to_string()))?;
        hosted.is_over = true;
        Ok((output, report))
    }
}

struct Hosted<'a> {
    sim: &'a Arc<Sim>,
    driver: Driver<'a>,
    begun: Instant,
    timer: Pin<Box<Sleep>>,
    is_over: bool,
}

impl Drop for Hosted<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.driver.abandon();
        }
    }
}

impl<'a> Hosted<'a> {
    fn new(sim: &'a Arc<Sim>, world: &'a World) -> Self {
        let begun = Instant::now();
        Self {
            sim,
            driver: Driver::new(sim, world),
            begun,
            timer: Box::pin(sleep_until(begun + LATER)),
            is_over: false,
        }
    }

    /// What the runtime's clock says.
    fn now(&self) -> u64 {
        crate::time::nanos(self.begun.elapsed())
    }

    async fn drive<Fut: Future>(&mut self, future: Fut) -> Result<Fut::Output, SimError> {
        let mut future = pin!(future);
        let waker = BodyWaker::waker(self.sim);
        self.sim.wake_body();
        poll_fn(|cx| self.poll(future.as_mut(), &waker, cx)).await
    }

    fn poll<Fut: Future>(
        &mut self,
        mut body: Pin<&mut Fut>,
        waker: &Waker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Fut::Output, SimError>> {
        self.sim.bell.ring_at(cx.waker());
        for _ in 0..SHARE {
            let now = self.now();
            if self.sim.now() < now {
                self.driver.move_clock(now);
            }
            match self
                .driver
                .turn(body.as_mut(), &mut Context::from_waker(waker))?
            {
                Went::Done(output) => return Poll::Ready(Ok(output)),
                Went::On => {}
                Went::Nowhere => ready!(self.poll_rest(cx)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits until a timer goes off, or somebody rings.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.driver.rest() {
            None => Poll::Ready(()),
            Some(Some(next)) if next <= self.sim.now() => {
                self.driver.move_clock(self.sim.now());
                Poll::Ready(())
            }
            Some(Some(next)) => {
                let later = Instant::now() + LATER;
                let next = self.begun.checked_add(Duration::from_nanos(next));
                let next = next.unwrap_or(later).min(later);
                if self.timer.deadline() != next {
                    self.timer.as_mut().reset(next);
                }
                self.timer.as_mut().poll(cx)
            }
            // Somebody rings, or nothing ever happens.
            Some(None) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::{Codec, Message, Process, Tag};

    struct Nothing;

    impl Message for Nothing {
        const NAME: &'static str = "nothing";
        const CODEC: Codec<Self> = Codec::local();
        fn tag() -> Tag {
            Tag::of("tests", "hosted", "nothing")
        }
    }

    fn tokio(paused: bool) -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let built = builder.enable_all().start_paused(paused).build();
        built.expect("it starts")
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// Sleeps of processes, of the body and of tokio, all on one clock.
    async fn sleeps(world: World) -> Duration {
        let node = world.start("a");
        for at in 0..5u32 {
            let sleeper = async move |me: Process<Nothing>| {
                for _ in 0..10 {
                    me.node().sleep(SECOND / (at + 1)).await;
                    tokio::time::sleep(SECOND).await;
                }
            };
            node.spawn_fn(sleeper).expect("there is room");
        }
        let all = async || node.processes().is_empty();
        world.eventually(60 * SECOND, all).await;
        world.now()
    }

    #[test]
    fn a_world_goes_by_the_clock_of_its_host() {
        let run = |seed| {
            let run = tokio(true).block_on(World::hosted(seed, sleeps));
            let (time, report) = run.expect("it ends");
            (time, report.trace_hash)
        };
        assert_eq!(run(7), run(7));
        let (time, _) = run(7);
        assert!((20 * SECOND..21 * SECOND).contains(&time), "{time:?}");
    }

    /// Long after the last timer of the world a wait for the runtime's is one, and no turn after the other.
    #[test]
    fn who_has_no_timer_waits_for_its_host_alone() {
        let run = tokio(true).block_on(World::hosted(1, async |world: World| {
            world.sleep(2 * LATER).await;
            tokio::time::sleep(SECOND).await;
            world.now()
        }));
        let (now, report) = run.expect("it ends");
        assert!(
            (2 * LATER..2 * LATER + 2 * SECOND).contains(&now),
            "{now:?}"
        );
        assert!(report.steps < 100, "{report:?}");
    }

    #[test]
    fn other_tasks_of_its_host_run_beside_it() {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        tokio(true).block_on(async move {
            let ticks = async {
                loop {
                    tokio::time::sleep(SECOND).await;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            };
            tokio::select! {
                run = World::hosted(1, sleeps) => drop(run.expect("it ends")),
                () = ticks => {}
            }
        });
        assert!((19..22).contains(&count.load(Ordering::Relaxed)));
    }

    #[test]
    fn what_is_dropped_takes_its_processes_along() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        tokio(true).block_on(async move {
            let body = async move |world: World| {
                let sleeper = async move |me: Process<Nothing>| {
                    let _held = held;
                    me.node().sleep(3600 * SECOND).await;
                };
                world.node().spawn_fn(sleeper).expect("there is room");
                world.sleep(3600 * SECOND).await;
            };
            let hosted = World::hosted(1, body);
            assert!(tokio::time::timeout(SECOND, hosted).await.is_err());
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_panic_of_the_body_is_the_callers() {
        let panicked = std::panic::catch_unwind(|| {
            tokio(true).block_on(World::hosted(1, async |world: World| {
                world.sleep(SECOND).await;
                panic!("boom");
            }))
        });
        assert!(panicked.is_err());
    }
}
