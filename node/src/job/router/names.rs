//! Which client does a line name?
//!
//! Role       Finds a client's index by the line that begins with its name: once for every line.
//! Inputs     Lines; names, each added once.
//! Outputs    Indices.
//! Owns       One entry per client. A short name, as every IPv4 address is, stands in the entry
//!            itself, and is compared in one go.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::job::work::ClientName;
use crate::log::client_of;

/// The indices of all clients.
#[derive(Debug, Default)]
pub(super) struct Names {
    short: HashMap<u128, u32, FxBuildHasher>,
    long: HashMap<ClientName, u32, FxBuildHasher>,
}

const WIDTH: usize = size_of::<u128>();
/// A byte of a word, in each of its bytes.
const ONES: u128 = u128::MAX / 0xFF;

impl Names {
    /// The index of the client that a line begins with.
    #[inline]
    pub(super) fn find(&self, line: &[u8]) -> Option<u32> {
        match leading(line) {
            Some(short) => self.short.get(&short).copied(),
            None => self.find_name(client_of(line)),
        }
    }

    fn find_name(&self, name: &[u8]) -> Option<u32> {
        match packed(name) {
            Some(short) => self.short.get(&short).copied(),
            None => self.long.get(name).copied(),
        }
    }

    /// Remembers the index of a new client.
    pub(super) fn add(&mut self, name: ClientName, index: u32) {
        match packed(&name) {
            Some(short) => self.short.insert(short, index),
            None => self.long.insert(name, index),
        };
    }
}

/// A short name as a number: its bytes, and in the last one its length.
fn packed(name: &[u8]) -> Option<u128> {
    let mut bytes = [0; WIDTH];
    bytes[..WIDTH - 1]
        .get_mut(..name.len())?
        .copy_from_slice(name);
    bytes[WIDTH - 1] = name.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

/// What a line has before its first space, packed, if that is short: without a loop.
#[inline]
fn leading(line: &[u8]) -> Option<u128> {
    let word = u128::from_le_bytes(*line.first_chunk()?);
    let others = word ^ (ONES * u128::from(b' '));
    // Of a word's bytes that are zero, the lowest has its top bit set here.
    let zeros = others.wrapping_sub(ONES) & !others & (ONES << 7);
    let bits = zeros.trailing_zeros() & !7;
    if bits >= 128 {
        return None;
    }
    let name = word & ((1 << bits) - 1);
    Some(name | (u128::from(bits / 8) << 120))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_packed_as_its_name_is() {
        let texts: [&[u8]; 9] = [
            b"1.2.3.4 - - [x]                 ",
            b"111.222.111.222 - -",
            b"1111:2222::3333 - -",
            b"1111:2222::33334 - -",
            b" - nobody at all",
            b"\xFF\x80\x00 !!!!!!!!!!!!!!!!",
            b"! !!!!!!!!!!!!!!!!!!!",
            b"!\x21\x1F\x20\xA0\x20 ................",
            b"no_space_in_sixteen_bytes or more",
        ];
        for line in texts {
            let name = client_of(line);
            if name.len() < WIDTH {
                assert_eq!(leading(line), packed(name), "{line:?}");
                assert!(leading(line).is_some());
            } else {
                assert_eq!(leading(line), None, "{line:?}");
            }
        }
        assert_eq!(leading(b"short line"), None);
    }

    #[test]
    fn names_are_found_by_their_lines_alone() {
        let names: [&[u8]; 7] = [
            b"a",
            b"a\0",
            b"",
            b"123456789012345",
            b"1234567890123456",
            b"12345678901234567",
            b"::1",
        ];
        let mut all = Names::default();
        for (index, name) in (0..).zip(names) {
            assert_eq!(all.find_name(name), None);
            all.add(name.into(), index);
        }
        for (index, name) in (0..).zip(names) {
            for rest in [&b""[..], b" ", b" - - [17/May/2015:10:05:03 +0000]"] {
                let line = [name, rest].concat();
                assert_eq!(all.find(&line), Some(index), "{line:?}");
            }
        }
        assert_eq!(all.find(b"b - - ................"), None);
        assert_eq!(all.find(b"1234567890123457 - -"), None);
    }
}
