//! Which part of a failing schedule does the failure need?
//!
//! Role       Leaves deviations out as long as the run fails without them.
//! Inputs     The deviations, whether a run with some of them fails, and how many runs it may cost.
//! Outputs    Deviations with which it fails; unless the runs ran out, none of them can be left out.
//! Source     Zeller and Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing Input"

/// What is left of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shrunk<T> {
    pub(super) kept: Vec<T>,
    /// How many runs it took.
    pub(super) runs: u32,
}

/// Cuts `all` down to what `fails` needs.
pub(super) fn shrink<T: Clone>(
    all: Vec<T>,
    runs_max: u32,
    mut fails: impl FnMut(&[T]) -> bool,
) -> Shrunk<T> {
    let mut shrunk = Shrunk { kept: all, runs: 0 };
    let mut part = shrunk.kept.len().max(1);
    while !shrunk.kept.is_empty() {
        let smaller = pass(&mut shrunk, part, runs_max, &mut fails);
        if shrunk.runs >= runs_max || (part == 1 && !smaller) {
            break;
        }
        // What one pass left out may make other parts needless.
        part = match smaller && part == 1 {
            true => 1,
            false => part.div_ceil(2).min(shrunk.kept.len().max(1)),
        };
    }
    shrunk
}

/// Tries to leave out each part of this length once: whether one could be.
fn pass<T: Clone>(
    shrunk: &mut Shrunk<T>,
    part: usize,
    runs_max: u32,
    fails: &mut impl FnMut(&[T]) -> bool,
) -> bool {
    let (mut at, mut smaller) = (0, false);
    while at < shrunk.kept.len() && shrunk.runs < runs_max {
        let end = (at + part).min(shrunk.kept.len());
        let mut without = shrunk.kept.clone();
        without.drain(at..end);
        shrunk.runs += 1;
        if fails(&without) {
            shrunk.kept = without;
            smaller = true;
        } else {
            at = end;
        }
    }
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    #[test]
    fn what_is_needed_is_left() {
        let rows: [(Vec<u32>, &[u32]); 5] = [
            ((0..1000).collect(), &[]),
            ((0..1000).collect(), &[0]),
            ((0..1000).collect(), &[999]),
            ((0..1000).collect(), &[3, 500, 501]),
            (vec![], &[]),
        ];
        for (all, needed) in rows {
            let fails = |some: &[u32]| needed.iter().all(|n| some.contains(n));
            assert_eq!(shrink(all, 10_000, fails).kept, needed);
        }
    }

    #[test]
    fn nothing_that_is_left_can_be_left_out() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            // Fails with so many of the first half, or with one pair: not monotone.
            let count = 1 + rng.below(5);
            let pair = (rng.below(60) as u32, rng.below(60) as u32);
            let fails = |some: &[u32]| {
                some.iter().filter(|n| **n < 30).count() == count
                    || (some.contains(&pair.0) && some.contains(&pair.1))
            };
            let all: Vec<u32> = (0..60).collect();
            let kept = shrink(all, 10_000, fails).kept;
            assert!(fails(&kept), "seed {seed}");
            for leave in 0..kept.len() {
                let mut without = kept.clone();
                without.remove(leave);
                assert!(!fails(&without), "seed {seed}: {kept:?} without {leave}");
            }
        }
    }

    #[test]
    fn it_costs_no_more_runs_than_allowed() {
        let mut runs = 0;
        let shrunk = shrink((0..1000).collect::<Vec<u32>>(), 50, |some| {
            runs += 1;
            some.len() > 500
        });
        assert_eq!((shrunk.runs, runs), (50, 50));
        assert!(shrunk.kept.len() > 500);
    }
}
