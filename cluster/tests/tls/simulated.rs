//! Does TLS hold on a network that a seed decides?
//!
//! Role       The TLS of real connections in worlds of up to thirty nodes: partitions, crashes, bytes that are changed
//!            on their way, and strangers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::{Name, NodeExt};
use foundation_cluster::handshake::Refusal;
use foundation_cluster::overlay::{Overlay, client_server};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{Builder, NodeClusterExt, Tls, WorldClusterExt};
use foundation_macros::actor;
use foundation_runtime::{Node, World};

use super::{Authority, Folder};

const MINUTE: Duration = Duration::from_secs(60);

/// Certificates of a cluster.
struct Papers(BTreeMap<String, Tls>);

impl Papers {
    fn new(folder: &Folder, count: usize) -> Self {
        let ca = Authority::new(folder, "ca");
        let of = |at| {
            let name = format!("n{at}");
            let tls = ca.signs(folder, &name, &name, |_| {});
            (name, tls)
        };
        Self((0..count).map(of).collect())
    }

    async fn start(&self, world: &World, name: &str, overlay: &Overlay) -> Node {
        let tls = self.0[name].clone();
        let builder = Builder::new(Node::builder().name(name)).seed("n0:7000");
        let builder = builder.tls(tls).overlay(overlay.clone());
        let node = builder.start_in(world, &world.network()).await;
        let node = node.expect("it starts");
        let log = node.start::<Log>(Log::default()).name(LOG).await;
        log.expect("it starts");
        node
    }

    async fn all(&self, world: &World, overlay: &Overlay) -> Vec<Node> {
        let mut nodes = Vec::new();
        for at in 0..self.0.len() {
            nodes.push(self.start(world, &format!("n{at}"), overlay).await);
        }
        world.eventually(MINUTE, async || see_all(&nodes)).await;
        nodes
    }
}

fn see_all(nodes: &[Node]) -> bool {
    let sees = |a: &Node, b: &Node| a.id() == b.id() || a.peer(b.name()) == Some(b.id());
    nodes.iter().all(|a| nodes.iter().all(|b| sees(a, b)))
}

const LOG: Name<Log> = Name::new("log");

#[derive(Default)]
struct Log(Vec<u32>);

#[actor(crate = foundation_actors)]
impl Log {
    #[cast]
    fn note(&mut self, number: u32, text: String) {
        assert!(text.chars().all(|c| c == 'x') && text.len() as u32 == number % 3_000);
        self.0.push(number);
    }

    #[call]
    fn noted(&self) -> Vec<u32> {
        self.0.clone()
    }
}

fn tell(from: &Node, to: &Node, number: u32) {
    let log = from.remote(to.name()).at(LOG);
    // Between two connections there is nobody to tell.
    let _ = log.note(number, "x".repeat(number as usize % 3_000));
}

#[test]
fn thirty_nodes_come_together_part_and_come_together_again() {
    let folder = Folder::new("thirty");
    let papers = Papers::new(&folder, 30);
    let run = World::simulate(3, |world| async move {
        let nodes = papers.all(&world, &Overlay::FullMesh).await;
        let names: Vec<&str> = nodes.iter().map(Node::name).collect();
        let (left, right) = names.split_at(15);
        world.network().split(left, right);
        let apart = async || nodes[0].peer("n29").is_none() && nodes[29].peer("n0").is_none();
        world.eventually(MINUTE, apart).await;
        world.heal();
        world.eventually(MINUTE, async || see_all(&nodes)).await;
        world.power_off(&nodes[7]);
        let again = papers.start(&world, "n7", &Overlay::FullMesh).await;
        let known = async || {
            nodes
                .iter()
                .all(|it| it.name() == "n7" || it.peer("n7") == Some(again.id()))
        };
        world.eventually(MINUTE, known).await;
        tell(&nodes[3], &again, 5);
        world.advance(Duration::from_secs(1)).await;
        assert_eq!(again.at(LOG).noted().await, Ok(vec![5]));
    });
    run.expect("it ends");
}

