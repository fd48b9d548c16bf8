//! How do the nodes of a job live in a simulated world?
//!
//! Role       The whole job on several nodes, in virtual time: one seed decides everything.
//! Inputs     An input, a setup, what is to go wrong.
//! Outputs    A [`Report`] with the hash of all that happened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation::cluster::{Builder, SimNetwork};
use foundation::prelude::*;

use super::mesh;
use crate::input::Input;
use crate::job::{Faults, JobError, Mishap, Setup, host_tree, node_name, start_spread};
use crate::log::Report;

/// How long after its end a node is started again.
const AGAIN: Duration = Duration::from_millis(200);
/// How long a node is cut off: longer than others take to give it up.
const CUT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(5);
const STOP_BOUND: Duration = Duration::from_secs(60);

struct Stage {
    world: World,
    network: SimNetwork,
    clients_max: usize,
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
    name: String,
    node: Option<Node>,
    again: Option<Duration>,
    heal: Option<Duration>,
}

struct Blows(Arc<Stage>);

/// Does a job on several nodes of a simulated world that `setup.seed` decides, and reports it.
///
/// # Errors
/// [`JobError`], as the job's; [`JobError::Simulation`] when the world can't go on.
pub fn simulate(
    input: Input,
    setup: Setup,
    nodes: u32,
    mishaps: &[Mishap],
) -> Result<Report, JobError> {
    let setup = Setup {
        simulated: true,
        ..setup
    };
    let simulated = World::simulate(setup.seed, |world| async move {
        let stage = Stage::new(world, nodes, setup.clients_max).await;
        let first = stage.slots()[0].node.clone();
        let first = first.ok_or_else(|| JobError::Alone(node_name(1)))?;
        let blows = Box::new(Blows(Arc::clone(&stage)));
        let mut underway = start_spread(&first, input, setup, nodes, blows, mishaps).await?;
        while !underway.is_counted().await? {
            stage.tend().await;
            stage.world.sleep(LOOK).await;
        }
        let report = underway.report(0).await?;
        underway.stop(STOP_BOUND).await;
        Ok(report)
    });
    let (report, world) = simulated.map_err(JobError::Simulation)?;
    report.map(|mut report: Report| {
        report.run.trace_hash = Some(format!("{:016x}", world.trace_hash));
        report
    })
}

impl Stage {
    async fn new(world: World, nodes: u32, clients_max: usize) -> Arc<Self> {
        let stage = Arc::new(Self {
            network: world.network(),
            world,
            clients_max,
            slots: Mutex::default(),
        });
        for number in 1..=nodes {
            let name = node_name(number);
            let node = stage.launch(&name, number > 1).await;
            stage.slots().push(Slot {
                name,
                node,
                again: None,
                heal: None,
            });
        }
        stage
    }

    /// A node that does not start is tried again.
    async fn launch(&self, name: &str, hosts: bool) -> Option<Node> {
        let builder = Builder::new(Node::builder().name(name));
        let builder = builder.seed("n1:7000").mesh(mesh());
        let node = builder.start_in(&self.world, &self.network).await.ok()?;
        if hosts {
            host_tree(self.clients_max).start(&node).await.ok()?;
        }
        Some(node)
    }

    async fn tend(&self) {
        let now = self.world.now();
        let mut due = Vec::new();
        for slot in self.slots().iter_mut() {
            if slot.heal.is_some_and(|heal| heal <= now) {
                slot.heal = None;
                for other in 1..=9 {
                    self.network.heal(&slot.name, &node_name(other));
                }
            }
            if slot.node.is_none() && *slot.again.get_or_insert(now + AGAIN) <= now {
                slot.again = None;
                due.push(slot.name.clone());
            }
        }
        for name in due {
            let node = self.launch(&name, true).await;
            let mut slots = self.slots();
            if let Some(slot) = slots.iter_mut().find(|slot| slot.name == name) {
                slot.node = node;
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults for Blows {
    fn kill(&self, node: u32) {
        let name = node_name(node);
        let slot = self
            .0
            .slots()
            .iter_mut()
            .find(|slot| slot.name == name)
            .and_then(|slot| slot.node.take());
        if let Some(node) = slot {
            self.0.world.crash(&node);
        }
    }

    fn cut(&self, node: u32) {
        let (name, now) = (node_name(node), self.0.world.now());
        let mut slots = self.0.slots();
        let others: Vec<String> = slots.iter().map(|slot| slot.name.clone()).collect();
        if let Some(slot) = slots.iter_mut().find(|slot| slot.name == name) {
            slot.heal = Some(now + CUT);
            for other in others.iter().filter(|other| **other != name) {
                self.0.network.partition(&name, other);
            }
        }
    }
}
