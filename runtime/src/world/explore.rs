//! Is there an order of events in which this test fails?
//!
//! Role       Runs a test under many schedules: those with few preemptions one by one, some by
//!            priorities, some at random. Of a failure it keeps what the failure needs.
//! Inputs     A body that can be run again and again, and how many runs it may cost.
//! Outputs    How many different runs there were, or a [`ExploreFailure`] that says how to repeat it.
//! Limit      `Explore::runs` runs, and `Explore::shrink_runs` more for a failure.
//! Source     as in `plan.rs`

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use super::flight::Delivery;
use super::plan::{Picker, Plan};
use super::schedule::{Deviation, Schedule};
use super::shrink::shrink;
use super::sim::Sim;
use super::trace::Trace;
use super::{World, driver};
use crate::platform::panics;
use crate::{Reason, Rng, SimReport};

/// How many schedules wait to be tried at most; beyond, new ones are left out.
const WAITING_MAX: usize = 50_000;

/// How a test is explored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explore {
    /// Under how many schedules: 300 unless set.
    pub runs: u32,
    /// How many deviations from the ordinary order the schedules have that are tried one by one: 2
    /// unless set.
    pub preemptions: u32,
    /// How many runs may be spent to cut a failure down: 1000 unless set.
    pub shrink_runs: u32,
    /// What the program's random numbers, and those of the search, start from: 0 unless set.
    pub seed: u64,
    /// In which order what is sent arrives.
    pub delivery: Delivery,
}

impl Default for Explore {
    fn default() -> Self {
        Self {
            runs: 300,
            preemptions: 2,
            shrink_runs: 1000,
            seed: 0,
            delivery: Delivery::default(),
        }
    }
}

impl Explore {
    /// So many runs, and the rest as it is unless set.
    #[must_use]
    pub fn runs(runs: u32) -> Self {
        Self {
            runs,
            ..Self::default()
        }
    }
}

/// No schedule was found under which the test fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explored {
    /// How many runs there were.
    pub runs: u32,
    /// How many of them were different.
    pub distinct: u32,
}

/// A schedule under which the test fails, cut down to what the failure needs.
#[derive(Clone, Debug)]
pub struct ExploreFailure {
    /// What went wrong.
    pub what: String,
    /// The schedule.
    pub schedule: Schedule,
    /// What happened under it, for people.
    pub trace: String,
    /// How often somebody else ran than before.
    pub switches: usize,
    /// In which run the failure was found, counted from one.
    pub run: u32,
    /// How often the schedule left the ordinary order when the failure was found.
    pub deviations_found: usize,
    /// How many runs it took to cut that down.
    pub shrink_runs: u32,
}

impl fmt::Display for ExploreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            schedule,
            trace,
            switches,
            run,
            deviations_found,
            shrink_runs,
        } = self;
        let deviations = schedule.deviations();
        write!(
            f,
            "{what}\n\nfound in run {run}, where the schedule left the ordinary order \
             {deviations_found} times; {shrink_runs} runs later {deviations} times are left \
             (`>`), with {switches} switches:\n\n{trace}\nschedule {schedule}"
        )
    }
}

impl std::error::Error for ExploreFailure {}

/// What one run told.
struct Ran {
    outcome: Result<SimReport, String>,
    plan: Plan,
}

