//! Does a node know who belongs to its cluster, and how each is?
//!
//! Role       Whole nodes over a simulated network: what [`Cluster::members`] says, and what the
//!            membership makes the mesh do.
//! Sabotages  Seen red: members that were heard of are not dialled; who failed stays connected; who
//!            is met is not asked for its view; a message is taken from whoever brings it.
//!
//! [`Cluster::members`]: foundation_cluster::Cluster::members

mod common;

use std::time::Duration;

use foundation_actors::sys;
use foundation_cluster::membership::State;
use foundation_cluster::mesh::{Loss, MeshConfig};
use foundation_cluster::{BuilderExt, NodeClusterExt, NodeEvent, SimNetwork};
use foundation_runtime::{Mail, Node, Process, Reason, World};

use State::{Alive, Down, Evicted, Left};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn simulate<Fut: Future<Output = ()>>(seeds: u64, body: impl Fn(World, SimNetwork) -> Fut) {
    common::simulate(seeds, |world| {
        let network = SimNetwork::new(&world);
        body(world, network)
    });
}

async fn start(world: &World, network: &SimNetwork, name: &str) -> Node {
    let builder = Node::builder().name(name).seed("a:7000");
    builder.start_in(world, network).await.expect("it starts")
}

/// The members that a node knows: names, starts and states.
async fn members(node: &Node) -> Vec<(String, u64, State)> {
    let members = node.cluster().members().await.expect("it has a cluster");
    members
        .iter()
        .map(|record| (record.name.to_string(), record.incarnation, record.state))
        .collect()
}

/// Waits until every one of these knows exactly these.
async fn agree(world: &World, bound: Duration, at: &[&Node], expected: &[(&Node, State)]) {
    let mut expected: Vec<(String, u64, State)> = expected
        .iter()
        .map(|(node, state)| (node.name().to_owned(), node.incarnation(), *state))
        .collect();
    expected.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for node in at {
        let agrees = async || members(node).await == expected;
        world.eventually(bound, agrees).await;
    }
}

async fn start_all<const N: usize>(
    world: &World,
    network: &SimNetwork,
    names: [&str; N],
) -> [Node; N] {
    let mut nodes = Vec::new();
    for name in names {
        nodes.push(start(world, network, name).await);
    }
    let nodes: [Node; N] = nodes.try_into().expect("one for each name");
    let all: Vec<&Node> = nodes.iter().collect();
    let alive: Vec<(&Node, State)> = nodes.iter().map(|node| (node, Alive)).collect();
    agree(world, secs(10), &all, &alive).await;
    nodes
}

/// All learn of all from one seed, and each is connected to each other.
#[test]
fn members_are_found_and_dialled() {
    simulate(10, |world, network| async move {
        let nodes = start_all(&world, &network, ["a", "b", "c", "d", "e"]).await;
        for a in &nodes {
            for b in nodes.iter().filter(|b| b.name() != a.name()) {
                let connected = async || a.peer(b.name()) == Some(b.id());
                world.eventually(secs(5), connected).await;
            }
        }
    });
}

/// What becomes of a member, by what happened to it.
#[test]
fn how_a_member_is() {
    for (what, state) in [
        ("kill", Down),
        ("power", Down),
        ("leave", Left),
        ("evict", Evicted),
    ] {
        simulate(5, |world, network| async move {
            let [a, b, c] = start_all(&world, &network, ["a", "b", "c"]).await;
            match what {
                "kill" => network.kill("b"),
                "power" => network.cut_power("b"),
                "leave" => b.cluster().leave(secs(5)).await.expect("it can"),
                _ => a.cluster().evict("b").await.expect("it is a member"),
            }
            let (bound, others) = match state {
                Down => (secs(12), [&a, &c]),
                _ => (secs(2), [&a, &c]),
            };
            let left = [(&a, Alive), (&b, state), (&c, Alive)];
            agree(&world, bound, &others, &left).await;
            for node in others {
                world
                    .eventually(secs(2), async || node.peer("b").is_none())
                    .await;
            }
            if what == "evict" {
                assert_eq!(members(&b).await.len(), 3);
                world
                    .eventually(secs(2), async || b.peer("a").is_none())
                    .await;
            }
            network.kill("b");
            let again = start(&world, &network, "b").await;
            let all = [(&a, Alive), (&again, Alive), (&c, Alive)];
            agree(&world, secs(15), &[&a, &again, &c], &all).await;
            let connected = async || a.peer("b") == Some(again.id());
            world.eventually(secs(15), connected).await;
        });
    }
}