#[test]
fn equal_seeds_are_equal() {
    let folder = Folder::new("equal");
    let papers = Papers::new(&folder, 3);
    let run = |seed| {
        let run = World::simulate(seed, |world| {
            let papers = &papers;
            async move {
                let link = Link::new(Duration::from_millis(1), Duration::from_millis(30), 0.1);
                world
                    .network()
                    .set_default_link(link.expect("there is such a link"));
                let nodes = papers.all(&world, &Overlay::FullMesh).await;
                for number in 0..50 {
                    tell(&nodes[0], &nodes[2], number * 100);
                    world.advance(Duration::from_millis(20)).await;
                }
                world.network().traffic().bytes
            }
        });
        let (bytes, report) = run.expect("it ends");
        (bytes, report.trace_hash)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn what_is_changed_on_its_way_ends_the_connection_and_nothing_of_it_comes() {
    let folder = Folder::new("changed");
    let papers = Papers::new(&folder, 2);
    let losses = Mutex::new(0);
    for seed in 0..10 {
        let run = World::simulate(seed, |world| {
            let (papers, losses) = (&papers, &losses);
            async move {
                let nodes = papers.all(&world, &Overlay::FullMesh).await;
                for number in 0..300 {
                    tell(&nodes[0], &nodes[1], number * 11);
                    world.advance(Duration::from_millis(20)).await;
                    if number % 100 == 40 {
                        world.network().garble("n0", "n1", 1);
                    }
                }
                world.eventually(MINUTE, async || see_all(&nodes)).await;
                tell(&nodes[0], &nodes[1], 4_000);
                world.advance(Duration::from_secs(1)).await;
                let noted = nodes[1].at(LOG).noted().await.expect("it is there");
                assert!(noted.is_sorted(), "seed {seed}: {noted:?}");
                assert_eq!(noted.last(), Some(&4_000));
                *losses.lock().expect("free") += 301 - noted.len();
            }
        });
        run.expect("it ends");
    }
    assert!(
        losses.into_inner().expect("free") > 0,
        "nothing was changed"
    );
}

#[test]
fn who_is_not_of_this_cluster_stays_out() {
    let folder = Folder::new("out");
    let papers = Papers::new(&folder, 1);
    let (other, own) = (Authority::new(&folder, "other"), &papers);
    let stranger = other.signs(&folder, "n1", "n1", |_| {});
    let ca = Authority::new(&folder, "third");
    let mut mixed = ca.signs(&folder, "n2", "n2", |_| {});
    mixed.ca = own.0["n0"].ca.clone();
    let rows = [
        (Some(stranger), [Refusal::Certificate, Refusal::Certificate]),
        (None, [Refusal::Malformed, Refusal::Closed]),
    ];
    for (tls, whys) in rows {
        let run = World::simulate(1, |world| async move {
            let first = own.start(&world, "n0", &Overlay::FullMesh).await;
            let builder = Builder::new(Node::builder().name("n1")).seed("n0:7000");
            let builder = match tls {
                Some(tls) => builder.tls(tls),
                None => builder,
            };
            let started = builder.start_in(&world, &world.network()).await;
            let node = started.expect("its files are good");
            world.advance(Duration::from_secs(10)).await;
            let dialled = node.cluster().dialled().await.expect("it has a cluster");
            let refusal = dialled.into_iter().find_map(|(_, refusal)| refusal);
            assert!(refusal.is_some_and(|it| whys.contains(&it)), "{refusal:?}");
            assert!(first.cluster().nodes().await.expect("as before").is_empty());
        });
        run.expect("it ends");
    }
    // Files that no other node would accept are refused before anything starts.
    let run = World::simulate(1, |world| async move {
        let builder = Builder::new(Node::builder().name("n2")).tls(mixed);
        builder.start_in(&world, &world.network()).await.map(drop)
    });
    assert!(run.expect("it ends").0.is_err());
}

/// Two clients that cannot dial each other: what the server passes on is TLS between the two.
#[test]
fn over_others_it_is_tls_as_well() {
    let folder = Folder::new("over");
    let papers = Papers::new(&folder, 3);
    let heard = Arc::new(Mutex::new(0));
    for seed in 0..3 {
        let run = World::simulate(seed, |world| {
            let (papers, heard) = (&papers, Arc::clone(&heard));
            async move {
                let overlay = Overlay::ClientServer(client_server::Config::new(["n0"]));
                world.network().partition("n1", "n2");
                let nodes = papers.all(&world, &overlay).await;
                for number in 0..20 {
                    tell(&nodes[1], &nodes[2], number * 150);
                    world.advance(Duration::from_millis(50)).await;
                }
                world.advance(Duration::from_secs(10)).await;
                let noted = nodes[2].at(LOG).noted().await.expect("it is there");
                *heard.lock().expect("free") += noted.len();
            }
        });
        run.expect("it ends");
    }
    assert_eq!(*heard.lock().expect("free"), 60);
}
