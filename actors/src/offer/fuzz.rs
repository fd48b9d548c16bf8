//! Do the words about a start on another node come back as they went, whatever bytes come?
//!
//! Role       What a fuzzer calls of this room; built with the feature `fuzz` alone.

use std::fmt::Debug;
use std::time::Duration;

use foundation_runtime::{Codec, NodeId, Portable, Reason, Tag, Term};

use super::words::{NotSpawned, StartId, Wanted};

fn again<M: Portable + Debug>(bytes: &[u8]) -> bool {
    let codec = Codec::<M>::portable();
    let Ok(read) = codec.decode(bytes) else {
        return false;
    };
    let written = codec.write(&read).expect("it was read");
    let twice = codec.decode(&written).expect("it was written");
    assert_eq!(format!("{read:?}"), format!("{twice:?}"));
    true
}

/// Reads the bytes as a request and as a refusal. Whether they are one of them.
///
/// # Panics
/// When what was read is written otherwise.
pub fn offer(bytes: &[u8]) -> bool {
    again::<Wanted>(bytes) | again::<NotSpawned>(bytes)
}

/// Words to begin with.
#[must_use]
pub fn offer_seeds() -> Vec<Vec<u8>> {
    let wanted = Wanted {
        id: StartId {
            of: NodeId::of("n1", 7),
            number: 3,
        },
        actor: Tag::of("shop", "Cart", "actor"),
        name: Some("cart".to_owned()),
        args: vec![0x93, 1, 2, 200],
        link: None,
        monitor: None,
        leader: None,
        bound: Duration::from_secs(5),
    };
    let reason = Reason::other(Term::tuple([Term::atom("no"), Term::from(7)]));
    let refusals = [
        NotSpawned::NotOffered,
        NotSpawned::Busy(64),
        NotSpawned::Arguments("too few".to_owned()),
        NotSpawned::Failed(reason),
    ];
    let write = |refusal| Codec::portable().write(refusal).expect("it can be written");
    let mut all: Vec<_> = refusals.iter().map(write).collect();
    all.push(Codec::portable().write(&wanted).expect("it can be written"));
    all
}
