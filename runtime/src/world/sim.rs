//! What can happen next in a simulated world?
//!
//! Role       The run queue of all its nodes, what is on its way between processes, and the choice
//!            among all of that: by a seed, or by a [`Plan`].
//! Invariant  Only the driver's thread adds to it; a wake from any other is an escape, and is
//!            noted. The program's random numbers are not those of the choices.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};

use super::alarm::Alarms;
use super::bell::{Bell, Quiet};
use super::driver::STEPS_MAX;
use super::due::Due;
use super::flight::{Delivery, Flights, Sender, To};
use super::plan::Plan;
use super::ready::{Entry, Ready};
use super::rest::Rest;
use super::schedule::Choice;
use crate::disk::Disks;
use crate::envelope::Envelope;
use crate::platform::current;
use crate::platform::entropy::Rng;
use crate::scheduler::Priority;
use crate::{Pid, heap};

/// How likely it is that something is on its way for a while: one of these, by the seed.
const HELD: [f64; 4] = [0.0, 0.05, 0.3, 1.0];
/// How many messages a process handles in one turn at most, when the seed chooses.
const SHARE_MAX: usize = 8;

pub(crate) struct Sim {
    clock: Arc<AtomicU64>,
    home: ThreadId,
    /// What is sent now arrives at once: the world itself sends it.
    direct: AtomicBool,
    /// Whether anything is among the escapes.
    has_escaped: AtomicBool,
    /// How many slices may run.
    steps_max: AtomicU64,
    disks: Disks,
    /// The incarnation of the first node.
    first: AtomicU64,
    /// Who drives it from within another runtime, and is told that something can run.
    pub(super) bell: Bell,
    state: Mutex<State>,
}

pub(super) struct State {
    /// The program's own random numbers.
    random: Rng,
    chooser: Chooser,
    /// Since when the body can run.
    body: Option<u64>,
    pub(super) ready: Ready,
    pub(super) rest: Rest,
    due: Due,
    pub(super) alarms: Alarms,
    /// Nodes that are halted, each whether its processes know.
    pub(super) halted: BTreeMap<usize, bool>,
    flights: Flights,
    escapes: Vec<(usize, u32)>,
    /// Who is dead, and in whose name what arrives there is answered.
    speaker: Option<Pid>,
    /// Who waits until nothing else can happen.
    idle: Vec<Arc<Quiet>>,
    counted: u64,
}

enum Chooser {
    Seed { rng: Rng, held: f64 },
    Plan(Plan),
}

/// What happens next.
pub(super) enum Event {
    /// A process runs, and may handle so many messages.
    Run {
        node: usize,
        slot: u32,
        share: u32,
    },
    Body,
    /// A node stops where it is.
    Halt(usize),
    Arrival {
        to: To,
        from: Option<Pid>,
        envelope: Envelope,
    },
    Nothing,
}

impl Sim {
    /// A world whose choices a seed makes.
    pub(super) fn seeded(seed: u64, delivery: Delivery) -> Arc<Self> {
        let mut rng = Rng::new(seed);
        let held = match delivery {
            Delivery::AtOnce => 0.0,
            _ => HELD[rng.below(HELD.len())],
        };
        Self::new(seed, delivery, Chooser::Seed { rng, held })
    }

    pub(super) fn steps_max(&self) -> u64 {
        self.steps_max.load(Ordering::Relaxed)
    }

    /// The incarnation of the node of this place in the world.
    pub(super) fn incarnation(&self, index: usize) -> u64 {
        self.first
            .load(Ordering::Relaxed)
            .wrapping_add(index as u64)
    }

    /// Nodes are counted from here on.
    pub(super) fn count_from(&self, first: u64) {
        self.first.store(first, Ordering::Relaxed);
    }

    pub(super) fn bound_steps(&self, most: u64) {
        self.steps_max.store(most, Ordering::Relaxed);
    }

    /// A world whose choices a plan makes.
    pub(super) fn planned(seed: u64, delivery: Delivery, plan: Plan) -> Arc<Self> {
        Self::new(seed, delivery, Chooser::Plan(plan))
    }

