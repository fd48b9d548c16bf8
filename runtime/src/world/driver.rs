//! The loop that a simulated world runs in.
//!
//! Role       Runs the body and the processes it starts, one slice at a time, lets what was sent
//!            arrive, and moves the clock when nothing else can happen.
//! Limit      `STEPS_MAX` slices and `TIME_MAX` of virtual time: beyond, the run is stopped. Time
//!            stands while anybody can run, for `STILL_MAX` slices at most.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::World;
use super::sim::{Event, Sim};
use super::trace::Trace;
use crate::platform::current::Enter;
use crate::process;
use crate::scheduler::{Running, Scheduler, Stamp, slice};
use crate::{Node, Reason, ShutdownError};

/// Unless [`World::bound_steps`] says otherwise.
pub(super) const STEPS_MAX: u64 = 50_000_000;
/// After so many slices in a row without a moment of rest the clock moves on all the same, by
/// [`TURN`] nanoseconds for each: fewer are taken for simultaneous.
const STILL_MAX: u64 = 100_000;
const TURN: u64 = 1000;
const TIME_MAX: Duration = Duration::from_secs(100 * 365 * 86_400);
const SHUTDOWN_BOUND: Duration = Duration::from_secs(3600);
/// How many slices the processes of a run that failed have to end.
const ABANDON_MAX: u32 = 1_000_000;

/// What a simulated run was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimReport {
    /// The seed it ran under.
    pub seed_hash: u64,
    /// A fingerprint of everything that ran, in order: equal for equal runs.
    pub trace_hash: u64,
    /// How many slices ran.
    pub steps: u64,
    /// How much virtual time passed.
    pub time: Duration,
}

/// Why a simulated run could not be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimError {
    /// Nothing could run any more, and no timer was left: the body and these processes waited.
    Deadlock(Vec<String>),
    /// It did not end within the bound on steps or virtual time.
    Endless {
        /// Slices that ran.
        steps: u64,
        /// Virtual time that passed.
        time: Duration,
    },
    /// These were woken from outside the world: by a tokio timer or socket, or another thread.
    Escaped(Vec<String>),
    /// These processes did not end when their node was shut down.
    Unyielding(String),
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadlock(waiting) => write!(
                f,
                "nothing can run any more and no timer is left; these wait: {}. (A wait on a tokio \
                 timer, a socket or another thread looks like this: use `foundation::time`.)",
                waiting.join(", ")
            ),
            Self::Endless { steps, time } => {
                write!(
                    f,
                    "the run did not end: {steps} slices, {time:?} of virtual time"
                )
            }
            Self::Escaped(who) => write!(
                f,
                "woken from outside the simulated world: {}. Timers, sockets and threads of the \
                 real world cannot be replayed: use `foundation::time`",
                who.join(", ")
            ),
            Self::Unyielding(who) => write!(f, "{who}"),
        }
    }
}

impl std::error::Error for SimError {}

pub(super) struct BodyWaker(Arc<Sim>);

impl BodyWaker {
    pub(super) fn waker(sim: &Arc<Sim>) -> Waker {
        Waker::from(Arc::new(Self(Arc::clone(sim))))
    }
}

impl Wake for BodyWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake_body();
    }
}

/// Ends a process of a node that was halted: nothing of its code runs but destructors.
fn cut_off(running: &Running, slot: u32) {
    let block = running.core().table().block(slot);
    running.begin(block, slot);
    process::fetch(running);
    process::bury(running, Reason::Killed);
    running.end();
}

/// What became of one turn.
pub(super) enum Went<T> {
    /// The body is done.
    Done(T),
    /// Something happened.
    On,
    /// Nothing can happen before time passes.
    Nowhere,
}

pub(super) struct Driver<'a> {
    sim: &'a Arc<Sim>,
    world: &'a World,
    nodes: Vec<Running>,
    steps: u64,
    /// How many there were when the clock moved last.
    still: u64,
    hash: u64,
    trace: Option<&'a mut Trace>,
}

/// Runs `body` in `world`, and then ends its nodes. `trace` is told of everything that happens in
/// the body's time.
pub(super) fn run<F, Fut>(
    sim: &Arc<Sim>,
    world: &World,
    trace: Option<&mut Trace>,
    body: F,
) -> Result<(Fut::Output, SimReport), SimError>
where
    F: FnOnce(World) -> Fut,
    Fut: Future,
{
    let mut driver = Driver::new(sim, world);
    driver.trace = trace;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let output = driver.drive(body(world.clone()))?;
        world.check_always();
        Ok::<_, SimError>(output)
    }));
    driver.trace = None;
    // Nodes that end break what held while they ran.
    world.forget_conditions();
    let output = match outcome {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            driver.abandon();
            return Err(error);
        }
        Err(payload) => {
            driver.abandon();
            resume_unwind(payload);
        }
    };
    sim.rest_no_more();
    let report = driver.report();
    let ended = driver.drive(end_all(world.nodes()))?;
    ended.map_err(|error| SimError::Unyielding(error.to_string()))?;
    Ok((output, report))
}

