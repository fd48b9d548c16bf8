//! How fast is ractor when processes make, watch and replace processes?
//!
//! Role       Restarts, skynet, and a million children of one supervisor.
//! Inputs     A [`Plan`] and, for restarts, how the worker ends.
//! Outputs    An [`Outcome`].
//! Owns       Nothing.
//! Invariant  Restarts are what ractor documents: `handle_supervisor_evt` spawns a successor.

use ::ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use ::tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::ractor::{Handled, Waits, runs, start, tell};
use super::runtime;
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, SKYNET_ARITY};

struct Worker;

impl Actor for Worker {
    type Msg = Ending;
    type State = ();
    type Arguments = UnboundedSender<ActorRef<Ending>>;

    async fn pre_start(
        &self,
        myself: ActorRef<Ending>,
        driver: Self::Arguments,
    ) -> Result<(), ActorProcessingErr> {
        Ok(driver.send(myself)?)
    }

    async fn handle(&self, myself: ActorRef<Ending>, ending: Ending, (): &mut ()) -> Handled {
        match ending {
            Ending::Exit => myself.stop(None),
            Ending::Panic => panic!("as told"),
        }
        Ok(())
    }
}

struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = UnboundedSender<ActorRef<Ending>>;
    type Arguments = UnboundedSender<ActorRef<Ending>>;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        driver: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Actor::spawn_linked(None, Worker, driver.clone(), myself.get_cell()).await?;
        Ok(driver)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        driver: &mut Self::State,
    ) -> Handled {
        if let SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorFailed(..) = event {
            Actor::spawn_linked(None, Worker, driver.clone(), myself.get_cell()).await?;
        }
        Ok(())
    }
}

/// A supervised worker ends and comes back, again and again.
pub(crate) fn restart(plan: &Plan, ending: Ending) -> Outcome {
    harness::silence_panics();
    let runtime = runtime();
    warmed(plan, |restarts| {
        let driver = runtime.spawn(async move {
            let (up, mut ups) = unbounded_channel();
            Actor::spawn(None, Supervisor, up)
                .await
                .expect("the supervisor starts");
            let mut worker = ups.recv().await.expect("the worker starts");
            let clock = Clock::start();
            for _ in 0..restarts {
                tell(&worker, ending);
                worker = ups.recv().await.expect("the worker comes back");
            }
            clock.stop(restarts)
        });
        runtime.block_on(driver).expect("the driver returns")
    })
}

struct Node;

enum Parent {
    Node(ActorRef<u64>),
    Root(&'static Gate),
}

struct Branch {
    parent: Parent,
    number: u64,
    leaves: u64,
    missing: u64,
    sum: u64,
}

impl Branch {
    fn new(parent: Parent, number: u64, leaves: u64) -> Self {
        Self {
            parent,
            number,
            leaves,
            missing: SKYNET_ARITY,
            sum: 0,
        }
    }

    fn answer(&self, myself: &ActorRef<u64>, sum: u64) {
        match &self.parent {
            Parent::Node(parent) => tell(parent, sum),
            Parent::Root(gate) => gate.arrive_with(sum),
        }
        myself.stop(None);
    }
}

impl Actor for Node {
    type Msg = u64;
    type State = Branch;
    type Arguments = Branch;

    async fn pre_start(
        &self,
        _: ActorRef<u64>,
        branch: Branch,
    ) -> Result<Branch, ActorProcessingErr> {
        Ok(branch)
    }

    async fn post_start(&self, myself: ActorRef<u64>, branch: &mut Branch) -> Handled {
        if branch.leaves == 1 {
            branch.answer(&myself, branch.number);
            return Ok(());
        }
        let share = branch.leaves / SKYNET_ARITY;
        for child in 0..SKYNET_ARITY {
            let parent = Parent::Node(myself.clone());
            spawn_node(Branch::new(parent, branch.number + child * share, share)).await?;
        }
        Ok(())
    }

    async fn handle(&self, myself: ActorRef<u64>, sum: u64, branch: &mut Branch) -> Handled {
        branch.sum += sum;
        branch.missing -= 1;
        if branch.missing == 0 {
            branch.answer(&myself, branch.sum);
        }
        Ok(())
    }
}

async fn spawn_node(branch: Branch) -> Result<(), SpawnErr> {
    Actor::spawn(None, Node, branch).await.map(|_| ())
}

/// A tree of actors.
pub(crate) fn skynet(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |leaves| {
        let gate = Gate::new(1);
        let clock = Clock::start();
        runtime.spawn(async move {
            let root = Branch::new(Parent::Root(gate), 0, leaves);
            spawn_node(root).await.expect("the root starts");
        });
        expect("sum of leaves", gate.wait(), sum_below(leaves));
        clock.stop(leaves)
    })
}

/// Idle actors linked to one supervisor.
pub(crate) fn idle_supervised(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let spawn = |count: u64, idle: &'static Idle| {
        let spawner = runtime.spawn(async move {
            let unused = Idle::new(1);
            let supervisor = start(Waits(unused)).await.get_cell();
            let mut handles = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let child = runs::<Waits>();
                let linked = Actor::spawn_linked(None, child, Waits(idle), supervisor.clone());
                handles.push(linked.await.expect("the child starts").0);
            }
            handles
        });
        runtime.block_on(spawner).expect("the spawner returns")
    };
    weigh(plan, spawn, |handles| {
        handles.iter().for_each(|handle| tell(handle, ()))
    })
}
