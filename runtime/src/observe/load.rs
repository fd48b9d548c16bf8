//! How busy are the schedulers?
//!
//! Role       [`Load`]: of each scheduler how long it worked and slept, what waits in its queue.
//! Invariant  A scheduler pays for it with one look at the clock each time it goes to sleep.
//! Source     otp: erlang:statistics(scheduler_wall_time), statistics(run_queue_lengths)

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::node::Core;
use crate::process::parent_of;
use crate::scheduler::Scheduler;
use crate::{Node, Pid};

/// How busy a node is. Two of them, a while apart, give the load of that while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The node's time.
    pub at: Duration,
    /// The schedulers: regular ones first. In a simulation there is one, which never sleeps.
    pub schedulers: Vec<SchedulerLoad>,
    /// Processes that wait to run and belong to no scheduler, of normal priority.
    pub shared_queue: usize,
    /// Processes of priority high or max that wait to run.
    pub urgent_queue: usize,
    /// Processes of low priority that wait to run.
    pub low_queue: usize,
}

/// How busy one scheduler is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerLoad {
    /// Which it is.
    pub index: usize,
    /// Whether it stands in for one that is stuck.
    pub spare: bool,
    /// How long it has worked, or looked for work, so far.
    pub busy: Duration,
    /// How long it has slept so far, because there was nothing to do.
    pub idle: Duration,
    /// Whether it sleeps now.
    pub asleep: bool,
    /// Processes that wait in its own queue.
    pub run_queue: usize,
    /// How often it ran a process.
    pub polls: u64,
    /// How often it took work out of another's queue.
    pub steals: u64,
    /// The process that it runs now, if it does.
    pub running: Option<Pid>,
}

impl Load {
    /// The share of its time that each scheduler worked since `before`, from 0 to 1: `None` for one
    /// of which there is nothing to compare.
    #[must_use]
    pub fn utilisation_since(&self, before: &Self) -> Vec<Option<f64>> {
        let now = self.schedulers.iter();
        now.map(|now| {
            let mut then = before.schedulers.iter();
            let then = then.find(|then| then.index == now.index)?;
            let busy = now.busy.saturating_sub(then.busy).as_secs_f64();
            let idle = now.idle.saturating_sub(then.idle).as_secs_f64();
            (busy + idle > 0.0).then(|| busy / (busy + idle))
        })
        .collect()
    }
}

impl Node {
    /// How busy the node's schedulers are. Cheap; from any thread.
    ///
    /// ```
    /// # let node = foundation_runtime::Node::builder().workers(2).start().unwrap();
    /// let load = node.load();
    /// assert_eq!(load.schedulers.len(), 2);
    /// ```
    #[must_use]
    pub fn load(&self) -> Load {
        load(self.core())
    }
}

fn load(core: &Core) -> Load {
    let now = core.clock().now();
    let at = Duration::from_nanos(now);
    let Scheduler::Real(real) = core.scheduler() else {
        return simulated(core, at);
    };
    let mut schedulers = Vec::new();
    for (index, worker) in real.workers.iter().enumerate() {
        let spare = index >= real.regular;
        if spare && !worker.manned.load(Ordering::SeqCst) {
            continue;
        }
        let (busy, idle, asleep) = worker.shift.until(now);
        let process = worker.stamp.process.load(Ordering::Relaxed);
        schedulers.push(SchedulerLoad {
            index,
            spare,
            busy: Duration::from_nanos(busy),
            idle: Duration::from_nanos(idle),
            asleep,
            run_queue: worker.ring.len(),
            polls: worker.stamp.polls.load(Ordering::Relaxed),
            steals: worker.shift.steals(),
            running: parent_of(core.id(), process),
        });
    }
    let shared = &real.shared;
    Load {
        at,
        schedulers,
        shared_queue: shared.normal.len(),
        urgent_queue: shared.max.len() + shared.high.len(),
        low_queue: shared.low.len(),
    }
}

fn simulated(core: &Core, at: Duration) -> Load {
    let Scheduler::Simulated(simulated) = core.scheduler() else {
        unreachable!("the other kind was dealt with")
    };
    let running = crate::platform::current::process();
    let here = running.filter(|running| running.core().id() == core.id());
    Load {
        at,
        schedulers: vec![SchedulerLoad {
            index: 0,
            spare: false,
            busy: at,
            idle: Duration::ZERO,
            asleep: false,
            run_queue: simulated.waiting(),
            polls: simulated.polls(),
            steals: 0,
            running: here.map(crate::scheduler::Running::pid),
        }],
        shared_queue: 0,
        urgent_queue: 0,
        low_queue: 0,
    }
}
