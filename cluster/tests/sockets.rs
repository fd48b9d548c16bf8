//! Do nodes come together over real sockets, and withstand what comes there?
//!
//! Role       Nodes in one program over TCP on loopback: calls, links, large messages, a flood,
//!            garbage, strangers that say nothing, and secrets in files.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real sockets and files"
)]

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foundation_cluster::mesh::{BadMesh, MeshConfig};
use foundation_cluster::{Builder, NodeClusterExt, NodeEvent, Secret, SecretFileError, StartError};
use foundation_runtime::{Mail, Node, Process, Reason, World};

const BOUND: Duration = Duration::from_secs(20);

fn secret() -> Secret {
    Secret::new([5; 32]).expect("long enough")
}

fn plan(name: &str) -> Builder {
    Builder::new(Node::builder().name(name)).secret(secret())
}

async fn start(name: &str, seed: Option<&str>) -> (Node, String) {
    let plan = plan(name);
    let plan = match seed {
        Some(seed) => plan.seed(seed),
        None => plan,
    };
    let node = plan.start().await.expect("it starts");
    let address = node
        .cluster()
        .own()
        .await
        .expect("it has a cluster")
        .address;
    (node, address.to_string())
}

async fn together(nodes: &[&Node]) {
    let world = World::real(1);
    for a in nodes {
        for b in nodes.iter().filter(|b| b.id() != a.id()) {
            let both = async || a.peer(b.name()) == Some(b.id());
            world.eventually(BOUND, both).await;
        }
    }
    end(&[&world.node()]).await;
}

async fn end(nodes: &[&Node]) {
    for node in nodes {
        node.shutdown(BOUND).await.expect("every process yields");
    }
}

/// On a busy machine a connection may be there before the node has started: whom others meet they can
/// speak to.
#[tokio::test]
async fn who_is_met_can_be_spoken_to() {
    let is_over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
        })
        .collect();
    for round in 0..80 {
        let (a, address) = start("a", None).await;
        let (b, _) = start("b", Some(&address)).await;
        together(&[&a, &b]).await;
        for node in [&a, &b] {
            let dead = node.dead_letter_counts();
            assert_eq!(dead, [], "{}, round {round}", node.name());
        }
        end(&[&a, &b]).await;
    }
    is_over.store(true, Ordering::Relaxed);
    busy.into_iter()
        .for_each(|thread| thread.join().expect("it ends"));
}

#[derive(Debug, serde::Serialize, serde::Deserialize, foundation_macros::Message)]
#[message(crate = foundation_actors)]
struct Load(u32, Vec<u8>);

