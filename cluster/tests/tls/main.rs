//! Do nodes with certificates come together, and is everybody else kept out?
//!
//! Role       Nodes in one program over real sockets with TLS: a cluster that works, and one row for
//!            each way in which a certificate does not hold.

#![cfg(feature = "tls")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real sockets and files"
)]

#[path = "../common/authority.rs"]
mod authority;
#[path = "../common/log.rs"]
mod log;
mod simulated;
mod strangers;
mod through;

use std::fs;
use std::io::{ErrorKind, Read};
use std::time::Duration;

use foundation_cluster::handshake::Refusal;
use foundation_cluster::{Builder, NodeClusterExt, Secret, StartError, Tls, TlsError};
use foundation_runtime::{Mail, Node, Process, World};
use rcgen::ExtendedKeyUsagePurpose;

use authority::{Authority, Folder, private};

const BOUND: Duration = Duration::from_secs(20);

fn plan(name: &str) -> Builder {
    let secret = Secret::new([5; 32]).expect("long enough");
    Builder::new(Node::builder().name(name).workers(1))
        .secret(secret)
        .handshake_bound(Duration::from_secs(2))
}

async fn address(node: &Node) -> String {
    let own = node.cluster().own().await.expect("it has a cluster");
    own.address.to_string()
}

async fn end(nodes: &[&Node]) {
    for node in nodes {
        node.shutdown(BOUND).await.expect("every process yields");
    }
}

#[derive(Debug, serde::Serialize, serde::Deserialize, foundation_macros::Message)]
#[message(crate = foundation_actors)]
struct Load(String);

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_certificates_are_one_space() {
    let folder = Folder::new("space");
    let ca = Authority::new(&folder, "ca");
    let tls = |name: &str| ca.signs(&folder, name, "127.0.0.1", |_| {});
    let a = plan("a@127.0.0.1")
        .tls(tls("a"))
        .start()
        .await
        .expect("it starts");
    let seed = address(&a).await;
    let mut others = Vec::new();
    for name in ["b", "c"] {
        let builder = plan(&format!("{name}@127.0.0.1"))
            .tls(tls(name))
            .listen("127.0.0.1:0");
        others.push(
            builder
                .seed(seed.as_str())
                .start()
                .await
                .expect("it starts"),
        );
    }
    let world = World::real(1);
    let [b, c] = &others[..] else { unreachable!() };
    let together = async || b.peer(c.name()) == Some(c.id()) && a.peer(b.name()).is_some();
    world.eventually(BOUND, together).await;
    // Small and large ones, over both connections of the two.
    let (tell, told) = foundation_runtime::promise(c);
    let there = c.spawn_fn(async move |mut me: Process<Load>| {
        let mut sizes = Vec::new();
        while sizes.len() < 20 {
            if let Mail::Msg(Load(text)) = me.recv().await {
                sizes.push(text.len());
            }
        }
        tell.send(sizes);
    });
    let there = there.expect("there is room").pid();
    let size = |number: usize| {
        if number % 5 == 2 {
            400_000 + number
        } else {
            number
        }
    };
    let sends = async move |me: Process<Load>| {
        for number in 0..20 {
            me.send(there, Load("x".repeat(size(number))))
                .expect("it is connected");
        }
    };
    b.spawn_fn(sends).expect("there is room");
    let sizes = told.timeout(BOUND).await.expect("all comes");
    assert_eq!(sizes, (0..20).map(size).collect::<Vec<_>>());
    end(&[&a, b, c, &world.node()]).await;
}

