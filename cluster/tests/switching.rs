//! Does a cluster come to another overlay while its processes speak, and lose nothing?
//!
//! Role       Whole nodes in a simulated world that send, call, link and monitor all the time, while the overlay
//!            is switched from each kind to each other one.
//! Sabotages  Seen red: connections are cut at a switch; what is connected gets no way; members are not dialled
//!            in the new full mesh; the mesh begins anew with the first overlay; nothing rests after a switch.

mod common;
#[path = "common/log_actor.rs"]
mod log_actor;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::MeshConfig;
use foundation_cluster::overlay::{Overlay, Policy, client_server, hyparview};
use foundation_cluster::{
    Builder, BuilderExt, NodeClusterExt, NodeEvent, SimNetwork, SwitchError, WorldClusterExt,
};
use foundation_runtime::{Mail, Node, NodeChange, Pid, Process, Reason, World};

use log_actor::{Log, simulate};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn few() -> Overlay {
    Overlay::HyParView(hyparview::Config {
        active_max: 3,
        ..hyparview::Config::default()
    })
}

fn star() -> Overlay {
    Overlay::ClientServer(client_server::Config::new(["n1", "n2"]))
}

fn plan(name: &str, overlay: Overlay) -> Builder {
    let mesh = MeshConfig {
        idle: Duration::from_secs(3),
        switch_pause: 5 * SECOND,
        ..MeshConfig::default()
    };
    let builder = Node::builder().name(name).seed("n0:7000");
    builder.overlay(overlay).mesh(mesh)
}

async fn start(world: &World, network: &SimNetwork, count: usize, overlay: &Overlay) -> Vec<Node> {
    let mut nodes = Vec::new();
    for number in 0..count {
        let plan = plan(&format!("n{number}"), overlay.clone());
        nodes.push(plan.start_in(world, network).await.expect("it starts"));
    }
    together(world, &nodes).await;
    nodes
}

/// Waits until every node can speak to all others.
async fn together(world: &World, nodes: &[Node]) {
    let all = async || {
        let sees_all = |node: &Node| node.peers().len() + 1 == nodes.len();
        nodes.iter().all(sees_all)
    };
    world.eventually(MINUTE, all).await;
}

/// Waits until all have this overlay, and are connected as it wants.
async fn settled(world: &World, nodes: &[Node], overlay: &Overlay) {
    let settled = async || {
        for node in nodes {
            let cluster = node.cluster();
            let epoch = cluster.epoch().await.expect("it has a cluster");
            let peers = cluster.nodes().await.expect("it has a cluster").len();
            let is_server = ["n1", "n2"].contains(&node.name());
            let right = match overlay {
                Overlay::FullMesh => peers + 1 == nodes.len(),
                Overlay::ClientServer(_) if is_server => peers + 1 == nodes.len(),
                Overlay::ClientServer(_) => peers >= 2,
                _ => (1..=5).contains(&peers),
            };
            if epoch.overlay != *overlay || !right {
                return false;
            }
        }
        true
    };
    // Each look asks all nodes: not at every moment.
    for _ in 0..240 {
        if settled().await {
            return;
        }
        world.advance(Duration::from_millis(500)).await;
    }
    panic!("{overlay} did not come about");
}

