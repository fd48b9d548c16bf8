//! Are all bytes a message of a member, or refused?
//!
//! Role       What a fuzzer calls of this room; built with the feature `fuzz` alone.

use std::sync::Arc;

use super::super::name::{Address, Name};
use super::super::record::{Accusers, Claim, Record, State};
use super::{Body, Ping, STREAM_MAX, Writer, decode, sender_of};

fn record(name: &str, state: State) -> Record {
    Record {
        name: Name::new(name).expect("a name"),
        incarnation: 3,
        revision: 5,
        address: Address::new("10.0.0.1:7001").expect("an address"),
        metadata: Arc::from(&b"role=db"[..]),
        state,
    }
}

fn written(body: &Body<'_>, claims: &[Claim<'_>], max: usize) -> Vec<u8> {
    let mut writer = Writer::begin(7, &record("me", State::Alive), body, max);
    for claim in claims {
        assert!(writer.claim(claim), "there is room for what was read");
    }
    writer.finish()
}

/// Reads the bytes as a message. Whether they are one.
///
/// # Panics
/// When what was read is written otherwise.
pub fn membership(bytes: &[u8]) -> bool {
    let sender = sender_of(bytes);
    let Ok(message) = decode(bytes) else {
        return false;
    };
    let said = (message.sender.name, message.sender.incarnation);
    assert_eq!(sender, Ok(said));
    // The sender's name, which may be shorter than the one that writes here.
    let again = written(&message.body, &message.claims, STREAM_MAX + 512);
    let twice = decode(&again).or_else(|error| match again.len() <= STREAM_MAX {
        true => Err(error),
        false => Ok(message.clone()),
    });
    let twice = twice.expect("it was written");
    assert_eq!(
        (&twice.body, &twice.claims),
        (&message.body, &message.claims)
    );
    true
}

/// Messages to begin with.
#[must_use]
pub fn membership_seeds() -> Vec<Vec<u8>> {
    let (number, name, incarnation) = (1, "c", 4);
    let bodies = [
        Body::Ping(Ping {
            number,
            name,
            incarnation,
            stream: true,
        }),
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
        Body::Gossip,
        Body::Differ { mask: 1 << 63 },
    ];
    let records = [
        record("b", State::Alive),
        record("c", State::Suspect),
        record("d", State::Evicted),
    ];
    let mut accusers = Accusers::default();
    accusers.add(77);
    let claims = [
        Claim::of(&records[0], Accusers::default(), 0),
        Claim::of(&records[1], accusers, 0),
        Claim::of(&records[2], Accusers::default(), 70),
    ];
    let write = |body| written(body, &claims, STREAM_MAX);
    bodies.iter().map(write).collect()
}
