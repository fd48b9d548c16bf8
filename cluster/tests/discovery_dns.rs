//! Do nodes find each other by a real DNS server, and withstand a bad one?
//!
//! Role       Nodes over sockets on loopback, and a name server beside them whose records change; and
//!            servers that answer with errors, garbage, half, or not at all.
//! Sabotages  Seen red: see the comment above each test.

#![allow(clippy::disallowed_methods, reason = "a test of real sockets")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use foundation_cluster::discovery::{DiscoveryConfig, Failure, Finder};
use foundation_cluster::{Builder, NodeClusterExt, Secret};
use foundation_runtime::{Node, World};
use hickory_server::Server;
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType, RrKey};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

const BOUND: Duration = Duration::from_secs(20);

type Zone = InMemoryZoneHandler;

/// A name server for `example`.
struct NameServer {
    zone: Arc<Zone>,
    address: SocketAddr,
    _server: Server<Catalog>,
}

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.example.")).expect("it is a name")
}

impl NameServer {
    async fn start() -> Self {
        let origin = Name::from_ascii("example.").expect("it is a name");
        let zone = Arc::new(Zone::empty(
            origin.clone(),
            ZoneType::Primary,
            AxfrPolicy::Deny,
        ));
        let soa = SOA::new(origin.clone(), origin.clone(), 1, 60, 60, 60, 1);
        let soa = Record::from_rdata(origin.clone(), 1, RData::SOA(soa));
        assert!(zone.upsert(soa, 1).await);
        let mut catalog = Catalog::new();
        let handler: Arc<dyn ZoneHandler> = Arc::clone(&zone) as _;
        catalog.upsert(origin.into(), vec![handler]);
        let mut server = Server::new(catalog);
        // The same port for both; another one may have taken one of them.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0")
                .await
                .expect("a port is free");
            let address = udp.local_addr().expect("it is bound");
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("it is bound");
        server.register_socket(udp);
        server.register_listener(tcp, BOUND, 32);
        Self {
            zone,
            address,
            _server: server,
        }
    }

    /// What is said of a name from now on.
    async fn says(&self, of: &str, kind: RecordType, data: impl IntoIterator<Item = RData>) {
        let key = RrKey::new(LowerName::new(&name(of)), kind);
        self.zone.records_mut().await.remove(&key);
        for data in data {
            let record = Record::from_rdata(name(of), 1, data);
            assert!(self.zone.upsert(record, 1).await, "{of}");
        }
    }

    async fn at(&self, of: &str, hosts: &[u8]) {
        let records = hosts.iter().map(|host| RData::A(A::new(127, 0, 0, *host)));
        self.says(of, RecordType::A, records).await;
    }
}

fn quick() -> DiscoveryConfig {
    DiscoveryConfig {
        ttl_min: Duration::from_millis(200),
        retry: Duration::from_millis(100),
        retry_max: Duration::from_millis(500),
        ..DiscoveryConfig::default()
    }
}

fn plan(name: &str, server: SocketAddr) -> Builder {
    let secret = Secret::new([5; 32]).expect("long enough");
    Builder::new(Node::builder().name(name).workers(1))
        .secret(secret)
        .nameserver(server)
        .discovery(quick())
}

/// A port that is free at all of these hosts.
async fn port(hosts: &[u8]) -> u16 {
    for _ in 0..100 {
        let any = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = any.local_addr().expect("it is bound").port();
        let mut free = true;
        for host in hosts {
            free &= TcpListener::bind((Ipv4Addr::new(127, 0, 0, *host), port))
                .await
                .is_ok();
        }
        if free {
            return port;
        }
    }
    panic!("no port is free");
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

/// Red when the name is asked once only, or when A is not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_find_each_other_by_addresses() {
    let server = NameServer::start().await;
    let port = port(&[11, 12, 13]).await;
    server.at("nodes", &[11, 12]).await;
    let start = async |name: &str, host: u8| {
        let finder = Finder::hosts("nodes.example", port);
        let builder = plan(name, server.address).find(finder);
        builder
            .listen(format!("127.0.0.{host}:{port}"))
            .start()
            .await
            .expect("it starts")
    };
    let (a, b) = (start("a", 11).await, start("b", 12).await);
    together(&[&a, &b]).await;
    // It is in no answer yet, and may find the others; they find it when it is.
    let c = start("c", 13).await;
    server.at("nodes", &[13]).await;
    together(&[&a, &b, &c]).await;
    let world = World::real(1);
    let only = format!("127.0.0.13:{port}");
    let renewed = async || {
        let finders = a.cluster().finders().await.expect("it has a cluster");
        finders[0].found == [only.as_str().into()]
    };
    world.eventually(BOUND, renewed).await;
    together(&[&a, &b, &c]).await;
    end(&[&a, &b, &c, &world.node()]).await;
}

