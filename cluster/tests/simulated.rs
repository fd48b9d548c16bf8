//! Do simulated nodes come together, and part as they should?
//!
//! Role       Whole nodes over a simulated network, under seeds: join, calls, links, partitions,
//!            crashes, restarts, departures. The code is that of real nodes, but for the sockets.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::Loss;
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{
    AskError, Builder, BuilderExt, NodeClusterExt, NodeEvent, Secret, SimNetwork,
};
use foundation_runtime::{Mail, Node, NodeId, Pid, Process, Reason, SendError, World, time};

const MINUTE: Duration = Duration::from_secs(60);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
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

async fn names(node: &Node) -> Vec<String> {
    let peers = node.cluster().nodes().await.expect("it has a cluster");
    peers.iter().map(|peer| peer.who.name.to_string()).collect()
}

/// Waits until every node sees all the others, and nobody else.
async fn together(world: &World, nodes: &[&Node], bound: Duration) {
    let all: Vec<String> = nodes.iter().map(|node| node.name().to_owned()).collect();
    for node in nodes {
        let others: Vec<&String> = all.iter().filter(|name| *name != node.name()).collect();
        world
            .eventually(bound, async || {
                let mut seen = names(node).await;
                seen.sort();
                let mut others = others.clone();
                others.sort();
                seen.iter().eq(others)
            })
            .await;
    }
}

async fn echo(mut me: Process<NodeEvent>) {
    while let Mail::Msg(_) = me.recv().await {}
}

#[test]
fn nodes_find_each_other_from_one_seed() {
    simulate(30, |world, network| async move {
        let mut nodes = Vec::new();
        for name in ["a", "b", "c", "d", "e"] {
            nodes.push(start(&world, &network, name).await);
        }
        let all: Vec<&Node> = nodes.iter().collect();
        together(&world, &all, MINUTE).await;
        for a in &nodes {
            for b in nodes.iter().filter(|b| b.name() != a.name()) {
                assert_eq!(a.peer(b.name()), Some(b.id()), "the runtime knows it, too");
            }
        }
    });
}

#[test]
fn a_link_may_take_no_time() {
    simulate(20, |world, network| async move {
        let none = Link::new(ms(0), ms(0), 0.0).expect("it is a link");
        network.set_default_link(none);
        let mut nodes = Vec::new();
        for name in ["a", "b", "c"] {
            nodes.push(start(&world, &network, name).await);
        }
        let all: Vec<&Node> = nodes.iter().collect();
        let begun = world.now();
        together(&world, &all, MINUTE).await;
        assert!(world.now() - begun < ms(1_000), "nothing is waited for");
        for node in &nodes {
            assert_eq!(node.dead_letter_counts(), [], "{}", node.name());
        }
    });
}

#[test]
fn the_seed_may_come_last() {
    simulate(10, |world, network| async move {
        let b = start(&world, &network, "b").await;
        let c = start(&world, &network, "c").await;
        world.advance(Duration::from_secs(30)).await;
        let dialled = b.cluster().dialled().await.expect("it has a cluster");
        assert_eq!(&*dialled[0].0, "a:7000");
        assert!(dialled[0].1.is_some(), "it says why");
        let a = start(&world, &network, "a").await;
        together(&world, &[&a, &b, &c], MINUTE).await;
    });
}

#[test]
fn a_monitor_fires_when_the_node_is_killed_or_silent() {
    for silent in [false, true] {
        simulate(20, |world, network| async move {
            let a = start(&world, &network, "a").await;
            let b = start(&world, &network, "b").await;
            together(&world, &[&a, &b], MINUTE).await;
            let there = b.spawn_fn(echo).expect("there is room").pid();
            let begun = world.now();
            match silent {
                true => network.cut_power("b"),
                false => network.kill("b"),
            }
            let down = a.down(there).await;
            assert_eq!(down.reason, Reason::NoConnection);
            let took = world.now() - begun;
            let (least, most) = match silent {
                true => (ms(3_000), ms(5_000)),
                false => (ms(0), ms(20)),
            };
            assert!(least <= took && took <= most, "it took {took:?}");
        });
    }
}

#[test]
fn a_partition_ends_links_and_heals() {
    simulate(20, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        let c = start(&world, &network, "c").await;
        together(&world, &[&a, &b, &c], MINUTE).await;
        network.split(&["a"], &["b", "c"]);
        world
            .eventually(Duration::from_secs(10), async || names(&a).await.is_empty())
            .await;
        together(&world, &[&b, &c], Duration::from_secs(10)).await;
        assert_eq!(a.peer("b"), None);
        network.heal_all();
        together(&world, &[&a, &b, &c], Duration::from_secs(15)).await;
    });
}

/// What only one way passes is no connection either: both sides give it up.
#[test]
fn a_way_that_is_cut_in_one_direction_is_no_connection() {
    simulate(20, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        network.partition_one_way("b", "a");
        world
            .eventually(Duration::from_secs(10), async || names(&a).await.is_empty())
            .await;
        world
            .eventually(Duration::from_secs(20), async || names(&b).await.is_empty())
            .await;
        network.heal_all();
        together(&world, &[&a, &b], Duration::from_secs(30)).await;
    });
}