/// Receives so many, checks that they are in order, and ends with `Normal`.
async fn count(mut me: Process<Load>, until: u32) -> Reason {
    for expected in 0..until {
        match me.recv().await {
            Mail::Msg(Load(number, bytes)) => {
                assert_eq!(number, expected);
                assert!(bytes.iter().all(|byte| *byte == number as u8));
            }
            other => panic!("{other:?} instead of a load"),
        }
    }
    Reason::Normal
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_one_space() {
    let (a, address) = start("a", None).await;
    let (b, _) = start("b", Some(&address)).await;
    let (c, _) = start("c", Some(&address)).await;
    together(&[&a, &b, &c]).await;
    // Large and small ones, in order; the end of the process comes after them.
    for (from, to) in [(&b, &c), (&c, &b), (&a, &c)] {
        let there = to
            .spawn_fn(|me| count(me, 300))
            .expect("there is room")
            .pid();
        let sender = from.spawn_fn(async move |me: Process<NodeEvent>| {
            let watch = me.monitor(there);
            for number in 0..300 {
                let size = if number % 50 == 7 {
                    300_000
                } else {
                    number as usize
                };
                let load = Load(number, vec![number as u8; size]);
                me.send(there, load).expect("it is connected");
            }
            me.down(watch).await.reason
        });
        let down = from.down(sender.expect("there is room").pid()).await;
        assert_eq!(down.reason, Reason::Normal);
    }
    // A node that ends is lost at once.
    let there = b.spawn_fn(|me| count(me, 1)).expect("there is room").pid();
    let (tell, told) = foundation_runtime::promise(&a);
    let (watching, watched) = foundation_runtime::promise(&a);
    let watcher = async move |me: Process<NodeEvent>| {
        let watch = me.monitor(there);
        // When this is answered the monitor has arrived.
        let alive = me.node().info(there, BOUND).await;
        assert!(alive.is_ok(), "{alive:?}");
        watching.send(());
        tell.send(me.down(watch).await);
    };
    a.spawn_fn(watcher).expect("there is room");
    watched.timeout(BOUND).await.expect("it is there");
    end(&[&b]).await;
    let down = told.timeout(BOUND).await.expect("it is told");
    assert!(
        matches!(down.reason, Reason::NoConnection | Reason::Shutdown),
        "{down:?}"
    );
    let world = World::real(1);
    world
        .eventually(BOUND, async || {
            a.peer("b").is_none() && c.peer("b").is_none()
        })
        .await;
    end(&[&a, &c, &world.node()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_silence_cost_only_their_own_connection() {
    let (a, address) = start("a", None).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(std::net::TcpStream::connect(&address).expect("it listens"));
    }
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 4096],
        &[0, 0],
        &[0, 1, 9],
    ] {
        let mut stream = std::net::TcpStream::connect(&address).expect("it listens");
        stream.write_all(garbage).expect("it is taken");
        stream
            .set_read_timeout(Some(BOUND))
            .expect("there are such");
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(answer.len() < 100, "{} bytes for garbage", answer.len());
    }
    let (b, _) = start("b", Some(&address)).await;
    together(&[&a, &b]).await;
    // Who said nothing is shown out when its time is up.
    for mut stream in silent {
        stream
            .set_read_timeout(Some(BOUND))
            .expect("there are such");
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.is_ok(), "{ended:?}");
    }
    end(&[&a, &b]).await;
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cluster-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_made_once_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("secret");
    let file = folder.join("deep/secret");
    let of = |name: &str| Builder::new(Node::builder().name(name)).secret_file(&file);
    // Both at once: they agree on one.
    let (a, b) = tokio::join!(of("a").start(), of("b").start());
    let (a, b) = (a.expect("it starts"), b.expect("it starts"));
    let about = std::fs::metadata(&file).expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    let left = std::fs::read_dir(folder.join("deep"))
        .expect("it is there")
        .count();
    assert_eq!(left, 1, "no draft is left");
    let address = a.cluster().own().await.expect("it has a cluster").address;
    let c = of("c").seed(address).start().await.expect("it starts");
    together(&[&a, &c]).await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
    let error = of("d").start().await.expect_err("others may read it");
    let StartError::Secret(SecretFileError::NotPrivate(_, 0o640)) = error else {
        panic!("{error}");
    };
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    std::fs::write(&file, "short").expect("it is ours");
    let error = of("d").start().await.expect_err("it can be guessed");
    assert!(
        error.to_string().ends_with("it takes 32 random ones"),
        "{error}"
    );
    end(&[&a, &b, &c]).await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_before_anything_starts() {
    let rows: [(Builder, &str); 7] = [
        (plan("").seed("127.0.0.1:1"), "a name is empty"),
        (
            plan(&"n".repeat(129)),
            "a name of 129 bytes is too long: at most 128",
        ),
        (plan("a").cluster(""), "a name is empty"),
        (
            plan("a").seed("127.0.0.1"),
            "`127.0.0.1` is no address: it takes a host and a port, as in `127.0.0.1:7001`",
        ),
        (
            plan("a").seed("10.0.0.1:7000"),
            "`10.0.0.1:7000` is not of this machine alone, and nodes on several machines speak over \
             TLS only: make certificates with `foundation cert init`, and give them to the node with \
             `tls`",
        ),
        (
            plan("a").listen("0.0.0.0:0"),
            "`0.0.0.0:0` is not of this machine alone, and nodes on several machines speak over TLS \
             only: make certificates with `foundation cert init`, and give them to the node with \
             `tls`",
        ),
        (
            plan("a").mesh(MeshConfig {
                silence: Duration::ZERO,
                ..MeshConfig::default()
            }),
            "a connection that is lost after 0ns needs more than heartbeats each 500ms: the silence \
             is at least four ticks",
        ),
    ];
    for (builder, expected) in rows {
        let error = builder.start().await.expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
    let (a, address) = start("a", None).await;
    let error = plan("b")
        .listen(address.clone())
        .start()
        .await
        .expect_err("it is taken");
    let StartError::Listen(taken, error) = error else {
        panic!("{error}")
    };
    assert_eq!((&*taken, error.kind()), (&*address, ErrorKind::AddrInUse));
    end(&[&a]).await;
}

#[test]
fn a_mesh_that_makes_no_sense_is_refused() {
    let of = |change: fn(&mut MeshConfig)| {
        let mut config = MeshConfig::default();
        change(&mut config);
        config.check()
    };
    assert_eq!(of(|_| {}), Ok(()));
    assert_eq!(of(|c| c.tick = Duration::ZERO), Err(BadMesh::Zero("tick")));
    assert_eq!(of(|c| c.peers_max = 0), Err(BadMesh::NoPeers));
    assert!(matches!(
        of(|c| c.redial_max = Duration::from_millis(1)),
        Err(BadMesh::Redial(..))
    ));
}
