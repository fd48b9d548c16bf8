//! Does the timer wheel fire exactly what is due, in order, and never early?
//!
//! Role       Table and walk of `foundation_runtime::timer::Wheel`.
//! Inputs     Edge cases by hand; seeded random calls.
//! Outputs    A panic that prints the seed.
//! Owns       The model: a `BTreeMap` from (deadline, insertion) to the timer.
//! Invariant  After each call the wheel and the model give the same answers.

use std::collections::BTreeMap;

use foundation_runtime::timer::{Wheel, WheelKey as Key};

const TICK: u64 = 1 << 20;
const MILLI: u64 = 1_000_000;
/// A driver needs one sleep for each level of the wheel, and one to fire.
const SLEEPS_MAX: usize = 9;

// Table ------------------------------------------------------------------------------------------

/// Inserts the deadlines in order, advances to each time in turn, and compares what fires there.
/// The same is done with a driver's sleeps in between, which must fire nothing they should not.
fn check(start: u64, deadlines: &[u64], expected: &[(u64, &[u64])]) {
    check_fires(start, deadlines, expected, false);
    check_fires(start, deadlines, expected, true);
}

fn check_fires(start: u64, deadlines: &[u64], expected: &[(u64, &[u64])], sleeps: bool) {
    let mut wheel = Wheel::new(start);
    for (order, &deadline) in deadlines.iter().enumerate() {
        wheel.insert(deadline, order);
        wheel.check();
    }
    let mut left = deadlines.len();
    for &(now, due) in expected {
        let mut fired = Vec::new();
        let sleeps_max = if sleeps { SLEEPS_MAX * left } else { 0 };
        for _ in 0..sleeps_max {
            let Some(bound) = wheel.next_deadline().filter(|&bound| bound < now) else {
                break;
            };
            wheel.advance(bound.max(start), &mut fired);
            wheel.check();
        }
        wheel.advance(now, &mut fired);
        wheel.check();
        let fired_deadlines: Vec<u64> = fired.iter().map(|&(deadline, _)| deadline).collect();
        assert_eq!(fired_deadlines, due, "at {now}, inserted {deadlines:?}");
        assert!(fired.is_sorted(), "equal deadlines out of order: {fired:?}");
        assert!(
            fired
                .iter()
                .all(|&(deadline, order)| deadlines[order] == deadline)
        );
        left -= fired.len();
        assert_eq!(wheel.len(), left);
        assert_eq!(wheel.is_empty(), left == 0);
    }
}

/// A lone timer: nothing just before the deadline, itself at the deadline.
fn check_alone(start: u64, deadline: u64) {
    check(
        start,
        &[deadline],
        &[(deadline - 1, &[]), (deadline, &[deadline])],
    );
    check(start, &[deadline], &[(start, &[]), (u64::MAX, &[deadline])]);
    let mut wheel = Wheel::new(start);
    let key = wheel.insert(deadline, ());
    assert_eq!(wheel.deadline(key), Some(deadline));
    assert_eq!(
        wheel.next_deadline(),
        Some(deadline),
        "exact for a lone timer"
    );
}

#[test]
fn nothing_to_do() {
    let mut wheel = Wheel::<()>::new(7);
    let mut fired = Vec::new();
    wheel.advance(7, &mut fired);
    wheel.advance(u64::MAX, &mut fired);
    wheel.check();
    assert_eq!(
        (fired.len(), wheel.len(), wheel.next_deadline()),
        (0, 0, None)
    );
}

#[test]
fn within_one_tick() {
    check(0, &[5, 3, 4], &[(2, &[]), (3, &[3]), (5, &[4, 5])]);
    check(0, &[9, 9, 9], &[(8, &[]), (9, &[9, 9, 9])]);
    check(
        0,
        &[TICK + 9, TICK + 5],
        &[
            (TICK + 4, &[]),
            (TICK + 8, &[TICK + 5]),
            (TICK * 2, &[TICK + 9]),
        ],
    );
    check(
        TICK + 4,
        &[TICK + 5, TICK + 4],
        &[(TICK + 4, &[TICK + 4]), (TICK + 5, &[TICK + 5])],
    );
}

#[test]
fn zero_and_past() {
    check(0, &[0], &[(0, &[0])]);
    check(9, &[0], &[(9, &[0])]);
    check(
        TICK * 70,
        &[TICK * 70, 3, TICK, 3],
        &[(TICK * 70, &[3, 3, TICK, TICK * 70])],
    );
    check(u64::MAX, &[u64::MAX, 0], &[(u64::MAX, &[0, u64::MAX])]);
}

