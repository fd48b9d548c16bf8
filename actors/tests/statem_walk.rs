//! Does the state machine keep its order whatever its handlers ask for?
//!
//! Role       A seeded walk of the machine beside a model of lists, with timers that fire too late.
//! Source     otp: gen_statem, loop_state_transition/9 and what follows it; rows B159-B168, B223

use std::time::Duration;

use foundation_actors::statem::machine::*;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A timer as the world keeps it: taken back ones may have fired a moment before.
struct Armed {
    timeout: Timeout,
    timer: TimerId,
    deadline: u64,
}

/// gen_statem as the book tells it, in lists.
#[derive(Default)]
struct Model {
    inside: Vec<u64>,
    postponed: Vec<u64>,
    /// In the order in which they were started: name, when (`None`: over), event.
    timeouts: Vec<(Timeout, Option<u64>, u64)>,
    entering: Option<(bool, Vec<u64>, Vec<(Timeout, Ask<u64>)>)>,
}

impl Model {
    /// What has to be handled next, if anything inside.
    fn expected(&self) -> Option<Effect<u64>> {
        if self.entering.is_some() {
            return Some(Effect::Enter);
        }
        let zero = self.timeouts.iter().find(|(_, when, _)| when.is_none());
        let first = self.inside.first().copied();
        first
            .or(zero.map(|(_, _, event)| *event))
            .map(Effect::Handle)
    }

    fn took(&mut self) {
        if self.entering.is_some() {
        } else if self.inside.is_empty() {
            let at = self.timeouts.iter().position(|(_, when, _)| when.is_none());
            self.timeouts.remove(at.unwrap());
        } else {
            self.inside.remove(0);
        }
    }

    fn settle(
        &mut self,
        now: u64,
        moved: bool,
        inserted: Vec<u64>,
        asks: Vec<(Timeout, Ask<u64>)>,
    ) {
        let gone =
            |timeout: Timeout| timeout == Timeout::Event || (moved && timeout == Timeout::State);
        self.timeouts.retain(|(timeout, ..)| !gone(*timeout));
        let retried = if moved {
            std::mem::take(&mut self.postponed)
        } else {
            Vec::new()
        };
        self.inside = [inserted, retried, std::mem::take(&mut self.inside)].concat();
        for (at, (timeout, ask)) in asks.iter().enumerate() {
            if asks[at + 1..].iter().any(|(later, _)| later == timeout) {
                continue;
            }
            let running = self.timeouts.iter().position(|(name, ..)| name == timeout);
            match (ask, running) {
                (Ask::Update(event), Some(at)) => self.timeouts[at].2 = *event,
                (Ask::Update(event), None) => self.timeouts.push((*timeout, None, *event)),
                (Ask::Cancel, at) => {
                    at.map(|at| self.timeouts.remove(at));
                }
                (Ask::Start(after, event), at) => {
                    at.map(|at| self.timeouts.remove(at));
                    let after = after.as_nanos() as u64;
                    let when = (after != 0).then_some(now + after);
                    self.timeouts.push((*timeout, when, *event));
                }
            }
        }
    }
}

struct Walk {
    dice: Dice,
    seed: u64,
    now: u64,
    fresh: u64,
    machine: Machine<u64>,
    model: Model,
    armed: Vec<Armed>,
    stale: Vec<Armed>,
    refused: Vec<Effect<u64>>,
    handled: [u32; 4],
    plain: u32,
}

const MAX: usize = 6;

