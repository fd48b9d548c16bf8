//! Does every frame survive the way, and does nothing else?
//!
//! Role       Seeded walks: frames there and back, cut, spoilt, and bytes that never were frames.

use super::{ENDS, KINDS, Maker, read, written};
use crate::Rng;
use crate::port::wire::{WireError, decode, encode};

/// Frames that are short enough to try everything on them.
fn short_frames(seeds: u64) -> impl Iterator<Item = Vec<u8>> {
    let frames = (0..seeds).flat_map(|seed| {
        let mut maker = Maker::new(seed);
        (0..KINDS).map(move |kind| written(&maker.frame(kind)))
    });
    frames.filter(|bytes| bytes.len() < 150)
}

#[test]
fn every_frame_comes_back_as_it_went() {
    let mut all = Vec::new();
    let mut lengths = Vec::new();
    for seed in 0..500 {
        let mut maker = Maker::new(seed);
        for kind in 0..KINDS {
            let frame = maker.frame(kind);
            let begin = all.len();
            encode(&frame, ENDS, &mut all).expect("it can be written");
            let back = read(&all[begin..]).expect("it was written");
            assert_eq!(format!("{back:?}"), format!("{frame:?}"), "seed {seed}");
            lengths.push(all.len() - begin);
        }
    }
    // Each was appended to those before.
    let mut rest = &all[..];
    for length in lengths {
        let (frame, next) = rest.split_at(length);
        assert!(decode(frame, ENDS).is_ok());
        rest = next;
    }
    assert!(rest.is_empty());
}

#[test]
fn a_frame_that_was_cut_is_none() {
    for bytes in short_frames(100) {
        for length in 0..bytes.len() {
            let cut = decode(&bytes[..length], ENDS);
            let WireError { at, .. } = cut.expect_err("something is missing");
            assert!(at <= length);
        }
        let more = [&bytes[..], &[0]].concat();
        let trailing = decode(&more, ENDS).expect_err("something is too much");
        assert_eq!(trailing.at, bytes.len());
    }
}

#[test]
fn a_spoilt_byte_makes_another_frame_or_none() {
    let (mut refused, mut others) = (0, 0);
    for mut bytes in short_frames(5) {
        for at in 0..bytes.len() {
            let right = bytes[at];
            for wrong in (0..=u8::MAX).filter(|wrong| *wrong != right) {
                bytes[at] = wrong;
                match read(&bytes) {
                    Ok(_) => others += 1,
                    Err(_) => refused += 1,
                }
            }
            bytes[at] = right;
        }
    }
    assert!(refused > 0);
    assert!(others > 0);
}

#[test]
fn garbage_is_refused_or_happens_to_be_a_frame() {
    let mut rng = Rng::new(7);
    let mut frames = 0;
    for _ in 0..100_000 {
        let length = rng.below(64);
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
        // Half of it begins like a frame, and has small numbers.
        if rng.chance(0.5) {
            for byte in &mut bytes {
                *byte &= 0x0f;
            }
        }
        frames += usize::from(read(&bytes).is_ok());
    }
    assert!(frames > 0, "no garbage got far");
}