#[test]
fn tick_and_level_boundaries() {
    for level in 0..8 {
        let span = TICK << (6 * level);
        for count in [1, 2, 3] {
            for start in [0, 1, TICK - 1, TICK, span - 1, span * count - 1] {
                for deadline in [span * count - 1, span * count, span * count + 1] {
                    if start < deadline {
                        check_alone(start, deadline);
                    }
                }
            }
        }
        let (below, above) = (span - 1, span + 1);
        check(
            0,
            &[above, span, below],
            &[(below, &[below]), (span, &[span]), (above, &[above])],
        );
        check(
            0,
            &[above, span, below],
            &[(span * 2, &[below, span, above])],
        );
    }
}

#[test]
fn last_slot_then_carry() {
    for level in 0..7 {
        let start = (TICK << (6 * (level + 1))) - 1; // All digits up to this level are 63.
        check_alone(start, start + 1);
        check_alone(start, start + TICK);
        check_alone(start, start + (TICK << (6 * level)));
    }
}

#[test]
fn far_future() {
    let erlang_max = (1 << 31) * MILLI;
    check_alone(0, erlang_max);
    check_alone(12_345, 12_345 + erlang_max * 3);
    check_alone(0, 1 << 63);
    check_alone(0, u64::MAX);
    check_alone(u64::MAX - 1, u64::MAX);
    check(
        0,
        &[u64::MAX, 1 << 62, u64::MAX],
        &[
            (u64::MAX - 1, &[1 << 62]),
            (u64::MAX, &[u64::MAX, u64::MAX]),
        ],
    );
}

#[test]
fn equal_deadlines_fire_in_order_of_insertion() {
    let mut wheel = Wheel::new(0);
    let mut fired = Vec::new();
    let deadline = TICK * 5_000 + 77;
    for (order, now) in [0, TICK * 60, TICK * 4_900, TICK * 4_999, TICK * 5_000 + 76]
        .iter()
        .enumerate()
    {
        wheel.advance(*now, &mut fired); // So that each insertion meets another level.
        wheel.insert(deadline, order);
        wheel.check();
    }
    assert_eq!(fired, []);
    wheel.advance(deadline, &mut fired);
    assert_eq!(fired, [0, 1, 2, 3, 4].map(|order| (deadline, order)));
}

#[test]
fn output_is_appended() {
    let mut wheel = Wheel::new(0);
    wheel.insert(1, 'b');
    let mut fired = vec![(0, 'a')];
    wheel.advance(1, &mut fired);
    assert_eq!(fired, [(0, 'a'), (1, 'b')]);
}

#[test]
fn cancel_then_fire() {
    for distance in [0, 5, TICK, TICK * 64, TICK << 30] {
        let mut wheel = Wheel::new(3);
        let keys = [10, 20, 30].map(|plus| wheel.insert(distance + plus, plus));
        assert_eq!(wheel.get(keys[1]), Some(&20));
        assert_eq!(wheel.cancel(keys[1]), Some(20));
        wheel.check();
        assert_eq!(wheel.cancel(keys[1]), None);
        assert_eq!((wheel.get(keys[1]), wheel.deadline(keys[1])), (None, None));
        let mut fired = Vec::new();
        wheel.advance(distance + 25, &mut fired);
        assert_eq!(fired, [(distance + 10, 10)]);
        assert_eq!(wheel.cancel(keys[0]), None, "it has fired");
        assert_eq!(wheel.cancel(keys[2]), Some(30));
        assert_eq!((wheel.len(), wheel.next_deadline()), (0, None));
        wheel.check();
    }
}

#[test]
fn a_stale_key_does_not_hit_the_next_timer_in_its_slot() {
    let mut wheel = Wheel::new(0);
    let mut fired = Vec::new();
    let mut stale = Vec::new();
    for round in 1..100 {
        let key = wheel.insert(round * TICK, round);
        for &old in &stale {
            assert_ne!(old, key);
            assert_eq!((wheel.deadline(old), wheel.get(old)), (None, None));
            assert_eq!(wheel.cancel(old), None);
        }
        if round % 2 == 0 {
            assert_eq!(wheel.cancel(key), Some(round));
        } else {
            wheel.advance(round * TICK, &mut fired);
            assert_eq!(fired.pop(), Some((round * TICK, round)));
        }
        assert_eq!(wheel.cancel(key), None);
        stale.push(key);
        wheel.check();
    }
}

