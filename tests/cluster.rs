//! Is a cluster in a test what a user expects of it?
//!
//! Role       The same bodies in simulated worlds and in real ones: calls and links across nodes, a
//!            partition, and what is known after it.

use foundation::cluster::{Builder, mesh::MeshConfig};
use foundation::prelude::*;
use foundation::supervisor::ChildState;

#[derive(Default)]
struct Stats {
    hits: u64,
}

#[actor]
impl Stats {
    #[call]
    fn get(&self) -> u64 {
        self.hits
    }

    #[cast]
    fn hit(&mut self) {
        self.hits += 1;
    }
}

const STATS: Name<Stats> = Name::new("stats");

async fn app(node: &Node) {
    let started = node.start::<Stats>(Stats::default()).name(STATS).await;
    started.expect("the name is free");
}

#[foundation::test(seeds = 50)]
async fn a_partition_is_an_error_and_passes(w: World) {
    let [a, b] = w.nodes(["a", "b"], app).await;
    let stats = a.remote("b").at(STATS);
    stats.hit().expect("it can travel");
    assert_eq!(stats.get().await, Ok(1));
    w.partition(&a, &b);
    let error = stats
        .get()
        .timeout(secs(2))
        .await
        .expect_err("nothing passes");
    assert!(
        matches!(error, CallError::NoConnection | CallError::Timeout),
        "{error:?}"
    );
    w.heal();
    let answers = async || stats.get().timeout(secs(1)).await == Ok(1);
    w.eventually(secs(30), answers).await;
}

/// A supervised child on one node that is linked to a process of another falls with that node, and is
/// started again.
#[foundation::test(seeds = 30)]
async fn a_link_brings_the_loss_of_a_node_into_a_tree(w: World) {
    let [a, b] = w.nodes(["a", "b"], app).await;
    let there = b.spawn_fn(async |mut me: Process<Never>| {
        me.recv().await;
    });
    let there = there.expect("there is room").pid();
    let tree =
        Supervisor::one_for_one().child(child_fn("linked", move |mut me: Process<Never>| {
            async move {
                // Once it is lost, this fails at once: the child then waits for something else.
                if me.node().peer("b").is_some() {
                    me.link(there).expect("it was there");
                }
                me.recv().await;
            }
        }));
    let tree = tree.start(&a).await.expect("started");
    let child = async || {
        let children = tree.which_children().await.expect("it lives");
        match children[0].state {
            ChildState::Running(pid) => Some(pid),
            _ => None,
        }
    };
    let first = child().await;
    w.eventually(secs(5), async || first.is_some_and(|pid| a.is_alive(pid)))
        .await;
    w.network().kill("b");
    w.eventually(secs(20), async || {
        child().await.is_some_and(|pid| Some(pid) != first)
    })
    .await;
    let stopped = a.stop(&tree, Reason::Shutdown, secs(5)).await;
    stopped.expect("stopped");
}

#[derive(Message)]
#[message(local)]
struct Never;

/// Two clusters in one world do not see each other.
#[foundation::test(seeds = 10)]
async fn clusters_of_two_names_are_two(w: World) {
    let [a, b] = w.nodes(["a", "b"], app).await;
    let plan = Builder::new(Node::builder().name("c"))
        .seed("a:7000")
        .cluster("other");
    let patient = MeshConfig {
        redial_max: secs(60),
        ..MeshConfig::default()
    };
    let c = plan
        .mesh(patient)
        .start_in(&w, &w.network())
        .await
        .expect("it starts");
    w.sleep(secs(1)).await;
    assert_eq!((a.peer("c"), b.peer("c")), (None, None));
    let dialled = c.cluster().dialled().await.expect("it has a cluster");
    let why = dialled[0].1.expect("it was refused").to_string();
    assert_eq!(why, "the other node belongs to another cluster");
}
