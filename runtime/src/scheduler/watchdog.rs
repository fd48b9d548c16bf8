//! The timekeeper: fires timers, and notices handlers that hold a worker.
//!
//! Role       One thread per node. While anybody runs it looks every millisecond; else it sleeps
//!            until the next timer.
//! Outputs    A report while a handler is still stuck, and a spare worker in its stead.

use std::collections::HashMap;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use super::Scheduler;
use super::real::{ASIDE, REPLACED, RealScheduler};
use super::stuck::{Said, Stuck, WATCHDOG};
use crate::node::Core;
use crate::platform::threads::{Account, account, demote};
use crate::process::parent_of;
use crate::report::quietly;
use crate::{Node, Pid, Stack};

const TICK: Duration = Duration::from_millis(1);
/// How long a stuck thread has to write down its stack: one that the system does not let run does not
/// answer.
const STACK_WAIT: Duration = Duration::from_millis(5);
/// How long the timekeeper goes on looking after the last activity.
const REST_AFTER_TICKS: u32 = 20;

/// What the watchdog remembers of one worker.
struct Watched {
    polls: u64,
    /// Something stood in the worker's ring.
    waits: bool,
    /// When this poll was asked to end, and what the system had let the thread do by then.
    asked: Option<(u64, Account)>,
    reported: u64,
    pid: Option<Pid>,
}

/// Runs the timekeeper of a node until it is stopped.
pub(crate) fn run(node: &Node) {
    let core = node.core();
    let Scheduler::Real(real) = core.scheduler() else {
        return;
    };
    let mut watched: HashMap<usize, Watched> = HashMap::new();
    let mut due = Vec::new();
    let mut quiet = 0;
    while !real.stopping.load(Ordering::SeqCst) {
        let busy = real.is_busy();
        quiet = if busy { 0 } else { quiet + 1 };
        let now = core.clock().refresh(!busy);
        let firing = core.timers().firing();
        core.timers().advance(now, &mut due);
        for (_, action) in due.drain(..) {
            // It may wake code of the program.
            quietly(|| core.fire(action));
        }
        drop(firing);
        if !real.shared.normal.is_empty() {
            for worker in &real.workers {
                worker.asked.fetch_or(ASIDE, Ordering::Relaxed);
            }
        }
        help(real, &watched);
        watch(node, real, now, &mut watched);
        sleep(core, real, quiet >= REST_AFTER_TICKS);
    }
}

fn sleep(core: &Core, real: &RealScheduler, rest: bool) {
    let now = core.clock().now();
    let tick = now + TICK.as_nanos() as u64;
    real.resting.store(rest, Ordering::SeqCst);
    // Pairs with the look at `resting` of whoever wakes a worker: one of the two sees the other.
    fence(Ordering::SeqCst);
    if rest && real.is_busy() {
        real.resting.store(false, Ordering::SeqCst);
    } else if rest {
        // Whoever arms a timer from here on sees this plan, or we see the timer.
        core.timers().plan(0);
        let next = core.timers().next_deadline();
        core.timers().plan(next.unwrap_or(u64::MAX));
        let late = core.timers().next_deadline();
        let until = late.map(|at| Duration::from_nanos(at.saturating_sub(now)));
        real.timekeeper.sleep(until);
        real.resting.store(false, Ordering::SeqCst);
        return;
    }
    core.timers().plan(tick);
    let until = core
        .timers()
        .next_deadline()
        .map_or(tick, |at| at.min(tick));
    real.timekeeper.sleep(Some(Duration::from_nanos(
        until.saturating_sub(now).max(50_000),
    )));
}

/// A worker whose queue waits behind a long handler is helped by a sleeping one; so is one that the
/// system keeps from running, and one in whose ring something stood at the look before, too. `watched` is of the look before.
fn help(real: &RealScheduler, watched: &HashMap<usize, Watched>) {
    let waits_behind = || {
        let mut workers = real.workers.iter().enumerate();
        workers.any(|(index, worker)| {
            let polls = worker.stamp.polls.load(Ordering::Relaxed);
            let known = watched.get(&index);
            let held = known.is_some_and(|known| known.polls == polls || known.waits);
            held && worker.ring.len() > 0
        })
    };
    if real.idle.count() > 0 && (real.has_work() || waits_behind()) {
        real.wake_one();
    }
}