#[test]
fn cancelled_timers_of_the_current_tick_do_not_pile_up() {
    let mut wheel = Wheel::new(0);
    wheel.insert(1, 0);
    for deadline in 0..100_000 {
        let key = wheel.insert(10 + deadline, deadline);
        assert_eq!(wheel.cancel(key), Some(deadline));
        assert_eq!(wheel.next_deadline(), Some(1));
    }
    wheel.check();
    let mut fired = Vec::new();
    wheel.advance(200_000, &mut fired);
    assert_eq!(fired, [(1, 0)]);
}

#[test]
fn a_crowded_slot_gives_a_lower_bound() {
    let mut wheel = Wheel::new(0);
    for plus in 0..100 {
        wheel.insert(TICK * 100 + 1_000 + plus, plus);
    }
    let mut fired = Vec::new();
    let mut sleeps = Vec::new();
    for _ in 0..3 {
        let bound = wheel.next_deadline().expect("timers are armed");
        wheel.advance(bound, &mut fired);
        sleeps.push(bound);
    }
    assert_eq!(sleeps, [TICK * 64, TICK * 100, TICK * 100 + 1_000]);
    assert_eq!(fired, [(TICK * 100 + 1_000, 0)]);
}

#[test]
#[should_panic(expected = "time ran backwards")]
fn time_does_not_run_backwards() {
    Wheel::<()>::new(5).advance(4, &mut Vec::new());
}

#[test]
fn keys_are_small() {
    assert_eq!(size_of::<Key>(), 8);
    assert_eq!(size_of::<Option<Key>>(), 8);
}

// Walk -------------------------------------------------------------------------------------------

const SEEDS: u64 = 200;
const STEPS: u64 = 3_000;

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Any magnitude of up to `bits` bits is as likely as any other.
    fn magnitude(&mut self, bits: u64) -> u64 {
        match self.below(bits + 1) {
            0 => 0,
            bits => (1 << (bits - 1)) | (self.next() >> (64 - bits) >> 1),
        }
    }
}

