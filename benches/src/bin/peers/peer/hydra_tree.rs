//! How fast is hydra when processes make, watch and replace processes?
//!
//! Role       Restarts, skynet, and a million children of one supervisor.
//! Inputs     A [`Plan`] and, for restarts, how the worker ends.
//! Outputs    An [`Outcome`].
//! Owns       Nothing.
//! Invariant  Restarts are those of hydra's own `Supervisor`, with a window so short that its list
//!            of restarts stays short too: it is walked at every restart.

use std::sync::mpsc;
use std::time::Duration;

use ::hydra::{
    ChildSpec, ExitReason, GenServer, GenServerOptions, Local, Pid, Process, Restart, Supervisor,
    SupervisorOptions,
};
use ::tokio::task;

use super::hydra::{receive, wait};
use super::runtime;
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, SKYNET_ARITY};

struct Worker {
    driver: Pid,
}

impl GenServer for Worker {
    type Message = Local<Ending>;

    async fn init(&mut self) -> Result<(), ExitReason> {
        Process::send(self.driver, Process::current());
        Ok(())
    }

    async fn handle_cast(&mut self, ending: Self::Message) -> Result<(), ExitReason> {
        match *ending {
            Ending::Exit => Err(ExitReason::from("told")),
            Ending::Panic => panic!("as told"),
        }
    }
}

/// A supervised worker ends and comes back, again and again.
pub(crate) fn restart(plan: &Plan, ending: Ending) -> Outcome {
    harness::silence_panics();
    let runtime = runtime();
    let _inside = runtime.enter();
    warmed(plan, |restarts| {
        let (report, reported) = mpsc::channel();
        Process::spawn(async move {
            let driver = Process::current();
            let child = ChildSpec::new("worker")
                .start(move || Worker { driver }.start_link(GenServerOptions::new()));
            Supervisor::with_children([child])
                .max_restarts(usize::MAX)
                .max_duration(Duration::from_millis(1))
                .start_link(SupervisorOptions::new())
                .await
                .expect("the supervisor starts");
            let mut worker: Pid = receive().await;
            let clock = Clock::start();
            for _ in 0..restarts {
                // A process may run before hydra has registered it, and what is sent to it until
                // then is lost: a run without this wait hung.
                while !Process::alive(worker) {
                    task::yield_now().await;
                }
                Worker::cast(worker, Local::new(ending));
                worker = receive().await;
            }
            report
                .send(clock.stop(restarts))
                .expect("the main thread waits");
        });
        reported.recv().expect("the driver reports")
    })
}

async fn node(parent: Pid, number: u64, leaves: u64) {
    if leaves == 1 {
        return Process::send(parent, number);
    }
    let share = leaves / SKYNET_ARITY;
    let myself = Process::current();
    for child in 0..SKYNET_ARITY {
        spawn_node(myself, number + child * share, share);
    }
    let mut sum = 0;
    for _ in 0..SKYNET_ARITY {
        sum += receive::<u64>().await;
    }
    Process::send(parent, sum);
}

/// Not an async function, so that the type of `node` does not contain itself.
fn spawn_node(parent: Pid, number: u64, leaves: u64) {
    Process::spawn(node(parent, number, leaves));
}

/// A tree of processes.
pub(crate) fn skynet(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let _inside = runtime.enter();
    warmed(plan, |leaves| {
        let gate = Gate::new(1);
        let clock = Clock::start();
        Process::spawn(async move {
            spawn_node(Process::current(), 0, leaves);
            gate.arrive_with(receive::<u64>().await);
        });
        expect("sum of leaves", gate.wait(), sum_below(leaves));
        clock.stop(leaves)
    })
}

/// Idle processes under one supervisor.
pub(crate) fn idle_supervised(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let _inside = runtime.enter();
    let spawn = |count: u64, idle: &'static Idle| {
        let (report, reported) = mpsc::channel();
        Process::spawn(async move {
            let supervisor = Supervisor::new()
                .start_link(SupervisorOptions::new())
                .await
                .expect("the supervisor starts");
            let mut pids = Vec::with_capacity(count as usize);
            for number in 0..count {
                let child = ChildSpec::new(number.to_string())
                    .restart(Restart::Temporary)
                    .start(move || async move { Ok(Process::spawn_link(wait(idle))) });
                let started = Supervisor::start_child(supervisor, child).await;
                pids.push(
                    started
                        .expect("the child starts")
                        .expect("the child has a pid"),
                );
            }
            report.send(pids).expect("the main thread waits");
            // A parent that ends takes the supervisor, linked to it, along.
            receive::<()>().await;
        });
        reported.recv().expect("the spawner reports")
    };
    weigh(plan, spawn, |pids| {
        pids.iter().for_each(|pid| Process::send(*pid, ()))
    })
}
