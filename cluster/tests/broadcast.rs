//! Does a message to all come to all, once, whatever the overlay and whatever breaks?
//!
//! Role       Whole nodes in a simulated world: what one casts to a name everywhere comes to the process of
//!            that name on each.
//! Sabotages  Seen red: a process that begins anew is the same origin, or knows no neighbour; what was taken
//!            still counts as waiting, or nothing has a limit; calls wait for ever; the node that stands for
//!            all is seen, or another has its name; whoever is connected counts as a neighbour.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::{Name, NodeExt};
use foundation_cluster::overlay::{Overlay, client_server, hyparview};
use foundation_cluster::{
    Builder, BuilderExt, NodeClusterExt, SimNetwork, StartError, WorldClusterExt,
};
use foundation_macros::actor;
use foundation_runtime::{CallError, Mail, Node, NodeChange, Process, Reason, SendError, World};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn simulate<Fut: Future<Output = ()>>(seeds: u64, body: impl Fn(World, SimNetwork) -> Fut) {
    common::simulate(seeds, |world| {
        let network = SimNetwork::new(&world);
        body(world, network)
    });
}

fn few() -> Overlay {
    Overlay::HyParView(hyparview::Config {
        active_max: 3,
        ..hyparview::Config::default()
    })
}

fn overlays() -> [Overlay; 3] {
    let star = client_server::Config::new(["n0", "n1"]);
    [Overlay::FullMesh, few(), Overlay::ClientServer(star)]
}

fn plan(name: &str, overlay: &Overlay) -> Builder {
    let builder = Node::builder().name(name).seed("n0:7000");
    builder.overlay(overlay.clone())
}

/// A node, and what came to its log.
struct Told(Node, Arc<Mutex<Vec<u32>>>);

async fn start_one(world: &World, network: &SimNetwork, number: usize, overlay: &Overlay) -> Told {
    let plan = plan(&format!("n{number}"), overlay);
    let node = plan.start_in(world, network).await.expect("it starts");
    let kept = Arc::default();
    let log = node.start::<Log>(Arc::clone(&kept)).name(LOG).await;
    log.expect("the name is free");
    Told(node, kept)
}

async fn start(world: &World, network: &SimNetwork, count: usize, overlay: &Overlay) -> Vec<Told> {
    let mut nodes = Vec::new();
    for number in 0..count {
        nodes.push(start_one(world, network, number, overlay).await);
    }
    let all = async || {
        let sees_all = |Told(node, _): &Told| node.peers().len() + 1 == nodes.len();
        nodes.iter().all(sees_all)
    };
    world.eventually(MINUTE, all).await;
    // Where all are new, what was before the first comparison is nobody's to give.
    world.advance(6 * SECOND).await;
    nodes
}

/// Keeps what it is told.
struct Log(Arc<Mutex<Vec<u32>>>);

const LOG: Name<Log> = Name::new("log");

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

    #[cast]
    fn swallow(&mut self, bytes: Vec<u8>) {
        self.0.lock().unwrap().push(bytes.len() as u32);
    }

    #[call]
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn say(Told(node, _): &Told, number: u32) {
    let sent = node.cluster().everywhere().at(LOG).note(number);
    sent.expect("it is sent");
}

/// What came to each, in order of numbers.
fn heard(nodes: &[Told]) -> Vec<Vec<u32>> {
    let of = |Told(_, kept): &Told| {
        let mut kept = kept.lock().unwrap().clone();
        kept.sort_unstable();
        kept
    };
    nodes.iter().map(of).collect()
}

#[test]
fn it_comes_to_all_once_whatever_the_overlay() {
    for overlay in overlays() {
        simulate(2, |world, network| {
            let overlay = overlay.clone();
            async move {
                let nodes = start(&world, &network, 9, &overlay).await;
                for number in 0..45 {
                    say(&nodes[number as usize % 9], number);
                    world
                        .advance(Duration::from_millis(u64::from(number) % 7 * 40))
                        .await;
                }
                world.advance(10 * SECOND).await;
                let expected: Vec<u32> = (0..45).collect();
                for (node, heard) in heard(&nodes).into_iter().enumerate() {
                    assert_eq!(heard, expected, "{overlay}: n{node}");
                }
            }
        });
    }
}