impl Walk {
    fn event(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    fn timeout(&mut self) -> Timeout {
        match self.dice.below(5) {
            0 => Timeout::Event,
            1 => Timeout::State,
            2 => Timeout::Named("a".into()),
            3 => Timeout::Named(TimeoutName::new("a").of(1)),
            _ => Timeout::Named("b".into()),
        }
    }

    fn asks(&mut self) -> Vec<(Timeout, Ask<u64>)> {
        let count = self.dice.below(4).saturating_sub(1);
        let mut asks = Vec::new();
        for _ in 0..count {
            let event = self.event();
            let ask = match self.dice.below(8) {
                0 => Ask::Cancel,
                1 => Ask::Update(event),
                2 | 3 => Ask::Start(Duration::ZERO, event),
                // No two deadlines are the same.
                _ => Ask::Start(
                    Duration::from_nanos(self.dice.below(1 << 20) << 20 | event),
                    event,
                ),
            };
            asks.push((self.timeout(), ask));
        }
        asks
    }

    fn feed(&mut self, input: Input<u64>) -> Vec<Effect<u64>> {
        let mut effects = Vec::new();
        self.machine.step(input, &mut effects);
        self.machine.check();
        effects
    }

    /// Timers as the effects have them; what else they want is given back.
    fn perform(&mut self, effects: Vec<Effect<u64>>) -> Vec<Effect<u64>> {
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Arm {
                    timeout,
                    timer,
                    after,
                } => {
                    let twice = self.armed.iter().any(|armed| armed.timeout == timeout);
                    assert!(!twice, "seed {}: {timeout:?} has two timers", self.seed);
                    let deadline = self.now + after.as_nanos() as u64;
                    self.armed.push(Armed {
                        timeout,
                        timer,
                        deadline,
                    });
                }
                Effect::Disarm { timeout } => {
                    let at = self.armed.iter().position(|armed| armed.timeout == timeout);
                    let at = at.unwrap_or_else(|| panic!("seed {}: no {timeout:?}", self.seed));
                    self.stale.push(self.armed.remove(at));
                }
                other => others.push(other),
            }
        }
        others
    }

    /// One thing from outside; whether it is handled.
    fn outside(&mut self) -> Option<u64> {
        match self.dice.below(4) {
            0 if !self.armed.is_empty() => {
                let at = (0..self.armed.len()).min_by_key(|at| self.armed[*at].deadline);
                let fired = self.armed.remove(at.unwrap());
                self.now = self.now.max(fired.deadline);
                self.fire(&fired)
            }
            1 if !self.stale.is_empty() => {
                let at = self.dice.below(self.stale.len() as u64) as usize;
                let fired = self.stale.remove(at);
                self.fire(&fired)
            }
            _ => {
                let effects = self.feed(Input::Received);
                assert!(effects.is_empty());
                Some(self.event())
            }
        }
    }

    fn fire(&mut self, fired: &Armed) -> Option<u64> {
        let runs = |(timeout, when, _): &(Timeout, Option<u64>, u64)| {
            *timeout == fired.timeout && *when == Some(fired.deadline)
        };
        let at = self.model.timeouts.iter().position(runs);
        let expected = at.map(|at| self.model.timeouts.remove(at).2);
        let effects = self.feed(Input::Fired(fired.timeout, fired.timer));
        let wanted: Vec<_> = expected.map(Effect::Handle).into_iter().collect();
        assert_eq!(effects, wanted, "seed {}: {:?}", self.seed, fired.timeout);
        expected
    }

    /// The handler of this event does what it likes.
    fn handle(&mut self, event: u64) {
        let change = match self.dice.below(6) {
            0 => Change::Repeat,
            1 | 2 => Change::Move,
            _ => Change::Keep,
        };
        let moved = change == Change::Move;
        let postponed = self.dice.chance(30).then_some(event);
        let count = if self.dice.chance(25) {
            self.dice.below(4)
        } else {
            0
        };
        let inserted: Vec<u64> = (0..count).map(|_| self.event()).collect();
        let timeouts = self.asks();
        let mut refused = None;
        if let Some(event) = postponed {
            if moved || self.model.postponed.len() < MAX {
                self.model.postponed.push(event);
            } else {
                refused = Some(event);
            }
        }
        let (now, own) = (self.now, inserted.clone());
        // Refused or not is decided when the transition is over; no enter call changes that.
        let mut wanted: Vec<_> = refused.map(Effect::Refuse).into_iter().collect();
        if change == Change::Keep {
            self.model.settle(now, moved, own, timeouts.clone());
        } else {
            self.model.entering = Some((moved, own, timeouts.clone()));
            self.refused = std::mem::take(&mut wanted);
        }
        let asks = Asks {
            postponed,
            inserted,
            timeouts,
        };
        let quiet =
            asks.postponed.is_none() && asks.inserted.is_empty() && asks.timeouts.is_empty();
        // As the driver does it.
        if quiet && change == Change::Keep && self.machine.done_plainly() {
            self.machine.check();
            self.plain += 1;
            return;
        }
        let asks = Some(Box::new(asks));
        let effects = self.feed(Input::Done(Outcome { change, asks }));
        let others = self.perform(effects);
        assert_eq!(others, wanted, "seed {}", self.seed);
    }

    fn enter(&mut self) {
        let repeats = self.dice.chance(10);
        let timeouts = self.asks();
        let (moved, inserted, mut asks) = self.model.entering.take().unwrap();
        asks.extend(timeouts.clone());
        let mut wanted = Vec::new();
        if repeats {
            self.model.entering = Some((moved, inserted, asks));
        } else {
            wanted = std::mem::take(&mut self.refused);
            self.model.settle(self.now, moved, inserted, asks);
        }
        let change = if repeats {
            Change::Repeat
        } else {
            Change::Keep
        };
        let asks = Asks {
            timeouts,
            ..Asks::default()
        };
        let asks = Some(Box::new(asks));
        let effects = self.feed(Input::Done(Outcome { change, asks }));
        let others = self.perform(effects);
        assert_eq!(others, wanted, "seed {}", self.seed);
    }

    fn step(&mut self) {
        let expected = self.model.expected();
        let waits = self.machine.waits();
        assert_eq!(waits, expected.is_some(), "seed {}", self.seed);
        match expected {
            Some(expected) => {
                let got = self.feed(Input::Next);
                assert_eq!(got, std::slice::from_ref(&expected), "seed {}", self.seed);
                self.model.took();
                match expected {
                    Effect::Handle(event) => {
                        self.handled[0] += 1;
                        self.handle(event);
                    }
                    _ => {
                        self.handled[1] += 1;
                        self.enter();
                    }
                }
            }
            None => {
                assert!(self.feed(Input::Next).is_empty(), "seed {}", self.seed);
                match self.outside() {
                    Some(event) => {
                        self.handled[2] += 1;
                        self.handle(event);
                    }
                    None => self.handled[3] += 1,
                }
            }
        }
    }
}

#[test]
fn a_walk_beside_the_model() {
    let (mut total, mut plain) = ([0; 4], 0);
    for seed in 1..=400_u64 {
        let mut walk = Walk {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            seed,
            now: 0,
            fresh: 0,
            machine: Machine::new(true, MAX),
            model: Model {
                entering: Some((false, Vec::new(), Vec::new())),
                ..Model::default()
            },
            armed: Vec::new(),
            stale: Vec::new(),
            refused: Vec::new(),
            handled: [0; 4],
            plain: 0,
        };
        let change = Change::Repeat;
        walk.feed(Input::Done(Outcome { change, asks: None }));
        for _ in 0..500 {
            walk.step();
        }
        plain += walk.plain;
        for (total, one) in total.iter_mut().zip(walk.handled) {
            *total += one;
        }
    }
    assert!(1_000 < plain, "plain: only {plain}");
    // Inside, enter calls, outside, and timers that came too late: the walk went everywhere.
    for (what, count) in ["inside", "entered", "outside", "stale"].iter().zip(total) {
        assert!(1_000 < count, "{what}: only {count}");
    }
}
