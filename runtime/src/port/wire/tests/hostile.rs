//! What is refused, and at which byte?
//!
//! Role       A table of frames that an attacker would write.

use super::{ENDS, SENDER, read};
use crate::port::wire::error::Flaw;
use crate::port::wire::term::{NESTING_MAX, TERMS_MAX};
use crate::port::wire::{FRAME_BYTES_MAX, NAME_BYTES_MAX, decode};

/// A pid of the sender: three bytes.
const FROM: [u8; 3] = [0, 5, 1];
/// A pid of the receiver.
const TO: [u8; 3] = [1, 6, 1];
const TAG: [u8; 8] = [9; 8];

fn check(parts: &[&[u8]], flaw: Flaw, at: usize) {
    let bytes = parts.concat();
    let error = read(&bytes).expect_err("it is no frame");
    assert_eq!((error.flaw, error.at), (flaw, at), "{bytes:?}: {error}");
}

/// What a number announces that there is not.
fn announced(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::super::output::Output::new(&mut bytes, ENDS).number(number);
    bytes
}

#[test]
fn kinds_and_flags_that_do_not_exist() {
    check(&[], Flaw::Short, 0);
    check(&[&[0]], Flaw::Kind(0), 0);
    check(&[&[17]], Flaw::Kind(17), 0);
    check(&[&[255]], Flaw::Kind(255), 0);
    // A node, a term, a reason, a failure.
    check(&[&[7], &[3, 5, 1]], Flaw::Kind(3), 1);
    check(&[&[5], &FROM, &TO, &[8, 9]], Flaw::Kind(9), 8);
    check(&[&[5], &FROM, &TO, &[9]], Flaw::Kind(9), 7);
    check(&[&[4], &TO, &[1], &[10]], Flaw::Kind(10), 5);
    // A message with priority, an alias by name, a caller without a call, a call of nobody.
    check(&[&[1, 16], &TO, &TAG, &[0]], Flaw::Flags(16), 1);
    check(&[&[2, 2], &TO, &[1], &TAG, &[0]], Flaw::Flags(2), 1);
    check(&[&[1, 8], &TO, &FROM, &TAG, &[0]], Flaw::Flags(8), 1);
    check(&[&[1, 4], &TO, &[1], &TAG, &[0]], Flaw::Flags(4), 1);
    check(&[&[1, 0x20], &TO, &TAG, &[0]], Flaw::Flags(0x20), 1);
    check(&[&[5], &FROM, &TO, &[7, 4, 0]], Flaw::Flags(4), 8);
    // A caller is spelt out that is the sender.
    let twice = [&[1, 13], &FROM[..], &TO, &FROM];
    check(&[&twice.concat(), &[1], &TAG, &[0]], Flaw::Flags(13), 10);
}

#[test]
fn numbers_that_are_badly_written() {
    let number = |bytes: &[u8], at| check(&[&[14], &FROM, &TO, bytes], Flaw::Number, at);
    // More bytes than needed.
    number(&[0x80, 0], 8);
    number(&[0xff, 0], 8);
    number(&[0x80, 0x80, 0], 9);
    // More than 64 bits, and more than ten bytes.
    let nine = [0xff; 9];
    number(&[&nine[..], &[2]].concat(), 16);
    number(&[&nine[..], &[0x81, 0]].concat(), 16);
    number(&[0xff; 20], 16);
    assert!(read(&[&[14], &FROM[..], &TO, &nine, &[1]].concat()).is_ok());
    // A slot and a generation that are none.
    let large = [0x80, 0x80, 0x80, 0x80, 0x10];
    check(&[&[7, 0], &large, &[1], &TO], Flaw::Number, 6);
    check(&[&[7, 0, 1], &large, &TO], Flaw::Number, 7);
    check(&[&[7, 0, 1, 0], &TO], Flaw::Number, 3);
    // A node that has a short form.
    let sender = SENDER.as_u64().to_le_bytes();
    check(&[&[7, 2], &sender, &[1, 1], &TO], Flaw::Node, 9);
}

