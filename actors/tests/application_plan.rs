//! Is the order in which applications start one that can be followed?
//!
//! Role       A table of dependencies and orders; then a seeded walk: the order of a random graph
//!            is followed, or its cycle is gone round.

use std::collections::BTreeSet;

use foundation_actors::application::plan::{AppName, Dependencies, PlanError, start_order};

fn names(text: &str) -> Vec<AppName> {
    text.split_whitespace().map(AppName::from).collect()
}

/// `a: b c, b:` is an `a` that needs `b` and `c`, and a `b` that needs nobody.
fn graph(text: &str) -> Dependencies {
    let entries = text
        .split(',')
        .filter_map(|entry| entry.trim().split_once(':'));
    entries
        .map(|(name, needs)| (name.into(), names(needs)))
        .collect()
}

#[track_caller]
fn check(all: &str, running: &str, wanted: &str, expected: Result<&str, PlanError>) {
    let running: BTreeSet<AppName> = names(running).into_iter().collect();
    let order = start_order(&graph(all), &running, &wanted.into());
    assert_eq!(order, expected.map(names));
}

#[test]
fn orders() {
    check("a:", "", "a", Ok("a"));
    check("a:", "a", "a", Ok(""));
    check("a: b c, b:, c:", "", "a", Ok("b c a"));
    check("a: c b, b:, c: b", "", "a", Ok("b c a"));
    check("a: b c, b: d, c: d, d:, e:", "", "a", Ok("d b c a"));
    check("a: b c, b: d, c: d, d:", "b", "a", Ok("d c a"));
    // What a running one needs is not asked for.
    check("a: b, b: c", "b", "a", Ok("a"));
    let missing = |name: &str| Err(PlanError::NotLoaded(name.into()));
    check("a:", "", "b", missing("b"));
    check("a: b, b: c", "", "a", missing("c"));
    let cycle = |text| Err(PlanError::Cycle(names(text)));
    check("a: a", "", "a", cycle("a"));
    check("a: b, b: c, c: b", "", "a", cycle("b c"));
    check("a: b, b: c, c: b", "c", "a", Ok("b a"));
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn a_walk_over_graphs() {
    let (mut ordered, mut cyclic) = (0, 0);
    for seed in 0..2000 {
        let mut dice = Dice(seed);
        let count = 1 + dice.roll(8);
        let name = |number: u64| AppName::from(format!("n{number}"));
        let mut all = Dependencies::new();
        for number in 0..count {
            let needs = (0..dice.roll(3)).map(|_| name(dice.roll(count))).collect();
            all.insert(name(number), needs);
        }
        let mut running: BTreeSet<AppName> = BTreeSet::new();
        match start_order(&all, &running, &name(0)) {
            Ok(order) => {
                for next in &order {
                    assert!(
                        all[next].iter().all(|need| running.contains(need)),
                        "seed {seed}"
                    );
                    assert!(running.insert(next.clone()), "seed {seed}: started twice");
                }
                assert_eq!(order.last(), Some(&name(0)), "seed {seed}");
                ordered += 1;
            }
            Err(PlanError::Cycle(cycle)) => {
                let next = cycle.iter().skip(1).chain(cycle.first());
                for (one, next) in cycle.iter().zip(next) {
                    assert!(
                        all[one].contains(next),
                        "seed {seed}: {one} needs no {next}"
                    );
                }
                cyclic += 1;
            }
            Err(error) => panic!("seed {seed}: {error:?}"),
        }
    }
    assert!(
        200 < ordered && 200 < cyclic,
        "both happen: {ordered}, {cyclic}"
    );
}