impl World {
    /// Runs `body` under many schedules, and says whether it fails under one of them. It fails when
    /// it panics, or when the run cannot be finished ([`crate::SimError`]).
    ///
    /// ```
    /// use foundation_runtime::{Explore, World};
    /// let explored = World::explore(&Explore::runs(20), |world| async move {
    ///     world.node().sleep(std::time::Duration::from_secs(1)).await;
    /// })?;
    /// assert_eq!(explored.runs, 20);
    /// # Ok::<(), Box<foundation_runtime::ExploreFailure>>(())
    /// ```
    ///
    /// # Errors
    /// [`ExploreFailure`]: the schedule, cut down to what the failure needs, and what happens.
    pub fn explore<F, Fut>(options: &Explore, body: F) -> Result<Explored, Box<ExploreFailure>>
    where
        F: Fn(World) -> Fut,
        Fut: Future<Output = ()>,
    {
        let run = |picker, trace: Option<&mut Trace>| one(options, picker, trace, &body);
        let mut seen = BTreeSet::new();
        let mut roads = Roads::new(options);
        let mut length = 1;
        for nth in 0..options.runs {
            let picker = roads.picker(nth, length);
            let Ran { outcome, plan } = run(picker, None);
            length = length.max(plan.choices);
            match outcome {
                Ok(report) => {
                    seen.insert(report.trace_hash);
                    roads.note(&plan);
                }
                Err(what) => return Err(Box::new(cut_down(options, nth, what, plan, run))),
            }
        }
        Ok(Explored {
            runs: options.runs,
            distinct: u32::try_from(seen.len()).unwrap_or(u32::MAX),
        })
    }

    /// Runs `body` once, under this schedule.
    ///
    /// # Errors
    /// [`ExploreFailure`]: it fails; the schedule is as given.
    pub fn replay<F, Fut>(
        schedule: &Schedule,
        delivery: Delivery,
        body: F,
    ) -> Result<SimReport, Box<ExploreFailure>>
    where
        F: Fn(World) -> Fut,
        Fut: Future<Output = ()>,
    {
        let options = Explore {
            seed: schedule.seed,
            delivery,
            ..Explore::default()
        };
        let mut trace = Trace::default();
        let picker = Picker::Follow(schedule.deviations.clone());
        let ran = one(&options, picker, Some(&mut trace), &body);
        ran.outcome.map_err(|what| {
            Box::new(ExploreFailure {
                what,
                schedule: schedule.clone(),
                trace: trace.to_string(),
                switches: trace.switches(),
                run: 1,
                deviations_found: schedule.deviations(),
                shrink_runs: 0,
            })
        })
    }
}

/// One run.
fn one<F, Fut>(options: &Explore, picker: Picker, trace: Option<&mut Trace>, body: &F) -> Ran
where
    F: Fn(World) -> Fut,
    Fut: Future<Output = ()>,
{
    let sim = Sim::planned(options.seed, options.delivery, Plan::new(picker));
    let world = World::simulated(&sim);
    let caught = panics::caught(|| driver::run(&sim, &world, trace, body));
    world.forget_nodes();
    let outcome = match caught {
        Ok(Ok(((), report))) => Ok(report),
        Ok(Err(error)) => Err(error.to_string()),
        Err(Reason::Crash(crash)) => Err(match &crash.location {
            Some(at) => format!("panic at {at}: {}", crash.message),
            None => format!("panic: {}", crash.message),
        }),
        Err(reason) => Err(reason.to_string()),
    };
    let plan = sim.take_plan().expect("a plan made the choices");
    Ran { outcome, plan }
}

/// Leaves out of a failing run what the failure does not need, looks for one with still fewer
/// deviations, and runs what is left once more.
fn cut_down(
    options: &Explore,
    nth: u32,
    what: String,
    plan: Plan,
    run: impl Fn(Picker, Option<&mut Trace>) -> Ran,
) -> ExploreFailure {
    let deviations_found = plan.deviations.len();
    let kind = without_numbers(&what);
    let fails = |some: &[Deviation]| {
        let Ran { outcome, plan } = run(Picker::Follow(some.to_vec()), None);
        match outcome {
            Err(what) if without_numbers(&what) == kind => Err(()),
            _ => Ok(plan.roads),
        }
    };
    let shrunk = shrink(plan.deviations, options.shrink_runs / 2, |some| {
        fails(some).is_err()
    });
    let mut runs = shrunk.runs;
    let kept = fewer(shrunk.kept, options, &mut runs, fails);
    let mut trace = Trace::default();
    let last = run(Picker::Follow(kept.clone()), Some(&mut trace));
    ExploreFailure {
        what: last.outcome.err().unwrap_or(what),
        schedule: Schedule {
            seed: options.seed,
            deviations: kept,
        },
        trace: trace.to_string(),
        switches: trace.switches(),
        run: nth + 1,
        deviations_found,
        shrink_runs: runs,
    }
}

