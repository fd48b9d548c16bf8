//! Are process groups the same on all nodes?
//!
//! Role       Whole nodes over a simulated network, with partitions, crashes and restarts; and over
//!            sockets.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation_actors::{Change, GroupEvent, Scope};
use foundation_cluster::{BuilderExt, NodeClusterExt, Secret, WorldClusterExt};
use foundation_runtime::{Codec, Mail, Message, Node, Pid, Process, Reason, Tag, World};

use common::simulate;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
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

fn idle(node: &Node) -> Pid {
    let body = |mut me: Process<Word>| async move {
        loop {
            me.recv().await;
        }
    };
    node.spawn_fn(body).expect("there is room").pid()
}

fn sorted(mut pids: Vec<Pid>) -> Vec<Pid> {
    pids.sort_unstable();
    pids
}

/// Waits until all of these nodes see these members.
async fn agree(world: &World, nodes: &[&Node], group: &str, members: &[Pid]) {
    let expected = sorted(members.to_vec());
    for node in nodes {
        let agrees = async || sorted(Scope::of(node).get_members(group)) == expected;
        world.eventually(secs(30), agrees).await;
    }
}

#[test]
fn members_are_seen_on_all_nodes() {
    simulate(10, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], async |_| {}).await;
        let all = [&a, &b, &c];
        let (at_a, at_b) = (idle(&a), idle(&b));
        Scope::of(&a).join_all("g", [at_a, at_a]).expect("alive");
        Scope::of(&b).join("g", at_b).expect("alive");
        agree(&world, &all, "g", &[at_a, at_a, at_b]).await;
        assert_eq!(Scope::of(&b).get_local_members("g"), [at_b]);
        assert!(Scope::of(&c).which_local_groups().is_empty());
        assert_eq!(Scope::of(&c).which_groups(), [Arc::from("g")]);
        Scope::of(&a).leave("g", at_a).expect("joined");
        agree(&world, &all, "g", &[at_a, at_b]).await;
        a.exit(at_a, Reason::Kill);
        agree(&world, &all, "g", &[at_b]).await;
        // Other scopes have groups of their own.
        Scope::named(&a, "other")
            .join("g", idle(&a))
            .expect("alive");
        let there = async || Scope::named(&c, "other").get_members("g").len() == 1;
        world.eventually(secs(30), there).await;
        agree(&world, &all, "g", &[at_b]).await;
    });
}

#[test]
fn a_lost_node_takes_its_members_along() {
    simulate(10, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], async |_| {}).await;
        let pids = [idle(&a), idle(&b), idle(&c)];
        for (node, pid) in [&a, &b, &c].into_iter().zip(pids) {
            Scope::of(node).join("g", pid).expect("alive");
        }
        agree(&world, &[&a, &b, &c], "g", &pids).await;
        world.crash(&b);
        agree(&world, &[&a, &c], "g", &[pids[0], pids[2]]).await;
        let b = world.restart(&b, async |_| {}).await;
        agree(&world, &[&a, &b, &c], "g", &[pids[0], pids[2]]).await;
    });
}

#[test]
fn what_changes_during_a_partition_is_known_after_it() {
    simulate(10, |world| async move {
        let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
        let (one, two, three) = (idle(&a), idle(&a), idle(&b));
        Scope::of(&a).join_all("g", [one, two]).expect("alive");
        Scope::of(&b).join("g", three).expect("alive");
        Scope::named(&a, "gone").join("g", one).expect("alive");
        agree(&world, &[&a, &b], "g", &[one, two, three]).await;
        world.partition(&a, &b);
        agree(&world, &[&a], "g", &[one, two]).await;
        agree(&world, &[&b], "g", &[three]).await;
        a.exit(one, Reason::Kill);
        Scope::of(&b).join("g", three).expect("alive");
        Scope::of(&b).join("h", three).expect("alive");
        world.heal();
        agree(&world, &[&a, &b], "g", &[two, three, three]).await;
        agree(&world, &[&a, &b], "h", &[three]).await;
        assert!(Scope::named(&b, "gone").which_groups().is_empty());
    });
}

/// What a watcher has seen, by group and process.
#[derive(Default)]
struct Seen(std::sync::Mutex<BTreeMap<(Arc<str>, Pid), i64>>);

/// Keeps what it is told.
async fn follow(mut me: Process<GroupEvent>) {
    let (_, snapshot) = Scope::of(&me.node())
        .monitor_scope(me.pid())
        .expect("alive");
    let seen = me.node().shared::<Seen>();
    let add = |group: &Arc<str>, pid, by| {
        let mut seen = seen.0.lock().expect("short");
        let count = seen.entry((Arc::clone(group), pid)).or_default();
        *count += by;
        assert!(0 <= *count, "{pid} left before it joined");
        seen.retain(|_, count| *count != 0);
    };
    for (group, pids) in snapshot {
        pids.iter().for_each(|pid| add(&group, *pid, 1));
    }
    loop {
        let Mail::Msg(event) = me.recv().await else {
            panic!("only events come")
        };
        let by = if event.change == Change::Joined {
            1
        } else {
            -1
        };
        event
            .pids
            .iter()
            .for_each(|pid| add(&event.group, *pid, by));
    }
}