/// Everybody is told of it over its own connection, and closes that for this reason.
#[test]
fn a_good_bye_reaches_all_at_once() {
    simulate(5, |world, network| async move {
        let names = ["a", "b", "c", "d", "e", "f"];
        let nodes = start_all(&world, &network, names).await;
        let connected = async || {
            let mut others = nodes.iter().filter(|node| node.name() != "b");
            let b = &nodes[1];
            others.all(|node| node.peer("b").is_some() && b.peer(node.name()).is_some())
        };
        world.eventually(secs(5), connected).await;
        let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
        for node in nodes.iter().filter(|node| node.name() != "b") {
            let told = told.clone();
            let watcher = node.spawn_fn(async move |mut me: Process<NodeEvent>| {
                while let Mail::Msg(event) = me.recv().await {
                    told.send(event).expect("the test listens");
                }
            });
            let watcher = watcher.expect("there is room").pid();
            let watches = node.cluster().watch(watcher).await;
            watches.expect("there is room");
        }
        let left = nodes[1].cluster().leave(Duration::from_millis(100)).await;
        left.expect("it has a cluster");
        world.sleep(Duration::from_millis(50)).await;
        let mut lost = Vec::new();
        while let Ok(event) = news.try_recv() {
            lost.extend(matches!(event, NodeEvent::Down(..)).then_some(event));
        }
        assert_eq!(lost, vec![NodeEvent::Down("b".into(), Loss::Left); 5]);
    });
}

/// Where the membership or the mesh of a node crashes, both begin anew, and find all others.
#[test]
fn a_crash_of_what_holds_the_cluster_heals() {
    for name in ["foundation_membership", "foundation_mesh"] {
        simulate(5, |world, network| async move {
            let [a, b, c] = start_all(&world, &network, ["a", "b", "c"]).await;
            let process = b.whereis(name).expect("it runs");
            b.exit(process, Reason::Kill);
            world
                .eventually(secs(2), async || a.peer("b").is_none())
                .await;
            let together = async || {
                let all = [&a, &b, &c];
                let mut pairs = all.iter().flat_map(|x| all.iter().map(move |y| (x, y)));
                pairs.all(|(x, y)| x.id() == y.id() || x.peer(y.name()) == Some(y.id()))
            };
            world.eventually(secs(15), together).await;
            let alive = [(&a, Alive), (&b, Alive), (&c, Alive)];
            agree(&world, secs(5), &[&a, &b, &c], &alive).await;
        });
    }
}

/// A new mesh is told of all members: here nobody else is left who could dial.
#[test]
fn a_new_mesh_dials_all_members() {
    simulate(5, |world, network| async move {
        let [a, b, c] = start_all(&world, &network, ["a", "b", "c"]).await;
        network.kill("a");
        agree(
            &world,
            secs(12),
            &[&b, &c],
            &[(&a, Down), (&b, Alive), (&c, Alive)],
        )
        .await;
        for node in [&b, &c] {
            let mesh = node.whereis("foundation_mesh").expect("it runs");
            node.exit(mesh, Reason::Kill);
        }
        let parted = async || b.peer("c").is_none() && c.peer("b").is_none();
        world.eventually(secs(2), parted).await;
        let together = async || b.peer("c") == Some(c.id()) && c.peer("b") == Some(b.id());
        world.eventually(secs(15), together).await;
    });
}

