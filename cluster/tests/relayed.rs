//! Do members speak that cannot dial each other, while others reach both?
//!
//! Role       Whole nodes in a simulated world, of which some pairs are cut off from each other: calls, order,
//!            large messages, links and monitors go through the nodes between them.
//! Sabotages  Seen red: a relay that begins anew gives the same numbers, or does not hear who is connected; its
//!            streams go on without it; what was read is not told; more is written than there is room for;
//!            large messages look for a way of their own; a full mesh relays unasked.

mod common;
#[path = "common/log_actor.rs"]
mod log_actor;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::{MeshConfig, Relaying};
use foundation_cluster::overlay::{Overlay, client_server, hyparview};
use foundation_cluster::{Builder, BuilderExt, NodeClusterExt, SimNetwork, WorldClusterExt};
use foundation_runtime::{CallError, Mail, Node, NodeChange, Pid, Process, Reason, World};

use log_actor::{Log, simulate};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn star() -> Overlay {
    Overlay::ClientServer(client_server::Config::new(["n0", "n1"]))
}

fn few() -> Overlay {
    Overlay::HyParView(hyparview::Config {
        active_max: 3,
        ..hyparview::Config::default()
    })
}

fn plan(name: &str, overlay: &Overlay, relaying: Relaying) -> Builder {
    let mesh = MeshConfig {
        relaying,
        ..MeshConfig::default()
    };
    let builder = Node::builder().name(name).seed("n0:7000");
    builder.overlay(overlay.clone()).mesh(mesh)
}

async fn start(
    world: &World,
    network: &SimNetwork,
    count: usize,
    overlay: &Overlay,
    relaying: Relaying,
) -> Vec<Node> {
    let mut nodes = Vec::new();
    for number in 0..count {
        let plan = plan(&format!("n{number}"), overlay, relaying);
        nodes.push(plan.start_in(world, network).await.expect("it starts"));
    }
    let all = async || {
        let sees_all = |node: &Node| node.peers().len() + 1 == nodes.len();
        nodes.iter().all(sees_all)
    };
    world.eventually(MINUTE, all).await;
    nodes
}

/// Links itself with one process and monitors another, and keeps why each ended.
async fn bound(mut me: Process<NodeChange>, linked: Pid, whom: Pid, ends: Arc<Mutex<Vec<Reason>>>) {
    me.trap_exit(true);
    me.link(linked).expect("the node is a member");
    me.monitor(whom);
    loop {
        match me.recv().await {
            Mail::Down(down) => ends.lock().unwrap().push(down.reason),
            Mail::Exit(exit) => ends.lock().unwrap().push(exit.reason),
            _ => {}
        }
    }
}

async fn log(node: &Node) -> (Pid, Arc<Mutex<Vec<u32>>>) {
    let kept = Arc::default();
    let log = node.start::<Log>(Arc::clone(&kept)).await;
    (log.expect("it starts").pid(), kept)
}

#[test]
fn clients_that_cannot_dial_each_other_speak_through_a_server() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 5, &star(), Relaying::Few).await;
        network.partition("n3", "n4");
        let (there, kept) = log(&nodes[4]).await;
        let far = nodes[3].reference::<Log>(there);
        assert_eq!(far.twice(1).timeout(20 * SECOND).await, Ok(2));
        for number in 0..200 {
            far.note(number).expect("it is sent");
        }
        let large = vec![7; 3 << 20];
        let length = far.length(large.clone()).timeout(3 * SECOND).await;
        assert_eq!(length, Ok(large.len()));
        assert_eq!(*kept.lock().unwrap(), (0..200).collect::<Vec<u32>>());
        let peers = nodes[3].cluster().nodes().await.expect("it has a cluster");
        let through = peers.iter().filter(|peer| peer.is_through);
        let through: Vec<&str> = through.map(|peer| &*peer.who.name).collect();
        assert_eq!(through, ["n4"]);
        let ends = Arc::<Mutex<Vec<Reason>>>::default();
        let (other, _) = log(&nodes[4]).await;
        let kept_ends = Arc::clone(&ends);
        let watching = nodes[3].spawn_fn(move |me| bound(me, other, there, kept_ends));
        watching.expect("it starts");
        world.advance(SECOND).await;
        nodes[4].exit(there, Reason::Kill);
        world.advance(SECOND).await;
        assert_eq!(*ends.lock().unwrap(), [Reason::Killed]);
        world.crash(&nodes[4]);
        let told = async || *ends.lock().unwrap() == [Reason::Killed, Reason::NoConnection];
        world.eventually(MINUTE, told).await;
    });
}