    fn new(seed: u64, delivery: Delivery, chooser: Chooser) -> Arc<Self> {
        // Not the numbers of the choices.
        let random = Rng::new(!seed);
        let state = State {
            random,
            chooser,
            body: Some(0),
            ready: Ready::default(),
            rest: Rest::default(),
            due: Due::default(),
            alarms: Alarms::default(),
            halted: BTreeMap::new(),
            flights: Flights::new(delivery),
            escapes: Vec::new(),
            speaker: None,
            idle: Vec::new(),
            counted: 0,
        };
        Arc::new(Self {
            clock: Arc::new(AtomicU64::new(0)),
            home: thread::current().id(),
            direct: AtomicBool::new(false),
            has_escaped: AtomicBool::new(false),
            steps_max: AtomicU64::new(STEPS_MAX),
            disks: Disks::default(),
            first: AtomicU64::new(0),
            bell: Bell::default(),
            state: Mutex::new(state),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn disks(&self) -> &Disks {
        &self.disks
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Acquire)
    }

    pub(super) fn set_now(&self, now: u64) {
        let before = self.clock.swap(now, Ordering::AcqRel);
        assert!(before <= now, "virtual time ran backwards");
    }

    pub(crate) fn random(&self) -> u64 {
        self.state().random.next_u64()
    }

    pub(super) fn wake_body(&self) {
        if thread::current().id() != self.home {
            self.note_escape(usize::MAX, 0);
        }
        let mut state = self.state();
        let since = state.count();
        state.body.get_or_insert(since);
        drop(state);
        self.bell.ring();
    }

    fn note_escape(&self, node: usize, slot: u32) {
        self.state().escapes.push((node, slot));
        // Pairs with the acquire in `escapes`.
        self.has_escaped.store(true, Ordering::Release);
    }

    /// Processes that were woken from outside the world, as (node, slot).
    pub(super) fn escapes(&self) -> Vec<(usize, u32)> {
        match self.has_escaped.load(Ordering::Acquire) {
            true => self.state().escapes.clone(),
            false => Vec::new(),
        }
    }

    /// Who waits in the world's time.
    pub(super) fn alarms<T>(&self, look: impl FnOnce(&mut Alarms) -> T) -> T {
        heap::of_the_node(|| look(&mut self.state().alarms))
    }

    /// What is known of the timers of all nodes.
    pub(super) fn due<T>(&self, look: impl FnOnce(&mut Due) -> T) -> T {
        look(&mut self.state().due)
    }

    /// Lets `f` send things that arrive at once.
    pub(super) fn directly<T>(&self, f: impl FnOnce() -> T) -> T {
        self.direct.store(true, Ordering::Release);
        let value = f();
        self.direct.store(false, Ordering::Release);
        value
    }

    /// Lets `f` bring something to a process. What is answered in its name, if it is dead, comes
    /// after what it sent while it lived.
    pub(super) fn in_the_name_of(&self, pid: Pid, f: impl FnOnce()) {
        self.state().speaker = Some(pid);
        f();
        self.state().speaker = None;
    }

    /// Wakes `waker` once nothing else can happen without time passing.
    pub(super) fn when_idle(&self, waker: &Waker) -> Arc<Quiet> {
        let quiet = Quiet::new(waker);
        self.state().idle.push(Arc::clone(&quiet));
        quiet
    }

    /// Nothing else can happen: tells who waits for that, if anybody does.
    pub(super) fn tell_idle(&self) -> bool {
        let waiting = std::mem::take(&mut self.state().idle);
        for quiet in &waiting {
            quiet.reach();
        }
        !waiting.is_empty()
    }

    /// What happens next. What runs or arrives is taken out.
    pub(super) fn next(&self) -> Event {
        self.state().next()
    }

    /// What was noted of the choices, when a plan made them.
    pub(super) fn take_plan(&self) -> Option<Plan> {
        let nobody = Chooser::Seed {
            rng: Rng::new(0),
            held: 0.0,
        };
        match std::mem::replace(&mut self.state().chooser, nobody) {
            Chooser::Plan(plan) => Some(plan),
            Chooser::Seed { .. } => None,
        }
    }

    /// How many deviations from the ordinary order there were, when a plan makes the choices.
    pub(super) fn deviations(&self) -> usize {
        match &self.state().chooser {
            Chooser::Plan(plan) => plan.deviations.len(),
            Chooser::Seed { .. } => 0,
        }
    }
}

impl State {
    fn can_run(&mut self, priority: Priority, entry: Entry) {
        match self.rest.is_resting(entry.node) {
            true => self.rest.keep(priority, entry),
            false => self.ready.push(priority, entry),
        }
    }

    fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    fn next(&mut self) -> Event {
        let news = self.halted.iter_mut().find(|(_, is_known)| !**is_known);
        if let Some((node, is_known)) = news {
            *is_known = true;
            return Event::Halt(*node);
        }
        match &self.chooser {
            Chooser::Seed { .. } => self.next_by_seed(),
            Chooser::Plan(_) => self.next_by_plan(),
        }
    }

    fn next_by_seed(&mut self) -> Event {
        let top = self.ready.top();
        let (body, targets) = (self.body.is_some(), self.flights.targets());
        let Chooser::Seed { rng, .. } = &mut self.chooser else {
            unreachable!("the seed chooses");
        };
        let share = 1 + rng.below(SHARE_MAX) as u32;
        // Low has every eighth turn while normal is busy.
        let low = top == Some(Priority::Normal) && rng.below(8) == 0;
        let is_low = low && !self.ready.level(Priority::Low).is_empty();
        let level = if is_low { Some(Priority::Low) } else { top };
        let ready = level.map_or(0, |level| self.ready.level(level).len());
        let all = ready + usize::from(body) + targets;
        if all == 0 {
            return Event::Nothing;
        }
        let at = rng.below(all);
        if let Some(level) = level.filter(|_| at < ready) {
            let Entry { node, slot, .. } = self.ready.take_nth(level, at);
            return Event::Run { node, slot, share };
        }
        let at = at - ready;
        let Some(to) = self.flights.target(at).filter(|_| at < targets) else {
            self.body = None;
            return Event::Body;
        };
        let nth = match self.flights.choices(to) {
            1 => 0,
            choices => rng.below(choices),
        };
        self.arrival(to, nth)
    }

    fn arrival(&mut self, to: To, nth: usize) -> Event {
        match self.flights.take(to, nth) {
            Some((from, envelope)) => Event::Arrival {
                to,
                from: from.process(),
                envelope,
            },
            None => unreachable!("it was on its way"),
        }
    }

    fn next_by_plan(&mut self) -> Event {
        let mut ready = Vec::new();
        let mut targets = Vec::new();
        for (to, firsts) in self.flights.oldest_first() {
            for nth in 0..firsts {
                let (node, slot) = (to.0, to.1.slot());
                ready.push(Choice::Arrival { node, slot, nth });
                targets.push((to, nth));
            }
        }
        let entries = self.ready.oldest_first().into_iter();
        let processes = entries.map(|Entry { node, slot, .. }| Choice::Process { node, slot });
        ready.extend(processes);
        ready.extend(self.body.map(|_| Choice::Body));
        if ready.is_empty() {
            return Event::Nothing;
        }
        let Chooser::Plan(plan) = &mut self.chooser else {
            unreachable!("a plan chooses");
        };
        match plan.pick(&ready) {
            Choice::Body => {
                self.body = None;
                Event::Body
            }
            Choice::Process { node, slot } => {
                let taken = self.ready.take(node, slot);
                assert!(taken.is_some(), "it was ready a moment ago");
                let share = 1;
                Event::Run { node, slot, share }
            }
            arrival @ Choice::Arrival { .. } => {
                let at = ready.iter().position(|choice| *choice == arrival);
                let (to, nth) = targets[at.expect("it was ready a moment ago")];
                self.arrival(to, nth)
            }
        }
    }

    /// Whether what is sent to `to` now is to be on its way for a while.
    fn holds(&mut self, to: To) -> bool {
        if self.flights.delivery() == Delivery::AtOnce {
            return false;
        }
        match &mut self.chooser {
            Chooser::Plan(_) => true,
            Chooser::Seed { held: 0.0, .. } => false,
            // What comes after something that is on its way does not overtake it.
            Chooser::Seed { rng, held } => self.flights.has(to) || rng.chance(*held),
        }
    }
}

/// One node's door to the world's run queue.
pub(crate) struct SimScheduler {
    sim: Arc<Sim>,
    node: usize,
    polls: AtomicU64,
}

impl SimScheduler {
    pub(super) fn new(sim: Arc<Sim>, node: usize) -> Self {
        let polls = AtomicU64::new(0);
        Self { sim, node, polls }
    }

    /// Its world.
    pub(crate) fn world(&self) -> &Arc<Sim> {
        &self.sim
    }

    /// The next of the program's random numbers.
    pub(crate) fn random(&self) -> u64 {
        self.sim.random()
    }

    /// The next of them, as bytes.
    pub(crate) fn random_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.sim.random().to_le_bytes());
        }
        bytes
    }

    /// How often it ran a process.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Notes that it runs one.
    pub(crate) fn count_poll(&self) {
        self.polls.fetch_add(1, Ordering::Relaxed);
    }

    /// How many processes of this node wait to run.
    pub(crate) fn waiting(&self) -> usize {
        let state = self.sim.state();
        state.ready.of_node(self.node) + state.rest.of_node(self.node)
    }

    pub(crate) fn enqueue(&self, slot: u32, priority: Priority) {
        if thread::current().id() != self.sim.home {
            self.sim.note_escape(self.node, slot);
        }
        let mut state = self.sim.state();
        let since = state.count();
        let entry = Entry {
            node: self.node,
            slot,
            since,
        };
        heap::of_the_node(|| state.can_run(priority, entry));
        drop(state);
        self.sim.bell.ring();
    }

    /// A timer of this node was armed that is earlier than those before.
    pub(crate) fn sooner(&self, at: u64) {
        heap::of_the_node(|| self.sim.due(|due| due.sooner(self.node, at)));
    }

    /// Keeps what is sent to a process on its way for a while; or gives it back, to be put into the
    /// inbox after all that was on its way there.
    pub(crate) fn hold(&self, pid: Pid, envelope: Envelope) -> Option<(Vec<Envelope>, Envelope)> {
        let to = (self.node, pid);
        let by = current::pid();
        // What a process sends to itself it finds at once.
        let own = by == Some(pid);
        let mut state = self.sim.state();
        if own || self.sim.direct.load(Ordering::Acquire) || !state.holds(to) {
            return Some((state.flights.take_all(to), envelope));
        }
        let at = state.count();
        let away = current::process().and_then(|running| running.brings.get());
        let from = Sender::of(&envelope, by.or(state.speaker), away);
        heap::of_the_node(|| state.flights.send(at, from, to, envelope));
        None
    }
}