/// Two that do not reach each other are both members as long as others reach them.
#[test]
fn a_cut_between_two_is_no_failure() {
    simulate(10, |world, network| async move {
        let [a, b, c, d] = start_all(&world, &network, ["a", "b", "c", "d"]).await;
        network.partition("a", "b");
        world
            .eventually(secs(6), async || a.peer("b").is_none())
            .await;
        for _ in 0..60 {
            world.sleep(secs(1)).await;
            for node in [&a, &b, &c, &d] {
                let members = members(node).await;
                let live = members.iter().filter(|(.., state)| state.is_live());
                assert_eq!(live.count(), 4, "{}: {members:?}", node.name());
            }
        }
        network.heal_all();
        world
            .eventually(secs(15), async || a.peer("b") == Some(b.id()))
            .await;
    });
}

/// Halves that took each other for failed are one again.
#[test]
fn halves_find_together() {
    simulate(10, |world, network| async move {
        let [a, b, c, d] = start_all(&world, &network, ["a", "b", "c", "d"]).await;
        network.split(&["a", "b"], &["c", "d"]);
        let split = [(&a, Alive), (&b, Alive), (&c, Down), (&d, Down)];
        agree(&world, secs(40), &[&a, &b], &split).await;
        network.heal_all();
        let all = [(&a, Alive), (&b, Alive), (&c, Alive), (&d, Alive)];
        agree(&world, secs(20), &[&a, &b, &c, &d], &all).await;
    });
}

/// Heartbeats alone do not make a member: who does not take part any more is found to have failed,
/// and whoever had to do with it is told.
#[test]
fn who_fails_is_disconnected() {
    simulate(5, |world, network| async move {
        let [a, b, _c] = start_all(&world, &network, ["a", "b", "c"]).await;
        let there = b.spawn_fn(
            async |mut me: Process<NodeEvent>| {
                while let Mail::Msg(_) = me.recv().await {}
            },
        );
        let there = there.expect("there is room").pid();
        let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
        let watcher = a.spawn_fn(async move |mut me: Process<NodeEvent>| {
            while let Mail::Msg(event) = me.recv().await {
                told.send(event).expect("the test listens");
            }
        });
        let watcher = watcher.expect("there is room").pid();
        a.cluster().watch(watcher).await.expect("there is room");
        let membership = b.whereis("foundation_membership").expect("it runs");
        sys::suspend(&(&b, membership)).await.expect("it can");
        let down = a.down(there).await;
        assert_eq!(down.reason, Reason::NoConnection);
        assert_eq!(
            news.recv().await,
            Some(NodeEvent::Down("b".into(), Loss::Failed))
        );
        sys::resume(&(&b, membership)).await.expect("it can");
        let alive = async || members(&a).await.iter().all(|(.., state)| *state == Alive);
        world.eventually(secs(20), alive).await;
    });
}

/// Who is patient with connections is patient with members.
#[test]
fn patience_is_for_both() {
    simulate(2, |world, network| async move {
        let silence = secs(60);
        let mesh = MeshConfig {
            silence,
            ..MeshConfig::default()
        };
        let mut nodes = Vec::new();
        for name in ["a", "b"] {
            let builder = Node::builder().name(name).seed("a:7000").mesh(mesh.clone());
            nodes.push(builder.start_in(&world, &network).await.expect("it starts"));
        }
        let [a, b] = [&nodes[0], &nodes[1]];
        agree(&world, secs(10), &[a], &[(a, Alive), (b, Alive)]).await;
        let begun = world.now();
        network.cut_power("b");
        agree(&world, secs(70), &[a], &[(a, Alive), (b, Down)]).await;
        let took = world.now() - begun;
        assert!(secs(55) < took && took < secs(65), "{took:?}");
    });
}
