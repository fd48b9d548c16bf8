//! Is every message read as it was written, and are all other bytes refused?
//!
//! Role       Messages by a seed, cut at every byte, changed in every byte; the bytes of one of each
//!            kind, which must not change; lengths that promise too much; garbage.

use foundation_runtime::Rng;

use super::{Beacon, Introduction, LIST_MAX, Said, Sounding, Unreadable};
use crate::handshake::Who;
use crate::overlay::circuit::{Carried, Piece};
use crate::overlay::hyparview::Message as View;
use crate::overlay::plumtree::{Had, Message as Tree, MessageId};
use crate::overlay::routing::{Envelope, Kind, Message as Routed};
use crate::overlay::{Mark, PeerId};

const VIEWS: usize = 13;
const TREES: usize = 9;
const ROUTED: usize = 3;
const PIECES: usize = 8;

fn peer(rng: &mut Rng) -> PeerId {
    PeerId(rng.next_u64() >> rng.below(64))
}

fn some<T>(rng: &mut Rng, mut one: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.below(5)).map(|_| one(rng)).collect()
}

fn view(kind: usize, rng: &mut Rng) -> View {
    match kind {
        0 => View::Join,
        1 => View::ForwardJoin(peer(rng), rng.next_u64() as u8),
        2 => View::Neighbour {
            priority: rng.chance(0.5),
        },
        3 => View::Probe,
        4 => View::Accept,
        5 => View::Refuse,
        6 => View::Disconnect,
        7 => View::Shuffle {
            hops: rng.next_u64() as u8,
            path: some(rng, peer),
            peers: some(rng, peer),
        },
        8 => View::ShuffleReply {
            path: some(rng, peer),
            peers: some(rng, peer),
        },
        9 => View::Optimise { old: peer(rng) },
        10 => View::Replace {
            initiator: peer(rng),
            old: peer(rng),
        },
        11 => View::Switch {
            initiator: peer(rng),
        },
        _ => View::Replaced(rng.chance(0.5)),
    }
}

fn id(rng: &mut Rng) -> MessageId {
    MessageId {
        origin: peer(rng),
        number: rng.next_u64(),
    }
}

fn had(rng: &mut Rng) -> Had {
    Had {
        origin: peer(rng),
        highest: rng.next_u64(),
        missing: some(rng, Rng::next_u64),
    }
}

fn who(rng: &mut Rng) -> Who {
    Who {
        name: "n".repeat(1 + rng.below(9)).into(),
        incarnation: rng.next_u64(),
        address: "h:1".repeat(1 + rng.below(3)).into(),
    }
}

fn payload(rng: &mut Rng) -> std::sync::Arc<[u8]> {
    some(rng, |rng| rng.next_u64() as u8).into()
}

fn routed(kind: usize, rng: &mut Rng) -> Routed {
    let envelope = Envelope {
        source: peer(rng),
        number: rng.next_u64(),
        attempt: rng.next_u64() as u8,
        to: peer(rng),
        left: rng.next_u64() as u8,
        hops: rng.next_u64() as u8,
        flooded: rng.chance(0.5),
    };
    let kind = match kind {
        0 => Kind::Plain(payload(rng)),
        1 => Kind::Asked {
            payload: payload(rng),
            floor: rng.next_u64(),
        },
        _ => Kind::Had(rng.next_u64()),
    };
    Routed(envelope, kind)
}

fn piece(kind: usize, rng: &mut Rng) -> Piece {
    let carried = match kind {
        0 => Carried::Open(rng.next_u64()),
        1 => Carried::Accept(rng.next_u64()),
        2 => Carried::Refuse {
            full: rng.chance(0.5),
        },
        3 => Carried::Data {
            at: rng.next_u64(),
            limit: rng.next_u64(),
            bytes: payload(rng),
        },
        4 => Carried::End(rng.next_u64()),
        5 => Carried::Credit(rng.next_u64()),
        6 => Carried::Probe,
        _ => Carried::Gone,
    };
    Piece {
        of_opener: rng.chance(0.5),
        number: rng.next_u64(),
        carried,
    }
}

