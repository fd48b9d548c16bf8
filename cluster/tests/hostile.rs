//! Is whoever does not belong shown out over real sockets, and is it logged why?
//!
//! Role       Strangers that speak the handshake by themselves: garbage, other versions, clusters, secrets
//!            and names, a replay, one byte at a time, ten thousand that say nothing; and a member that
//!            talks nonsense, or leaves in haste.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test of real sockets"
)]

#[path = "common/log.rs"]
mod log;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use foundation_cluster::handshake::{Effect, Handshake, Input, Refusal, Role, VERSIONS, Who};
use foundation_cluster::membership::{self, Address, Membership, Name};
use foundation_cluster::mesh::Loss;
use foundation_cluster::{Builder, Effects, Machine, NodeClusterExt, Secret, Tick};
use foundation_runtime::{Node, World};

use self::log::Log;

const BOUND: Duration = Duration::from_secs(30);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(2);
const HALF_OPEN: usize = 10_000;

async fn start(name: &str, seed: Option<&str>) -> (Node, String) {
    let secret = Secret::new([5; 32]).expect("long enough");
    let plan = Builder::new(Node::builder().name(name)).secret(secret);
    let plan = plan.handshake_bound(HANDSHAKE);
    let plan = seed.into_iter().fold(plan, Builder::seed);
    let node = plan.start().await.expect("it starts");
    let own = node.cluster().own().await;
    (node, own.expect("it has a cluster").address.to_string())
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

/// A node's end of a handshake; of one that was never started.
fn stranger(name: &str, cluster: &str, key: u8) -> Handshake {
    let who = Who {
        name: name.into(),
        incarnation: 7,
        address: "127.0.0.1:9".into(),
    };
    let secret = Secret::new([key; 32]).expect("long enough");
    Handshake::new(Role::Dialler, cluster, who, secret, [3; 32], b"")
}

/// How the handshake of a stranger ended, and all that it said. It trusts whomever it reaches.
fn claim(to: &str, machine: Handshake) -> (Result<(), Refusal>, Vec<u8>) {
    shake(&mut dial(to), machine)
}

fn shake(stream: &mut TcpStream, mut machine: Handshake) -> (Result<(), Refusal>, Vec<u8>) {
    let (mut said, mut effects) = (Vec::new(), Effects::new());
    let mut inputs = vec![Input::Begin];
    loop {
        for input in inputs.drain(..) {
            machine.step(Tick::ZERO, input, &mut effects);
        }
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(bytes) => {
                    stream.write_all(&bytes).expect("it is taken");
                    said.extend(bytes);
                }
                Effect::Admit(..) => inputs.push(Input::Admission(Ok(()))),
                Effect::Agreed(_) => return (Ok(()), said),
                Effect::Refused(refusal) => return (Err(refusal), said),
            }
        }
        if inputs.is_empty() {
            let mut bytes = [0; 2048];
            inputs.push(match stream.read(&mut bytes) {
                Ok(0) | Err(_) => Input::Closed,
                Ok(length) => Input::Bytes(bytes[..length].to_vec()),
            });
        }
    }
}

fn dial(to: &str) -> TcpStream {
    let stream = TcpStream::connect(to).expect("it listens");
    let bound = stream.set_read_timeout(Some(BOUND));
    bound.expect("there are such");
    stream
}

/// What comes until the other end closes.
fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    answer
}

/// Says these bytes, and is shown out.
fn says(to: &str, bytes: &[u8]) {
    let mut stream = dial(to);
    stream.write_all(bytes).expect("it is taken");
    let answer = answer(&mut stream);
    assert!(answer.len() < 400, "{} bytes for a stranger", answer.len());
}

/// Garbage, lengths of 0 and as large as can be, an unknown kind, a message that is not the first.
async fn garbage(to: &str, log: &Log) {
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 0],
        &[0xff; 4096],
        &[0, 1, 9],
        &[0, 1, 4],
    ];
    for bytes in garbage {
        says(to, bytes);
        log.says("what came is not this protocol").await;
    }
}

