//! Which node says that one of its processes has which name?
//!
//! Owns       The claims of all nodes by name, and by node the names of its claims.
//! Invariant  A name leads to the same process for whoever has heard the same claims.

use std::collections::{BTreeMap, BTreeSet};

use foundation_actors::pg::machine::Member;

use super::word::Claim;

#[derive(Debug)]
pub(super) struct Claims<P: Member> {
    by_name: BTreeMap<String, BTreeMap<P::Node, Claim<P>>>,
    by_node: BTreeMap<P::Node, BTreeSet<String>>,
}

impl<P: Member> Claims<P> {
    pub(super) fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_node: BTreeMap::new(),
        }
    }

    /// Puts a node's claim in the place of the one before, or takes it away. Whether anything is
    /// different now.
    pub(super) fn set(&mut self, node: P::Node, name: &str, claim: Option<Claim<P>>) -> bool {
        if self.of(node, name) == claim {
            return false;
        }
        match claim {
            Some(claim) => {
                let claims = self.by_name.entry(name.to_owned()).or_default();
                claims.insert(node, claim);
                self.by_node
                    .entry(node)
                    .or_default()
                    .insert(name.to_owned());
            }
            None => {
                if let Some(claims) = self.by_name.get_mut(name) {
                    claims.remove(&node);
                    if claims.is_empty() {
                        self.by_name.remove(name);
                    }
                }
                if let Some(names) = self.by_node.get_mut(&node) {
                    names.remove(name);
                    if names.is_empty() {
                        self.by_node.remove(&node);
                    }
                }
            }
        }
        true
    }

    pub(super) fn of(&self, node: P::Node, name: &str) -> Option<Claim<P>> {
        self.by_name.get(name)?.get(&node).copied()
    }

    /// Whoever has the name: of several the one that [`keeps`] it.
    pub(super) fn holder(&self, name: &str) -> Option<P> {
        let claims = self.by_name.get(name)?;
        let pids = claims.values().map(|claim| claim.pid);
        pids.reduce(|one, other| keeps(name, one, other))
    }

    /// A process of another node than this that has the name.
    pub(super) fn elsewhere(&self, node: P::Node, name: &str) -> Vec<Claim<P>> {
        let claims = self.by_name.get(name).into_iter().flatten();
        let others = claims.filter(|(of, _)| **of != node);
        others.map(|(_, claim)| *claim).collect()
    }

    pub(super) fn names_of(&self, node: P::Node) -> BTreeSet<String> {
        self.by_node.get(&node).cloned().unwrap_or_default()
    }

    pub(super) fn count_of(&self, node: P::Node) -> usize {
        self.by_node.get(&node).map_or(0, BTreeSet::len)
    }

    pub(super) fn check(&self) {
        let mut count = 0;
        for (name, claims) in &self.by_name {
            assert!(!claims.is_empty(), "{name} is kept for nobody");
            for (node, claim) in claims {
                assert!(
                    claim.pid.node() == *node,
                    "{name} is claimed where it is held"
                );
                let names = self.by_node.get(node);
                let listed = names.is_some_and(|names| names.contains(name));
                assert!(listed, "{node:?} knows that it has {name}");
                count += 1;
            }
        }
        let listed: usize = self.by_node.values().map(BTreeSet::len).sum();
        assert_eq!(listed, count, "each claim is found both ways");
    }
}

/// Which of two processes keeps a name, where chance is to decide: the same for whoever asks, in
/// whichever order, and of three the same whichever two are compared first.
pub(super) fn keeps<P: Member>(name: &str, one: P, other: P) -> P {
    // fnv, 32 bits: a name favours the lower or the higher pids.
    let hash = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    match (hash >> 7) & 1 {
        0 => one.min(other),
        _ => one.max(other),
    }
}