impl Watched {
    fn new(polls: u64) -> Self {
        Self {
            polls,
            waits: false,
            asked: None,
            reported: 0,
            pid: None,
        }
    }
}

fn watch(node: &Node, real: &RealScheduler, now: u64, watched: &mut HashMap<usize, Watched>) {
    let after = real.watch_after.as_nanos() as u64;
    for (index, worker) in real.workers.iter().enumerate() {
        let polls = worker.stamp.polls.load(Ordering::Acquire);
        let process = worker.stamp.process.load(Ordering::Relaxed);
        let known = watched.entry(index).or_insert_with(|| Watched::new(!polls));
        let waits = worker.ring.len() > 0;
        known.waits = waits;
        if known.polls != polls || process == 0 {
            if let Some(pid) = known.pid {
                real.stuck.returned(pid);
                real.reporter.say(core_name(node), Said::Back(pid));
            }
            *known = Watched {
                waits,
                ..Watched::new(polls)
            };
            continue;
        }
        let thread = worker.stamp.thread.load(Ordering::Relaxed);
        let Some((since, before)) = known.asked else {
            // The same poll as at the last look: others have waited long enough. If it is many
            // short handlers, it ends now; if it is one long one, that is found from here on.
            worker.stamp.overdue.store(true, Ordering::Relaxed);
            known.asked = Some((now, account(thread)));
            continue;
        };
        if now - since < after {
            continue;
        }
        // What the system took from it is not the handler's.
        let wall = Duration::from_nanos(now - since);
        let held = account(thread).held_since(&before, wall).as_nanos() as u64;
        if held < after || held < known.reported.saturating_mul(4) {
            continue;
        }
        let Some(mut stuck) = describe(node, real, index, polls, Duration::from_nanos(held)) else {
            continue;
        };
        if real.stacks {
            let stack = worker.stamp.capture.of_thread(thread, STACK_WAIT);
            // Of this very poll, or of nobody.
            let same = worker.stamp.polls.load(Ordering::Acquire) == polls;
            stuck.stack = Stack::seen(stack).filter(|_| same);
        }
        known.pid = Some(stuck.pid);
        if known.reported == 0 {
            replace(node, real, index);
        }
        known.reported = held;
        real.stuck.note(&stuck);
        real.reporter.say(core_name(node), Said::Stuck(stuck));
    }
}

fn core_name(node: &Node) -> &str {
    node.core().name()
}

fn describe(
    node: &Node,
    real: &RealScheduler,
    index: usize,
    polls: u64,
    held: Duration,
) -> Option<Stuck> {
    let stamp = &real.workers[index].stamp;
    let process = stamp.process.load(Ordering::Relaxed);
    let message = stamp.message.load(Ordering::Acquire);
    let code = stamp.code.load(Ordering::Relaxed);
    let length = stamp.code_len.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    if stamp.polls.load(Ordering::Relaxed) != polls || code.is_null() {
        return None;
    }
    // SAFETY: written before `polls` rose to this value, which it still has: pointer and length
    // are of one `&'static str`.
    let code = unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(code, length)) };
    // SAFETY: null or a `&'static Table`.
    let message = unsafe { message.as_ref() }.map(|table| table.name);
    let pid = parent_of(node.id(), process)?;
    let name = node.core().names().of(pid).map(|name| name.to_string());
    Some(Stuck {
        pid,
        code: code.to_owned(),
        name,
        message,
        held,
        returned: false,
        stack: None,
    })
}

/// Mans a spare in place of a stuck worker, and leaves the stuck thread what others do not need.
fn replace(node: &Node, real: &RealScheduler, index: usize) {
    let worker = &real.workers[index];
    let spare = real
        .workers
        .iter()
        .position(|other| !other.manned.load(Ordering::SeqCst));
    let Some(spare) = spare else {
        let tell = || tracing::error!(target: WATCHDOG, "every spare worker is stuck as well");
        return quietly(tell);
    };
    if real.man(node, spare).is_ok() {
        worker.asked.fetch_or(REPLACED, Ordering::SeqCst);
        demote(worker.stamp.thread.load(Ordering::Relaxed));
    }
}
