//! Do two nodes that cannot dial each other have TLS with each other, through a server?
//!
//! Role       Real sockets: a server, and two clients at names that nobody can resolve, as behind routers that
//!            let nothing in.
//! Sabotages  Seen red: one of the two ends uses a circuit without TLS.

use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::mesh::MeshConfig;
use foundation_cluster::overlay::{Overlay, client_server};
use foundation_cluster::{Builder, NodeClusterExt, Tls};
use foundation_macros::actor;

use super::{Authority, BOUND, Folder, address, end, plan};

struct Doubler;

#[actor(crate = foundation_actors)]
impl Doubler {
    #[init]
    fn init() -> Self {
        Self
    }

    #[call]
    fn twice(&self, number: u32) -> u32 {
        2 * number
    }
}

fn client(name: &str, seed: &str, tls: Tls) -> Builder {
    let star = client_server::Config::new(["s@127.0.0.1"]);
    let mesh = MeshConfig {
        tick: Duration::from_millis(100),
        silence: Duration::from_millis(800),
        ..MeshConfig::default()
    };
    let builder = plan(name).tls(tls).mesh(mesh).listen("0.0.0.0:0");
    let builder = builder.overlay(Overlay::ClientServer(star));
    if seed.is_empty() {
        return builder.listen("127.0.0.1:0");
    }
    builder.seed(seed)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_that_nobody_can_dial_prove_themselves_through_a_server() {
    let folder = Folder::new("through");
    let authority = Authority::new(&folder, "ca");
    let start = async |name: &str, host: &str, seed: &str| {
        let tls = authority.signs(&folder, host, host, |_| {});
        let started = client(name, seed, tls).start().await;
        started.expect("it starts")
    };
    let s = start("s@127.0.0.1", "127.0.0.1", "").await;
    let seed = address(&s).await;
    let a = start("a@a.invalid", "a.invalid", &seed).await;
    let b = start("b@b.invalid", "b.invalid", &seed).await;
    let doubler = b.start::<Doubler>(()).await.expect("it starts");
    let far = a.reference::<Doubler>(doubler.pid());
    let until = a.now() + BOUND;
    // It takes a while until a node that cannot be dialled is tried through others.
    while far.twice(4).timeout(BOUND).await != Ok(8) {
        assert!(a.now() < until, "it was not reached");
        a.sleep(Duration::from_millis(50)).await;
    }
    let peers = a.cluster().nodes().await.expect("it has a cluster");
    let seen = peers.iter().map(|peer| (&*peer.who.name, peer.is_through));
    let seen: Vec<_> = seen.collect();
    assert_eq!(seen, [("b@b.invalid", true), ("s@127.0.0.1", false)]);
    end(&[&a, &b, &s]).await;
}