/// Links itself with one process and monitors another: what it hears of either is an end of it.
async fn bound(mut me: Process<NodeChange>, linked: Pid, whom: Pid, ends: Arc<Mutex<Vec<String>>>) {
    me.trap_exit(true);
    me.link(linked).expect("the node is reached");
    me.monitor(whom);
    loop {
        let mail = me.recv().await;
        if matches!(mail, Mail::Down(_) | Mail::Exit(_)) {
            ends.lock().unwrap().push(format!("{mail:?}"));
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_by_a_switch() {
    simulate(1, |world, network| async move {
        let nodes = start(&world, &network, 5, &Overlay::FullMesh).await;
        let kept: Vec<_> = nodes
            .iter()
            .map(|_| Arc::<Mutex<Vec<u32>>>::default())
            .collect();
        let (mut logs, ends) = (Vec::new(), Arc::default());
        for (node, kept) in nodes.iter().zip(&kept) {
            let log = node.start::<Log>(Arc::clone(kept)).await;
            logs.push(log.expect("it starts"));
        }
        for (at, node) in nodes.iter().enumerate() {
            let of = |ahead: usize| logs[(at + ahead) % logs.len()].pid();
            let (linked, whom, ends) = (of(3), of(4), Arc::clone(&ends));
            let watching = node.spawn_fn(move |me| bound(me, linked, whom, ends));
            watching.expect("it starts");
        }
        let mut number = 0;
        for overlay in [
            few(),
            star(),
            Overlay::FullMesh,
            star(),
            few(),
            Overlay::FullMesh,
        ] {
            world.advance(6 * SECOND).await;
            let ordered = nodes[number as usize % nodes.len()]
                .cluster()
                .switch(overlay.clone())
                .await;
            ordered.expect("the last switch was long ago");
            for _ in 0..20 {
                for (at, log) in logs.iter().enumerate() {
                    let from = &nodes[(at + 3) % nodes.len()];
                    let far = from.reference::<Log>(log.pid());
                    far.note(number).expect("it is sent");
                    assert_eq!(far.twice(number).await, Ok(2 * number), "to {at}");
                }
                number += 1;
                world
                    .advance(Duration::from_millis(1 + u64::from(number) % 397))
                    .await;
            }
            settled(&world, &nodes, &overlay).await;
        }
        let expected: Vec<u32> = (0..number).collect();
        for (at, kept) in kept.iter().enumerate() {
            assert_eq!(*kept.lock().unwrap(), expected, "at {at}");
        }
        assert_eq!(*ends.lock().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_crash_is_known_to_all_whatever_the_overlay() {
    simulate(2, |world, network| async move {
        let mut nodes = start(&world, &network, 8, &Overlay::FullMesh).await;
        for overlay in [star(), few(), Overlay::FullMesh] {
            world.advance(6 * SECOND).await;
            nodes[1]
                .cluster()
                .switch(overlay.clone())
                .await
                .expect("it may");
            settled(&world, &nodes, &overlay).await;
            let gone = nodes.remove(5);
            world.power_off(&gone);
            let known = async || nodes.iter().all(|node| node.peer(gone.name()).is_none());
            world.eventually(MINUTE, known).await;
            let again = plan(gone.name(), Overlay::FullMesh);
            nodes.insert(
                5,
                again.start_in(&world, &network).await.expect("it starts"),
            );
            together(&world, &nodes).await;
            settled(&world, &nodes, &overlay).await;
        }
    });
}

#[test]
fn parts_that_switched_apart_agree_when_they_meet() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 8, &few()).await;
        let names: Vec<&str> = nodes.iter().map(Node::name).collect();
        network.split(&names[..4], &names[4..]);
        let apart = async || nodes.iter().all(|node| node.peers().len() == 3);
        world.eventually(2 * MINUTE, apart).await;
        nodes[0].cluster().switch(star()).await.expect("it may");
        let later = nodes[6]
            .cluster()
            .switch(Overlay::FullMesh)
            .await
            .expect("it may");
        world.advance(6 * SECOND).await;
        let later = nodes[6]
            .cluster()
            .switch(later.overlay)
            .await
            .expect("it may");
        assert_eq!(later.number, 2);
        network.heal_all();
        together(&world, &nodes).await;
        settled(&world, &nodes, &Overlay::FullMesh).await;
        for node in &nodes {
            assert_eq!(node.cluster().epoch().await, Ok(later.clone()));
        }
    });
}

#[test]
fn a_mesh_that_begins_anew_goes_on_with_the_overlay_that_there_is() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 5, &Overlay::FullMesh).await;
        let ordered = nodes[0].cluster().switch(star()).await.expect("it may");
        settled(&world, &nodes, &star()).await;
        for name in ["foundation_mesh", "foundation_membership"] {
            // Two restarts in a few seconds are more than its supervisor allows.
            world.advance(10 * SECOND).await;
            let process = nodes[3].whereis(name).expect("it runs");
            // Nobody can tell it.
            network.split(&["n3"], &["n0", "n1", "n2", "n4"]);
            nodes[3].exit(process, Reason::Kill);
            world.advance(SECOND).await;
            let epoch = nodes[3].cluster().epoch().await;
            assert_eq!(epoch, Ok(ordered.clone()), "{name}");
            network.heal_all();
            together(&world, &nodes).await;
            settled(&world, &nodes, &star()).await;
        }
    });
}

