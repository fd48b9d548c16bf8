//! What can run next in a simulated world?
//!
//! Role       The run queue of all its nodes, and the seeded choice.
//! Invariant  Only the driver's thread adds to it; a wake from any other is an escape, and is
//!            noted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crate::platform::entropy::Rng;
use crate::scheduler::Priority;

pub(super) struct Sim {
    clock: Arc<AtomicU64>,
    home: ThreadId,
    body: AtomicBool,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    runnable: Vec<Entry>,
    escapes: Vec<(usize, u32)>,
}

#[derive(Clone, Copy)]
struct Entry {
    node: usize,
    slot: u32,
    priority: Priority,
}

/// What runs next.
pub(super) enum Choice {
    Process { node: usize, slot: u32 },
    Body,
    Nothing,
}

impl Sim {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let state = State {
            rng: Rng::new(seed),
            runnable: Vec::new(),
            escapes: Vec::new(),
        };
        Arc::new(Self {
            clock: Arc::new(AtomicU64::new(0)),
            home: thread::current().id(),
            body: AtomicBool::new(true),
            state: Mutex::new(state),
        })
    }

    pub(super) fn clock(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.clock)
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::Acquire)
    }

    pub(super) fn set_now(&self, now: u64) {
        let before = self.clock.swap(now, Ordering::AcqRel);
        assert!(before <= now, "virtual time ran backwards");
    }

    pub(super) fn random(&self) -> u64 {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rng
            .next_u64()
    }

    pub(super) fn wake_body(&self) {
        if thread::current().id() != self.home {
            self.note_escape(usize::MAX, 0);
        }
        self.body.store(true, Ordering::Release);
    }

    fn note_escape(&self, node: usize, slot: u32) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .escapes
            .push((node, slot));
    }

    /// Processes that were woken from outside the world, as (node, slot).
    pub(super) fn escapes(&self) -> Vec<(usize, u32)> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .escapes
            .clone()
    }

    /// Chooses among all that can run; and how many messages it may handle.
    pub(super) fn choose(&self) -> (Choice, u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { rng, runnable, .. } = &mut *state;
        let body = self.body.load(Ordering::Acquire);
        let budget = 1 + rng.below(8) as u32;
        let top = runnable.iter().map(|entry| entry.priority).max();
        let level = match top {
            None if body => {
                self.body.store(false, Ordering::Release);
                return (Choice::Body, budget);
            }
            None => return (Choice::Nothing, budget),
            // Low has every eighth turn while normal is busy.
            Some(Priority::Normal) if rng.below(8) == 0 => Priority::Low,
            Some(level) => level,
        };
        let mut of_level: Vec<usize> = (0..runnable.len())
            .filter(|at| runnable[*at].priority == level)
            .collect();
        if of_level.is_empty() {
            of_level = (0..runnable.len())
                .filter(|at| Some(runnable[*at].priority) == top)
                .collect();
        }
        let at = rng.below(of_level.len() + usize::from(body));
        match of_level.get(at) {
            Some(at) => {
                let entry = runnable.swap_remove(*at);
                (
                    Choice::Process {
                        node: entry.node,
                        slot: entry.slot,
                    },
                    budget,
                )
            }
            None => {
                self.body.store(false, Ordering::Release);
                (Choice::Body, budget)
            }
        }
    }
}

/// One node's door to the world's run queue.
pub(crate) struct SimScheduler {
    sim: Arc<Sim>,
    node: usize,
}

impl SimScheduler {
    pub(super) fn new(sim: Arc<Sim>, node: usize) -> Self {
        Self { sim, node }
    }

    pub(crate) fn enqueue(&self, slot: u32, priority: Priority) {
        if thread::current().id() != self.sim.home {
            self.sim.note_escape(self.node, slot);
        }
        let entry = Entry {
            node: self.node,
            slot,
            priority,
        };
        self.sim
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .runnable
            .push(entry);
    }
}
