//! Is every message read as it was written, and are all other bytes refused?
//!
//! Role       Tables of messages, cut at every byte, changed in every byte, and seeded garbage.

use std::sync::Arc;

use foundation_runtime::Rng;

use super::super::digest::{BUCKETS, Digest};
use super::super::name::{ADDRESS_MAX, Address, NAME_MAX, Name};
use super::super::record::{ACCUSERS_MAX, Accusers, Claim, METADATA_MAX, Record, State};
use super::{
    Body, DATAGRAM_MAX, DecodeError, Ping, STREAM_MAX, Writer, claim_len, decode, sender_of,
};

const CLUSTER: u64 = 7;

fn record(name: &str, address: &str, metadata: &[u8], state: State) -> Record {
    Record {
        name: Name::new(name).unwrap(),
        incarnation: 3,
        revision: 5,
        address: Address::new(address).unwrap(),
        metadata: Arc::from(metadata),
        state,
    }
}

fn records() -> Vec<Record> {
    let (name, address) = ("n".repeat(NAME_MAX), "a".repeat(ADDRESS_MAX));
    vec![
        record("b", "x", b"", State::Alive),
        record("c", "10.0.0.1:4370", b"role=db", State::Suspect),
        record("dé", "y", b"", State::Down),
        record("e", "z", b"\0\xff", State::Left),
        record(&name, &address, &[9; METADATA_MAX], State::Evicted),
    ]
}

fn claims(records: &[Record]) -> Vec<Claim<'_>> {
    let claims = records.iter().map(|record| {
        let mut accusers = Accusers::default();
        if record.state == State::Suspect {
            (1..=ACCUSERS_MAX as u64).for_each(|hash| assert!(accusers.add(hash)));
        }
        Claim::of(
            record,
            accusers,
            if record.state.is_live() { 0 } else { 77 },
        )
    });
    claims.collect()
}

fn bodies() -> Vec<Body<'static>> {
    let (number, name, incarnation) = (1, "c", 4);
    let ping = |stream| {
        Body::Ping(Ping {
            number,
            name,
            incarnation,
            stream,
        })
    };
    let digest = Box::new(Digest([u64::MAX; BUCKETS]));
    vec![
        ping(false),
        ping(true),
        Body::Ack {
            number,
            stream: false,
        },
        Body::Help {
            number,
            name,
            incarnation,
            address: "there",
        },
        Body::Nack { number },
        Body::Gossip,
        Body::Compare { digest },
        Body::Differ { mask: 1 << 63 },
    ]
}

fn written(body: &Body<'_>, claims: &[Claim<'_>]) -> Vec<u8> {
    let me = record("me", "here", b"not in a header", State::Alive);
    let mut writer = Writer::begin(CLUSTER, &me, body, STREAM_MAX);
    for claim in claims {
        assert!(writer.claim(claim));
    }
    writer.finish()
}

#[test]
fn read_as_written() {
    let records = records();
    let claims = claims(&records);
    for body in bodies() {
        let bytes = written(&body, &claims);
        let message = decode(&bytes).unwrap();
        assert_eq!(message.cluster, CLUSTER);
        assert_eq!(message.sender.name, "me");
        assert_eq!(message.sender.incarnation, 3);
        assert_eq!(message.sender.address, "here");
        assert_eq!(sender_of(&bytes), Ok(("me", 3)));
        assert_eq!(message.body, body);
        assert_eq!(message.claims, claims);
    }
}

#[test]
fn cut_at_every_byte() {
    let records = records();
    let claims = claims(&records);
    for body in bodies() {
        let bytes = written(&body, &claims);
        for len in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..len]),
                Err(DecodeError::Short),
                "{body:?}, {len}"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(decode(&longer), Err(DecodeError::Trailing));
    }
}

#[test]
fn refused() {
    let records = records();
    let claims = claims(&records);
    let good = written(&Body::Gossip, &claims);
    let header = written(&Body::Gossip, &[]).len();
    let first = claim_len(&claims[0]);
    let second = claim_len(&claims[1]);
    let texts = "c".len() + "10.0.0.1:4370".len() + "role=db".len();
    // What is written where, and why it is refused. The second claim is a suspect with accusers.
    let metadata = header + 1 + 1 + "b".len() + 8 + 4 + 1 + "x".len();
    let accusers = header + first + 1 + 1 + 8 + 4 + 1 + 2 + texts;
    assert_eq!(accusers + 1 + 8 * ACCUSERS_MAX, header + first + second);
    let rows: &[(usize, &[u8], DecodeError)] = &[
        (0, &[2], DecodeError::Version(2)),
        (1, &[0], DecodeError::Kind(0)),
        (1, &[99], DecodeError::Kind(99)),
        (10, &[0], DecodeError::Length),
        (10, &[129], DecodeError::Length),
        (11, &[0xff], DecodeError::Text),
        (header, &[5], DecodeError::State(5)),
        (header + 1, &[0], DecodeError::Length),
        (header + 1, &[255], DecodeError::Length),
        (metadata, &[1, 1], DecodeError::Length),
        (metadata, &[255, 255], DecodeError::Length),
        (accusers, &[9], DecodeError::Length),
        (accusers + 8, &[2], DecodeError::Repeated),
    ];
    for (at, change, error) in rows {
        let mut bytes = good.clone();
        bytes[*at..*at + change.len()].copy_from_slice(change);
        assert_eq!(decode(&bytes), Err(*error), "{change:?} at {at}");
    }
    assert_eq!(decode(&vec![1; STREAM_MAX + 1]), Err(DecodeError::TooLong));
}

#[test]
fn garbage_is_an_error_or_a_message() {
    let records = records();
    let claims = claims(&records);
    let good: Vec<Vec<u8>> = bodies().iter().map(|body| written(body, &claims)).collect();
    let mut rng = Rng::new(1);
    let mut understood = 0;
    for round in 0..100_000 {
        let mut bytes = good[round % good.len()].clone();
        if rng.chance(0.2) {
            bytes = (0..rng.below(300)).map(|_| rng.next_u64() as u8).collect();
        }
        for _ in 0..=rng.below(3) {
            if !bytes.is_empty() {
                let at = rng.below(bytes.len());
                bytes[at] = rng.next_u64() as u8;
            }
        }
        understood += usize::from(decode(&bytes).is_ok());
    }
    assert!((20_000..80_000).contains(&understood), "{understood}");
}

#[test]
fn a_writer_keeps_its_limit() {
    let records = records();
    let claims = claims(&records);
    let me = record("me", "here", b"", State::Alive);
    let mut writer = Writer::begin(CLUSTER, &me, &Body::Gossip, DATAGRAM_MAX);
    let written = (0..100)
        .filter(|at| writer.claim(&claims[at % claims.len()]))
        .count();
    let bytes = writer.finish();
    assert!(bytes.len() <= DATAGRAM_MAX, "{}", bytes.len());
    assert_eq!(decode(&bytes).unwrap().claims.len(), written);
}
