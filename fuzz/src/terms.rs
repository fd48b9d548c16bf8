//! Do values without a type, and what is said of ends, survive as parts of messages?
//!
//! Role       MessagePack, as messages of programs have it: [`Term`], [`Reason`], [`CallError`], [`Pid`].

use foundation_runtime::{CallError, Codec, Pid, Portable, Reason, Term};

/// Whether these bytes are such a value; it is then written, and read again as the same.
pub(crate) fn again<M: Portable + std::fmt::Debug>(bytes: &[u8]) -> bool {
    let codec = Codec::<M>::portable();
    let Ok(read) = codec.decode(bytes) else {
        return false;
    };
    let written = codec.write(&read).expect("it was read");
    let twice = codec.decode(&written).expect("it was written");
    // As text: a number that is none is not equal to itself.
    assert_eq!(format!("{read:?}"), format!("{twice:?}"));
    true
}

/// One value as bytes.
pub(crate) fn written<M: Portable>(value: &M) -> Vec<u8> {
    Codec::portable().write(value).expect("it can be written")
}

pub(crate) fn read(bytes: &[u8]) -> bool {
    let reads = [
        again::<Term>,
        again::<Reason>,
        again::<CallError>,
        again::<Pid>,
    ];
    reads.iter().fold(false, |good, read| read(bytes) | good)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let pair = Term::tuple([Term::atom("bad_line"), Term::from(8899)]);
    let map = Term::Map(vec![
        (Term::from("key"), Term::from(1.5)),
        (
            Term::atom("list"),
            vec![pair.clone(), Term::from("text")].into(),
        ),
    ]);
    let crash = Reason::other(map.clone());
    // Lists in lists, each of which announces as many elements as can be.
    let bomb = |depth| b"\x81\xa4List\xdd\xff\xff\xff\xff".repeat(depth);
    vec![
        bomb(2),
        bomb(1000),
        written(&pair),
        written(&map),
        written(&Reason::Killed),
        written(&crash),
        written(&CallError::Down(crash)),
        written(&CallError::Timeout),
    ]
}