/// What cannot be left out may be replaced by less: tries one deviation of the ordinary run, and then
/// one more after the first that was kept.
fn fewer(
    kept: Vec<Deviation>,
    options: &Explore,
    runs: &mut u32,
    fails: impl Fn(&[Deviation]) -> Result<Vec<Deviation>, ()>,
) -> Vec<Deviation> {
    let mut rng = Rng::new(options.seed);
    for begin in [&kept[..0], &kept[..kept.len().min(1)]] {
        if kept.len() <= begin.len() + 1 || *runs >= options.shrink_runs {
            break;
        }
        *runs += 1;
        let Ok(mut roads) = fails(begin) else {
            return begin.to_vec();
        };
        let after = begin.last().map(|last| last.at);
        roads.retain(|road| after.is_none_or(|after| after < road.at));
        while !roads.is_empty() && *runs < options.shrink_runs {
            let road = roads.swap_remove(rng.below(roads.len()));
            let some: Vec<Deviation> = begin.iter().copied().chain([road]).collect();
            *runs += 1;
            if fails(&some).is_err() {
                return some;
            }
        }
    }
    kept
}

/// What went wrong, whoever it was: the same failure may name other processes and figures.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Which schedules are still to be tried one by one, those with the fewest deviations first.
struct Roads<'a> {
    options: &'a Explore,
    rng: Rng,
    /// By how many deviations they have, less one.
    waiting: VecDeque<Vec<Vec<Deviation>>>,
    count: usize,
    /// The schedule that runs, when it is one of these.
    running: Option<Vec<Deviation>>,
}

impl<'a> Roads<'a> {
    fn new(options: &'a Explore) -> Self {
        Self {
            options,
            rng: Rng::new(options.seed ^ 0x5eed),
            waiting: VecDeque::new(),
            count: 0,
            running: None,
        }
    }

    /// Who makes the choices of the nth run, when runs have had so many choices.
    fn picker(&mut self, nth: u32, length: u64) -> Picker {
        self.running = None;
        if nth == 0 {
            self.running = Some(Vec::new());
            return Picker::Follow(Vec::new());
        }
        let rng = Rng::new(self.rng.next_u64());
        match nth % 3 {
            1 if let Some(next) = self.take() => {
                self.running = Some(next.clone());
                Picker::Follow(next)
            }
            2 => Picker::priorities(rng, length, nth / 3 % 4),
            _ => {
                const CHANCES: [f64; 4] = [0.02, 0.1, 0.4, 1.0];
                let chance = CHANCES[nth as usize / 3 % CHANCES.len()];
                Picker::Walk { rng, chance }
            }
        }
    }

    /// One of those with the fewest deviations.
    fn take(&mut self) -> Option<Vec<Deviation>> {
        let level = self.waiting.iter_mut().find(|level| !level.is_empty())?;
        self.count -= 1;
        let at = self.rng.below(level.len());
        Some(level.swap_remove(at))
    }

    /// A run is over: what it could have done otherwise, after its last deviation, is to be tried.
    fn note(&mut self, plan: &Plan) {
        let Some(ran) = self.running.take() else {
            return;
        };
        let depth = ran.len();
        if depth >= self.options.preemptions as usize {
            return;
        }
        let after = ran.last().map(|last| last.at);
        while self.waiting.len() <= depth {
            self.waiting.push_back(Vec::new());
        }
        for road in &plan.roads {
            let later = after.is_none_or(|after| after < road.at);
            if !later || self.count == WAITING_MAX {
                continue;
            }
            let mut next = ran.clone();
            next.push(*road);
            self.waiting[depth].push(next);
            self.count += 1;
        }
    }
}
