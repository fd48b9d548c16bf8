//! Are all bytes messages of a handshake, or refused, at both ends of it?
//!
//! Role       What a fuzzer calls of this room; built with the feature `fuzz` alone.

use super::message::{Message, Purpose, Who};
use super::{Effect, Handshake, Input, MESSAGE_BYTES_MAX, Refusal, Role, VERSIONS};
use crate::machine::{Effects, Machine, Tick};
use crate::secret::Secret;

/// Reads the bytes as messages, and lets both ends have them. Whether the first is a message.
///
/// # Panics
/// When a message that was read is written otherwise, or an end does more than it may.
pub fn handshake(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut good = false;
    while let Ok(Some((message, count))) = Message::read(rest) {
        assert!((3..=MESSAGE_BYTES_MAX + 2).contains(&count));
        let written = message.bytes();
        let again = Message::read(&written).expect("it was written");
        // A refusal of a later version is written as what it is here.
        assert_eq!(again, Some((message, count)));
        (rest, good) = (&rest[count..], true);
    }
    for role in [Role::Dialler, Role::Listener] {
        for portion in [1, bytes.len().max(1)] {
            end(role, bytes, portion);
        }
    }
    good
}

/// One end, to which these bytes come in portions: it ends once, and belongs to nobody.
fn end(role: Role, bytes: &[u8], portion: usize) {
    let secret = Secret::new([9; 32]).expect("it is long enough");
    let mut handshake = Handshake::new(role, "shop", who("own"), secret, [3; 32], b"");
    let mut effects = Effects::new();
    let portions = bytes.chunks(portion).take(64).map(<[u8]>::to_vec);
    let inputs = portions.map(Input::Bytes).chain([Input::Closed]);
    let mut ends = 0;
    for input in [Input::Begin].into_iter().chain(inputs) {
        handshake.step(Tick::ZERO, input, &mut effects);
        handshake.check();
        for effect in effects.drain() {
            match effect {
                Effect::Send(bytes) => assert!(bytes.len() <= MESSAGE_BYTES_MAX + 2),
                Effect::Admit(who, _) => panic!("{who:?} has proved what it does not know"),
                Effect::Agreed(agreed) => panic!("with a stranger: {agreed:?}"),
                Effect::Refused(_) => ends += 1,
            }
        }
    }
    assert_eq!(ends, 1, "an end ends once");
}

fn who(name: &str) -> Who {
    Who {
        name: name.into(),
        incarnation: 3,
        address: "10.0.0.1:7001".into(),
    }
}

/// Messages to begin with.
#[must_use]
pub fn handshake_seeds() -> Vec<Vec<u8>> {
    let hello = |purpose| Message::Hello {
        versions: VERSIONS,
        cluster: "shop".into(),
        who: who("n1"),
        nonce: [1; 32],
        purpose,
    };
    let lane = Purpose::Lane {
        link: 7,
        channel: "gossip".into(),
        lane: 2,
        credit: 65_536,
    };
    let challenge = Message::Challenge {
        version: VERSIONS.1,
        who: who("n2"),
        nonce: [2; 32],
        proof: [5; 32],
    };
    let messages = [
        hello(Purpose::Peer),
        hello(Purpose::Bulk { link: 7 }),
        hello(lane),
        challenge,
        Message::Proof([6; 32]),
        Message::Welcome,
        Message::Refused(Refusal::NameTaken),
    ];
    let mut all: Vec<_> = messages.iter().map(Message::bytes).collect();
    all.push(all.concat());
    all
}
