//! Do two nodes agree on whether they lost each other?
//!
//! Role       Clients of one server, whose connection ends when nobody needs it, and a link between two of
//!            their processes: whatever breaks while the connection ends or begins, both live or neither.
//! Sabotages  Seen red: a first word that differs is not noticed. That a connection which breaks while its end
//!            is being agreed on is a loss at once, and not only when the next one shows it, no test here sees.

mod common;

use std::time::Duration;

use foundation_cluster::overlay::{Overlay, client_server};
use foundation_cluster::{BuilderExt, WorldClusterExt};
use foundation_runtime::{Node, NodeChange, Process, World};

use common::simulate;

const SEEDS: u64 = 60;
const MINUTE: Duration = Duration::from_secs(60);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn start(world: &World) -> [Node; 3] {
    let mut nodes = Vec::new();
    for name in ["n0", "n1", "n2"] {
        let overlay = Overlay::ClientServer(client_server::Config::new(["n0"]));
        let plan = Node::builder().name(name).seed("n0:7000").overlay(overlay);
        let node = plan.start_in(world, &world.network()).await;
        nodes.push(node.expect("it starts"));
    }
    let all = async || nodes.iter().all(|node| node.peers().len() == 2);
    world.eventually(MINUTE, all).await;
    nodes.try_into().expect("there are three")
}

/// What goes wrong, at a moment at which the connection may be about to end.
async fn breaks(world: &World, [_, one, other]: &[Node; 3]) {
    let network = world.network();
    let pause = ms(9_000 + world.random() % 3_000);
    match world.random() % 4 {
        0 => world.clock_jump(other, pause + ms(5_000)),
        1 => network.partition_one_way(one.name(), other.name()),
        2 => network.partition(one.name(), other.name()),
        _ => {
            world.pause(other);
            world.sleep(pause).await;
            world.resume(other);
        }
    }
    world.sleep(ms(world.random() % 12_000)).await;
    network.heal_all();
}

#[test]
fn of_a_loss_both_ends_tell_or_neither() {
    simulate(SEEDS, |world| async move {
        let nodes = start(&world).await;
        let [_, one, other] = &nodes;
        for round in 0..4 {
            let idle = async |me: Process<NodeChange>| me.node().sleep(60 * MINUTE).await;
            let there = other.spawn_fn(idle).expect("there is room").pid();
            let linked = async move |me: Process<NodeChange>| {
                me.link(there).expect("its node is a member");
                me.node().sleep(60 * MINUTE).await;
            };
            let here = one.spawn_fn(linked).expect("there is room").pid();
            // The connection is there for the link, then for nobody: it ends after 10 s.
            world.sleep(ms(8_000 + world.random() % 4_000)).await;
            breaks(&world, &nodes).await;
            world.sleep(MINUTE).await;
            let ends = [one.is_alive(here), other.is_alive(there)];
            assert_eq!(ends[0], ends[1], "round {round}: {ends:?}");
        }
    });
}

/// Who was cut off for long is there again at once: more are silent than are knocked at together.
#[test]
fn halves_that_are_healed_see_each_other_at_once() {
    simulate(10, |world| async move {
        let app = async |_: &Node| {};
        let nodes = world
            .nodes(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], app)
            .await;
        let names: Vec<&str> = nodes.iter().map(Node::name).collect();
        let (left, right) = names.split_at(5);
        let see = |count: usize| nodes.iter().all(|node| node.peers().len() == count);
        world.network().split(left, right);
        world.eventually(MINUTE, async || see(4)).await;
        world.sleep(3 * MINUTE).await;
        world.network().heal_all();
        let begun = world.now();
        world.eventually(MINUTE, async || see(9)).await;
        let took = world.now() - begun;
        assert!(took < ms(300), "it took {took:?}");
    });
}
