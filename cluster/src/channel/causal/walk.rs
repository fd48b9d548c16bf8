//! Does whatever follows something come after it, whatever the network does?
//!
//! Role       Seeded walks of several nodes beside an oracle that knows the whole history of each
//!            message; rows for what is lost, late, too much or gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use foundation_runtime::{NodeId, Rng};

use super::machine::{Causal, Item, WAITING_BYTES_MAX};
use super::stamp::{DEPENDENCIES_MAX, Dependency, Stamp};
use crate::machine::Tick;

const BOUND: Duration = Duration::from_secs(5);

/// A message, by its number in the history; and its size.
#[derive(Debug)]
struct Letter(usize, usize);

impl Item for Letter {
    fn bytes(&self) -> usize {
        self.1
    }
}

fn id(at: usize) -> NodeId {
    NodeId::from_u64(at as u64 + 1)
}

/// What went to whom, and everything that was before it.
struct Event {
    to: usize,
    before: BTreeSet<usize>,
}

/// Nodes, and what is between each two of them, in order.
struct Walk {
    rng: Rng,
    now: Tick,
    nodes: Vec<Causal<Letter>>,
    wires: BTreeMap<(usize, usize), VecDeque<(Stamp, Option<usize>)>>,
    history: Vec<Event>,
    /// What each node has sent or was given, and all that was before that.
    past: Vec<BTreeSet<usize>>,
    given: Vec<BTreeSet<usize>>,
    lost: BTreeSet<usize>,
}

impl Walk {
    fn new(seed: u64, count: usize) -> Self {
        Self {
            rng: Rng::new(seed),
            now: Tick::ZERO,
            nodes: (0..count).map(|at| Causal::new(id(at), BOUND)).collect(),
            wires: BTreeMap::new(),
            history: Vec::new(),
            past: vec![BTreeSet::new(); count],
            given: vec![BTreeSet::new(); count],
            lost: BTreeSet::new(),
        }
    }

    fn send(&mut self, from: usize, to: usize) -> usize {
        let number = self.history.len();
        let before = self.past[from].clone();
        self.past[from].insert(number);
        self.history.push(Event { to, before });
        self.put(from, to, Some(number));
        number
    }

    fn put(&mut self, from: usize, to: usize, letter: Option<usize>) {
        let stamp = self.nodes[from].stamp(self.now, id(to));
        self.nodes[from].sent(self.now, id(to), stamp.number);
        let wire = self.wires.entry((from, to)).or_default();
        wire.push_back((stamp, letter));
    }

    fn pass(&mut self, from: usize, to: usize) {
        let Some(next) = self
            .wires
            .get_mut(&(from, to))
            .and_then(VecDeque::pop_front)
        else {
            return;
        };
        let (stamp, letter) = next;
        let letter = Letter(letter.unwrap_or(usize::MAX), 10);
        let bytes = stamp.before(b"");
        let (stamp, _) = Stamp::read(&bytes).expect("it was written");
        self.nodes[to].arrive(self.now, id(from), stamp, letter);
        self.take(to);
    }

    /// Takes what is given out, and looks whether anything that is before it is still to come.
    fn take(&mut self, at: usize) {
        while let Some(Letter(number, _)) = self.nodes[at].next() {
            let Some(event) = self.history.get(number) else {
                continue;
            };
            assert_eq!(event.to, at);
            let here = event.before.iter();
            let here = here.filter(|before| self.history[**before].to == at);
            let (lost, kept): (Vec<usize>, Vec<usize>) =
                here.partition(|before| self.lost.contains(before));
            for before in kept {
                // What was lost takes the order along that only it carried.
                let is_free = lost
                    .iter()
                    .any(|it| self.history[*it].before.contains(&before));
                let is_there = self.given[at].contains(&before);
                assert!(is_there || is_free, "{number} came before {before}");
            }
            self.past[at].extend(event.before.iter().copied());
            self.past[at].insert(number);
            assert!(
                self.given[at].insert(number),
                "{number} was given out twice"
            );
        }
    }