/// Red when the hosts of a service are not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_find_each_other_by_a_service() {
    let server = NameServer::start().await;
    let ports = [port(&[11]).await, port(&[]).await, port(&[13]).await];
    let service = |host: &str, port| RData::SRV(SRV::new(0, 0, port, name(host)));
    server.at("one", &[11]).await;
    let six = RData::AAAA(AAAA::new(0, 0, 0, 0, 0, 0, 0, 1));
    server.says("two", RecordType::AAAA, [six]).await;
    server.at("three", &[13]).await;
    let alias = RData::CNAME(CNAME(name("three")));
    server.says("third", RecordType::CNAME, [alias]).await;
    let all = [service("one", ports[0]), service("two", ports[1])];
    server
        .says("_foundation._tcp", RecordType::SRV, all.clone())
        .await;
    let start = async |name: &str, listen: String| {
        let finder = Finder::service("_foundation._tcp.example");
        let builder = plan(name, server.address).find(finder);
        builder.listen(listen).start().await.expect("it starts")
    };
    let a = start("a", format!("127.0.0.11:{}", ports[0])).await;
    // These find nobody by themselves: the first one has to find them.
    let b = plan("b", server.address).listen(format!("[::1]:{}", ports[1]));
    let b = b.start().await.expect("it starts");
    together(&[&a, &b]).await;
    let c = plan("c", server.address).listen(format!("127.0.0.13:{}", ports[2]));
    let c = c.start().await.expect("it starts");
    let more = all.into_iter().chain([service("third", ports[2])]);
    server.says("_foundation._tcp", RecordType::SRV, more).await;
    together(&[&a, &b, &c]).await;
    end(&[&a, &b, &c]).await;
}

/// What a finder says, as soon as it says this.
async fn until(node: &Node, wanted: impl Fn(&[Box<str>], Option<&Failure>) -> bool) {
    let world = World::real(1);
    let is_so = async || {
        let finders = node.cluster().finders().await.expect("it has a cluster");
        wanted(&finders[0].found, finders[0].failure.as_ref())
    };
    world.eventually(BOUND, is_so).await;
    end(&[&world.node()]).await;
}

/// An answer that does not fit into a datagram. Red when TCP is not asked, or a part counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_comes_over_tcp() {
    let server = NameServer::start().await;
    let hosts: Vec<u8> = (100..200).collect();
    server.at("many", &hosts).await;
    let builder = plan("a", server.address).find(Finder::hosts("many.example", 9));
    let a = builder.start().await.expect("it starts");
    until(&a, |found, _| found.len() == hosts.len()).await;
    // A name that is not there is an answer, too: nobody is there any more.
    server.at("many", &[]).await;
    until(&a, |found, failure| found.is_empty() && failure.is_none()).await;
    end(&[&a]).await;
}

/// Answers whatever comes with what `answer` makes of it, until the test ends.
async fn bad_server(answer: impl Fn(Vec<u8>) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = socket.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let mut bytes = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            if let Some(answer) = answer(bytes[..length].to_vec()) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    address
}

fn with_flags(mut bytes: Vec<u8>, flags: u16) -> Option<Vec<u8>> {
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    Some(bytes)
}