/// Why a node at `seed` is not reached by one with these files.
async fn refusal(name: &str, tls: Option<Tls>, seed: &str) -> Option<Refusal> {
    let builder = plan(name).listen("127.0.0.1:0").seed(seed);
    let builder = match tls {
        Some(tls) => builder.tls(tls),
        None => builder,
    };
    let node = builder.start().await.expect("its files are good");
    let world = World::real(1);
    let refused = async || {
        let dialled = node.cluster().dialled().await.expect("it has a cluster");
        dialled
            .first()
            .is_some_and(|(_, refusal)| refusal.is_some())
    };
    world.eventually(BOUND, refused).await;
    let dialled = node.cluster().dialled().await.expect("it has a cluster");
    assert!(node.cluster().nodes().await.expect("as before").is_empty());
    end(&[&node, &world.node()]).await;
    dialled[0].1
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_else_is_kept_out() {
    let folder = Folder::new("out");
    let (ca, other) = (
        Authority::new(&folder, "ca"),
        Authority::new(&folder, "other"),
    );
    let a = ca.signs(&folder, "a", "127.0.0.1", |_| {});
    let a = plan("a@127.0.0.1").tls(a).start().await.expect("it starts");
    let seed = address(&a).await;
    // Signed by another CA, and believing that one.
    let stranger = other.signs(&folder, "s", "127.0.0.1", |_| {});
    let seen = refusal("s@127.0.0.1", Some(stranger.clone()), &seed).await;
    assert_eq!(seen, Some(Refusal::Certificate));
    // One that believes both CAs is content with us, and is refused by us: in TLS 1.3 it reads that
    // only afterwards.
    let both = folder.0.join("both.pem");
    let pems = [&ca.file, &other.file].map(|file| fs::read_to_string(file).expect("it is there"));
    fs::write(&both, pems.concat()).expect("there is room");
    let content = Tls::files(both, &stranger.certificate, &stranger.key);
    let seen = refusal("s@127.0.0.1", Some(content), &seed).await;
    assert_eq!(seen, Some(Refusal::Certificate));
    // Believing ours alone, it would not even believe itself.
    let believing = Tls::files(&ca.file, &stranger.certificate, &stranger.key);
    let started = plan("s@127.0.0.1").tls(believing).start().await;
    assert!(
        matches!(started, Err(StartError::Tls(TlsError::Refused(..)))),
        "{started:?}"
    );
    // Not over TLS at all.
    let seen = refusal("plain", None, &seed).await;
    assert!(
        matches!(
            seen,
            Some(Refusal::Malformed | Refusal::Closed | Refusal::Deadline)
        ),
        "{seen:?}"
    );
    // One that says nothing costs its own connection.
    let mut silent = std::net::TcpStream::connect(&seed).expect("it listens");
    silent.set_read_timeout(Some(BOUND)).expect("it is open");
    match silent.read(&mut [0; 16]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("it was not closed in time: {other:?}"),
    }
    // And a node without TLS does not speak with one that has it.
    let plain = plan("p").start().await.expect("it starts");
    let to = address(&plain).await;
    let tls = ca.signs(&folder, "t", "127.0.0.1", |_| {});
    let seen = refusal("t@127.0.0.1", Some(tls), &to).await;
    assert!(
        matches!(
            seen,
            Some(Refusal::Malformed | Refusal::Closed | Refusal::Deadline)
        ),
        "{seen:?}"
    );
    end(&[&a, &plain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_in_the_certificate_is_refused() {
    let folder = Folder::new("name");
    let ca = Authority::new(&folder, "ca");
    let started = |name: &'static str, host: &str| {
        let tls = ca.signs(&folder, name, host, |_| {});
        plan(name).tls(tls).listen("127.0.0.1:0").start()
    };
    for (name, host) in [
        ("a@127.0.0.1", "127.0.0.2"),
        ("a@one.example", "two.example"),
    ] {
        let error = started(name, host).await.expect_err("it is for another");
        assert!(
            error.to_string().contains("foundation cert init --node"),
            "{error}"
        );
    }
    for (name, host) in [
        ("b@one.example", "one.example"),
        ("c@127.0.0.1", "127.0.0.1"),
    ] {
        let node = started(name, host).await.expect("it is for this one");
        end(&[&node]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_other_node_would_accept_start_nothing() {
    let folder = Folder::new("files");
    let ca = Authority::new(&folder, "ca");
    let good = ca.signs(&folder, "good", "127.0.0.1", |_| {});
    let expired = ca.signs(&folder, "expired", "127.0.0.1", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let one_way = ca.signs(&folder, "one_way", "127.0.0.1", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let open = ca.signs(&folder, "open", "127.0.0.1", |_| {});
    private(&open.key, 0o644);
    let garbage = folder.0.join("garbage");
    fs::write(&garbage, "no certificate").expect("there is room");
    let rows = [
        (expired, "it has expired"),
        (one_way, "serverAuth and clientAuth"),
        (open, "others may read or change it (mode 644)"),
        (
            Tls::files("/nowhere", &good.certificate, &good.key),
            "/nowhere: ",
        ),
        (
            Tls::files(&good.ca, &garbage, &good.key),
            "there is no certificate in it",
        ),
        (
            Tls::files(&good.ca, &good.certificate, &garbage),
            "others may read or change it",
        ),
        (
            Tls::files(&good.ca, &good.certificate, folder.0.join("one_way.key")),
            "it is not the key of the certificate",
        ),
    ];
    for (tls, says) in rows {
        let error = plan("n@127.0.0.1").tls(tls).start().await.expect_err(says);
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    let beyond = plan("n@10.0.0.1").listen("10.0.0.1:7001").start().await;
    let error = beyond.expect_err("there is no TLS").to_string();
    assert!(error.contains("foundation cert init"), "{error}");
}