    /// The two lose each other, and are connected again: what was under way, or waits, is lost.
    fn cut(&mut self, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            let wire = self.wires.remove(&(from, to)).unwrap_or_default();
            self.lost.extend(wire.into_iter().filter_map(|(_, it)| it));
            let waited = self.nodes[to].drop_from(id(from));
            let waited = waited.into_iter().map(|letter| letter.0);
            self.lost
                .extend(waited.filter(|number| *number < self.history.len()));
        }
        for (from, to) in [(one, other), (other, one)] {
            if let Some(mark) = self.nodes[from].mark(self.now, id(to)) {
                let wire = self.wires.entry((from, to)).or_default();
                wire.push_back((mark, None));
            }
        }
    }

    fn step(&mut self, cuts: bool) {
        self.now = self.now + Duration::from_micros(self.rng.below(50) as u64);
        let count = self.nodes.len();
        let from = self.rng.below(count);
        let to = (from + 1 + self.rng.below(count - 1)) % count;
        match self.rng.below(100) {
            0 if cuts => self.cut(from, to),
            0..40 => drop(self.send(from, to)),
            _ => self.pass(from, to),
        }
    }

    /// All that is under way comes, a wire after the other.
    fn settle(&mut self) {
        let wires: Vec<_> = self.wires.keys().copied().collect();
        for (from, to) in wires {
            while self.wires.get(&(from, to)).is_some_and(|it| !it.is_empty()) {
                self.pass(from, to);
            }
        }
    }
}

#[test]
fn nothing_comes_before_what_it_follows_and_all_comes() {
    for seed in 0..300 {
        let count = 3 + seed as usize % 4;
        let mut walk = Walk::new(seed, count);
        let cuts = seed % 2 == 1;
        for _ in 0..400 {
            walk.step(cuts);
        }
        walk.settle();
        let given: usize = walk.given.iter().map(BTreeSet::len).sum();
        assert_eq!(given + walk.lost.len(), walk.history.len(), "seed {seed}");
        for (at, node) in walk.nodes.iter().enumerate() {
            let figures = (0..count).map(|from| node.figures(id(from)));
            assert_eq!(
                figures.max(),
                Some((0, 0)),
                "seed {seed}: {at} was not idle"
            );
        }
    }
}

/// Three nodes: the first tells the second and then the third, which tells the second. What that
/// says is at the second, and what the first said is on its way.
fn triangle() -> (Walk, [usize; 3]) {
    let mut walk = Walk::new(1, 3);
    let first = walk.send(0, 1);
    let second = walk.send(0, 2);
    walk.pass(0, 2);
    let third = walk.send(2, 1);
    walk.pass(2, 1);
    assert_eq!(walk.nodes[1].figures(id(2)), (1, 0), "it waits");
    (walk, [first, second, third])
}

#[test]
fn what_waits_comes_when_what_it_follows_has_come() {
    let (mut walk, [first, _, third]) = triangle();
    walk.pass(0, 1);
    assert_eq!(walk.given[1], BTreeSet::from([first, third]));
}

#[test]
fn what_waits_is_given_out_when_its_time_is_over_and_counted() {
    let (mut walk, [_, _, third]) = triangle();
    walk.lost = (0..walk.history.len()).collect();
    walk.nodes[1].tick(walk.now + Duration::from_millis(4999));
    assert!(walk.nodes[1].next().is_none(), "there is time left");
    walk.nodes[1].tick(walk.now + BOUND);
    walk.take(1);
    assert_eq!(walk.given[1], BTreeSet::from([third]));
    assert_eq!(walk.nodes[1].figures(id(2)), (0, 1));
    // For the same nobody waits again.
    let fourth = walk.send(2, 1);
    walk.pass(2, 1);
    assert!(walk.given[1].contains(&fourth));
    assert_eq!(walk.nodes[1].figures(id(2)), (0, 1));
}