/// Each has its reason, and a node starts all the same. Behind each there is a second, good server:
/// where that is known, too, everything is found. Red when any of them is taken for an answer, and when
/// the second is not asked.
#[tokio::test(flavor = "multi_thread")]
async fn bad_servers_have_their_reasons() {
    let good = NameServer::start().await;
    good.at("nodes", &[99]).await;
    let nobody = UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let closed = nobody.local_addr().expect("it is bound");
    drop(nobody);
    let another = |bytes: Vec<u8>| {
        let mut answer = with_flags(bytes, 0x8180)?;
        answer[0] ^= 0xFF; // The number of another question.
        Some(answer)
    };
    let rows: [(&str, SocketAddr, fn(&Failure) -> bool); 7] = [
        (
            "SERVFAIL",
            bad_server(|bytes| with_flags(bytes, 0x8182)).await,
            |it| *it == Failure::Refused(2),
        ),
        (
            "REFUSED",
            bad_server(|bytes| with_flags(bytes, 0x8185)).await,
            |it| *it == Failure::Refused(5),
        ),
        (
            "garbage",
            bad_server(|_| Some(vec![0xC0; 300])).await,
            |it| *it == Failure::Garbage,
        ),
        ("a question", bad_server(Some).await, |it| {
            *it == Failure::Garbage
        }),
        ("another number", bad_server(another).await, |it| {
            *it == Failure::Garbage
        }),
        (
            "truncated, and no TCP",
            bad_server(|bytes| with_flags(bytes, 0x8380)).await,
            |it| matches!(it, Failure::System(_)),
        ),
        ("closed", closed, |it| matches!(it, Failure::System(_))),
    ];
    for (what, server, is_reason) in rows {
        let finder = || Finder::hosts("nodes.example", 9);
        let a = plan("a", server)
            .find(finder())
            .start()
            .await
            .expect("it starts");
        until(&a, |found, failure| {
            assert!(found.is_empty(), "{what}: {found:?}");
            assert!(failure.is_none_or(is_reason), "{what}: {failure:?}");
            failure.is_some()
        })
        .await;
        let b = plan("b", server).nameserver(good.address).find(finder());
        let b = b.start().await.expect("it starts");
        until(&b, |found, _| found == ["127.0.0.99:9".into()]).await;
        end(&[&a, &b]).await;
    }
}

/// A server that says nothing has its bound, and the start does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_no_obstacle() {
    let server = bad_server(|_| None).await;
    let config = DiscoveryConfig {
        bound: Duration::from_millis(500),
        ..quick()
    };
    let builder = plan("a", server).find(Finder::hosts("nodes.example", 9));
    let a = builder.discovery(config).start().await.expect("it starts");
    until(&a, |_, failure| failure == Some(&Failure::Silent)).await;
    end(&[&a]).await;
}

/// Half of the answer is silent: the other half counts. Red when both have to come.
#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_counts() {
    let server = bad_server(|question| {
        let kind = question[question.len() - 3];
        let mut answer = with_flags(question, 0x8180)?;
        answer[7] = 1;
        answer.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 77]);
        (kind == 1).then_some(answer)
    })
    .await;
    let builder = plan("a", server).find(Finder::hosts("nodes.example", 9));
    let a = builder.start().await.expect("it starts");
    until(&a, |found, _| found == ["127.0.0.77:9".into()]).await;
    end(&[&a]).await;
}

/// Without TLS no other machine is dialled, whatever DNS says. Red when the reach is not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_not_found_without_tls() {
    let server = NameServer::start().await;
    let far = RData::A(A::new(192, 0, 2, 1));
    server.says("nodes", RecordType::A, [far.clone()]).await;
    let builder = plan("a", server.address).find(Finder::hosts("nodes.example", 9));
    let a = builder.start().await.expect("it starts");
    until(&a, |found, failure| {
        assert!(found.is_empty(), "{found:?}");
        failure == Some(&Failure::Beyond)
    })
    .await;
    let near = RData::A(A::new(127, 0, 0, 9));
    server.says("nodes", RecordType::A, [far, near]).await;
    until(&a, |found, _| found == ["127.0.0.9:9".into()]).await;
    end(&[&a]).await;
}
