//! Which of those who wait, wait for each other?
//!
//! Role       Cycles of a directed graph: every node that is in one is named in one of them.
//! Inputs     Edges, as (who waits, for whom).
//! Outputs    Cycles, each beginning with its smallest member, in a fixed order.
//! Limit      Each edge is looked at once; of several cycles through one node the first is named.

use std::collections::{BTreeMap, BTreeSet};

/// The cycles, none through a node that an earlier one goes through.
pub(super) fn cycles<N: Copy + Ord>(edges: &BTreeSet<(N, N)>) -> Vec<Vec<N>> {
    let mut next: BTreeMap<N, Vec<N>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(*from).or_default().push(*to);
    }
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for start in next.keys().copied().collect::<Vec<N>>() {
        walk(start, &next, &mut done, &mut found);
    }
    found
}

/// Goes on from `start` along edges not gone before, depth first.
fn walk<N: Copy + Ord>(
    start: N,
    next: &BTreeMap<N, Vec<N>>,
    done: &mut BTreeSet<N>,
    found: &mut Vec<Vec<N>>,
) {
    // The way here: each node, and which of its edges is tried next.
    let mut way: Vec<(N, usize)> = Vec::new();
    if done.insert(start) {
        way.push((start, 0));
    }
    while let Some((at, tried)) = way.last_mut() {
        let to = next.get(at).and_then(|edges| edges.get(*tried)).copied();
        *tried += 1;
        let Some(to) = to else {
            way.pop();
            continue;
        };
        if let Some(begin) = way.iter().position(|(node, _)| *node == to) {
            let cycle: Vec<N> = way[begin..].iter().map(|(node, _)| *node).collect();
            let named = |node: &N| found.iter().any(|known| known.contains(node));
            if !cycle.iter().any(named) {
                found.push(from_smallest(cycle));
            }
        } else if done.insert(to) {
            way.push((to, 0));
        }
    }
}

pub(super) fn from_smallest<N: Copy + Ord>(mut cycle: Vec<N>) -> Vec<N> {
    let smallest = cycle.iter().enumerate().min_by_key(|(_, node)| **node);
    let smallest = smallest.map_or(0, |(at, _)| at);
    cycle.rotate_left(smallest);
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    fn of(edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        cycles(&edges.iter().copied().collect())
    }

    #[test]
    fn cycles_of_small_graphs() {
        let none: [Vec<u32>; 0] = [];
        assert_eq!(of(&[]), none);
        assert_eq!(of(&[(1, 2), (2, 3), (1, 3)]), none);
        assert_eq!(of(&[(1, 1)]), [vec![1]]);
        assert_eq!(of(&[(2, 1), (1, 2), (3, 1)]), [vec![1, 2]]);
        assert_eq!(
            of(&[(3, 1), (1, 2), (2, 3), (5, 4), (4, 5)]),
            [vec![1, 2, 3], vec![4, 5]]
        );
    }

    /// A node is in a cycle exactly when it is reached from itself.
    #[test]
    fn every_cycle_is_one_and_none_is_missed() {
        for seed in 0..500 {
            let mut rng = Rng::new(seed);
            let nodes = 2 + rng.below(7);
            let edges: BTreeSet<(usize, usize)> = (0..rng.below(14))
                .map(|_| (rng.below(nodes), rng.below(nodes)))
                .collect();
            let mut reached = edges.clone();
            for _ in 0..nodes {
                let mut further = Vec::new();
                for (a, b) in &reached {
                    let steps = edges.iter().filter(|(from, _)| from == b);
                    further.extend(steps.map(|(_, to)| (*a, *to)));
                }
                reached.extend(further);
            }
            let found = cycles(&edges);
            for cycle in &found {
                for (at, from) in cycle.iter().enumerate() {
                    let to = cycle[(at + 1) % cycle.len()];
                    assert!(edges.contains(&(*from, to)), "seed {seed}: {found:?}");
                }
            }
            let any = (0..nodes).any(|node| reached.contains(&(node, node)));
            assert_eq!(any, !found.is_empty(), "seed {seed}: {edges:?}");
        }
    }
}