/// Shuts all nodes down at the same time: what goes on until its node ends does not go on for longer the
/// more nodes there are.
pub(super) async fn end_all(nodes: Vec<Node>) -> Result<(), ShutdownError> {
    let mut ending: Vec<_> = nodes
        .iter()
        .map(|node| Box::pin(node.shutdown(SHUTDOWN_BOUND)))
        .collect();
    let mut outcome = Ok(());
    poll_fn(|cx| {
        ending.retain_mut(|ending| match ending.as_mut().poll(cx) {
            Poll::Ready(ended) => {
                outcome = mem::replace(&mut outcome, Ok(())).and(ended);
                false
            }
            Poll::Pending => true,
        });
        match ending.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    outcome
}

impl<'a> Driver<'a> {
    pub(super) fn new(sim: &'a Arc<Sim>, world: &'a World) -> Self {
        Self {
            sim,
            world,
            nodes: Vec::new(),
            steps: 0,
            still: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            trace: None,
        }
    }

    /// What it was like so far.
    pub(super) fn report(&self) -> SimReport {
        SimReport {
            seed_hash: self.sim.random(),
            trace_hash: self.hash,
            steps: self.steps,
            time: Duration::from_nanos(self.sim.now()),
        }
    }

    /// Runs everything until the future is done.
    fn drive<Fut: Future>(&mut self, future: Fut) -> Result<Fut::Output, SimError> {
        let mut future = pin!(future);
        let waker = BodyWaker::waker(self.sim);
        let mut cx = Context::from_waker(&waker);
        self.sim.wake_body();
        loop {
            match self.turn(future.as_mut(), &mut cx)? {
                Went::Done(output) => return Ok(output),
                Went::On => {}
                Went::Nowhere => {
                    self.advance()?;
                    self.check()?;
                }
            }
        }
    }

    /// One thing that can happen now does.
    pub(super) fn turn<Fut: Future>(
        &mut self,
        body: Pin<&mut Fut>,
        cx: &mut Context<'_>,
    ) -> Result<Went<Fut::Output>, SimError> {
        match self.sim.next() {
            Event::Body => {
                self.note(u64::MAX);
                if let Some(trace) = &mut self.trace {
                    trace.body(self.sim.deviations());
                }
                if let Poll::Ready(output) = body.poll(cx) {
                    return Ok(Went::Done(output));
                }
            }
            Event::Nothing => return Ok(Went::Nowhere),
            event => self.happen(event),
        }
        if self.steps >= self.still + STILL_MAX {
            self.elapse();
        }
        self.check()?;
        Ok(Went::On)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Run { node, slot, share } => self.run_process(node, slot, share),
            Event::Arrival { to, from, envelope } => {
                self.meet_nodes();
                let core = self.nodes[to.0].core();
                if let Some(trace) = &mut self.trace {
                    trace.arrival(core, to.1, from, &envelope, self.sim.deviations());
                }
                let arrive = || core.arrive(to.1, envelope);
                self.sim.in_the_name_of(to.1, arrive);
            }
            Event::Halt(node) => self.halt(node),
            Event::Body | Event::Nothing => {}
        }
    }

    /// Nodes that were started since the last time are known from now on.
    fn meet_nodes(&mut self) {
        for node in self.world.nodes_after(self.nodes.len()) {
            let stamp = Arc::new(Stamp::default());
            self.nodes
                .push(Running::new(node.fork(), usize::MAX, stamp));
        }
    }

    fn run_process(&mut self, node: usize, slot: u32, share: u32) {
        self.meet_nodes();
        self.note((node as u64) << 32 | u64::from(slot));
        let running = &self.nodes[node];
        running.set_share(share);
        if let Scheduler::Simulated(scheduler) = running.core().scheduler() {
            scheduler.count_poll();
        }
        let begun = self.trace.as_ref().map(|_| Trace::begin(running, slot));
        {
            let _current = Enter::new(running);
            match self.sim.is_halted(node) {
                true => cut_off(running, slot),
                false => slice(running, slot),
            }
        }
        self.sim.had_a_turn(node);
        if let (Some(trace), Some(begun)) = (&mut self.trace, begun) {
            trace.ran(running, begun, self.sim.deviations());
        }
    }

    /// Nothing can happen now: fires what is due, tells who waits for just that, or else moves the
    /// clock to the next timer.
    fn advance(&mut self) -> Result<(), SimError> {
        let now = self.sim.now();
        match self.rest() {
            Some(Some(next)) => self.move_clock(next.max(now)),
            Some(None) => return Err(SimError::Deadlock(self.waiting())),
            None => {}
        }
        Ok(())
    }

    /// Nothing can happen now: when the next timer goes off, if there is one; `None` when somebody waited for
    /// just that, and was told.
    pub(super) fn rest(&mut self) -> Option<Option<u64>> {
        self.meet_nodes();
        self.world.check_always();
        let (next, now) = (self.next_deadline(), self.sim.now());
        let is_told = next.is_none_or(|next| now < next) && self.sim.tell_idle();
        (!is_told).then_some(next)
    }

    /// Somebody is always ready to run: as for real, that takes time, and timers go off meanwhile.
    fn elapse(&mut self) {
        let turns = self.steps - self.still;
        self.move_clock(self.sim.now() + turns * TURN);
    }

    pub(super) fn move_clock(&mut self, now: u64) {
        self.still = self.steps;
        self.sim.set_now(now);
        self.meet_nodes();
        self.sim.wake(now);
        let mut due = Vec::new();
        for at in self.sim.due(|due| due.at(now)) {
            let timers = self.nodes[at].core().timers();
            // What is armed meanwhile is later than `now`.
            timers.plan(u64::MAX);
            self.sim.due(|due| due.set(at, None));
            timers.advance(self.nodes[at].core().clock().now(), &mut due);
            for (_, action) in due.drain(..) {
                self.sim.directly(|| self.nodes[at].core().fire(action));
            }
            self.look_at_timers(at);
        }
    }

    /// When anything may happen next.
    fn next_deadline(&self) -> Option<u64> {
        let others = self.sim.next_wake();
        others.into_iter().chain(self.next_timer()).min()
    }

    /// When the next timer of any node may go off.
    fn next_timer(&self) -> Option<u64> {
        loop {
            let (kept, node) = self.sim.due(|due| due.first())?;
            // It may be of a timer that was cancelled, or by a clock that goes otherwise now.
            if self.look_at_timers(node) == Some(kept) {
                return Some(kept);
            }
        }
    }

    /// A node stops where it is: nothing of it runs any more, and what it holds is dropped.
    fn halt(&mut self, node: usize) {
        self.meet_nodes();
        let node = &self.nodes[node].node;
        let core = node.core();
        core.close_to_all();
        core.disconnect_all();
        core.timers().clear(core.clock().now());
        for pid in node.processes() {
            core.wake_process(pid);
        }
    }

    /// Asks a node when it wants to be woken, and keeps that.
    fn look_at_timers(&self, node: usize) -> Option<u64> {
        let timers = self.nodes[node].core().timers();
        let next = timers.next_deadline();
        timers.plan(next.unwrap_or(u64::MAX));
        let next = next.map(|next| self.nodes[node].core().in_world(next));
        self.sim.due(|due| due.set(node, next));
        next
    }

    fn check(&self) -> Result<(), SimError> {
        let escapes = self.sim.escapes();
        if !escapes.is_empty() {
            let name = |&(node, slot): &(usize, u32)| self.name(node, slot);
            return Err(SimError::Escaped(escapes.iter().map(name).collect()));
        }
        let time = Duration::from_nanos(self.sim.now());
        if self.steps > self.sim.steps_max() || time > TIME_MAX {
            return Err(SimError::Endless {
                steps: self.steps,
                time,
            });
        }
        Ok(())
    }

    /// Folds what runs next, and when, into the fingerprint.
    fn note(&mut self, what: u64) {
        self.steps += 1;
        for word in [what, self.sim.now()] {
            self.hash = (self.hash ^ word)
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(23);
        }
    }

    fn name(&self, node: usize, slot: u32) -> String {
        let Some(running) = self.nodes.get(node) else {
            return "the test's body".into();
        };
        crate::process::name_of(running.core(), slot)
    }

    fn waiting(&self) -> Vec<String> {
        const SHOWN: usize = 20;
        let mut names = vec!["the test's body".to_owned()];
        for node in self.world.nodes() {
            for pid in node.processes().into_iter().take(SHOWN) {
                names.push(crate::process::name_of(node.core(), pid.slot()));
            }
        }
        names
    }

    /// Kills everything that is left of a run that failed, so that its memory is given back.
    pub(super) fn abandon(&mut self) {
        self.sim.rest_no_more();
        for node in self.world.nodes() {
            node.core().timers().clear(node.core().clock().now());
            for pid in node.processes() {
                node.exit(pid, Reason::Kill);
            }
        }
        for _ in 0..ABANDON_MAX {
            match self.sim.next() {
                Event::Nothing => return,
                event => self.happen(event),
            }
        }
    }
}
