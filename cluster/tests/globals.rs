//! Does a global name lead to the same process from every node?
//!
//! Role       Whole nodes over a simulated network, with partitions and crashes; and over sockets.

mod common;

use std::sync::Arc;
use std::time::Duration;

use foundation_cluster::{
    BuilderExt, Global, GlobalError, GlobalNameConflict, NodeClusterExt, OnConflict, Secret,
    WorldClusterExt,
};
use foundation_runtime::{Codec, Mail, Message, Node, Pid, Process, Reason, Tag, World};

use common::simulate;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, Clone)]
struct Word;

impl Message for Word {
    const NAME: &'static str = "Word";
    const CODEC: Codec<Self> = Codec::local();
    fn tag() -> Tag {
        Tag::of("test", "Word", "")
    }
}

/// What the processes of a test were told of their names.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<(Pid, GlobalNameConflict)>>);

fn idle(node: &Node) -> Pid {
    let body = |mut me: Process<GlobalNameConflict>| async move {
        loop {
            if let Mail::Msg(conflict) = me.recv().await {
                let told = me.node().shared::<Told>();
                told.0.lock().expect("short").push((me.pid(), conflict));
            }
        }
    };
    node.spawn_fn(body).expect("there is room").pid()
}

async fn leads(world: &World, nodes: &[&Node], name: &str, to: Option<Pid>) {
    for node in nodes {
        world
            .eventually(secs(30), async || node.global().whereis(name) == to)
            .await;
    }
}

#[test]
fn a_name_is_known_everywhere_once_it_is_given() {
    simulate(20, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], async |_| {}).await;
        let all = [&a, &b, &c];
        let (one, two) = (idle(&a), idle(&b));
        assert_eq!(a.global().register("x", one).await, Ok(()));
        for node in all {
            assert_eq!(node.global().whereis("x"), Some(one));
            let taken = node.global().register("x", two).await;
            assert_eq!(taken, Err(GlobalError::AlreadyRegistered(one)));
        }
        // A process of another node is registered there.
        assert_eq!(c.global().re_register("x", two).await, Ok(()));
        for node in all {
            assert_eq!(node.global().whereis("x"), Some(two));
        }
        assert_eq!(a.global().unregister("x", secs(5)).await, Ok(()));
        for node in all {
            assert_eq!(node.global().whereis("x"), None);
        }
        let nobody = b.global().unregister("x", secs(5)).await;
        assert_eq!(nobody, Err(GlobalError::NotHeld));
        assert_eq!(b.global().register("x", one).await, Ok(()));
        a.exit(one, Reason::Kill);
        a.down(one).await;
        assert_eq!(a.global().whereis("x"), None, "before its death is told");
        leads(&world, &all, "x", None).await;
        let dead = c.global().register("x", one).await;
        assert_eq!(dead, Err(GlobalError::NoProc(one)));
        assert_eq!(c.global().register("x", two).await, Ok(()));
        world.crash(&b);
        leads(&world, &[&a, &c], "x", None).await;
        let lost = c.global().register("x", two).await;
        assert_eq!(lost, Err(GlobalError::NoNode(two)));
    });
}

