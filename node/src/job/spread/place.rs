//! On which node is a client?
//!
//! Role       Rendezvous hashing: every node draws a number for the client, the greatest wins.
//! Invariant  When a node goes, only its clients go elsewhere; when it comes back, only they come back.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

/// The node of a client among these; nothing when there is none.
pub(crate) fn place(client: &[u8], nodes: impl Iterator<Item = u32>) -> Option<u32> {
    let draw = |node: &u32| {
        (
            mix(FxBuildHasher.hash_one(client) ^ (u64::from(*node) << 56)),
            *node,
        )
    };
    nodes.max_by_key(draw)
}

/// SplitMix64's output function: a bit more or less decides about all of them.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clients_of_a_node_that_goes_move() {
        let names: Vec<String> = (0..3000)
            .map(|n| format!("10.0.{}.{}", n / 250, n % 250))
            .collect();
        let mut counts = [0; 4];
        for name in &names {
            let home = place(name.as_bytes(), [1, 2, 3].into_iter()).expect("there are three");
            counts[home as usize] += 1;
            let without = place(name.as_bytes(), [1, 3].into_iter()).expect("there are two");
            assert!(
                home == without || home == 2,
                "{name} moved from {home} to {without}"
            );
        }
        assert!(
            counts[1..].iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
        assert_eq!(place(b"a", std::iter::empty()), None);
    }
}