#[test]
fn lengths_of_what_is_not_there() {
    for length in [1, 2, 127, 128, 0xffff_ffff, u64::MAX] {
        let (flaw, many) = (Flaw::Length(length), announced(length));
        check(&[&[1, 0], &TO, &TAG, &many], flaw, 13);
        check(&[&[3], &TO, &[1], &many], flaw, 5);
        check(&[&[15], &FROM, &[1], &many], flaw, 5);
        check(&[&[4], &TO, &[1, 7], &many], flaw, 6);
        check(&[&[5], &FROM, &TO, &[7, 0], &many], flaw, 9);
        for term in [0, 3, 4, 5, 6] {
            check(&[&[5], &FROM, &TO, &[8, term], &many], flaw, 9);
        }
    }
    // A list of three terms in five bytes, a map of two pairs in seven.
    check(&[&[5], &FROM, &TO, &[8, 4, 3], &[1; 5]], Flaw::Length(3), 9);
    check(&[&[5], &FROM, &TO, &[8, 6, 2], &[1; 7]], Flaw::Length(2), 9);
    // Nothing at all is fine.
    assert!(read(&[&[1, 0], &TO[..], &TAG, &[0]].concat()).is_ok());
    assert!(read(&[&[5], &FROM[..], &TO, &[8, 6, 0]].concat()).is_ok());
}

#[test]
fn texts_and_names() {
    check(&[&[15], &FROM, &[1], &[2, b'a', 0xff]], Flaw::Text, 7);
    check(&[&[4], &TO, &[1, 6], &[2, 0xc3, 0x28]], Flaw::Text, 7);
    let name = |length: usize| [announced(length as u64), vec![b'n'; length]].concat();
    let (longest, longer) = (name(NAME_BYTES_MAX), name(NAME_BYTES_MAX + 1));
    check(&[&[15], &FROM, &[1], &longer], Flaw::Name, 5);
    check(&[&[11], &FROM, &[1], &longer], Flaw::Name, 5);
    check(&[&[1, 2], &longer, &TAG, &[0]], Flaw::Name, 2);
    assert!(read(&[&[15], &FROM[..], &[1], &longest].concat()).is_ok());
}

#[test]
fn terms_that_are_too_much() {
    // Lists in lists, tuples, and maps as keys of maps.
    for deeper in [&[4, 1][..], &[5, 1], &[6, 1]] {
        let depth = |depth: usize| {
            let tail = [1, 0].repeat(if deeper[0] == 6 { depth + 1 } else { 1 });
            [&[5], &FROM[..], &TO, &[8], &deeper.repeat(depth), &tail].concat()
        };
        assert!(read(&depth(NESTING_MAX - 1)).is_ok());
        check(&[&depth(NESTING_MAX)], Flaw::Terms, 7 + 2 * NESTING_MAX);
        check(&[&depth(1_000_000)], Flaw::Terms, 7 + 2 * NESTING_MAX);
    }
    let many = |count: usize| {
        let (head, count) = ([&[5], &FROM[..], &TO, &[8, 4]].concat(), count as u64);
        [head, announced(count), [1, 0].repeat(count as usize)].concat()
    };
    assert!(read(&many(TERMS_MAX)).is_ok());
    check(&[&many(TERMS_MAX + 1)], Flaw::Terms, 12);
    // Each list announces as much as there is left: together more than allowed.
    let mut greedy = [&[5], &FROM[..], &TO, &[8]].concat();
    for _ in 0..10 {
        greedy.extend([&[4][..], &announced(TERMS_MAX as u64 / 4)].concat());
    }
    greedy.resize(1 << 21, 1);
    check(&[&greedy], Flaw::Terms, 27);
}

#[test]
fn a_frame_that_is_too_long_is_not_looked_at() {
    let large = vec![1; FRAME_BYTES_MAX + 1];
    let error = decode(&large, ENDS).expect_err("it is too long");
    assert_eq!((error.flaw, error.at), (Flaw::Large, FRAME_BYTES_MAX));
}