#[test]
fn of_many_that_want_a_name_at_once_one_gets_it() {
    simulate(20, |world| async move {
        let nodes = world.nodes(["a", "b", "c", "d"], async |_| {}).await;
        let (mut wanted, mut pids) = (Vec::new(), Vec::new());
        for node in &nodes {
            for _ in 0..3 {
                let (tell, told) = foundation_runtime::promise(node);
                let pid = idle(node);
                let body = async move |me: Process<Word>| {
                    let taken = me
                        .node()
                        .global()
                        .register("x", pid)
                        .timeout(secs(20))
                        .await;
                    tell.send(taken);
                };
                node.spawn_fn(body).expect("there is room");
                wanted.push(told);
                pids.push(pid);
            }
        }
        let mut got = Vec::new();
        for (told, pid) in wanted.into_iter().zip(pids) {
            match told.await.expect("it answers") {
                Ok(()) => got.push(pid),
                Err(GlobalError::AlreadyRegistered(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(got.len(), 1);
        for node in &nodes {
            assert_eq!(node.global().whereis("x"), Some(got[0]));
        }
    });
}

/// Both sides of a partition give the same name, each with this rule, and find each other again.
async fn parted(world: &World, rule: &OnConflict) -> ([Node; 2], [Pid; 2]) {
    let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
    world.partition(&a, &b);
    let apart = async || a.peer("b").is_none() && b.peer("a").is_none();
    world.eventually(secs(30), apart).await;
    let pids = [idle(&a), idle(&b)];
    for (node, pid) in [&a, &b].into_iter().zip(pids) {
        let give = node.global().register("x", pid).on_conflict(rule.clone());
        assert_eq!(give.await, Ok(()));
    }
    world.heal();
    let together = async || a.peer("b").is_some() && b.peer("a").is_some();
    world.eventually(secs(30), together).await;
    ([a, b], pids)
}

fn told_at(node: &Node) -> Vec<(Pid, GlobalNameConflict)> {
    node.shared::<Told>().0.lock().expect("short").clone()
}

/// Waits until both nodes lead to the same one of the two.
async fn survivor(world: &World, nodes: &[Node; 2], pids: [Pid; 2]) -> Pid {
    let seen = || nodes.each_ref().map(|node| node.global().whereis("x"));
    let owner = |pid: Pid| nodes.iter().find(|node| node.id() == pid.node());
    world
        .eventually(secs(30), async || {
            let [a, b] = seen();
            let claimed = nodes.iter().zip(pids).filter(|(node, pid)| {
                node.global().whereis("x") == Some(*pid) && owner(*pid).is_some()
            });
            a == b && a.is_some() && claimed.count() == 1
        })
        .await;
    seen()[0].expect("there is one")
}

#[test]
fn one_of_two_is_killed_after_a_partition() {
    simulate(10, |world| async move {
        let (nodes, pids) = parted(&world, &OnConflict::RandomExit).await;
        let stays = survivor(&world, &nodes, pids).await;
        world
            .eventually(secs(30), async || {
                let alive = nodes
                    .iter()
                    .zip(pids)
                    .filter(|(node, pid)| node.is_alive(*pid));
                alive.map(|(_, pid)| pid).eq([stays])
            })
            .await;
        assert!(nodes.iter().all(|node| told_at(node).is_empty()));
    });
}

#[test]
fn one_of_two_is_told_after_a_partition() {
    simulate(10, |world| async move {
        let (nodes, pids) = parted(&world, &OnConflict::RandomNotify).await;
        let stays = survivor(&world, &nodes, pids).await;
        let lost = if stays == pids[0] { pids[1] } else { pids[0] };
        let (name, other) = (Arc::from("x"), None);
        let conflict = GlobalNameConflict { name, other };
        world
            .eventually(secs(30), async || {
                let told: Vec<_> = nodes.iter().flat_map(told_at).collect();
                told == [(lost, conflict.clone())]
            })
            .await;
        assert!(nodes.iter().zip(pids).all(|(node, pid)| node.is_alive(pid)));
    });
}

#[test]
fn both_are_told_after_a_partition() {
    simulate(10, |world| async move {
        let (nodes, pids) = parted(&world, &OnConflict::NotifyAll).await;
        leads(&world, &[&nodes[0], &nodes[1]], "x", None).await;
        for (at, node) in nodes.iter().enumerate() {
            let (name, other) = (Arc::from("x"), Some(pids[1 - at]));
            let conflict = GlobalNameConflict { name, other };
            let told = async || told_at(node) == [(pids[at], conflict.clone())];
            world.eventually(secs(30), told).await;
            assert!(node.is_alive(pids[at]));
        }
        // It is free again.
        assert_eq!(nodes[0].global().register("x", pids[1]).await, Ok(()));
    });
}

#[test]
fn a_function_of_the_program_decides_after_a_partition() {
    simulate(10, |world| async move {
        let lower = OnConflict::decide(|name, one, other| {
            assert_eq!(name, "x");
            Some(one.min(other))
        });
        let (nodes, pids) = parted(&world, &lower).await;
        let lower = pids[0].min(pids[1]);
        leads(&world, &[&nodes[0], &nodes[1]], "x", Some(lower)).await;
        assert!(nodes.iter().zip(pids).all(|(node, pid)| node.is_alive(pid)));
    });
    // One that panics changes nothing: the name stays with whom it was asked for.
    simulate(3, |world| async move {
        let panics = OnConflict::decide(|_, _, _| panic!("it cannot decide"));
        let (nodes, pids) = parted(&world, &panics).await;
        survivor(&world, &nodes, pids).await;
    });
}

#[test]
fn a_lock_has_one_holder() {
    simulate(10, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], async |_| {}).await;
        let (one, two) = (idle(&a), idle(&b));
        assert_eq!(a.global().set_lock("l", one).await, Ok(()));
        assert_eq!(a.global().set_lock("l", one).await, Ok(()), "again");
        let late = b.global().set_lock("l", two).tries(3).await;
        assert_eq!(late, Err(GlobalError::TimedOut));
        let late = b.global().set_lock("l", two).timeout(ms(200)).await;
        assert_eq!(late, Err(GlobalError::TimedOut));
        assert_eq!(a.global().del_lock("l", one).await, Ok(()));
        assert_eq!(
            b.global().set_lock("l", two).tries(1).await,
            Err(GlobalError::TimedOut)
        );
        assert_eq!(a.global().del_lock("l", one).await, Ok(()));
        assert_eq!(
            a.global().del_lock("l", one).await,
            Err(GlobalError::NotHeld)
        );
        assert_eq!(b.global().set_lock("l", two).await, Ok(()));
        // Whoever holds it dies: it is granted.
        b.exit(two, Reason::Kill);
        assert_eq!(a.global().set_lock("l", one).await, Ok(()));
        // Its node is lost: likewise.
        world.crash(&a);
        let three = idle(&c);
        assert_eq!(
            c.global().set_lock("l", three).timeout(secs(30)).await,
            Ok(())
        );
        let far = b.global().set_lock("l", three).await;
        assert_eq!(far, Err(GlobalError::OtherNode(three)));
    });
}

#[test]
fn what_is_done_under_a_lock_is_done_by_one_at_a_time() {
    #[derive(Default)]
    struct Inside(std::sync::atomic::AtomicUsize);
    use std::sync::atomic::Ordering::Relaxed;

    simulate(10, |world| async move {
        let nodes = world.nodes(["a", "b", "c"], async |_| {}).await;
        let inside = world.shared::<Inside>();
        let mut done = Vec::new();
        for node in nodes.iter().chain(&nodes) {
            let (tell, told) = foundation_runtime::promise(node);
            let inside = Arc::clone(&inside);
            let body = async move |me: Process<Word>| {
                let global = me.node().global();
                for _ in 0..5 {
                    let work = async || {
                        assert_eq!(inside.0.fetch_add(1, Relaxed), 0, "alone");
                        me.node().sleep(ms(3)).await;
                        inside.0.fetch_sub(1, Relaxed);
                    };
                    let done = global.trans("l", me.pid(), secs(60), work).await;
                    assert_eq!(done, Ok(()));
                }
                tell.send(());
            };
            node.spawn_fn(body).expect("there is room");
            done.push(told);
        }
        for told in done {
            assert!(told.await.is_ok(), "none has failed");
        }
    });
}

#[test]
fn names_outlive_their_registry_and_locks_do_not() {
    simulate(10, |world| async move {
        let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
        let (one, two) = (idle(&a), idle(&a));
        assert_eq!(a.global().register("x", one).await, Ok(()));
        assert_eq!(a.global().set_lock("l", two).await, Ok(()));
        let registry = a.whereis("foundation_globals").expect("it has a name");
        a.exit(registry, Reason::Kill);
        a.down(registry).await;
        world.eventually(secs(30), async || !a.is_alive(two)).await;
        let three = idle(&b);
        let taken = b.global().register("x", three).timeout(secs(30)).await;
        assert_eq!(taken, Err(GlobalError::AlreadyRegistered(one)));
        assert_eq!(
            b.global().set_lock("l", three).timeout(secs(30)).await,
            Ok(())
        );
        assert_eq!(a.global().whereis("x"), Some(one));
        // Whoever waits is told, and what is not known is said to be so.
        let registry = b.whereis("foundation_globals").expect("it has a name");
        b.exit(registry, Reason::Kill);
        leads(&world, &[&a, &b], "x", Some(one)).await;
    });
}

#[test]
fn a_node_alone_has_names_and_one_without_a_cluster_has_none() {
    simulate(1, |world| async move {
        let [a] = world.nodes(["a"], async |_| {}).await;
        let pid = idle(&a);
        let global: Global = a.global();
        assert_eq!(global.register("x", pid).await, Ok(()));
        assert_eq!(
            global.send(
                "x",
                GlobalNameConflict {
                    name: "y".into(),
                    other: None
                }
            ),
            Ok(())
        );
        assert!(global.send("z", Word).is_err());
        assert_eq!(global.registered(), [(Arc::from("x"), pid)]);
        let long = global.register(&"x".repeat(1025), pid).await;
        assert_eq!(long, Err(GlobalError::TooLong(1025)));
        let bare = world.start("bare");
        let pid = idle(&bare);
        let none = bare.global().register("x", pid).await;
        assert!(matches!(none, Err(GlobalError::Call(_))), "{none:?}");
        assert_eq!(bare.global().whereis("x"), None);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn names_over_sockets() {
    let secret = || Secret::new([7; 32]).expect("it is long enough");
    let a = Node::builder()
        .name("a")
        .listen("127.0.0.1:0")
        .secret(secret());
    let a = a.start().await.expect("it listens");
    let address = a.cluster().own().await.expect("it has one").address;
    let b = Node::builder().name("b").seed(address).secret(secret());
    let b = b.start().await.expect("it listens");
    while a.peer("b").is_none() || b.peer("a").is_none() {
        a.sleep(ms(5)).await;
    }
    let pids = [idle(&a), idle(&b)];
    assert_eq!(a.global().register("x", pids[0]).await, Ok(()));
    assert_eq!(b.global().whereis("x"), Some(pids[0]));
    let taken = b.global().register("x", pids[1]).await;
    assert_eq!(taken, Err(GlobalError::AlreadyRegistered(pids[0])));
    assert_eq!(b.global().set_lock("l", pids[1]).await, Ok(()));
    a.shutdown(secs(30)).await.expect("its processes end");
    while b.global().whereis("x").is_some() {
        b.sleep(ms(5)).await;
    }
    assert_eq!(b.global().register("x", pids[1]).await, Ok(()));
    b.shutdown(secs(30)).await.expect("its processes end");
}