struct Walk {
    dice: Dice,
    wheel: Wheel<u64>,
    /// Key and number by deadline and number; numbers count insertions.
    model: BTreeMap<(u64, u64), Key>,
    /// Every key so far, with its place in the model.
    keys: Vec<(Key, (u64, u64))>,
    now: u64,
    /// Bits of the longest delay and of the longest step of time.
    delay_bits: u64,
    step_bits: u64,
    live_max: usize,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let now = match dice.below(4) {
            0 => 0,
            1 => u64::MAX - dice.magnitude(50),
            2 => (TICK << (6 * dice.below(8))) - dice.below(2),
            _ => dice.magnitude(64),
        };
        let delay_bits = 10 + dice.below(55);
        let step_bits = 10 + dice.below(delay_bits.min(45));
        let live_max = if dice.below(4) == 0 { 5 } else { 150 };
        let (wheel, model, keys) = (Wheel::new(now), BTreeMap::new(), Vec::new());
        Self {
            dice,
            wheel,
            model,
            keys,
            now,
            delay_bits,
            step_bits,
            live_max,
        }
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..45 if self.model.len() < self.live_max => self.insert(),
            0..65 => self.cancel(),
            65..75 => self.advance_to_model(),
            75..85 => self.sleep(),
            85..86 => self.sleep_until_fired(),
            _ => {
                let step = self.dice.magnitude(self.step_bits);
                self.advance(self.now.saturating_add(step));
            }
        }
        self.compare();
    }

    fn deadline(&mut self) -> u64 {
        let delay = self.dice.magnitude(self.delay_bits);
        let jitter = self.dice.below(3);
        let edge = TICK << (6 * self.dice.below(8));
        match self.dice.below(20) {
            0 => self.now.saturating_sub(delay),
            1 => u64::MAX - self.dice.below(2),
            2..6 => (self.now / edge * edge)
                .saturating_add(edge - 1)
                .saturating_add(jitter),
            6..9 => self.now.saturating_add(self.dice.below(TICK)),
            9..12 => match self.model.keys().nth(self.dice.below(20) as usize) {
                Some(&(deadline, _)) => deadline.saturating_add(jitter / 2),
                None => 0,
            },
            _ => self.now.saturating_add(delay),
        }
    }

    fn insert(&mut self) {
        let deadline = self.deadline();
        let id = (deadline, self.keys.len() as u64);
        let key = self.wheel.insert(deadline, id.1);
        self.model.insert(id, key);
        self.keys.push((key, id));
    }

    /// Mostly one of the latest keys, live or stale; now and then any key there ever was.
    fn cancel(&mut self) {
        let count = self.keys.len() as u64;
        if count == 0 {
            return;
        }
        let recent = if self.dice.below(4) == 0 {
            count
        } else {
            count.min(200)
        };
        let (key, id) = self.keys[(count - 1 - self.dice.below(recent)) as usize];
        let expected = self.model.remove(&id).map(|_| id.1);
        assert_eq!(self.wheel.cancel(key), expected, "cancel {id:?}");
    }

    /// To just before, at, or just after the deadline of some early timer.
    fn advance_to_model(&mut self) {
        let nth = self.dice.below(3) as usize;
        if let Some(&(deadline, _)) = self.model.keys().nth(nth) {
            let now = deadline
                .saturating_sub(1)
                .saturating_add(self.dice.below(3));
            if now.saturating_sub(self.now) < 1 << self.step_bits {
                self.advance(now.max(self.now));
            }
        }
    }

    /// As a driver does: to the bound, or not quite.
    fn sleep(&mut self) {
        if let Some(bound) = self.wheel.next_deadline()
            && bound.saturating_sub(self.now) < 1 << self.step_bits
        {
            let now = bound.saturating_sub(self.dice.below(2));
            self.advance(now.max(self.now));
        }
    }

    fn sleep_until_fired(&mut self) {
        let Some(&(first, _)) = self.model.keys().next() else {
            return;
        };
        if first.saturating_sub(self.now) >= 1 << self.step_bits {
            return;
        }
        let count = self.model.len();
        for _ in 0..SLEEPS_MAX {
            let bound = self.wheel.next_deadline().expect("timers are armed");
            self.advance(bound.max(self.now));
            if self.model.len() < count {
                assert_eq!(self.now, first.max(self.now), "overslept");
                return;
            }
        }
        panic!("{SLEEPS_MAX} sleeps fired nothing");
    }

    fn advance(&mut self, now: u64) {
        let mut fired = Vec::new();
        self.wheel.advance(now, &mut fired);
        let mut expected = Vec::new();
        while let Some(first) = self
            .model
            .first_entry()
            .filter(|first| first.key().0 <= now)
        {
            expected.push(*first.key());
            first.remove();
        }
        assert_eq!(fired, expected, "advance from {} to {now}", self.now);
        self.now = now;
        if let Some(bound) = self.wheel.next_deadline() {
            assert!(now < bound, "no progress: at {now}, sleep until {bound}");
        }
    }

    fn compare(&mut self) {
        self.wheel.check();
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        let first = self.model.keys().next().map(|&(deadline, _)| deadline);
        let bound = self.wheel.next_deadline();
        assert_eq!(bound.is_some(), first.is_some());
        assert!(bound <= first, "would oversleep: {bound:?} for {first:?}");
        if !self.keys.is_empty() {
            let chosen = self.dice.below(self.keys.len() as u64);
            let (key, id) = self.keys[chosen as usize];
            let live = self.model.contains_key(&id);
            assert_eq!(
                self.wheel.deadline(key),
                live.then_some(id.0),
                "deadline of {id:?}"
            );
            assert_eq!(
                self.wheel.get(key),
                live.then_some(&id.1),
                "value of {id:?}"
            );
        }
    }
}

/// Prints where the walk was when it panicked.
struct Position {
    seed: u64,
    step: u64,
}

impl Drop for Position {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("walk failed: seed {}, step {}", self.seed, self.step);
        }
    }
}

#[test]
fn walk_agrees_with_the_model() {
    for seed in 0..SEEDS {
        let mut position = Position { seed, step: 0 };
        let mut walk = Walk::new(seed);
        for step in 0..STEPS {
            position.step = step;
            walk.step();
        }
        walk.advance(u64::MAX);
        walk.compare();
        assert!(walk.wheel.is_empty(), "everything fires in the end");
    }
}

#[test]
fn the_same_calls_give_the_same_answers() {
    let run = |seed| {
        let mut walk = Walk::new(seed);
        (0..500).for_each(|_| walk.step());
        (
            walk.keys,
            walk.wheel.next_deadline(),
            format!("{:?}", walk.wheel),
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