#[test]
fn who_was_cut_off_is_given_what_it_lacks() {
    simulate(3, |world, network| async move {
        let nodes = start(&world, &network, 8, &few()).await;
        let names: Vec<&str> = nodes.iter().map(|Told(node, _)| node.name()).collect();
        say(&nodes[0], 0);
        network.split(&names[..4], &names[4..]);
        for number in 1..20 {
            say(&nodes[number as usize % 8], number);
            world.advance(SECOND / 2).await;
        }
        network.heal_all();
        let expected: Vec<u32> = (0..20).collect();
        let all = async || heard(&nodes).iter().all(|heard| *heard == expected);
        world.eventually(2 * MINUTE, all).await;
    });
}

#[test]
fn a_crash_and_a_process_that_begins_anew_stop_nobody() {
    simulate(3, |world, network| async move {
        let mut nodes = start(&world, &network, 8, &few()).await;
        for number in 0..30 {
            if number == 10 {
                let Told(gone, _) = nodes.remove(5);
                world.crash(&gone);
            }
            if number == 20 {
                let Told(node, _) = &nodes[2];
                let process = node.whereis("foundation_broadcast").expect("it runs");
                node.exit(process, Reason::Kill);
                world.advance(SECOND).await;
            }
            say(&nodes[number as usize % 7], number);
            world.advance(SECOND / 4).await;
        }
        let expected: Vec<u32> = (0..30).collect();
        let all = async || heard(&nodes).iter().all(|heard| *heard == expected);
        world.eventually(2 * MINUTE, all).await;
        world.advance(20 * SECOND).await;
        assert!(all().await, "nothing comes twice");
    });
}

#[test]
fn there_is_nobody_to_call_and_no_node_of_that_name() {
    simulate(2, |world, network| async move {
        let nodes = start(&world, &network, 3, &Overlay::FullMesh).await;
        let Told(node, _) = &nodes[1];
        let everywhere = node.cluster().everywhere();
        let refused = everywhere.at(LOG).count().timeout(SECOND).await;
        assert!(matches!(refused, Err(CallError::Refused(_))), "{refused:?}");
        assert_eq!(node.peers().len(), 2, "it is no peer");
        let heard = Arc::<Mutex<Vec<NodeChange>>>::default();
        let kept = Arc::clone(&heard);
        let watching = node.spawn_fn(move |mut me: Process<NodeChange>| async move {
            me.monitor_nodes();
            loop {
                if let Mail::Msg(change) = me.recv().await {
                    kept.lock().unwrap().push(change);
                }
            }
        });
        watching.expect("it starts");
        let twin = plan("*", &Overlay::FullMesh)
            .start_in(&world, &network)
            .await;
        assert!(matches!(twin, Err(StartError::Name(_))), "{twin:?}");
        world.advance(5 * SECOND).await;
        assert_eq!(*heard.lock().unwrap(), Vec::<NodeChange>::new());
        let alone = Node::builder().name("alone");
        let alone = world.start_with(alone);
        let sent = alone.cluster().everywhere().at(LOG).note(1);
        assert!(sent.is_ok(), "as to any node that is not reached: {sent:?}");
    });
}

#[test]
fn who_sends_too_much_is_told_and_too_long_is_nobodys() {
    simulate(1, |world, network| async move {
        let nodes = start(&world, &network, 3, &Overlay::FullMesh).await;
        let Told(node, kept) = &nodes[0];
        let log = node.cluster().everywhere().at(LOG);
        let sent = (0..9).map(|_| log.swallow(vec![0; 700_000]));
        let full = sent.filter(|sent| *sent == Err(SendError::Full)).count();
        assert_eq!(full, 4, "4 MiB wait");
        world.advance(5 * SECOND).await;
        log.swallow(vec![0; 2 << 20]).expect("there is room");
        world.advance(5 * SECOND).await;
        assert_eq!(*kept.lock().unwrap(), [700_000; 5]);
        assert_eq!(heard(&nodes)[2], [700_000; 5]);
    });
}
