//! What is refused before a start, what is an answer of DNS, and which beats count?
//!
//! Role       Configurations, messages of DNS and beats of a segment, by tables and seeded changes.
//! Sabotages  Seen red: see the comment above each test.

use std::time::Duration;

use foundation_cluster::discovery::{
    Beat, BeatLedger, DiscoveryConfig, Finder, Message, Multicast, Question, RecordKind,
};
use foundation_cluster::{Builder, Secret, StartError, Tick};
use foundation_runtime::{Node, Rng};

fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

/// Red when a key is not looked at, or an error does not name it.
#[test]
fn errors_name_the_key() {
    let config = |change: fn(&mut DiscoveryConfig)| {
        let mut config = DiscoveryConfig::default();
        change(&mut config);
        config.check().map_err(|error| error.to_string())
    };
    let rows: [(fn(&mut DiscoveryConfig), &str); 7] = [
        (|it| it.ttl_min = Duration::ZERO, "discovery.ttl_min"),
        (|it| it.retry = Duration::ZERO, "discovery.retry"),
        (|it| it.bound = Duration::ZERO, "discovery.bound"),
        (|it| it.results_max = 0, "discovery.results_max"),
        (|it| it.candidates_max = 0, "discovery.candidates_max"),
        (
            |it| it.ttl_max = Duration::from_secs(1),
            "discovery.ttl_max",
        ),
        (
            |it| it.retry_max = Duration::from_millis(1),
            "discovery.retry_max",
        ),
    ];
    for (change, key) in rows {
        let error = config(change).expect_err(key);
        assert!(error.contains(key), "{error}");
    }
}

/// Red when a finder is not looked at before the start.
#[test]
fn errors_of_finders_name_the_key() {
    let multicast = Multicast::default;
    let rows = [
        (Finder::hosts("a..b", 1), "discovery.hosts"),
        (Finder::hosts("", 1), "discovery.hosts"),
        (Finder::hosts("a b", 1), "discovery.hosts"),
        (Finder::hosts("x".repeat(64), 1), "discovery.hosts"),
        (
            Finder::hosts("nodes.example", 0),
            "the port of `nodes.example` is 0",
        ),
        (Finder::service("a/b"), "discovery.services"),
        (
            Finder::multicast(Multicast {
                group: [10, 0, 0, 1].into(),
                ..multicast()
            }),
            "discovery.multicast.group",
        ),
        (
            Finder::multicast(Multicast {
                port: 0,
                ..multicast()
            }),
            "discovery.multicast.port",
        ),
        (
            Finder::multicast(Multicast {
                ttl: 0,
                ..multicast()
            }),
            "discovery.multicast.ttl",
        ),
        (
            Finder::multicast(Multicast {
                beat: Duration::ZERO,
                ..multicast()
            }),
            "discovery.multicast.beat",
        ),
        (
            Finder::multicast(Multicast {
                interface: Some([10, 0, 0, 1].into()),
                ..multicast()
            }),
            "discovery.multicast.interface",
        ),
    ];
    for (finder, key) in rows {
        let builder = Builder::new(Node::builder().name("a").workers(1)).find(finder);
        let error = builder.start_blocking().expect_err(key);
        assert!(matches!(error, StartError::Discovery(_)), "{error:?}");
        assert!(error.to_string().contains(key), "{error}");
    }
}

fn question(name: &str, kind: RecordKind) -> Question {
    Question {
        name: name.into(),
        kind,
    }
}

/// An answer to `n.example`, by its records as bytes.
fn message(question: &Question, flags: u16, answers: &[&[u8]]) -> Vec<u8> {
    let mut bytes = question.encode(7);
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    bytes[6..8].copy_from_slice(&(answers.len() as u16).to_be_bytes());
    answers
        .iter()
        .for_each(|answer| bytes.extend_from_slice(answer));
    bytes
}

