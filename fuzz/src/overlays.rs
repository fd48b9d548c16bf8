//! Does every message of an overlay come back as it went?
//!
//! Role       All protocols that share the format: whichever of them the bytes are for.

use foundation_cluster::handshake::Who;
use foundation_cluster::overlay::circuit::{Carried, Piece};
use foundation_cluster::overlay::plumtree::{Had, Message as Tree, MessageId};
use foundation_cluster::overlay::routing::{Envelope, Kind, Message as Routed};
use foundation_cluster::overlay::wire::{Beacon, Introduction, Sounding};
use foundation_cluster::overlay::{
    Epoch, Mark, Overlay, PeerId, client_server, hyparview, hyparview::Message as View,
};

macro_rules! again {
    ($bytes:expr, $($message:ty),*) => {{
        let mut good = 0;
        $(if let Ok(message) = <$message>::decode($bytes) {
            assert_eq!(message.encode(), $bytes, "{message:?}");
            good += 1;
        })*
        assert!(good < 2, "bytes are of one protocol");
        good == 1
    }};
}

pub(crate) fn read(bytes: &[u8]) -> bool {
    again!(
        bytes,
        View,
        Tree,
        Routed,
        Piece,
        Introduction,
        Epoch,
        Beacon,
        Sounding
    )
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let (one, two) = (PeerId(1), PeerId(u64::MAX));
    let shuffle = View::Shuffle {
        hops: 3,
        path: vec![one],
        peers: vec![one, two],
    };
    let id = MessageId {
        origin: one,
        number: 9,
    };
    let had = Had {
        origin: two,
        highest: 7,
        missing: vec![3, 4],
    };
    let envelope = Envelope {
        source: one,
        number: 4,
        attempt: 0,
        to: two,
        left: 16,
        hops: 1,
        flooded: false,
    };
    let data = Carried::Data {
        at: 1,
        limit: 65_536,
        bytes: (*b"bytes").into(),
    };
    let payload: std::sync::Arc<[u8]> = (*b"payload").into();
    let mut seeds = vec![
        shuffle.encode(),
        View::Neighbour { priority: true }.encode(),
        Tree::Gossip(id, 2, payload.clone()).encode(),
        Tree::Graft(Some(id)).encode(),
        Tree::Baseline(vec![(one, 7)], true).encode(),
        Tree::Compare(vec![had]).encode(),
        Routed(envelope, Kind::Plain(payload)).encode(),
        Routed(envelope, Kind::Had(5)).encode(),
        Piece {
            of_opener: true,
            number: 3,
            carried: data,
        }
        .encode(),
    ];
    seeds.extend(said(shuffle, one, two));
    seeds
}

/// What is for one hop only.
fn said(shuffle: View, one: PeerId, two: PeerId) -> [Vec<u8>; 5] {
    let who = Who {
        name: "n1".into(),
        incarnation: 1,
        address: "10.0.0.1:7001".into(),
    };
    let star = Overlay::ClientServer(client_server::Config::new(["s1", "s2"]));
    let first = Epoch::first(Overlay::HyParView(hyparview::Config::default()));
    [
        Introduction {
            epoch: Mark(1, one),
            people: vec![who],
            message: shuffle,
        }
        .encode(),
        first.encode(),
        first.next(one, star).encode(),
        Beacon {
            epoch: Mark(1, one),
            root: two,
            number: 3,
        }
        .encode(),
        Sounding {
            epoch: Mark(1, one),
            number: 3,
            is_echo: true,
        }
        .encode(),
    ]
}
