//! Which of these faults are to blame?
//!
//! Role       Runs a failing test again and again with less of its plan.
//! Limit      So many runs as the caller allows.
//! Source     Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002: ddmin.

use std::time::Duration;

use super::plan::{Fault, Plan};

/// What is left of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// The shortest plan that was found to fail.
    pub plan: Plan,
    /// How many runs that took.
    pub runs: u32,
    /// Whether nothing more can be taken away; `false` when the runs were used up.
    pub is_minimal: bool,
}

/// Makes a plan that fails as short as it can be while it still fails, and then simpler: no fault of
/// what is returned can be left out, unless the runs were used up. `fails` runs the test with a plan and
/// says whether it fails; it is to be deterministic, as a test under a seed is.
///
/// ```
/// use foundation_cluster::faults::{Fault, Plan, shrink};
/// use std::time::Duration;
/// let plan = Plan::random(3, 5, Duration::from_secs(60), 20);
/// // A test that cannot stand a crash.
/// let crashes = |plan: &Plan| plan.faults().iter().any(|(_, it)| matches!(it, Fault::Crash(_)));
/// let shrunk = shrink(&plan, 200, crashes);
/// assert!(shrunk.is_minimal);
/// assert_eq!(shrunk.plan.faults().len(), 1);
/// ```
pub fn shrink(plan: &Plan, runs_max: u32, fails: impl FnMut(&Plan) -> bool) -> Shrunk {
    let mut trial = Trial {
        fails,
        runs: 0,
        runs_max,
    };
    let faults = trial.remove(plan.faults().to_vec());
    let faults = trial.simplify(faults);
    Shrunk {
        plan: Plan::new(faults),
        runs: trial.runs,
        is_minimal: trial.runs < runs_max,
    }
}

struct Trial<F> {
    fails: F,
    runs: u32,
    runs_max: u32,
}

type Faults = Vec<(Duration, Fault)>;

impl<F: FnMut(&Plan) -> bool> Trial<F> {
    /// Runs the test, if it may; what a plan cannot have is left out of it.
    fn still_fails(&mut self, faults: &Faults) -> Option<Faults> {
        if self.runs == self.runs_max {
            return None;
        }
        self.runs += 1;
        let plan = Plan::new(faults.iter().copied());
        (self.fails)(&plan).then(|| plan.faults().to_vec())
    }

    /// Leaves out what can be: halves first, then smaller and smaller pieces, one by one at last.
    fn remove(&mut self, mut faults: Faults) -> Faults {
        let mut pieces = 2;
        while !faults.is_empty() && self.runs < self.runs_max {
            let size = faults.len().div_ceil(pieces);
            let shorter = (0..faults.len()).step_by(size).find_map(|begin| {
                let end = (begin + size).min(faults.len());
                let rest = [&faults[..begin], &faults[end..]].concat();
                self.still_fails(&rest)
            });
            match shorter {
                Some(shorter) => {
                    faults = shorter;
                    pieces = (pieces - 1).max(2);
                }
                None if size == 1 => break,
                None => pieces = (2 * pieces).min(faults.len()),
            }
        }
        faults
    }

    /// Tries simpler faults in the place of each, and whole seconds.
    fn simplify(&mut self, mut faults: Faults) -> Faults {
        let mut at = 0;
        while at < faults.len() {
            let found = simpler(faults[at]).into_iter().find_map(|simpler| {
                let mut other = faults.clone();
                other[at] = simpler;
                let found = self.still_fails(&other)?;
                (found.len() == faults.len()).then_some(found)
            });
            match found {
                Some(found) => faults = found,
                None => at += 1,
            }
        }
        faults
    }
}

/// What may do as well as a fault.
fn simpler((when, fault): (Duration, Fault)) -> Vec<(Duration, Fault)> {
    let mut all = Vec::new();
    match fault {
        Fault::PowerOff(node) => all.push((when, Fault::Crash(node))),
        Fault::CutOneWay(a, b) | Fault::Link(a, b, _) => all.push((when, Fault::Cut(a, b))),
        Fault::Slow(node, turn) if turn > Duration::from_millis(1) => {
            all.push((when, Fault::Slow(node, turn / 2)));
        }
        Fault::SlowDisk(node, each) if each > Duration::from_millis(1) => {
            all.push((when, Fault::SlowDisk(node, each / 2)));
        }
        Fault::ClockJump(node, ahead) if ahead > Duration::from_secs(1) => {
            all.push((when, Fault::ClockJump(node, ahead / 2)));
        }
        _ => {}
    }
    let whole = Duration::from_secs(when.as_secs());
    if whole != when {
        all.push((whole, fault));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::read(text, 9, Duration::from_secs(100)).expect("it is a plan")
    }

    #[test]
    fn what_is_to_blame_together_is_left_and_nothing_else() {
        let blamed = |plan: &Plan| {
            let text = plan.to_string();
            text.contains("crash n3") && text.contains("cut n1 n2") && !text.contains("heal")
        };
        for seed in 0..50 {
            let mut faults = Plan::random(seed, 9, Duration::from_secs(60), 30)
                .faults()
                .to_vec();
            faults.retain(|(_, fault)| *fault != Fault::Heal);
            faults.insert(0, (Duration::from_millis(1), Fault::Crash(3)));
            faults.push((Duration::from_millis(59_500), Fault::Cut(1, 2)));
            let shrunk = shrink(&Plan::new(faults), 1000, blamed);
            let text = shrunk.plan.to_string();
            assert!(shrunk.is_minimal, "seed {seed}: {text}");
            assert_eq!(shrunk.plan.faults().len(), 2, "seed {seed}: {text}");
            assert!(blamed(&shrunk.plan), "seed {seed}: {text}");
        }
    }

    #[test]
    fn a_restart_goes_with_its_crash() {
        let failing = plan("1s crash n1\n2s crash n2\n3s restart n1\n4s pause n1\n5s restart n2");
        let shrunk = shrink(&failing, 100, |plan| {
            plan.to_string().contains("restart n2")
        });
        assert_eq!(shrunk.plan.to_string(), "2s crash n2\n5s restart n2\n");
    }

    #[test]
    fn what_is_left_is_simple() {
        let failing = plan("1500ms power_off n1\n2700ms slow n2 64ms\n3s link n1 n2 1ms 9ms 0.2");
        let count = |plan: &Plan| plan.faults().len() == 3;
        let shrunk = shrink(&failing, 100, count);
        let text = shrunk.plan.to_string();
        assert_eq!(text, "1s crash n1\n2s slow n2 1ms\n3s cut n1 n2\n");
    }

    #[test]
    fn no_more_runs_are_made_than_may_be() {
        let failing = Plan::random(1, 9, Duration::from_secs(60), 100);
        let mut runs = 0;
        let shrunk = shrink(&failing, 7, |_| {
            runs += 1;
            false
        });
        assert_eq!((runs, shrunk.runs, shrunk.is_minimal), (7, 7, false));
        assert_eq!(shrunk.plan, failing, "nothing shorter was found");
    }
}
