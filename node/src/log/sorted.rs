//! Where is a key that is probably the last one, or the next?
//!
//! Role       A sorted map for keys that mostly come in ascending order, few or many.
//! Inputs     Keys in any order.
//! Outputs    Values by key, and all of them in order.
//! Owns       Chunks of at most [`CHUNK`] entries: what a key in the wrong place costs is bounded.
//!            Room that was emptied is kept when it is the only chunk.
//! Invariant  Keys ascend, in a chunk and from chunk to chunk; only an only chunk may be empty.
//!
//! A `BTreeMap` does the same; it takes twice as long for the many small maps that are filled and
//! emptied here all the time, because it allocates a node for each.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// So many entries are shifted at most.
const CHUNK: usize = 512;

/// A sorted map.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sorted<K, V> {
    chunks: Vec<Vec<(K, V)>>,
}

impl<K: Ord + Copy, V: Default> Sorted<K, V> {
    /// The value of a key, new or not.
    #[inline]
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        let (chunk, at) = self.place(key);
        &mut self.chunks[chunk][at].1
    }

    #[inline]
    fn place(&mut self, key: K) -> (usize, usize) {
        let chunks = self.chunks.len();
        if let Some(last) = self.chunks.last_mut() {
            let end = last.len();
            match last.last() {
                Some((known, _)) if *known == key => return (chunks - 1, end - 1),
                Some((known, _)) if *known > key => {}
                _ if end < CHUNK => {
                    last.push((key, V::default()));
                    return (chunks - 1, end);
                }
                _ => {}
            }
        }
        self.search(key)
    }

    fn search(&mut self, key: K) -> (usize, usize) {
        let begins_before =
            |chunk: &Vec<(K, V)>| chunk.first().is_some_and(|(first, _)| *first <= key);
        let at = self.chunks.partition_point(begins_before).saturating_sub(1);
        if self.chunks.is_empty() {
            self.chunks.push(Vec::new());
        }
        let chunk = &mut self.chunks[at];
        match chunk.binary_search_by_key(&key, |(known, _)| *known) {
            Ok(found) => (at, found),
            Err(place) if chunk.len() < CHUNK => {
                chunk.insert(place, (key, V::default()));
                (at, place)
            }
            Err(_) => {
                // At its end a chunk stays whole: keys that come in order fill theirs.
                let ends_before = chunk.last().is_some_and(|(last, _)| *last < key);
                let keep = if ends_before { CHUNK } else { CHUNK / 2 };
                let mut rest = chunk.split_off(keep);
                if rest.is_empty() {
                    rest.push((key, V::default()));
                }
                self.chunks.insert(at + 1, rest);
                self.search(key)
            }
        }
    }

    /// Drops the entries whose keys are in the range.
    pub(super) fn remove(&mut self, keys: Range<K>) {
        for chunk in &mut self.chunks {
            let from = chunk.partition_point(|(key, _)| *key < keys.start);
            let to = chunk.partition_point(|(key, _)| *key < keys.end);
            chunk.drain(from..to);
        }
        if self.chunks.len() > 1 {
            self.chunks.retain(|chunk| !chunk.is_empty());
        }
    }

    /// All entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.chunks.iter().flatten()
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(sorted: &Sorted<i64, u32>, model: &BTreeMap<i64, u32>) {
        let entries: Vec<_> = sorted.iter().copied().collect();
        let expected: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(entries, expected);
        let chunks = &sorted.chunks;
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
        assert!(chunks.len() <= 1 || chunks.iter().all(|chunk| !chunk.is_empty()));
    }

    /// Walks of keys that ascend, descend and jump, with ranges removed: a `BTreeMap` agrees.
    #[test]
    fn agrees_with_a_tree() {
        for seed in 0..30_u64 {
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut draw = |below: i64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random % below as u64) as i64
            };
            let (mut sorted, mut model) = (Sorted::default(), BTreeMap::new());
            for step in 0..4_000 {
                let key = match seed % 3 {
                    0 => step / 2,
                    1 => 10_000 - step,
                    _ => draw(3_000),
                };
                *sorted.entry(key) += 1;
                *model.entry(key).or_default() += 1;
                if draw(700) == 0 {
                    let from = draw(10_000);
                    let to = from + draw(2_000);
                    sorted.remove(from..to);
                    model.retain(|key, _| !(from..to).contains(key));
                    check(&sorted, &model);
                }
            }
            check(&sorted, &model);
            sorted.remove(i64::MIN..i64::MAX);
            check(&sorted, &BTreeMap::new());
            *sorted.entry(7) += 1;
            check(&sorted, &BTreeMap::from([(7, 1)]));
        }
    }
}