#[test]
fn a_cluster_that_grows_and_shrinks_switches_by_itself() {
    simulate(1, |world, network| async move {
        let policy = Policy {
            mesh_max: 5,
            interval: 6 * SECOND,
            ..Policy::default()
        };
        let adapting = async |from: usize, to: usize| {
            let mut nodes = Vec::new();
            for number in from..to {
                let plan = plan(&format!("n{number}"), Overlay::FullMesh);
                let plan = plan.adapt(policy.clone());
                nodes.push(plan.start_in(&world, &network).await.expect("it starts"));
            }
            nodes
        };
        let mut nodes = adapting(0, 6).await;
        together(&world, &nodes).await;
        world.advance(20 * SECOND).await;
        let epoch = nodes[0].cluster().epoch().await.expect("it has a cluster");
        assert_eq!(epoch.number, 0, "six are not too many yet");
        nodes.extend(adapting(6, 8).await);
        together(&world, &nodes).await;
        let few = Overlay::HyParView(Policy::default().view);
        let epochs = async |nodes: &[Node], number: u64, overlay: &Overlay| {
            for node in nodes {
                let epoch = node.cluster().epoch().await.expect("it has a cluster");
                if (epoch.number, &epoch.overlay) != (number, overlay) {
                    return false;
                }
            }
            true
        };
        world.advance(15 * SECOND).await;
        assert!(
            epochs(&nodes, 1, &few).await,
            "one node has ordered it, once"
        );
        for gone in nodes.drain(4..) {
            world.crash(&gone);
        }
        world.advance(60 * SECOND).await;
        together(&world, &nodes).await;
        assert!(epochs(&nodes, 2, &Overlay::FullMesh).await, "four are few");
    });
}

#[test]
fn what_cannot_be_is_refused_and_those_who_watch_are_told() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 3, &Overlay::FullMesh).await;
        let seen = Arc::<Mutex<Vec<u64>>>::default();
        let heard = Arc::clone(&seen);
        let watcher = nodes[2].spawn_fn(move |mut me: Process<NodeEvent>| async move {
            loop {
                if let Mail::Msg(NodeEvent::Switched(epoch)) = me.recv().await {
                    heard.lock().unwrap().push(epoch.number);
                }
            }
        });
        let watcher = watcher.expect("it starts");
        nodes[2]
            .cluster()
            .watch(watcher.pid())
            .await
            .expect("it may");
        let cluster = nodes[0].cluster();
        let nobody = Overlay::ClientServer(client_server::Config {
            servers: Vec::new(),
        });
        let refused = cluster.switch(nobody).await;
        assert!(
            matches!(refused, Err(SwitchError::Overlay(_))),
            "{refused:?}"
        );
        assert_eq!(cluster.epoch().await.map(|epoch| epoch.number), Ok(0));
        cluster.switch(few()).await.expect("it may");
        let refused = cluster.switch(star()).await;
        assert!(
            matches!(refused, Err(SwitchError::CoolingDown(_))),
            "{refused:?}"
        );
        world.advance(SECOND).await;
        assert_eq!(*seen.lock().unwrap(), [1]);
    });
}
