//! Do nodes that are connected to a few others reach all of them?
//!
//! Role       Whole nodes over HyParView, in a simulated world: messages, order, monitors and calls between
//!            nodes that are not connected at first, or not any more.
//! Sabotages  Seen red: what is sent while a connection is given up goes into it; the first that waited is
//!            not sent; one end closes alone; lost members are not joined when they are met again; nobody
//!            but neighbours is probed; a lost member keeps its way.

mod common;
#[path = "common/graph.rs"]
mod graph;
#[path = "common/log_actor.rs"]
mod log_actor;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::MeshConfig;
use foundation_cluster::mesh::{Loss, NodeEvent};
use foundation_cluster::overlay::{Overlay, hyparview};
use foundation_cluster::{Builder, BuilderExt, NodeClusterExt, SimNetwork, WorldClusterExt};
use foundation_runtime::{Mail, Node, NodeChange, Pid, Process, Reason, World};

use graph::{neighbours, reached};
use log_actor::{Log, simulate};

const MINUTE: Duration = Duration::from_secs(60);
/// How many neighbours a node has.
const ACTIVE: usize = 3;

fn plan(name: &str) -> Builder {
    let few = hyparview::Config {
        active_max: ACTIVE,
        ..hyparview::Config::default()
    };
    let mesh = MeshConfig {
        idle: Duration::from_secs(5),
        ..MeshConfig::default()
    };
    let builder = Node::builder().name(name).seed("n0:7000");
    builder.overlay(Overlay::HyParView(few)).mesh(mesh)
}

async fn start(world: &World, network: &SimNetwork, count: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for number in 0..count {
        let node = plan(&format!("n{number}")).start_in(world, network).await;
        nodes.push(node.expect("it starts"));
    }
    nodes
}

/// Waits until every node can speak to all others.
async fn known(world: &World, nodes: &[Node]) {
    let all = async || {
        nodes
            .iter()
            .all(|node| node.peers().len() + 1 == nodes.len())
    };
    world.eventually(MINUTE, all).await;
}

async fn connections(node: &Node) -> usize {
    node.cluster()
        .nodes()
        .await
        .expect("it has a cluster")
        .len()
}

/// Waits until there are no more connections than the overlay keeps, but for some over which somebody
/// shuffles, or is looked after.
async fn few(world: &World, nodes: &[Node]) {
    let few = async || {
        let mut ends = 0;
        for node in nodes {
            ends += connections(node).await;
        }
        ends <= nodes.len() * (ACTIVE + 1)
    };
    world.eventually(2 * MINUTE, few).await;
}

#[test]
fn everybody_speaks_to_everybody_over_few_connections() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 12).await;
        known(&world, &nodes).await;
        let mut logs = Vec::new();
        for node in &nodes {
            logs.push(node.start::<Log>(Arc::default()).await.expect("it starts"));
        }
        for (at, node) in nodes.iter().enumerate() {
            for log in &logs {
                let log = node.reference::<Log>(log.pid());
                let number = at as u32;
                assert_eq!(log.twice(number).await, Ok(2 * number), "from {at}");
            }
        }
        few(&world, &nodes).await;
    });
}

#[test]
fn what_is_sent_over_connections_that_come_and_go_arrives_once_and_in_order() {
    simulate(5, |world, network| async move {
        let nodes = start(&world, &network, 10).await;
        known(&world, &nodes).await;
        let kept = Arc::<Mutex<Vec<u32>>>::default();
        let log = nodes[9]
            .start::<Log>(Arc::clone(&kept))
            .await
            .expect("it starts");
        let far = nodes[4].reference::<Log>(log.pid());
        let mut number = 0;
        for pause in [0, 1, 3, 4, 5, 6, 7, 12, 5, 5, 5, 6, 6, 6] {
            for _ in 0..20 {
                far.note(number).expect("it is sent");
                number += 1;
            }
            // A little before, at, and after the moment when the connection is given up.
            world
                .advance(Duration::from_millis(
                    pause * 1000 + u64::from(number) % 977,
                ))
                .await;
        }
        world.advance(Duration::from_secs(20)).await;
        let expected: Vec<u32> = (0..number).collect();
        assert_eq!(*kept.lock().unwrap(), expected);
        few(&world, &nodes).await;
    });
}

/// Notes what becomes of connections.
async fn note(mut me: Process<NodeEvent>, noted: Arc<Mutex<Vec<NodeEvent>>>) {
    while let Mail::Msg(event) = me.recv().await {
        noted.lock().unwrap().push(event);
    }
}