#[test]
fn a_node_that_is_started_again_is_a_new_one() {
    simulate(20, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        let old = b.spawn_fn(echo).expect("there is room").pid();
        network.kill("b");
        let again = start(&world, &network, "b").await;
        together(&world, &[&a, &again], MINUTE).await;
        assert_eq!(a.peer("b"), Some(again.id()));
        assert_ne!(again.id(), b.id());
        let down = a.down(old).await;
        assert_eq!(
            down.reason,
            Reason::NoConnection,
            "the old one is not in the new one"
        );
    });
}

#[test]
fn what_goes_on_behind_a_lost_power_reaches_nobody() {
    simulate(10, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        network.cut_power("b");
        let again = Node::builder().name("b").seed("a:7000").listen("b:7000");
        let again = again.start_in(&world, &network).await.expect("it starts");
        together(&world, &[&a, &again], MINUTE).await;
        world.advance(MINUTE).await;
        assert_eq!(a.peer("b"), Some(again.id()));
        assert_eq!(
            names(&b).await,
            Vec::<String>::new(),
            "the old one is alone"
        );
    });
}

#[test]
fn two_nodes_of_one_name_do_not_both_get_in() {
    simulate(10, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        let twin = Node::builder().name("b").seed("a:7000").listen("b:7001");
        let twin = twin.start_in(&world, &network).await.expect("it starts");
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(a.peer("b"), Some(b.id()), "who was first stays");
        assert_eq!(names(&twin).await, Vec::<String>::new());
    });
}

#[test]
fn strangers_are_refused() {
    simulate(5, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let seeded = |name: &str| Node::builder().name(name).seed("a:7000");
        let secret = Secret::new([9; 32]).expect("long enough");
        let spy = seeded("spy")
            .secret(secret)
            .start_in(&world, &network)
            .await;
        let spy = spy.expect("it starts");
        let other = seeded("o").cluster("farm").start_in(&world, &network).await;
        let other = other.expect("it starts");
        world.advance(Duration::from_secs(30)).await;
        for node in [&a, &spy, &other] {
            assert_eq!(names(node).await, Vec::<String>::new());
        }
        let dialled = spy.cluster().dialled().await.expect("it has a cluster");
        let why = dialled[0].1.expect("it was refused").to_string();
        assert_eq!(
            why,
            "the cluster's secrets differ, or somebody is between the nodes"
        );
    });
}

async fn next(me: &mut Process<NodeEvent>) -> NodeEvent {
    match me.recv().await {
        Mail::Msg(event) => event,
        other => panic!("{other:?} instead of news"),
    }
}

#[test]
fn who_watches_is_told_of_nodes_that_come_and_go() {
    simulate(10, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
        let watcher = a.spawn_fn(async move |mut me: Process<NodeEvent>| {
            loop {
                let event = next(&mut me).await;
                told.send(event).expect("the test listens");
            }
        });
        let cluster = a.cluster();
        cluster
            .watch(watcher.expect("there is room").pid())
            .await
            .expect("there is room");
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        b.cluster().leave(MINUTE).await.expect("it has a cluster");
        world.advance(Duration::from_secs(30)).await;
        let _c = start(&world, &network, "c").await;
        world.advance(Duration::from_secs(5)).await;
        network.kill("c");
        world.advance(Duration::from_secs(5)).await;
        let expected = [
            NodeEvent::Up("b".into()),
            NodeEvent::Down("b".into(), Loss::Left),
            NodeEvent::Up("c".into()),
            NodeEvent::Down("c".into(), Loss::Closed),
        ];
        for event in expected {
            assert_eq!(news.try_recv(), Ok(event));
        }
        assert!(news.try_recv().is_err(), "that is all");
    });
}

#[test]
fn an_evicted_node_stays_out_until_it_is_started_anew() {
    simulate(10, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        let c = start(&world, &network, "c").await;
        together(&world, &[&a, &b, &c], MINUTE).await;
        assert_eq!(
            a.cluster().evict("z").await,
            Err(AskError::NoNode("z".into()))
        );
        a.cluster().evict("b").await.expect("it is there");
        world.advance(MINUTE).await;
        together(&world, &[&a, &c], MINUTE).await;
        assert_eq!(names(&b).await, Vec::<String>::new());
        network.kill("b");
        let again = start(&world, &network, "b").await;
        together(&world, &[&a, &again, &c], MINUTE).await;
    });
}

