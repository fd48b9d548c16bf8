//! What do the tests share?
//!
//! Role  A seeded generator of numbers, bytes and nearly good lines; the program on a terminal;
//!       observed jobs.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[cfg(unix)]
pub(crate) mod observed;
pub(crate) mod screen;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any bytes but a line feed, half of them of the format's own.
    pub(crate) fn bytes(&mut self, len_max: u64) -> Vec<u8> {
        let len = self.below(len_max);
        (0..len).map(|_| self.byte()).collect()
    }

    fn byte(&mut self) -> u8 {
        const OWN: &[u8] = b" \"\\[]:/+-0123456789JanFeb\r";
        let byte = match self.below(2) {
            0 => OWN[self.below(OWN.len() as u64) as usize],
            _ => self.next() as u8,
        };
        if byte == b'\n' { b' ' } else { byte }
    }

    /// `line` with a few bytes changed, dropped, doubled or put in.
    pub(crate) fn mutate(&mut self, line: &[u8]) -> Vec<u8> {
        let mut line = line.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(line.len() as u64) as usize;
            match self.below(4) {
                0 => line[at] = self.byte(),
                1 => drop(line.remove(at)),
                2 => line.insert(at, line[at]),
                _ => line.insert(at, self.byte()),
            }
        }
        line
    }

    /// At least one byte, and no space.
    pub(crate) fn word(&mut self) -> Vec<u8> {
        let mut word = self.bytes(20);
        word.retain(|&byte| byte != b' ');
        word.push(b'x');
        word
    }

    /// What may stand between quotes.
    pub(crate) fn quoted(&mut self) -> Vec<u8> {
        let mut quoted = Vec::new();
        for byte in self.bytes(40) {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(byte);
        }
        quoted
    }
}
