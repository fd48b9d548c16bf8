//! How fast is kameo when processes make, watch and replace processes?
//!
//! Role       Restarts, skynet, and a million children of one supervisor.
//! Inputs     A [`Plan`] and, for restarts, how the worker ends.
//! Outputs    An [`Outcome`].
//! Owns       Nothing.
//! Invariant  Restarts are kameo's own: `supervise_with`, permanent, without a limit.

use std::time::Duration;

use ::kameo::actor::{Actor, ActorRef, Spawn};
use ::kameo::error::Infallible;
use ::kameo::mailbox::unbounded;
use ::kameo::message::{Context, Message};
use ::kameo::supervision::RestartPolicy;
use ::tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::kameo::{Poke, Waits, start, tell};
use super::runtime;
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, SKYNET_ARITY};

struct Supervisor;

impl Actor for Supervisor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

struct Worker;

impl Actor for Worker {
    type Args = UnboundedSender<()>;
    type Error = Infallible;

    async fn on_start(driver: Self::Args, _: ActorRef<Self>) -> Result<Self, Infallible> {
        driver.send(()).expect("the driver lives");
        Ok(Self)
    }
}

struct End(Ending);

impl Message<End> for Worker {
    type Reply = ();

    async fn handle(&mut self, End(ending): End, context: &mut Context<Self, ()>) {
        match ending {
            Ending::Exit => context.stop(),
            Ending::Panic => panic!("as told"),
        }
    }
}

/// A supervised worker ends and comes back, again and again.
pub(crate) fn restart(plan: &Plan, ending: Ending) -> Outcome {
    harness::silence_panics();
    ::kameo::error::set_actor_error_hook(|_| {});
    let runtime = runtime();
    warmed(plan, |restarts| {
        let driver = runtime.spawn(async move {
            let (up, mut ups) = unbounded_channel();
            let supervisor = start::<Supervisor>(Supervisor);
            let worker = Worker::supervise_with(&supervisor, move || up.clone())
                .restart_policy(RestartPolicy::Permanent)
                .restart_limit(u32::MAX, Duration::from_secs(3600))
                .spawn_with_mailbox(unbounded())
                .await;
            ups.recv().await.expect("the worker starts");
            let clock = Clock::start();
            for _ in 0..restarts {
                tell(&worker, End(ending));
                ups.recv().await.expect("the worker comes back");
            }
            clock.stop(restarts)
        });
        runtime.block_on(driver).expect("the driver returns")
    })
}

enum Parent {
    Node(ActorRef<Node>),
    Root(&'static Gate),
}

struct Node {
    parent: Option<Parent>,
    number: u64,
    leaves: u64,
    missing: u64,
    sum: u64,
}

impl Node {
    fn new(parent: Parent, number: u64, leaves: u64) -> Self {
        Self {
            parent: Some(parent),
            number,
            leaves,
            missing: SKYNET_ARITY,
            sum: 0,
        }
    }

    /// Answers and lets go of the parent: an actor ends when nobody holds it.
    fn answer(&mut self, sum: u64) {
        match self.parent.take().expect("a node answers once") {
            Parent::Node(parent) => tell(&parent, Sum(sum)),
            Parent::Root(gate) => gate.arrive_with(sum),
        }
    }
}

impl Actor for Node {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(mut node: Self, myself: ActorRef<Self>) -> Result<Self, Infallible> {
        if node.leaves == 1 {
            node.answer(node.number);
            return Ok(node);
        }
        let share = node.leaves / SKYNET_ARITY;
        for child in 0..SKYNET_ARITY {
            let parent = Parent::Node(myself.clone());
            start::<Self>(Self::new(parent, node.number + child * share, share));
        }
        Ok(node)
    }
}

struct Sum(u64);

impl Message<Sum> for Node {
    type Reply = ();

    async fn handle(&mut self, Sum(sum): Sum, _: &mut Context<Self, ()>) {
        self.sum += sum;
        self.missing -= 1;
        if self.missing == 0 {
            self.answer(self.sum);
        }
    }
}

/// A tree of actors.
pub(crate) fn skynet(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |leaves| {
        let gate = Gate::new(1);
        let clock = Clock::start();
        runtime.spawn(async move {
            start::<Node>(Node::new(Parent::Root(gate), 0, leaves));
        });
        expect("sum of leaves", gate.wait(), sum_below(leaves));
        clock.stop(leaves)
    })
}

/// Idle actors linked to one actor.
pub(crate) fn idle_supervised(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let spawn = |count: u64, idle: &'static Idle| {
        let spawner = runtime.spawn(async move {
            let supervisor = start::<Supervisor>(Supervisor);
            let mut handles = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let linked = Waits::spawn_link_with_mailbox(&supervisor, Waits(idle), unbounded());
                handles.push(linked.await);
            }
            (handles, supervisor)
        });
        let (handles, supervisor) = runtime.block_on(spawner).expect("the spawner returns");
        // The supervisor must outlive the weighing, and this process ends right after it.
        std::mem::forget(supervisor);
        handles
    };
    weigh(plan, spawn, |handles| {
        handles.iter().for_each(|handle| tell(handle, Poke))
    })
}