/// Red when a pointer may point ahead (the test does not end), when a record may be longer than it
/// says, or when the number, the name or the kind is not compared.
#[test]
fn answers_of_dns_table() {
    let asked = question("N.example.", RecordKind::A);
    // The owner is the name of the question.
    let a = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
    let good = message(&asked, 0x8180, &[&a]);
    let read = |bytes: &[u8]| Message::decode(bytes, 7, &asked);
    let found = read(&good).expect("it is whole").addresses("n.EXAMPLE");
    assert_eq!(found, [([10, 0, 0, 1].into(), 9)]);
    for end in 0..good.len() {
        assert!(read(&good[..end]).is_err(), "{end} bytes of it");
    }
    let mut ahead = a;
    ahead[1] = good.len() as u8 - 16;
    let mut long = a;
    long[11] = 5;
    let mut more = long.to_vec();
    more.push(0);
    for record in [&ahead[..], &long, &more] {
        assert!(
            read(&message(&asked, 0x8180, &[record])).is_err(),
            "{record:?}"
        );
    }
    assert!(
        read(&message(&asked, 0x0180, &[&a])).is_err(),
        "it is a question"
    );
    assert!(Message::decode(&good, 8, &asked).is_err(), "another number");
    for other in [
        question("m.example", RecordKind::A),
        question("n.example", RecordKind::Aaaa),
    ] {
        assert!(Message::decode(&good, 7, &other).is_err(), "{other:?}");
    }
    let none = read(&message(&asked, 0x8183, &[])).expect("it is one");
    assert!(none.is_answered() && none.addresses("n.example").is_empty());
    let failed = read(&message(&asked, 0x8182, &[])).expect("it is one");
    assert!(!failed.is_answered());
    assert!(
        read(&message(&asked, 0x8380, &[]))
            .expect("it is one")
            .is_truncated
    );
    // An alias in a circle, and another one's address.
    let alias = [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12];
    let circle = read(&message(&asked, 0x8180, &[&alias])).expect("it is whole");
    assert!(circle.addresses("n.example").is_empty());
    let foreign = [&[1, b'x', 0][..], &a[2..]].concat();
    let foreign = read(&message(&asked, 0x8180, &[&foreign])).expect("it is whole");
    assert!(foreign.addresses("n.example").is_empty());
}

/// Bytes that were changed are an error or an answer, never a panic and never without end.
#[test]
fn changed_answers_of_dns() {
    let asked = question("n.example", RecordKind::Srv);
    let srv = [
        0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 10, 0, 0, 0, 0, 0x1B, 0x59, 1, b'h', 0xC0, 12,
    ];
    let a = [1, b'h', 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
    let good = message(&asked, 0x8180, &[&srv, &a]);
    assert_eq!(
        Message::decode(&good, 7, &asked)
            .expect("it is whole")
            .answers
            .len(),
        2
    );
    let mut rng = Rng::new(3);
    for _ in 0..200_000 {
        let mut bytes = good.clone();
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len());
            bytes[at] = rng.below(256) as u8;
        }
        bytes.truncate(rng.below(bytes.len() + 1));
        if let Ok(message) = Message::decode(&bytes, 7, &asked) {
            let _ = message.addresses("h.n.example");
        }
    }
}

fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32]).expect("long enough")
}

/// Red when the proof, the count, the rate or the own name is not looked at: each has its figure.
#[test]
fn beats_table() {
    let (ours, theirs) = (secret(1), secret(2));
    let beat = |name: &str, incarnation, count| Beat {
        name: name.into(),
        incarnation,
        count,
        address: format!("{name}:1").into(),
    };
    let mut ledger = BeatLedger::new("own".into(), 1, 9);
    let good = beat("a", 5, 10).encode(&ours, "shop");
    let mut forged = good.clone();
    forged[16] ^= 1;
    let rows = [
        (good.clone(), Some("a:1")),
        (good.clone(), None),
        (beat("a", 5, 9).encode(&ours, "shop"), None),
        (beat("a", 5, 11).encode(&ours, "shop"), Some("a:1")),
        // It was started anew.
        (beat("a", 4, 1).encode(&ours, "shop"), Some("a:1")),
        (beat("a", 5, 12).encode(&theirs, "shop"), None),
        (beat("a", 5, 12).encode(&ours, "bank"), None),
        (forged, None),
        (beat("own", 1, 1).encode(&ours, "shop"), None),
        // Beyond the rate.
        (beat("b", 1, 1).encode(&ours, "shop"), None),
    ];
    for (row, (bytes, expected)) in rows.iter().enumerate() {
        let heard = ledger.hear(at(5), bytes, &ours, "shop");
        assert_eq!(heard.as_deref(), *expected, "row {row}");
    }
    let figures = ledger.figures();
    assert_eq!(
        (figures.heard, figures.replayed, figures.foreign),
        (3, 2, 3)
    );
    assert_eq!(
        (figures.own, figures.beyond_rate, figures.garbage),
        (1, 1, 0)
    );
    // A second later there is room again.
    for end in [0, 7, 40, good.len() - 1] {
        assert_eq!(ledger.hear(at(2_000), &good[..end], &ours, "shop"), None);
    }
    let mut long = good.clone();
    long.push(0);
    assert_eq!(ledger.hear(at(2_000), &long, &ours, "shop"), None);
    assert_eq!(ledger.figures().garbage, 5);
}
