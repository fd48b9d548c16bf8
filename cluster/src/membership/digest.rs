//! Do two views agree, and if not, where?
//!
//! Role       A view in 512 bytes: each live member falls into one of 64 buckets, and the digest has a
//!            sum of hashes for each. Buckets that differ are exchanged, the others are not.
//! Invariant  Equal sets of live members give equal digests, on every machine.

use std::ops::RangeInclusive;

/// How many buckets there are: one bit of a mask each.
pub(super) const BUCKETS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest(pub(super) [u64; BUCKETS]);

impl Digest {
    pub(super) const fn empty() -> Self {
        Self([0; BUCKETS])
    }

    pub(super) fn add(&mut self, name: u64, incarnation: u64, revision: u32) {
        let sum = &mut self.0[bucket(name)];
        *sum = sum.wrapping_add(mix(name, incarnation, revision));
    }

    pub(super) fn remove(&mut self, name: u64, incarnation: u64, revision: u32) {
        let sum = &mut self.0[bucket(name)];
        *sum = sum.wrapping_sub(mix(name, incarnation, revision));
    }

    /// A bit for each bucket in which the two differ.
    pub(super) fn difference(&self, other: &Self) -> u64 {
        let pairs = self.0.iter().zip(&other.0).enumerate();
        pairs.fold(0, |mask, (at, (a, b))| mask | u64::from(a != b) << at)
    }
}

/// The hash of a name: FNV-1a, then mixed, equal on every machine.
pub(super) fn hash(name: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    stir(hash)
}

pub(super) fn bucket(name: u64) -> usize {
    (name >> 58) as usize
}

/// The hashes of names that fall into a bucket.
pub(super) fn range(number: usize) -> RangeInclusive<u64> {
    let first = (number as u64) << 58;
    first..=first | ((1 << 58) - 1)
}

fn mix(name: u64, incarnation: u64, revision: u32) -> u64 {
    stir(stir(name ^ stir(incarnation)) ^ u64::from(revision))
}

fn stir(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Digest, bucket, hash, range};

    #[test]
    fn differences() {
        let (a, b) = (hash("a"), hash("b"));
        let mut left = Digest::empty();
        left.add(a, 1, 0);
        left.add(b, 1, 0);
        let mut right = Digest::empty();
        right.add(b, 1, 0);
        assert_eq!(left.difference(&right), 1 << bucket(a));
        right.add(a, 1, 1);
        assert_eq!(left.difference(&right), 1 << bucket(a));
        right.remove(a, 1, 1);
        right.add(a, 1, 0);
        assert_eq!(left, right);
    }

    #[test]
    fn names_spread() {
        let mut counts = [0; super::BUCKETS];
        for number in 0..6400 {
            let hash = hash(&format!("node{number}@host"));
            assert!(range(bucket(hash)).contains(&hash));
            counts[bucket(hash)] += 1;
        }
        assert!(
            counts.iter().all(|count| (60..150).contains(count)),
            "{counts:?}"
        );
    }
}
