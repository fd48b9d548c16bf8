//! One worker thread: take, run, and sleep when there is nothing.
//!
//! Role       The loop of the real platform.
//! Invariant  What stands alone in a ring is what its worker takes next, and its data is in that
//!            worker's cache: others take it only when they were woken, which the timekeeper does
//!            when one handler holds that worker from one of its looks to the next.
//!            Urgent processes go first; the shared queue is looked at every `SHARED_EVERY` turns
//!            though the own ring is never empty, and when the timekeeper finds something there; low
//!            ones get about every eighth turn.

use std::sync::atomic::Ordering;

use super::real::{ASIDE, REPLACED, RealScheduler};
use super::{Running, Scheduler, slice};
use crate::Node;
use crate::platform::current::Enter;
use crate::platform::stacks::Answers;
use crate::platform::threads::thread_id;

/// A multiple of `LOW_EVERY`.
const SHARED_EVERY: u32 = 64;
const LOW_EVERY: u32 = 8;
/// How often a worker without work looks again before it sleeps, and how long it waits in between.
/// A look takes cache lines from those who work.
const LOOKS: u32 = 12;
const PAUSES: u32 = 16;

/// Runs worker `index` of the node until it is stopped or replaced.
pub(crate) fn run(node: Node, index: usize) {
    let core_node = node.clone();
    let core = core_node.core();
    let Scheduler::Real(real) = core.scheduler() else {
        return;
    };
    let worker = &real.workers[index];
    worker.stamp.thread.store(thread_id(), Ordering::Relaxed);
    let _answers = Answers::new(worker.stamp.capture.clone());
    let running = Running::new(node, index, worker.stamp.clone());
    worker.shift.begin(core.clock().now());
    let _tokio = core.tokio().map(tokio::runtime::Handle::enter);
    let _current = Enter::new(&running);
    let mut turn = 0_u32;
    // A spare is there for what waits behind the worker that it stands in for.
    let mut woken = true;
    while !real.stopping.load(Ordering::Relaxed) {
        turn = turn.wrapping_add(1);
        let found = next(real, index, turn).or_else(|| find(real, index, woken));
        woken = false;
        match found {
            Some(slot) => {
                slice(&running, slot);
                if worker.asked.load(Ordering::Relaxed) != 0 && is_over(&running, real, index) {
                    return leave(real, index);
                }
            }
            None => woken = rest(real, core, index),
        }
    }
    worker.manned.store(false, Ordering::SeqCst);
}

/// A worker whose handler came back after it was replaced gives its queue away and ends: its
/// thread has a low priority for life.
fn leave(real: &RealScheduler, index: usize) {
    let worker = &real.workers[index];
    while let Some(slot) = worker.ring.pop() {
        real.shared.normal.push(&[slot]);
    }
    real.wake_one();
    worker.asked.store(0, Ordering::SeqCst);
    worker.manned.store(false, Ordering::SeqCst);
}

/// Does what the timekeeper asks for: whether the worker was replaced. What the timekeeper has seen
/// in the shared queue would else wait there for `SHARED_EVERY` turns, each of which may be long.
#[cold]
fn is_over(running: &Running, real: &RealScheduler, index: usize) -> bool {
    let worker = &real.workers[index];
    let asked = worker.asked.fetch_and(!ASIDE, Ordering::SeqCst);
    if asked == ASIDE {
        let later = |batch: &[u32]| real.shared.normal.push(batch);
        let refill = |slot| worker.ring.push(slot, later);
        if let Some(slot) = real.shared.normal.pop_many(refill) {
            slice(running, slot);
        }
    }
    worker.asked.load(Ordering::SeqCst) & REPLACED != 0
}

#[inline]
fn next(real: &RealScheduler, index: usize, turn: u32) -> Option<u32> {
    if let Some(slot) = real.shared.pop_urgent() {
        return Some(slot);
    }
    if turn.is_multiple_of(LOW_EVERY)
        && let Some(slot) = aside(real, turn)
    {
        return Some(slot);
    }
    real.workers[index].ring.pop()
}

/// Looks beyond the own ring though it may not be empty.
#[cold]
fn aside(real: &RealScheduler, turn: u32) -> Option<u32> {
    let shared = &real.shared;
    if turn.is_multiple_of(SHARED_EVERY)
        && let Some(slot) = shared.normal.pop()
    {
        return Some(slot);
    }
    shared.low.pop()
}

/// Looks beyond the own ring; `all`: also for what its own worker would take next.
#[cold]
fn find(real: &RealScheduler, index: usize, all: bool) -> Option<u32> {
    let ring = &real.workers[index].ring;
    let refill = |slot| ring.push(slot, |batch| real.shared.normal.push(batch));
    if let Some(slot) = real.shared.normal.pop_many(refill) {
        return Some(slot);
    }
    let steal = |least: usize| {
        let (later, sooner) = (&real.workers[index + 1..], &real.workers[..index]);
        let mut rings = later.iter().chain(sooner).map(|worker| &worker.ring);
        rings.find_map(|victim| match victim.len() {
            waiting if waiting < least => None,
            _ => victim
                .steal(ring)
                .inspect(|_| real.workers[index].shift.stole()),
        })
    };
    steal(2)
        .or_else(|| if all { steal(1) } else { None })
        .or_else(|| real.shared.low.pop())
}

/// Sleeps until there may be work; `true` when it was woken.
fn rest(real: &RealScheduler, core: &crate::node::Core, index: usize) -> bool {
    for _ in 0..LOOKS {
        if real.has_work() {
            return false;
        }
        for _ in 0..PAUSES {
            std::hint::spin_loop();
        }
    }
    real.idle.announce(index);
    if real.has_work() || real.stopping.load(Ordering::SeqCst) {
        if real.idle.withdraw(index) {
            return false;
        }
    } else {
        real.workers[index].shift.fall_asleep(core.clock().now());
        real.workers[index].sleeper.sleep(None);
        real.idle.withdraw(index);
        real.workers[index].shift.wake_up(core.clock().now());
    }
    core.clock().refresh(true);
    true
}
