//! How fast are we when processes make, watch and replace processes?
//!
//! Role       Restarts, skynet, and a million children of one supervisor.
//! Inputs     A [`Plan`] and, for restarts, how the worker ends.
//! Outputs    An [`Outcome`].
//! Owns       Nothing.
//! Invariant  Restarts and children are those of our own supervisors, with nothing left out.

use ::foundation::prelude::*;
use ::foundation::{ProcessRef, Restart};
use foundation_benches::stage::{Nothing, inside, node};

use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, SKYNET_ARITY};

/// A worker is there.
#[derive(Message)]
#[message(local)]
struct Up(Ref<Worker>);

struct Worker;

#[actor]
impl Worker {
    #[init]
    fn init(driver: ProcessRef<Up>, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        driver.send(Up(cx.self_ref()))?;
        Ok(Self)
    }

    #[cast(local)]
    fn end(&mut self, ending: Ending, cx: &mut Cx<Self>) {
        match ending {
            Ending::Exit => cx.stop(Reason::Normal),
            Ending::Panic => panic!("as told"),
        }
    }
}

async fn up(me: &mut Process<Up>) -> Ref<Worker> {
    loop {
        if let Mail::Msg(Up(worker)) = me.recv().await {
            return worker;
        }
    }
}

/// A supervised worker ends and comes back, again and again.
pub(crate) fn restart(plan: &Plan, ending: Ending) -> Outcome {
    harness::silence_panics();
    let node = node();
    warmed(plan, |restarts| {
        let (report, reported) = std::sync::mpsc::channel();
        let drive = move |mut me: Process<Up>| async move {
            let node = me.node();
            let supervisor = Supervisor::one_for_one()
                .intensity(u32::MAX, secs(1))
                .child(child_with::<Worker>(me.address()))
                .start(&node)
                .await
                .expect("the supervisor starts");
            let mut worker = up(&mut me).await;
            let clock = Clock::start();
            for _ in 0..restarts {
                worker.end(ending).expect("a local cast is taken");
                worker = up(&mut me).await;
            }
            report
                .send(clock.stop(restarts))
                .expect("the main thread waits");
            let stopped = node.stop(&supervisor, Reason::Shutdown, secs(5)).await;
            stopped.expect("the supervisor stops");
        };
        node.spawn_fn(drive).expect("the node takes a process");
        reported.recv().expect("the driver reports")
    })
}

/// The sum of a child's leaves.
#[derive(Message)]
#[message(local)]
struct Sum(u64);

async fn branch(mut me: Process<Sum>, parent: ProcessRef<Sum>, number: u64, leaves: u64) {
    if leaves == 1 {
        return answer(&parent, number);
    }
    let share = leaves / SKYNET_ARITY;
    for child in 0..SKYNET_ARITY {
        plant(&me.node(), me.address(), number + child * share, share);
    }
    let sum = sum_of(&mut me, SKYNET_ARITY).await;
    answer(&parent, sum);
}

fn answer(parent: &ProcessRef<Sum>, sum: u64) {
    parent.send(Sum(sum)).expect("a local send is taken");
}

async fn sum_of(me: &mut Process<Sum>, mut missing: u64) -> u64 {
    let mut sum = 0;
    while 0 < missing {
        if let Mail::Msg(Sum(part)) = me.recv().await {
            sum += part;
            missing -= 1;
        }
    }
    sum
}

/// Not an async function, so that the type of `branch` does not contain itself.
fn plant(node: &Node, parent: ProcessRef<Sum>, number: u64, leaves: u64) {
    node.spawn_fn(move |me| branch(me, parent, number, leaves))
        .expect("the node takes a process");
}

/// A tree of processes.
pub(crate) fn skynet(plan: &Plan) -> Outcome {
    let node = node();
    warmed(plan, |leaves| {
        let gate = Gate::new(1);
        let clock = Clock::start();
        let root = move |mut me: Process<Sum>| async move {
            plant(&me.node(), me.address(), 0, leaves);
            gate.arrive_with(sum_of(&mut me, 1).await);
        };
        node.spawn_fn(root).expect("the node takes a process");
        expect("sum of leaves", gate.wait(), sum_below(leaves));
        clock.stop(leaves)
    })
}

struct Waits(&'static Idle);

#[actor]
impl Waits {
    #[init]
    fn init(idle: &'static Idle) -> Self {
        idle.ready.arrive();
        Self(idle)
    }

    #[cast]
    fn poke(&mut self) {
        self.0.handled.arrive();
    }
}

/// Idle children of one dynamic supervisor, each started when the one before has.
pub(crate) fn idle_supervised(plan: &Plan) -> Outcome {
    let node = node();
    let spawn = |count: u64, idle: &'static Idle| {
        inside(&node, move |me: Process<Nothing>| async move {
            let supervisor = Supervisor::dynamic::<Waits>()
                .restart(Restart::Temporary)
                .start(&me.node())
                .await
                .expect("the supervisor starts");
            let mut children = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let started = supervisor.start_child(idle).await;
                let child = started.expect("the supervisor answers");
                let child = child.expect("the child starts");
                children.push(child.expect("its init makes one"));
            }
            children
        })
    };
    weigh(plan, spawn, |children| {
        children
            .iter()
            .try_for_each(|child| child.poke())
            .expect("a local cast is taken");
    })
}
