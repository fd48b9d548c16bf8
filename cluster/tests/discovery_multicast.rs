//! Do nodes find each other on a segment, and is everything else ignored there?
//!
//! Role       Nodes of one machine with real sockets in one group, on loopback; and whoever sends
//!            garbage to that group.
//! Sabotages  Seen red: see the comment above each test.

#![allow(clippy::disallowed_methods, reason = "a test of real sockets")]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use foundation_cluster::discovery::{Beat, BeatFigures, Finder, Multicast};
use foundation_cluster::{Builder, NodeClusterExt, Secret};
use foundation_runtime::{Node, World};

const BOUND: Duration = Duration::from_secs(20);

fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32]).expect("long enough")
}

/// A segment of this test alone.
fn segment(number: u8) -> Multicast {
    // The processes of two runs at once do not hear each other.
    let port = 20_000 + (std::process::id() % 20_000) as u16;
    Multicast {
        group: Ipv4Addr::new(239, 255, 71, number),
        port,
        beat: Duration::from_millis(100),
        rate_max: 1_000_000,
        ..Multicast::default()
    }
}

async fn start(name: &str, of: &Multicast, byte: u8) -> Node {
    let builder = Builder::new(Node::builder().name(name).workers(1)).secret(secret(byte));
    let builder = builder.find(Finder::multicast(of.clone()));
    builder.start().await.expect("it starts")
}

async fn figures(node: &Node) -> BeatFigures {
    let finders = node.cluster().finders().await.expect("it has a cluster");
    assert_eq!(finders[0].failure, None);
    finders[0].beats.expect("it is a segment")
}

async fn together(nodes: &[&Node]) {
    let world = World::real(1);
    for a in nodes {
        for b in nodes.iter().filter(|b| b.id() != a.id()) {
            world
                .eventually(BOUND, async || a.peer(b.name()) == Some(b.id()))
                .await;
        }
    }
    end(&[&world.node()]).await;
}

async fn end(nodes: &[&Node]) {
    for node in nodes {
        node.shutdown(BOUND).await.expect("every process yields");
    }
}

/// Red when no beat is sent, when only the first is, when the socket is not shared, or when a node is
/// kept although it is silent.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_find_each_other_on_a_segment() {
    let segment = segment(1);
    let a = start("a", &segment, 5).await;
    let b = start("b", &segment, 5).await;
    together(&[&a, &b]).await;
    let c = start("c", &segment, 5).await;
    together(&[&a, &b, &c]).await;
    let world = World::real(1);
    let counted = async || figures(&a).await.own > 0 && figures(&a).await.heard > 2;
    world.eventually(BOUND, counted).await;
    end(&[&c]).await;
    let forgotten = async || a.cluster().finders().await.expect("it has")[0].found.len() == 1;
    world.eventually(BOUND, forgotten).await;
    end(&[&a, &b, &world.node()]).await;
}

/// Red when the proof or the count is not looked at, or nothing is counted.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_ignored_and_counted() {
    let segment = segment(2);
    let a = start("a", &segment, 5).await;
    let stranger = start("s", &segment, 6).await;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None);
    let socket = socket.expect("there is room");
    socket
        .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
        .expect("it is there");
    let to = SocketAddrV4::new(segment.group, segment.port).into();
    let beat = Beat {
        name: "z".into(),
        incarnation: 1,
        count: 1,
        address: "127.0.0.1:9".into(),
    };
    let good = beat.encode(&secret(5), "foundation");
    // One of another machine: a node without TLS does not even try.
    let far = Beat {
        name: "y".into(),
        address: "192.0.2.1:9".into(),
        ..beat
    };
    let far = far.encode(&secret(5), "foundation");
    let world = World::real(1);
    let all = async || {
        for bytes in [&b"garbage"[..], &[0; 1500], &good, &good, &far] {
            socket.send_to(bytes, &to).expect("it can be sent");
        }
        let seen = figures(&a).await;
        seen.garbage > 2 && seen.replayed > 2 && seen.foreign > 2 && seen.heard >= 2
    };
    world.eventually(BOUND, all).await;
    let seen = figures(&a).await;
    assert_eq!(
        (seen.heard, seen.beyond_rate, seen.full),
        (2, 0, 0),
        "{seen:?}"
    );
    assert!(a.peer("s").is_none() && stranger.peer("a").is_none());
    let dialled = a.cluster().dialled().await.expect("it has a cluster");
    assert!(
        dialled
            .iter()
            .all(|(address, _)| **address == *"127.0.0.1:9"),
        "{dialled:?}"
    );
    end(&[&a, &stranger, &world.node()]).await;
}

/// A flood costs as much as is allowed, and the node goes on. Red when the rate is not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_cut_off() {
    let segment = Multicast {
        rate_max: 20,
        ..segment(3)
    };
    let a = start("a", &segment, 5).await;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None);
    let socket = socket.expect("there is room");
    socket
        .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
        .expect("it is there");
    let to = SocketAddrV4::new(segment.group, segment.port).into();
    let world = World::real(1);
    let cut_off = async || {
        for _ in 0..100 {
            socket.send_to(&[1; 100], &to).expect("it can be sent");
        }
        figures(&a).await.beyond_rate > 100
    };
    world.eventually(BOUND, cut_off).await;
    let b = start("b", &segment, 5).await;
    together(&[&a, &b]).await;
    end(&[&a, &b, &world.node()]).await;
}

/// Somebody has the port for himself: the node starts, and says why it is heard by nobody; it speaks as
/// soon as it can. Red when a failure is not told, or a socket is not opened again.
#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_has_its_reason() {
    let segment = segment(4);
    let taken = std::net::UdpSocket::bind((segment.group, segment.port)).expect("it is free");
    let a = start("a", &segment, 5).await;
    let b = start("b", &segment, 5).await;
    let world = World::real(1);
    let fails = async |node: &Node| {
        let finders = node.cluster().finders().await.expect("it has a cluster");
        finders[0].failure.is_some()
    };
    world
        .eventually(BOUND, async || fails(&a).await && fails(&b).await)
        .await;
    drop(taken);
    together(&[&a, &b]).await;
    assert!(!fails(&a).await);
    end(&[&a, &b, &world.node()]).await;
}
