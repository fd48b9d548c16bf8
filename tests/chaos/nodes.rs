//! What happens between nodes?
//!
//! Role       The connections of the tree's node and two others, where workers live as well: they
//!            are cut and mended, and one scene looks at what a cut does.
//! Invariant  At rest all nodes are connected. What was sent while they were not is a dead letter.

use foundation::Loopback;
use foundation::prelude::*;

use crate::events::Chaos;

/// Which nodes are connected with which.
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

/// The connections that there are, in the order of [`PAIRS`].
pub(crate) struct Wires([Option<Loopback>; PAIRS.len()]);

impl Wires {
    pub(crate) fn new(world: &World, nodes: &[Node]) -> Self {
        Self(PAIRS.map(|(a, b)| Some(world.connect(&nodes[a], &nodes[b]))))
    }
}

impl Chaos {
    /// The node that a process is of.
    pub(crate) fn home(&self, pid: Pid) -> &Node {
        let node = self.nodes.iter().find(|node| node.id() == pid.node());
        node.expect("it is one of ours")
    }

    /// Most often the node of the tree.
    pub(crate) fn somewhere(&mut self) -> Node {
        let nth = self.dice.below(3 * self.nodes.len());
        self.nodes.get(nth).unwrap_or(&self.node).clone()
    }

    /// Cuts a connection, or mends it.
    pub(crate) fn rewire(&mut self) {
        let nth = self.dice.below(PAIRS.len());
        match self.wires.0[nth] {
            Some(_) => self.cut(nth),
            None => self.mend(nth),
        }
    }

    fn cut(&mut self, nth: usize) {
        let (a, b) = PAIRS[nth];
        let now = self.world.now();
        let (a, b) = (self.nodes[a].id(), self.nodes[b].id());
        self.ledger.book().cut(a, b, now);
        if let Some(wire) = self.wires.0[nth].take() {
            wire.cut();
        }
    }

    fn mend(&mut self, nth: usize) {
        let (a, b) = PAIRS[nth];
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        if self.wires.0[nth].is_none() {
            self.wires.0[nth] = Some(self.world.connect(a, b));
            self.ledger.book().mended(a.id(), b.id());
        }
    }

    pub(crate) fn mend_all(&mut self) {
        (0..PAIRS.len()).for_each(|nth| self.mend(nth));
    }

    /// Somebody who lives on the nth node, and whether it traps exits.
    fn inhabitant(&mut self, nth: usize) -> Option<(Pid, bool)> {
        let book = self.ledger.book();
        let here = |pid: &&Pid| pid.node() == self.nodes[nth].id();
        let all: Vec<Pid> = book.living.iter().filter(here).copied().collect();
        let pid = (!all.is_empty()).then(|| all[self.dice.below(all.len())])?;
        Some((pid, book.facts[&pid].traps))
    }

    /// Two that are linked are told of the end of the connection, or fall by it. Their monitors are
    /// looked at by the check that follows.
    pub(crate) async fn node_lost(&mut self) {
        self.part().await;
        let nth = self.dice.below(PAIRS.len());
        let (a, b) = PAIRS[nth];
        let (Some(one), Some(other)) = (self.inhabitant(a), self.inhabitant(b)) else {
            return;
        };
        let (to, from) = (other.0, one.0);
        self.perform(from, move |cx| {
            let _ = cx.link(to);
        });
        self.watch(from, to);
        self.watch(to, from);
        self.world.settle().await;
        self.cut(nth);
        self.world.settle().await;
        for ((pid, traps), (far, _)) in [(one, other), (other, one)] {
            let book = self.ledger.book();
            let told = book.exits.iter().any(|(who, exit)| {
                (*who, exit.from) == (pid, far) && exit.reason == Reason::NoConnection
            });
            let alive = book.living.contains(&pid);
            drop(book);
            self.must(told == traps && alive == traps, || {
                format!("{pid} lost {far} by a cut, traps {traps}: told {told}, alive {alive}")
            });
        }
        self.mend(nth);
        self.world.advance(ms(500)).await;
    }
}