#[test]
fn the_node_in_between_may_fail() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 5, &star(), Relaying::Few).await;
        network.partition("n3", "n4");
        let (there, kept) = log(&nodes[4]).await;
        let far = nodes[3].reference::<Log>(there);
        assert_eq!(far.twice(1).timeout(20 * SECOND).await, Ok(2));
        for number in 0..40 {
            far.note(number).expect("it is sent");
            if number == 20 {
                world.crash(&nodes[1]);
            }
            world.advance(SECOND / 10).await;
        }
        world.advance(20 * SECOND).await;
        assert_eq!(*kept.lock().unwrap(), (0..40).collect::<Vec<u32>>());
    });
}

#[test]
fn a_relay_that_begins_anew_relays_again() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 4, &star(), Relaying::Few).await;
        network.partition("n2", "n3");
        let (there, _) = log(&nodes[3]).await;
        let far = nodes[2].reference::<Log>(there);
        for node in [2, 3, 0, 1] {
            assert_eq!(far.twice(1).timeout(20 * SECOND).await, Ok(2));
            world.advance(10 * SECOND).await;
            let relay = nodes[node].whereis("foundation_relay").expect("it runs");
            nodes[node].exit(relay, Reason::Kill);
            world.advance(SECOND).await;
            if node == 2 {
                let peers = nodes[2].cluster().nodes().await.expect("it has a cluster");
                assert!(
                    !peers.iter().any(|peer| peer.is_through),
                    "it is told at once"
                );
            }
            // What was lost with it is told at once, or by silence; then there is another way.
            let until = nodes[2].now() + MINUTE;
            while far.twice(1).timeout(20 * SECOND).await != Ok(2) {
                assert!(nodes[2].now() < until, "after the relay of n{node}");
                world.advance(SECOND).await;
            }
        }
    });
}

#[test]
fn over_few_connections_a_way_is_found() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 9, &few(), Relaying::Few).await;
        for other in ["n1", "n2", "n3", "n4"] {
            network.partition("n8", other);
        }
        world.advance(10 * SECOND).await;
        for node in &nodes[1..5] {
            let (there, _) = log(node).await;
            let far = nodes[8].reference::<Log>(there);
            let first = far.twice(1).timeout(20 * SECOND).await;
            let answer = match first {
                Ok(answer) => Ok(answer),
                // The connection that it had broke just then.
                Err(_) => far.twice(1).timeout(20 * SECOND).await,
            };
            assert_eq!(answer, Ok(2), "{}", node.name());
        }
    });
}

#[test]
fn a_full_mesh_relays_only_when_it_is_told_to() {
    simulate(2, |world, network| async move {
        for (relaying, is_reached) in [(Relaying::Few, false), (Relaying::Always, true)] {
            let nodes = start(&world, &network, 3, &Overlay::FullMesh, relaying).await;
            network.partition("n1", "n2");
            world.advance(30 * SECOND).await;
            assert_eq!(nodes[1].peer("n2").is_some(), is_reached, "{relaying:?}");
            let (there, _) = log(&nodes[2]).await;
            let answer = nodes[1].reference::<Log>(there).twice(4);
            let answer = answer.timeout(5 * SECOND).await;
            match is_reached {
                true => assert_eq!(answer, Ok(8)),
                false => assert_eq!(answer, Err(CallError::NoConnection)),
            }
            network.heal_all();
            for node in &nodes {
                world.crash(node);
            }
            world.advance(MINUTE).await;
        }
    });
}
