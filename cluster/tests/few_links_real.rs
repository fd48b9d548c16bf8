//! Do nodes of few connections reach each other over real sockets?
//!
//! Role       Eight nodes in one program over TCP on loopback: order over connections that come and go, and a
//!            node that ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::MeshConfig;
use foundation_cluster::overlay::{Overlay, hyparview};
use foundation_cluster::{Builder, NodeClusterExt, Secret};
use foundation_macros::actor;
use foundation_runtime::{Node, World};

const BOUND: Duration = Duration::from_secs(60);
const NODES: usize = 8;

fn plan(name: &str) -> Builder {
    let few = hyparview::Config {
        active_max: 3,
        ..hyparview::Config::default()
    };
    let mesh = MeshConfig {
        tick: Duration::from_millis(100),
        idle: Duration::from_millis(300),
        ..MeshConfig::default()
    };
    let secret = Secret::new([5; 32]).expect("long enough");
    let builder = Builder::new(Node::builder().name(name)).secret(secret);
    builder.overlay(Overlay::HyParView(few)).mesh(mesh)
}

/// Keeps what it is told.
struct Log(Arc<Mutex<Vec<u32>>>);

#[actor(crate = foundation_actors)]
impl Log {
    #[init]
    fn init(kept: Arc<Mutex<Vec<u32>>>) -> Self {
        Self(kept)
    }

    #[cast]
    fn note(&mut self, number: u32) {
        self.0.lock().unwrap().push(number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_over_real_connections_that_come_and_go() {
    let first = plan("n0").start().await.expect("it starts");
    let own = first.cluster().own().await.expect("it has a cluster");
    let mut nodes = vec![first];
    for number in 1..NODES {
        let plan = plan(&format!("n{number}")).seed(own.address.clone());
        nodes.push(plan.start().await.expect("it starts"));
    }
    let world = World::real(1);
    let known = async || nodes.iter().all(|node| node.peers().len() + 1 == NODES);
    world.eventually(BOUND, known).await;
    let kept = Arc::<Mutex<Vec<u32>>>::default();
    let log = nodes[7]
        .start::<Log>(Arc::clone(&kept))
        .await
        .expect("it starts");
    let far: Vec<_> = nodes
        .iter()
        .map(|node| node.reference::<Log>(log.pid()))
        .collect();
    let mut number = 0;
    for pause in [0, 250, 290, 300, 310, 350, 400, 900, 300, 320, 340] {
        for _ in 0..50 {
            far[3].note(number).expect("it is sent");
            number += 1;
        }
        nodes[3].sleep(Duration::from_millis(pause)).await;
    }
    let all = async || kept.lock().unwrap().len() == number as usize;
    world.eventually(BOUND, all).await;
    assert_eq!(*kept.lock().unwrap(), (0..number).collect::<Vec<u32>>());
    let parted = async || {
        let mut ends = 0;
        for node in &nodes {
            ends += node.cluster().nodes().await.map_or(0, |peers| peers.len());
        }
        ends <= 4 * NODES
    };
    world.eventually(BOUND, parted).await;
    let gone = nodes.pop().expect("there are some");
    gone.shutdown(BOUND).await.expect("every process yields");
    let missed = async || nodes.iter().all(|node| node.peers().len() + 2 == NODES);
    world.eventually(BOUND, missed).await;
    for node in nodes.iter().chain([&world.node()]) {
        node.shutdown(BOUND).await.expect("every process yields");
    }
}