#[test]
fn for_a_node_that_is_gone_nobody_waits() {
    let (mut walk, [first, _, third]) = triangle();
    walk.lost.insert(first);
    walk.nodes[1].gone(walk.now, id(0));
    walk.take(1);
    assert_eq!(walk.given[1], BTreeSet::from([third]));
    let fourth = walk.send(2, 1);
    walk.pass(2, 1);
    assert!(walk.given[1].contains(&fourth), "nor later");
}

#[test]
fn too_much_that_waits_is_given_out() {
    let (mut walk, _) = triangle();
    walk.lost = (0..10).collect();
    let stamp = walk.nodes[2].stamp(walk.now, id(1));
    let large = Letter(usize::MAX, WAITING_BYTES_MAX - 10);
    walk.nodes[1].arrive(walk.now, id(2), stamp.clone(), large);
    assert!(walk.nodes[1].next().is_none(), "there is room");
    let more = Letter(usize::MAX, 1);
    walk.nodes[1].arrive(walk.now, id(2), stamp, more);
    let out = std::iter::from_fn(|| walk.nodes[1].next());
    assert_eq!(out.count(), 3, "all follow the same");
    assert_eq!(walk.nodes[1].figures(id(2)), (0, 1));
}

#[test]
fn what_is_old_is_not_told() {
    let mut walk = Walk::new(1, 3);
    walk.send(0, 1);
    walk.now = walk.now + Duration::from_secs(40);
    walk.send(0, 2);
    walk.pass(0, 2);
    let told = |walk: &mut Walk| walk.nodes[2].stamp(walk.now, id(1)).after.len();
    assert_eq!(told(&mut walk), 1);
    walk.now = walk.now + Duration::from_secs(25);
    assert_eq!(
        told(&mut walk),
        0,
        "it is 65 seconds old, though it came 25 ago"
    );
}

/// A node that only hears forgets as well, and remembers no more than one message carries.
#[test]
fn what_is_learned_has_a_limit() {
    let (mut walk, count) = (Walk::new(1, 2), DEPENDENCIES_MAX as u64);
    for round in 0..3 {
        let dependency = |at| Dependency {
            to: NodeId::from_u64(9),
            from: NodeId::from_u64(100 + round * count + at),
            number: 1,
            age: 0,
        };
        let stamp = Stamp {
            number: walk.now.as_nanos() + 1,
            after: (0..count).map(dependency).collect(),
        };
        walk.now = walk.now + Duration::from_secs(1);
        walk.nodes[1].arrive(walk.now, id(0), stamp, Letter(usize::MAX, 10));
        let known = walk.nodes[1].knows();
        assert!(known <= DEPENDENCIES_MAX && 0 < known, "{known}");
    }
    // The newest are told.
    let told = walk.nodes[1].stamp(walk.now, id(0)).after;
    let newest = NodeId::from_u64(100 + 2 * count);
    assert!(told.iter().all(|it| newest <= it.from) && !told.is_empty());
    walk.nodes[1].tick(walk.now + Duration::from_secs(61));
    assert_eq!(walk.nodes[1].knows(), 0);
}

/// One that was overdue frees another: only the first was given out of order.
#[test]
fn who_is_freed_by_another_is_in_order() {
    let mut walk = Walk::new(1, 4);
    walk.send(0, 1);
    for at in [2, 3] {
        walk.send(0, at);
        walk.pass(0, at);
        walk.send(at, 1);
        walk.pass(at, 1);
    }
    walk.lost.insert(0);
    walk.nodes[1].tick(walk.now + BOUND);
    walk.take(1);
    assert_eq!(walk.given[1].len(), 2);
    let disordered = [2, 3].map(|at| walk.nodes[1].figures(id(at)).1);
    assert_eq!(disordered.iter().sum::<u64>(), 1);
}
