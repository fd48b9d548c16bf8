//! Which of the things that can happen next does?
//!
//! Role       The strategies of exploration: follow a schedule, walk at random, or run by priorities
//!            that change at few moments.
//! Inputs     At each choice: what can happen, and what would be ordinary.
//! Outputs    One of them; the deviations from the ordinary order so far, and the roads not taken.
//! Owns       Its own random numbers: the program's are not touched by a change of strategy.
//! Invariant  Following the deviations that a run recorded repeats it, whatever made the choices.
//! Source     Burckhardt et al. 2010, "A Randomized Scheduler with Probabilistic Guarantees of
//!            Finding Bugs" (priorities); Musuvathi and Qadeer 2007, "Iterative Context Bounding"

use std::collections::{BTreeMap, BTreeSet};

use super::schedule::{Choice, Deviation};
use crate::Rng;

/// How often in a row the ordinary order lets one process run while others could.
const STREAK_MAX: u32 = 64;
/// How many roads not taken one run notes.
const ROADS_MAX: usize = 20_000;

/// Who chooses.
#[derive(Debug)]
pub(super) enum Picker {
    /// The deviations of a schedule, and the ordinary order between them.
    Follow(Vec<Deviation>),
    /// With this chance anything, else the ordinary.
    Walk { rng: Rng, chance: f64 },
    /// Whoever has the highest priority; at these choices, who would have run gets the lowest.
    Priorities {
        rng: Rng,
        of: BTreeMap<Choice, u64>,
        changes: BTreeSet<u64>,
        lowest: u64,
    },
}

impl Picker {
    /// Priorities that change `changes` times within the first `length` choices.
    pub(super) fn priorities(mut rng: Rng, length: u64, changes: u32) -> Self {
        let bound = usize::try_from(length.max(1)).unwrap_or(usize::MAX);
        let changes = (0..changes).map(|_| rng.below(bound) as u64).collect();
        Self::Priorities {
            rng,
            of: BTreeMap::new(),
            changes,
            lowest: LOWEST,
        }
    }
}

/// Priorities above are those that one is given at first sight.
const LOWEST: u64 = 1 << 32;

/// The choices of one run, and what is noted of them.
#[derive(Debug)]
pub(super) struct Plan {
    picker: Picker,
    /// How many choices there were.
    pub(super) choices: u64,
    last: Option<Choice>,
    streak: u32,
    pub(super) deviations: Vec<Deviation>,
    /// What else could have been done, and when.
    pub(super) roads: Vec<Deviation>,
}

impl Plan {
    pub(super) fn new(picker: Picker) -> Self {
        Self {
            picker,
            choices: 0,
            last: None,
            streak: 0,
            deviations: Vec::new(),
            roads: Vec::new(),
        }
    }

    /// Chooses among `ready`: what arrives, then who runs, each the longest waiting first.
    pub(super) fn pick(&mut self, ready: &[Choice]) -> Choice {
        assert!(!ready.is_empty(), "there is nothing to choose from");
        let ordinary = self.ordinary(ready);
        let at = self.choices;
        let choice = self.picked(at, ready, ordinary);
        self.choices += 1;
        if choice != ordinary {
            self.deviations.push(Deviation { at, choice });
        }
        if self.roads.len() < ROADS_MAX {
            let others = ready.iter().filter(|other| **other != choice);
            let roads = others.map(|&choice| Deviation { at, choice });
            self.roads.extend(roads);
        }
        if !matches!(choice, Choice::Arrival { .. }) {
            let again = self.last == Some(choice);
            self.streak = if again { self.streak + 1 } else { 0 };
            self.last = Some(choice);
        }
        choice
    }

    /// What is sent arrives, who runs goes on, and then whoever waits longest.
    fn ordinary(&self, ready: &[Choice]) -> Choice {
        let first = ready[0];
        if matches!(first, Choice::Arrival { .. }) {
            return first;
        }
        match self.last {
            Some(last) if self.streak < STREAK_MAX && ready.contains(&last) => last,
            // Its turns are over: whoever else waits longest.
            Some(last) => *ready.iter().find(|other| **other != last).unwrap_or(&first),
            None => first,
        }
    }