/// A member that has proved who it is, and then says what is nothing, in frames of every kind.
async fn nonsense(to: &str, log: &Log) {
    const KINDS: u32 = 16;
    const HEARTBEAT: u32 = 1;
    const CONTENT: [u8; 40] = [0xff; 40];
    let frame = |kind: u32, length: u32| (kind << 28 | length).to_be_bytes();
    let whole = |kind| [&frame(kind, CONTENT.len() as u32)[..], &CONTENT].concat();
    let mut said: Vec<Vec<u8>> = (0..KINDS)
        .filter(|it| *it != HEARTBEAT)
        .map(whole)
        .collect();
    // One that announces more than any frame has is not waited for.
    said.push(frame(0, (1 << 28) - 1).to_vec());
    for (number, bytes) in said.into_iter().enumerate() {
        let (mut stream, name) = (dial(to), format!("s{number}"));
        let (let_in, _) = shake(&mut stream, stranger(&name, "foundation", 5));
        assert_eq!(let_in, Ok(()));
        stream.write_all(&bytes).expect("it is taken");
        answer(&mut stream);
        log.says(&format!("name={name} loss={}", Loss::Garbage))
            .await;
    }
}

/// Who says good-bye and closes in the same breath has left: it is not lost.
async fn farewell(to: &str, log: &Log) {
    const MEMBERSHIP: u32 = 2;
    let name = Name::new("brief").expect("it is one");
    let address = Address::new("127.0.0.1:9").expect("it is one");
    let member = Membership::new(membership::Config::default(), name, 7, address, 1);
    let mut member = member.expect("its figures are the usual ones");
    for input in [
        membership::Input::Join(Vec::new()),
        membership::Input::Leave,
    ] {
        member.step(Tick::ZERO, input, &mut Effects::new());
    }
    let content = member.introduction();
    let head = (MEMBERSHIP << 28 | content.len() as u32).to_be_bytes();
    let mut stream = dial(to);
    let (let_in, _) = shake(&mut stream, stranger("brief", "foundation", 5));
    assert_eq!(let_in, Ok(()));
    let said = [&head[..], &content].concat();
    stream.write_all(&said).expect("it is taken");
    stream.shutdown(Shutdown::Write).expect("it stands");
    answer(&mut stream);
    log.says(&format!("name=brief loss={}", Loss::Left)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_logged() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).expect("it is the only one");
    let (a, to) = start("a", None).await;
    let (b, _) = start("b", Some(&to)).await;
    together(&[&a, &b]).await;

    garbage(&to, &log).await;
    let (oldest, newest) = (VERSIONS.1 + 1, VERSIONS.1 + 9);
    let rows = [
        (
            stranger("s", "foundation", 5).versions(oldest, newest),
            Refusal::Version,
            "no version of the protocol",
        ),
        (
            stranger("s", "another", 5),
            Refusal::Cluster,
            "belongs to another cluster",
        ),
        (
            stranger("s", "foundation", 6),
            Refusal::Proof,
            "secrets differ",
        ),
        (
            stranger("b", "foundation", 5),
            Refusal::NameTaken,
            "a node with this name is connected already",
        ),
        (
            stranger("a", "foundation", 5),
            Refusal::NameTaken,
            "a node with this name is connected already",
        ),
    ];
    for (machine, refusal, line) in rows {
        assert_eq!(claim(&to, machine).0, Err(refusal), "{line}");
        log.says(line).await;
    }
    // Somebody honest is let in, and what he has said is good for nobody else.
    let (let_in, said) = claim(&to, stranger("s", "foundation", 5));
    assert_eq!(let_in, Ok(()));
    says(&to, &said);
    log.says("secrets differ").await;
    // Who is too slow, and who leaves in the middle.
    let mut slow = dial(&to);
    let hello = &said[..40];
    for byte in hello {
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        a.sleep(HANDSHAKE / 20).await;
    }
    answer(&mut slow);
    log.says("it took too long").await;
    dial(&to).write_all(hello).expect("it is taken");
    log.says("ended before all was said").await;
    nonsense(&to, &log).await;
    farewell(&to, &log).await;

    together(&[&a, &b]).await;
    end(&[&a, &b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_that_say_nothing_keep_nobody_out() {
    let (a, to) = start("a", None).await;
    let (b, _) = start("b", Some(&to)).await;
    let (c, _) = start("c", Some(&to)).await;
    together(&[&a, &b, &c]).await;
    let mut silent = Vec::new();
    for at in 0..HALF_OPEN {
        silent.push(dial(&to));
        if at % 1000 == 0 {
            // The three go on meanwhile.
            together(&[&a, &b, &c]).await;
            let asked = b.cluster().nodes().await.expect("it answers");
            assert_eq!(asked.len(), 2, "{at} are half open");
        }
    }
    let (d, _) = start("d", Some(&to)).await;
    together(&[&a, &b, &c, &d]).await;
    let (second, _) = claim(&to, stranger("d", "foundation", 5));
    assert_eq!(second, Err(Refusal::NameTaken));
    for mut stream in silent {
        assert!(answer(&mut stream).len() < 400);
    }
    end(&[&a, &b, &c, &d]).await;
}