/// What a watcher was told, taken together with what it saw first, is what is there.
#[test]
fn a_watcher_can_follow_members_of_other_nodes() {
    simulate(20, |world| async move {
        let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
        let early = idle(&b);
        Scope::of(&b).join("g", early).expect("alive");
        a.spawn_fn(follow).expect("there is room");
        let mut pids = Vec::new();
        for round in 0..20 {
            let (pid, group) = (idle(&b), ["g", "h"][round % 2]);
            Scope::of(&b).join_all(group, [pid, pid]).expect("alive");
            pids.push(pid);
            if round == 7 {
                world.partition(&a, &b);
                let parted = async || a.peer("b").is_none();
                world.eventually(secs(30), parted).await;
            }
            if round == 12 {
                world.heal();
            }
            if round % 3 == 0 {
                b.exit(pids.remove(0), Reason::Kill);
            }
        }
        world
            .eventually(secs(60), async || {
                let there = |scope: &Scope| {
                    let groups = scope.which_groups().into_iter();
                    let mut counts = BTreeMap::new();
                    for group in groups {
                        for pid in scope.get_members(&group) {
                            *counts.entry((Arc::clone(&group), pid)).or_default() += 1;
                        }
                    }
                    counts
                };
                let (at_a, at_b) = (there(&Scope::of(&a)), there(&Scope::of(&b)));
                let seen = a.shared::<Seen>().0.lock().expect("short").clone();
                at_a == at_b
                    && seen == at_b
                    && a.peer("b").is_some()
                    && seen.len() == pids.len() + 1
            })
            .await;
    });
}

/// More than goes into one word, and a scope that nobody has opened elsewhere.
#[test]
fn a_large_group_is_told_in_parts() {
    simulate(1, |world| async move {
        let [a] = world.nodes(["a"], async |_| {}).await;
        let pids: Vec<Pid> = (0..100).map(|_| idle(&a)).collect();
        let many = pids.iter().cycle().take(20_000).copied();
        let scope = Scope::named(&a, "large");
        scope.join_all("g", many).expect("there is room");
        scope.join("h", pids[0]).expect("there is room");
        let [b] = world.nodes(["b"], async |_| {}).await;
        let scope = Scope::named(&b, "large");
        let count = async || scope.get_members("g").len();
        world
            .eventually(secs(30), async || count().await == 20_000)
            .await;
        assert_eq!(scope.get_members("h"), [pids[0]]);
        a.exit(pids[0], Reason::Kill);
        world
            .eventually(secs(30), async || count().await == 19_800)
            .await;
    });
}

/// The process that exchanges groups crashes: another one takes over, on either side.
#[test]
fn the_exchange_survives_its_process() {
    simulate(10, |world| async move {
        let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
        let (one, two) = (idle(&a), idle(&b));
        Scope::of(&a).join("g", one).expect("alive");
        Scope::of(&b).join("g", two).expect("alive");
        Scope::named(&a, "gone").join("g", one).expect("alive");
        agree(&world, &[&a, &b], "g", &[one, two]).await;
        let exchange = a.whereis("foundation_groups").expect("it has a name");
        a.exit(exchange, Reason::Kill);
        a.down(exchange).await;
        Scope::named(&a, "gone").leave("g", one).expect("joined");
        Scope::of(&a).join("g", one).expect("alive");
        agree(&world, &[&a, &b], "g", &[one, one, two]).await;
        let gone = async || Scope::named(&b, "gone").which_groups().is_empty();
        world.eventually(secs(30), gone).await;
        Scope::of(&b).join("g", two).expect("alive");
        agree(&world, &[&a, &b], "g", &[one, one, two, two]).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_over_sockets() {
    let secret = || Secret::new([7; 32]).expect("it is long enough");
    let a = Node::builder()
        .name("a")
        .listen("127.0.0.1:0")
        .secret(secret());
    let a = a.start().await.expect("it listens");
    let address = a.cluster().own().await.expect("it has one").address;
    let b = Node::builder().name("b").seed(address).secret(secret());
    let b = b.start().await.expect("it listens");
    let pids = [idle(&a), idle(&b)];
    Scope::of(&a).join("g", pids[0]).expect("alive");
    Scope::of(&b).join("g", pids[1]).expect("alive");
    for node in [&a, &b] {
        while sorted(Scope::of(node).get_members("g")) != sorted(pids.to_vec()) {
            a.sleep(Duration::from_millis(5)).await;
        }
    }
    b.shutdown(secs(30)).await.expect("its processes end");
    while Scope::of(&a).get_members("g") != [pids[0]] {
        a.sleep(Duration::from_millis(5)).await;
    }
    a.shutdown(secs(30)).await.expect("its processes end");
}