    fn picked(&mut self, at: u64, ready: &[Choice], ordinary: Choice) -> Choice {
        let tired = self.streak >= STREAK_MAX;
        match &mut self.picker {
            Picker::Follow(deviations) => deviations
                .binary_search_by_key(&at, |deviation| deviation.at)
                .ok()
                .map(|found| deviations[found].choice)
                .filter(|choice| ready.contains(choice))
                .unwrap_or(ordinary),
            Picker::Walk { rng, chance } => match rng.chance(*chance) {
                true => ready[rng.below(ready.len())],
                false => ordinary,
            },
            Picker::Priorities {
                rng,
                of,
                changes,
                lowest,
            } => {
                let mut top = || {
                    let mut rank = |choice: &Choice| {
                        let fresh = || LOWEST + 1 + (rng.next_u64() >> 16);
                        *of.entry(*choice).or_insert_with(fresh)
                    };
                    let ranked = ready.iter().map(|choice| (rank(choice), *choice));
                    ranked.max().map_or(ordinary, |(_, choice)| choice)
                };
                let choice = top();
                // Who runs on and on, waiting for another, would wait for ever.
                let spins = tired && self.last == Some(choice);
                if !spins && !changes.contains(&at) {
                    return choice;
                }
                *lowest -= 1;
                of.insert(choice, *lowest);
                top_of(of, ready).unwrap_or(choice)
            }
        }
    }
}

fn top_of(of: &BTreeMap<Choice, u64>, ready: &[Choice]) -> Option<Choice> {
    let ranked = ready
        .iter()
        .filter_map(|choice| Some((*of.get(choice)?, *choice)));
    ranked.max().map(|(_, choice)| choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Choice = Choice::Process { node: 0, slot: 0 };
    const B: Choice = Choice::Process { node: 0, slot: 1 };
    const D: Choice = Choice::Arrival {
        node: 0,
        slot: 1,
        nth: 0,
    };

    /// Lets a plan choose among the same things again and again.
    fn run(picker: Picker, ready: &[Choice], times: usize) -> (Vec<Choice>, Vec<Deviation>) {
        let mut plan = Plan::new(picker);
        let chosen = (0..times).map(|_| plan.pick(ready)).collect();
        (chosen, plan.deviations)
    }

    #[test]
    fn the_ordinary_order() {
        let follow = || Picker::Follow(Vec::new());
        assert_eq!(run(follow(), &[D, A, B], 2).0, [D, D]);
        assert_eq!(run(follow(), &[A, B], 3).0, [A, A, A]);
        let (chosen, deviations) = run(follow(), &[A, B], 200);
        assert!(
            chosen.contains(&B),
            "nobody runs for ever while others wait"
        );
        assert_eq!(deviations, []);
    }

    #[test]
    fn a_schedule_is_followed_where_it_can_be() {
        let at = |at, choice| Deviation { at, choice };
        let script = vec![at(1, B), at(3, D), at(4, A)];
        let (chosen, deviations) = run(Picker::Follow(script), &[A, B], 6);
        assert_eq!(chosen, [A, B, B, B, A, A]);
        assert_eq!(
            deviations,
            [at(1, B), at(4, A)],
            "what cannot be is left out"
        );
    }

    #[test]
    fn whoever_chooses_a_run_is_repeated_from_its_deviations() {
        for seed in 0..200 {
            let walk = Picker::Walk {
                rng: Rng::new(seed),
                chance: 0.3,
            };
            let priorities = Picker::priorities(Rng::new(seed), 100, 3);
            for picker in [walk, priorities] {
                let (chosen, deviations) = run(picker, &[D, A, B, Choice::Body], 300);
                let again = run(
                    Picker::Follow(deviations.clone()),
                    &[D, A, B, Choice::Body],
                    300,
                );
                assert_eq!(again, (chosen, deviations), "seed {seed}");
            }
        }
    }

    #[test]
    fn priorities_starve_nobody() {
        for seed in 0..50 {
            let (chosen, _) = run(Picker::priorities(Rng::new(seed), 10, 1), &[A, B], 1000);
            assert!(chosen.contains(&A) && chosen.contains(&B), "seed {seed}");
        }
    }
}
