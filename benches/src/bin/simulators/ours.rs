//! What does ours do?
//!
//! Role       Whole nodes in a world. On each a supervisor, whose worker is linked with the one on the next node,
//!            and a process that monitors that one: whoever depends on the node that crashes is told.

use std::time::{Duration, Instant};

use foundation::cluster::mesh::MeshConfig;
use foundation::cluster::overlay::Overlay;
use foundation::cluster::{Builder, SimNetwork};
use foundation::prelude::*;

use crate::{CRASHED_AT, Gone, Scenario};

/// One node crashes that is neither the first nor the last.
const CRASHED: usize = 7;
const JOIN_BOUND: Duration = secs(5);

struct Worker;

const WORKER: Name<Worker> = Name::new("worker");

#[actor]
impl Worker {
    #[init]
    fn init(_: ()) -> Self {
        Self
    }

    /// Is linked with this one from here on.
    #[cast]
    fn join(&mut self, other: Pid, cx: &mut Cx<Self>) {
        // Who is gone ends this one by it.
        let _ = cx.link(other);
    }
}

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
enum Nothing {}

async fn start(
    world: &World,
    network: &SimNetwork,
    number: usize,
    (overlay, mesh): (Overlay, MeshConfig),
) -> Result<Node, String> {
    let node = Node::builder().name(format!("n{number}").as_str());
    let builder = Builder::new(node).seed("n0:7000");
    let builder = builder.overlay(overlay).mesh(mesh);
    let node = builder.start_in(world, network).await;
    let node = node.map_err(|error| error.to_string())?;
    let worker = child_with::<Worker>(()).name(WORKER);
    let tree = Supervisor::one_for_one().child(worker).start(&node).await;
    tree.map_err(|error| format!("{error:?}"))?;
    Ok(node)
}

/// Its worker is linked with the one of the next, and a process of it monitors that one.
async fn depend(node: &Node, next: &Node) -> Result<(), String> {
    let found = node.whereis_at(next.id(), "worker", JOIN_BOUND).await;
    let there = found.ok().flatten();
    let there = there.ok_or(format!("{} has no worker", next.name()))?;
    let joined = node.at(WORKER).join(there);
    joined.map_err(|error| format!("{error:?}"))?;
    let watch = node.spawn_fn(async move |mut me: Process<Nothing>| {
        me.monitor(there);
        me.recv().await;
    });
    watch.map(drop).map_err(|error| error.to_string())
}

async fn through(
    world: World,
    scenario: Scenario,
    plan: (Overlay, MeshConfig),
) -> Result<usize, String> {
    let network = world.network();
    let mut nodes = Vec::new();
    for number in 0..scenario.nodes {
        nodes.push(start(&world, &network, number, plan.clone()).await?);
    }
    let all = nodes.len();
    // Who joined last knows all last.
    let sees_all = || nodes.iter().rev().all(|node| node.peers().len() + 1 == all);
    while !sees_all() {
        if JOIN_BOUND <= world.now() {
            return Err("somebody does not see all".into());
        }
        world.advance(ms(20)).await;
    }
    for (node, next) in nodes.iter().zip(nodes[1..].iter().chain(&nodes)) {
        depend(node, next).await?;
    }
    let before = secs(CRASHED_AT).saturating_sub(world.now());
    world.advance(before).await;
    let gone = nodes.remove(CRASHED);
    world.power_off(&gone);
    let rest = secs(scenario.seconds).saturating_sub(world.now());
    world.advance(rest).await;
    let knows = |node: &&Node| node.peer(gone.name()).is_none();
    Ok(nodes.iter().filter(knows).count())
}

pub(crate) fn go(scenario: Scenario, plan: (Overlay, MeshConfig)) -> Result<Gone, String> {
    let begun = Instant::now();
    let ran = World::simulate(scenario.seed, |world| through(world, scenario, plan));
    let (known, report) = ran.map_err(|error| error.to_string())?;
    Ok(Gone {
        wall_seconds: begun.elapsed().as_secs_f64(),
        known: known?,
        turns: Some(report.steps),
    })
}