fn tree(kind: usize, rng: &mut Rng) -> Tree {
    match kind {
        0 => Tree::Gossip(id(rng), rng.next_u64() as u16, payload(rng)),
        1 => Tree::IHave(some(rng, |rng| (id(rng), rng.next_u64() as u16))),
        2 => Tree::Graft(rng.chance(0.5).then(|| id(rng))),
        3 => Tree::Prune,
        4 => Tree::Greet,
        5 => {
            let origins = some(rng, |rng| (peer(rng), rng.next_u64()));
            Tree::Baseline(origins, rng.chance(0.5))
        }
        6 => Tree::Compare(some(rng, had)),
        7 => Tree::Compared(some(rng, had)),
        _ => Tree::Repair(id(rng), rng.next_u64() as u16, payload(rng)),
    }
}

/// Read again, each cut of it refused as too short, and a byte more refused.
fn check<M: PartialEq + std::fmt::Debug>(
    message: &M,
    bytes: &[u8],
    decode: fn(&[u8]) -> Result<M, Unreadable>,
) {
    assert_eq!(decode(bytes).as_ref(), Ok(message));
    for len in 0..bytes.len() {
        assert_eq!(decode(&bytes[..len]), Err(Unreadable::Short), "{message:?}");
    }
    let longer = [bytes, &[0]].concat();
    assert_eq!(decode(&longer), Err(Unreadable::Trailing), "{message:?}");
}

#[test]
fn read_as_written() {
    let mut rng = Rng::new(1);
    for round in 0..4000 {
        let message = view(round % VIEWS, &mut rng);
        check(&message, &message.encode(), View::decode);
        let message = tree(round % TREES, &mut rng);
        check(&message, &message.encode(), Tree::decode);
        let message = routed(round % ROUTED, &mut rng);
        check(&message, &message.encode(), Routed::decode);
        let message = piece(round % PIECES, &mut rng);
        check(&message, &message.encode(), Piece::decode);
        let epoch = Mark(rng.next_u64(), peer(&mut rng));
        let (number, is_echo) = (rng.next_u64(), rng.chance(0.5));
        let message = Sounding {
            epoch,
            number,
            is_echo,
        };
        check(&message, &message.encode(), Sounding::decode);
        let root = peer(&mut rng);
        let message = Beacon {
            epoch,
            root,
            number,
        };
        check(&message, &message.encode(), Beacon::decode);
        let people = some(&mut rng, who);
        let message = view(round % VIEWS, &mut rng);
        let message = Introduction {
            epoch,
            people,
            message,
        };
        check(&message, &message.encode(), Introduction::decode);
        check(
            &Said::Introduction(message.clone()),
            &message.encode(),
            Said::decode,
        );
    }
}

#[test]
fn longest_lists() {
    let peers = vec![PeerId(u64::MAX); LIST_MAX];
    let message = View::ShuffleReply {
        path: peers.clone(),
        peers,
    };
    assert_eq!(View::decode(&message.encode()), Ok(message));
    let had = Had {
        origin: PeerId(1),
        highest: 2,
        missing: vec![3; LIST_MAX],
    };
    let message = Tree::Compared(vec![had]);
    assert_eq!(Tree::decode(&message.encode()), Ok(message));
}

/// Nodes of two releases talk to each other: these bytes stay.
#[test]
fn the_bytes_of_version_1() {
    let id = MessageId {
        origin: PeerId(1),
        number: 2,
    };
    let one = |value: u8| [0, 0, 0, 0, 0, 0, 0, value];
    let view: &[(View, &[u8])] = &[
        (View::Join, &[1, 1, 1]),
        (View::Neighbour { priority: true }, &[1, 1, 3, 1]),
        (View::Replaced(true), &[1, 1, 13, 1]),
    ];
    for (message, bytes) in view {
        assert_eq!(message.encode(), *bytes);
    }
    let shuffle = View::Shuffle {
        hops: 6,
        path: vec![PeerId(1)],
        peers: vec![PeerId(2)],
    };
    assert_eq!(
        shuffle.encode(),
        [&[1, 1, 8, 6, 0, 1][..], &one(1), &[0, 1], &one(2)].concat()
    );
    let gossip = Tree::Gossip(id, 3, (*b"hi").into()).encode();
    let expected = [&[1, 2, 1][..], &one(1), &one(2), &[0, 3], &one(2), b"hi"].concat();
    assert_eq!(gossip, expected);
    let graft = Tree::Graft(Some(id)).encode();
    assert_eq!(graft, [&[1, 2, 3, 1][..], &one(1), &one(2)].concat());
}