#[test]
fn a_bad_network_is_slow_and_loses_nothing() {
    simulate(10, |world, network| async move {
        let lossy = Link::new(ms(1), ms(50), 0.2).expect("there are such");
        network.set_default_link(lossy);
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let there = b.spawn_fn(async move |mut me: Process<Number>| {
            loop {
                if let Mail::Msg(Number(number)) = me.recv().await {
                    told.send(number).expect("the test listens");
                }
            }
        });
        let there = there.expect("there is room").pid();
        a.spawn_fn(async move |me: Process<NodeEvent>| {
            for number in 0..1_000 {
                me.send(there, Number(number)).expect("it is connected");
                if number % 10 == 0 {
                    me.node().sleep(ms(1)).await;
                }
            }
        })
        .expect("there is room");
        for number in 0..1_000 {
            assert_eq!(heard.recv().await, Some(number), "in order, each once");
        }
        assert!(
            network.traffic().lost > 0,
            "and much of it was lost on the way"
        );
    });
}

#[derive(Debug, serde::Serialize, serde::Deserialize, foundation_macros::Message)]
#[message(crate = foundation_actors)]
struct Number(u32);

#[test]
fn a_node_of_no_cluster_says_so() {
    simulate(1, |world, _| async move {
        let alone = world.start("alone");
        assert_eq!(
            alone.cluster().nodes().await.err(),
            Some(AskError::NotClustered)
        );
        assert_eq!(
            alone.cluster().evict("b").await,
            Err(AskError::NotClustered)
        );
        let _: Builder = Node::builder().listen("alone:7000");
        let _ = NodeId::unconnected("alone");
        let _ = alone.remote("b");
    });
}

#[derive(Debug, serde::Serialize, serde::Deserialize, foundation_macros::Message)]
#[message(crate = foundation_actors)]
struct Load(u32, String);

/// Sends so many loads of a kibibyte, a few at a time, and counts them.
async fn send_loads(me: Process<NodeEvent>, to: Pid, count: u32, sent: Arc<AtomicU32>) {
    for number in 0..count {
        me.send(to, Load(number, "x".repeat(1024)))
            .expect("it is connected");
        sent.fetch_add(1, Ordering::Relaxed);
        if number % 8 == 0 {
            time::yield_now().await;
        }
    }
}

#[test]
fn who_sends_more_than_the_other_takes_waits() {
    simulate(10, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let there = b.spawn_fn(async move |mut me: Process<Load>| {
            loop {
                if let Mail::Msg(Load(number, _)) = me.recv().await {
                    told.send(number).expect("the test listens");
                }
            }
        });
        let there = there.expect("there is room").pid();
        network.partition("a", "b");
        let sent = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&sent);
        let sender = a.spawn_fn(move |me| send_loads(me, there, 10_000, counted));
        let sender = sender.expect("there is room").pid();
        let doomed = a.spawn_fn(move |me| send_loads(me, there, 10_000, Arc::default()));
        let doomed = doomed.expect("there is room").pid();
        world.advance(ms(1_500)).await;
        let (before, queued) = (sent.load(Ordering::Relaxed), a.cluster().nodes().await);
        assert!(before < 2_000, "{before} were sent while nothing passed");
        let queued = queued.expect("it has a cluster")[0].queued;
        assert!((1 << 20..3 << 20).contains(&queued), "{queued} bytes wait");
        // Who waits can be ended.
        a.exit(doomed, Reason::Kill);
        world.advance(ms(500)).await;
        assert!(!a.is_alive(doomed));
        assert_eq!(
            sent.load(Ordering::Relaxed),
            before,
            "and the other one still waits"
        );
        network.heal_all();
        world.eventually(MINUTE, async || !a.is_alive(sender)).await;
        world.advance(Duration::from_secs(5)).await;
        // Of two senders, each in its order, and the first is whole.
        let mut all: Vec<u32> = Vec::new();
        while let Ok(number) = heard.try_recv() {
            all.push(number);
        }
        let (mut next, mut other) = (0, 0);
        for number in all {
            match number {
                number if number == next => next += 1,
                number if number == other => other += 1,
                number => panic!("{number} came when {next} or {other} was due"),
            }
        }
        assert_eq!(next.max(other), 10_000);
        assert!(a.cluster().nodes().await.expect("it has a cluster")[0].queued < 1024);
    });
}

/// What does not wait is told that there is no room, and who waits is let go when the node is lost.
#[test]
fn there_is_an_end_of_what_waits() {
    simulate(2, |world, network| async move {
        let a = start(&world, &network, "a").await;
        let b = start(&world, &network, "b").await;
        together(&world, &[&a, &b], MINUTE).await;
        let there = b.spawn_fn(echo).expect("there is room").pid();
        network.partition("a", "b");
        let waits = a.spawn_fn(move |me| send_loads(me, there, 4_000, Arc::default()));
        let waits = waits.expect("there is room").pid();
        world.advance(ms(100)).await;
        let mut refused = None;
        for number in 0..200 {
            if let Err(error) = a.send(there, Load(number, "x".repeat(1 << 20))) {
                refused = Some((number, error));
                break;
            }
        }
        let (number, error) = refused.expect("not all were taken");
        assert_eq!(error, SendError::Full);
        assert!((100..128).contains(&number), "{number} MiB were taken");
        // The node is lost by its silence: then nothing is busy any more.
        world.eventually(MINUTE, async || !a.is_alive(waits)).await;
        assert_eq!(a.peer("b"), None);
    });
}
