//! Are all bytes of a connection frames, or refused, however they are cut and packed?
//!
//! Role       What a fuzzer calls of this room; built with the feature `fuzz` alone. As the pump does it,
//!            without processes behind it.

use super::assembly::Assembly;
use super::frame::{
    BadFrame, HEADER_BYTES, Kind, Whole, acknowledged, fence, header, part_head, read_acknowledged,
    read_fence, read_part, read_seen, seen,
};
use super::inbound::Inbound;
use crate::channel::causal::Stamp;
use crate::channel::pack::{pack, split, unpack};

/// Reads the bytes as they come over a connection, in portions of as many as the first says. Whether
/// all of them are frames.
///
/// # Panics
/// When what was read is written otherwise.
pub fn connection(bytes: &[u8]) -> bool {
    let Some((portion, bytes)) = bytes.split_first() else {
        return false;
    };
    let (mut inbound, mut assembly) = (Inbound::new(&[]), Assembly::default());
    for mut rest in bytes.chunks(usize::from(*portion) + 1) {
        while !rest.is_empty() {
            let space = inbound.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            inbound.came(count);
            rest = &rest[count..];
            if take(&mut inbound, &mut assembly).is_err() {
                return false;
            }
        }
    }
    if let Some(packed) = pack(bytes) {
        let out = unpack(&packed[HEADER_BYTES..]).expect("it was packed");
        assert_eq!(out, bytes);
    }
    true
}

fn take(inbound: &mut Inbound, assembly: &mut Assembly) -> Result<(), BadFrame> {
    while let Some((kind, content)) = inbound.next()? {
        if kind == Kind::Packed {
            let frames = unpack(content)?;
            let mut rest = &frames[..];
            while let Some((kind, content, after)) = split(rest)? {
                read(kind, content, assembly)?;
                rest = after;
            }
        } else {
            read(kind, content, assembly)?;
        }
    }
    Ok(())
}

fn read(kind: Kind, content: &[u8], assembly: &mut Assembly) -> Result<(), BadFrame> {
    match kind {
        Kind::Seen => {
            let (total, at_once) = read_seen(content)?;
            assert_eq!(&seen(total, at_once)[HEADER_BYTES..], content);
        }
        Kind::Fence | Kind::Fenced | Kind::Credit => {
            let (bucket, serial) = read_fence(content)?;
            assert_eq!(&fence(kind, bucket, serial)[HEADER_BYTES..], content);
        }
        Kind::Acknowledged => {
            let (bucket, number) = read_acknowledged(content)?;
            assert_eq!(&acknowledged(bucket, number)[HEADER_BYTES..], content);
        }
        Kind::Part => {
            let (bucket, is_last, of, _) = read_part(content)?;
            assert_eq!(part_head(bucket, is_last, of), content[..2]);
            if let Some(whole) = assembly.part(content)?
                && of.is_stamped
            {
                let (stamp, rest) = Stamp::read(&whole).ok_or(BadFrame::Content)?;
                assert_eq!(stamp.before(rest), whole);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Streams to begin with.
#[must_use]
pub fn connection_seeds() -> Vec<Vec<u8>> {
    let framed = |kind, content: &[u8]| [&header(kind, content.len()), content].concat();
    let stamped = Whole {
        is_stamped: true,
        ..Whole::default()
    };
    let part = |bucket, is_last, bytes: &[u8]| {
        let of = if bucket == 2 {
            stamped
        } else {
            Whole::default()
        };
        framed(
            Kind::Part,
            &[&part_head(bucket, is_last, of), bytes].concat(),
        )
    };
    let words = [
        &seen(1000, true)[..],
        &fence(Kind::Fence, 3, 7),
        &fence(Kind::Credit, 3, 4096),
        &acknowledged(3, 9),
    ]
    .concat();
    let stamp = Stamp::read(&[0, 0, 0, 0, 0, 0, 0, 9, 0, 0])
        .expect("it is one")
        .0;
    let parts = [
        part(1, false, b"ab"),
        part(2, true, &stamp.before(b"xy")),
        part(1, true, b"c"),
    ]
    .concat();
    let plain = framed(Kind::Process, b"reading of the boiler").repeat(20);
    let packed = pack(&plain).expect("it gets smaller");
    let behind = |portion: u8, bytes: &[u8]| [&[portion], bytes].concat();
    vec![
        behind(255, &words),
        behind(2, &parts),
        behind(63, &plain),
        behind(255, &packed),
        behind(0, &framed(Kind::Heartbeat, b"")),
        behind(9, &framed(Kind::Membership, b"alive")),
    ]
}