#[test]
fn the_bytes_of_circuits() {
    let one = |value: u8| [0, 0, 0, 0, 0, 0, 0, value];
    let of_opener = true;
    let number = 7;
    let carried = [
        (Carried::Open(9), 1, one(9).to_vec()),
        (Carried::Accept(9), 2, one(9).to_vec()),
        (Carried::Refuse { full: true }, 3, vec![1]),
        (
            Carried::Data {
                at: 1,
                limit: 9,
                bytes: (*b"hi").into(),
            },
            4,
            [&one(1)[..], &one(9), &one(2), b"hi"].concat(),
        ),
        (Carried::End(2), 5, one(2).to_vec()),
        (Carried::Credit(9), 6, one(9).to_vec()),
        (Carried::Probe, 7, vec![]),
        (Carried::Gone, 8, vec![]),
    ];
    for (carried, kind, bytes) in carried {
        let piece = Piece {
            of_opener,
            number,
            carried,
        };
        let expected = [&[1, 4, kind, 1][..], &one(7), &bytes].concat();
        assert_eq!(piece.encode(), expected, "{piece:?}");
    }
}

#[test]
fn refused() {
    let promised = |count: u16| [&[1, 1, 9][..], &count.to_be_bytes()].concat();
    let rows: &[(Vec<u8>, Unreadable)] = &[
        (vec![2, 1, 1], Unreadable::Version(2)),
        (vec![1, 2, 1], Unreadable::UnknownProtocol(2)),
        (vec![1, 1, 0], Unreadable::Kind(0)),
        (vec![1, 1, 14], Unreadable::Kind(14)),
        (vec![1, 1, 3, 2], Unreadable::Flag(2)),
        (promised(LIST_MAX as u16), Unreadable::Short),
        (promised(LIST_MAX as u16 + 1), Unreadable::Length),
        (promised(u16::MAX), Unreadable::Length),
    ];
    for (bytes, error) in rows {
        assert_eq!(View::decode(bytes), Err(*error), "{bytes:?}");
    }
    // A payload that promises more than there is, up to more than there can be.
    for len in [3, u64::from(u32::MAX), u64::MAX] {
        let head = [&[1, 2, 1][..], &[0; 18]].concat();
        let bytes = [&head[..], &len.to_be_bytes(), b"hi"].concat();
        assert_eq!(Tree::decode(&bytes), Err(Unreadable::Short), "{len}");
        let head = [&[1, 4, 4, 0][..], &[0; 24]].concat();
        let bytes = [&head[..], &len.to_be_bytes(), b"hi"].concat();
        assert_eq!(Piece::decode(&bytes), Err(Unreadable::Short), "{len}");
    }
    let rows: &[(&[u8], Unreadable)] = &[
        (&[1, 3, 1], Unreadable::UnknownProtocol(3)),
        (&[1, 4, 0], Unreadable::Kind(0)),
        (&[1, 4, 9], Unreadable::Kind(9)),
        (&[1, 4, 7, 2], Unreadable::Flag(2)),
    ];
    for (bytes, error) in rows {
        assert_eq!(Piece::decode(bytes), Err(*error), "{bytes:?}");
    }
    assert_eq!(
        Tree::decode(&[1, 1, 1]),
        Err(Unreadable::UnknownProtocol(1))
    );
    assert_eq!(Tree::decode(&[1, 2, 10]), Err(Unreadable::Kind(10)));
}

#[test]
fn garbage_is_an_error_or_a_message() {
    let mut rng = Rng::new(2);
    let mut understood = 0;
    for round in 0..50_000 {
        let (protocol, kind) = (round % 4, round / 4);
        let mut bytes = match protocol {
            0 => view(kind % VIEWS, &mut rng).encode(),
            1 => tree(kind % TREES, &mut rng).encode(),
            2 => routed(kind % ROUTED, &mut rng).encode(),
            _ => piece(kind % PIECES, &mut rng).encode(),
        };
        if rng.chance(0.2) {
            bytes = (0..rng.below(100)).map(|_| rng.next_u64() as u8).collect();
        }
        for _ in 0..=rng.below(3) {
            if !bytes.is_empty() {
                let at = rng.below(bytes.len());
                bytes[at] = rng.next_u64() as u8;
            }
        }
        // What is understood is a message: it is written as it was read.
        let again = match protocol {
            0 => View::decode(&bytes).map(|message| message.encode()),
            1 => Tree::decode(&bytes).map(|message| message.encode()),
            2 => Routed::decode(&bytes).map(|message| message.encode()),
            _ => Piece::decode(&bytes).map(|message| message.encode()),
        };
        if let Ok(again) = again {
            assert_eq!(again, bytes);
            understood += 1;
        }
    }
    assert!((5_000..40_000).contains(&understood), "{understood}");
}