#[test]
fn a_connection_over_which_processes_speak_stays_until_they_do_not() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 10).await;
        known(&world, &nodes).await;
        few(&world, &nodes).await;
        let near = nodes[4].cluster().nodes().await.expect("it has a cluster");
        let is_far = |node: &&Node| near.iter().all(|peer| *peer.who.name != *node.name());
        let mut far = nodes.iter().filter(|node| node.id() != nodes[4].id());
        let far = far.find(is_far).expect("most are");
        let log = far.start::<Log>(Arc::default()).await.expect("it starts");
        let log = nodes[4].reference::<Log>(log.pid());
        let noted = Arc::<Mutex<Vec<NodeEvent>>>::default();
        let watcher = Arc::clone(&noted);
        let watcher = nodes[4].spawn_fn(move |me| note(me, watcher));
        let watches = nodes[4].cluster();
        let watches = watches.watch(watcher.expect("there is room").pid());
        watches.await.expect("there is room");
        for number in 0..30 {
            log.note(number).expect("it is sent");
            world.advance(Duration::from_secs(1)).await;
        }
        let ended = NodeEvent::Down(far.name().into(), Loss::Unneeded);
        let has_ended = || noted.lock().unwrap().contains(&ended);
        assert!(!has_ended(), "it was used all the time");
        world.advance(Duration::from_secs(15)).await;
        let near = neighbours(&nodes, 4).await;
        let is_neighbour = near.iter().any(|near| nodes[*near].id() == far.id());
        assert!(has_ended() || is_neighbour, "nobody uses it");
    });
}

/// Watches a process, and says why it is gone.
async fn watch(mut me: Process<NodeChange>, whom: Pid, gone: Arc<Mutex<Option<Reason>>>) {
    me.monitor(whom);
    loop {
        if let Mail::Down(down) = me.recv().await {
            *gone.lock().unwrap() = Some(down.reason);
            return;
        }
    }
}

#[test]
fn a_monitor_outlives_the_connection_that_it_was_set_over() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 10).await;
        known(&world, &nodes).await;
        let ends = [Arc::default(), Arc::default()];
        let mut logs = Vec::new();
        for (far, gone) in [9, 8].into_iter().zip(&ends) {
            let log = nodes[far]
                .start::<Log>(Arc::default())
                .await
                .expect("it starts");
            let (whom, gone) = (log.pid(), Arc::clone(gone));
            let watcher = nodes[3].spawn_fn(move |me| watch(me, whom, gone));
            watcher.expect("it starts");
            logs.push(log);
        }
        // Long enough for connections that nobody needs to end.
        world.advance(MINUTE).await;
        few(&world, &nodes).await;
        nodes[9].exit(logs[0].pid(), Reason::Kill);
        world.crash(&nodes[8]);
        let is = |at: usize, why: Reason| *ends[at].lock().unwrap() == Some(why);
        let told = async || is(0, Reason::Killed) && is(1, Reason::NoConnection);
        world.eventually(MINUTE, told).await;
    });
}

#[test]
fn who_fails_together_with_all_its_neighbours_is_missed() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 12).await;
        known(&world, &nodes).await;
        world.advance(MINUTE).await;
        let mut gone = neighbours(&nodes, 7).await;
        gone.push(7);
        gone.iter().for_each(|node| world.crash(&nodes[*node]));
        let left: Vec<&Node> = (0..nodes.len())
            .filter(|node| !gone.contains(node))
            .map(|node| &nodes[node])
            .collect();
        let missed = async || left.iter().all(|node| node.peers().len() + 1 == left.len());
        world.eventually(2 * MINUTE, missed).await;
    });
}

#[test]
fn two_halves_become_one_again() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 12).await;
        known(&world, &nodes).await;
        world.advance(Duration::from_secs(20)).await;
        let names: Vec<&str> = nodes.iter().map(Node::name).collect();
        let (one, other) = names.split_at(6);
        network.split(one, other);
        let apart = async || nodes.iter().all(|node| node.peers().len() == 5);
        world.eventually(MINUTE, apart).await;
        world.advance(MINUTE).await;
        network.heal_all();
        known(&world, &nodes).await;
        // They are one overlay, too, and the news of a crash reaches both halves.
        let one = async || reached(&nodes).await == nodes.len();
        world.eventually(Duration::from_secs(20), one).await;
        world.crash(&nodes[11]);
        let known = async || nodes[..11].iter().all(|node| node.peers().len() == 10);
        world.eventually(MINUTE, known).await;
    });
}
