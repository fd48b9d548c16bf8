//! Does the machine of a stream of tasks run, order and end items as it should?
//!
//! Role       A table, one row per line, and seeded walks beside a model of the tasks.
//! Inputs     Rows `inputs => effects`: `w` wanted, `s` started, `x` exhausted, `f0` item 0
//!            finished, `@7` a tick at 7 s; `+0` start, `-0` kill, `!0` expire, `=0` deliver, `#0`
//!            give up, `?7` wait until 7 s, `?` wait, `.` end.
//! Source     elixir: Task.async_stream/5

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_actors::task::machine::{Effect, Flags, Input, Machine, OnTimeout};
use foundation_runtime::Rng;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Two at a time, one may wait, five seconds each.
fn flags(words: &str) -> Flags {
    let mut flags = Flags {
        max_concurrency: 2,
        buffer: 1,
        ordered: true,
        timeout: secs(5),
        on_timeout: OnTimeout::Exit,
    };
    for word in words.split_whitespace() {
        match word {
            "unordered" => flags.ordered = false,
            "kill" => flags.on_timeout = OnTimeout::KillTask,
            "unbounded" => flags.timeout = Duration::MAX,
            "single" => (flags.max_concurrency, flags.buffer) = (1, 0),
            other => panic!("{other}?"),
        }
    }
    flags
}

fn show(effect: &Effect) -> String {
    match effect {
        Effect::Start(item) => format!("+{item}"),
        Effect::Kill(item) => format!("-{item}"),
        Effect::Expire(item) => format!("!{item}"),
        Effect::Deliver(item) => format!("={item}"),
        Effect::GiveUp(item) => format!("#{item}"),
        Effect::Wait(None) => "?".to_owned(),
        Effect::Wait(Some(until)) => format!("?{}", until.as_secs()),
        Effect::End => ".".to_owned(),
    }
}

#[track_caller]
fn check(words: &str, inputs: &str, expected: &str) {
    let mut machine = Machine::new(flags(words));
    let (mut now, mut effects) = (Duration::ZERO, Vec::new());
    for word in inputs.split_whitespace() {
        let input = match word.split_at(1) {
            ("w", _) => Input::Wanted,
            ("s", _) => Input::Started,
            ("x", _) => Input::Exhausted,
            ("f", item) => Input::Finished(item.parse().expect("an item")),
            ("@", at) => {
                now = secs(at.parse().expect("seconds"));
                Input::Tick
            }
            other => panic!("{other:?}?"),
        };
        machine.step(now, input, &mut effects);
        machine.check();
    }
    let shown: Vec<String> = effects.iter().map(show).collect();
    assert_eq!(shown.join(" "), expected, "{words}: {inputs}");
}

#[test]
fn table() {
    // Nothing is started before somebody wants it.
    check("", "", "");
    check("", "@9", "");
    check("", "w", "+0");
    check("", "w x", "+0 .");
    // After the end there is the end.
    check("", "w x w w", "+0 . . .");
    // As many as may run.
    check("", "w s s", "+0 +1 ?5");
    check("", "w s x", "+0 +1 ?5");
    check("single", "w s", "+0 ?5");
    check("single", "w s f0", "+0 ?5 =0");
    check("single", "w s f0 w", "+0 ?5 =0 +1");
    check("single", "w s f0 w x", "+0 ?5 =0 +1 .");
    // The next one is started before one is given, so that the reader's work costs no time.
    check("", "w s s f0 s", "+0 +1 ?5 +2 =0");
    check("", "w s s f0 x", "+0 +1 ?5 +2 =0");
    check("", "w s s f0 x w", "+0 +1 ?5 +2 =0 ?5");
    check("", "w s s f0 x w f1 w", "+0 +1 ?5 +2 =0 ?5 =1 .");
    // In order of the inputs: one may wait for item 0, then nothing is started.
    check("", "w s s f1 s", "+0 +1 ?5 +2 ?5");
    check("", "w s s f1 s f2", "+0 +1 ?5 +2 ?5 ?5");
    check("", "w s s f1 s f2 f0 w w", "+0 +1 ?5 +2 ?5 ?5 =0 +3");
    check(
        "",
        "w s s f1 s f2 f0 w x w w",
        "+0 +1 ?5 +2 ?5 ?5 =0 +3 =1 =2 .",
    );
    // As they finish.
    check("unordered", "w s s f1 s", "+0 +1 ?5 +2 =1");
    check(
        "unordered",
        "w s s f1 s f2 f0 w x w w",
        "+0 +1 ?5 +2 =1 +3 =2 =0 .",
    );
    // Without demand nothing is given or started, and what finishes waits.
    check("", "w s s f0 s f1 f2", "+0 +1 ?5 +2 =0");
    // A bound of never.
    check("unbounded", "w s s", "+0 +1 ?");
    check("unbounded", "w s s @9999", "+0 +1 ? ?");
    // One that is late ends the stream.
    check("", "w s @3 s @4", "+0 +1 ?5 ?5");
    check("", "w s s @5", "+0 +1 ?5 !0 -1 #0");
    check("", "w s s @5 w", "+0 +1 ?5 !0 -1 #0 .");
    check("", "w s s f0 s @5", "+0 +1 ?5 +2 =0 !1 -2");
    check("", "w s s f0 s @5 w w", "+0 +1 ?5 +2 =0 !1 -2 #1 .");
    // Or only itself.
    check("kill", "w s s @5 s", "+0 +1 ?5 !0 !1 +2 =0");
    check("kill", "w s s @5 x w w", "+0 +1 ?5 !0 !1 +2 =0 =1 .");
    check(
        "kill unordered",
        "w s s @5 x w w",
        "+0 +1 ?5 !0 !1 +2 =0 =1 .",
    );
    // What finishes after it was late has left already.
    check("kill", "w s s @5 x f0 w f1 w", "+0 +1 ?5 !0 !1 +2 =0 =1 .");
    // What had finished by then is not late.
    check("", "w s s f0 x f1 @5 w", "+0 +1 ?5 +2 =0 =1");
    // A start that is under way when the stream ends is taken back.
    check("", "w s @5 s", "+0 +1 !0 -1 #0");
    check("", "w s @5 x", "+0 +1 !0 #0");
    // Items may finish while another is started.
    check("", "w s f0 s", "+0 +1 +2");
    check("", "w s f0 x", "+0 +1 =0");
}

/// A walk: tasks that take a random time, a reader that asks at random, an input of random length.
/// The model knows who runs and what left; the machine must never disagree with it.
struct Walk {
    rng: Rng,
    flags: Flags,
    machine: Machine,
    now: Duration,
    inputs: u64,
    running: BTreeMap<u64, Duration>,
    settled: BTreeSet<u64>,
    expired: BTreeSet<u64>,
    left: Vec<u64>,
    wanted: bool,
    ended: bool,
    given_up: bool,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let flags = Flags {
            max_concurrency: 1 + rng.below(4),
            buffer: rng.below(4),
            ordered: rng.chance(0.5),
            timeout: match rng.chance(0.3) {
                true => Duration::MAX,
                false => secs(1 + rng.below(9) as u64),
            },
            on_timeout: match rng.chance(0.2) {
                true => OnTimeout::Exit,
                false => OnTimeout::KillTask,
            },
        };
        Self {
            inputs: rng.below(30) as u64,
            machine: Machine::new(flags),
            rng,
            flags,
            now: Duration::ZERO,
            running: BTreeMap::new(),
            settled: BTreeSet::new(),
            expired: BTreeSet::new(),
            left: Vec::new(),
            wanted: false,
            ended: false,
            given_up: false,
        }
    }

    fn feed(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.machine.step(self.now, input, &mut effects);
        self.machine.check();
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start(item) => self.start(item),
            Effect::Kill(item) => {
                assert!(self.running.remove(&item).is_some(), "killed {item} twice");
            }
            Effect::Expire(item) => {
                let begun = self.running.remove(&item).expect("it runs");
                assert!(
                    begun + self.flags.timeout <= self.now,
                    "{item} was not late"
                );
                self.settled.insert(item);
                self.expired.insert(item);
            }
            Effect::Deliver(item) => self.deliver(item),
            Effect::GiveUp(item) => {
                assert!(self.running.is_empty(), "gave up, and somebody runs");
                self.given_up = true;
                self.deliver(item);
            }
            Effect::Wait(until) => {
                assert!(!self.running.is_empty(), "waits for nobody");
                let first = self.running.values().min().expect("somebody");
                let bounded = self.flags.timeout != Duration::MAX;
                let first = bounded.then(|| *first + self.flags.timeout);
                assert_eq!(until, first);
            }
            Effect::End => {
                assert!(self.wanted, "nobody asked");
                assert!(self.running.is_empty(), "ended, and somebody runs");
                (self.wanted, self.ended) = (false, true);
            }
        }
    }

    fn start(&mut self, item: u64) {
        assert!(self.wanted, "nobody asked");
        assert!(!self.ended && !self.given_up, "started after the end");
        // Things may happen between being asked and having started.
        if self.rng.chance(0.3) {
            self.happen();
        }
        if item == self.inputs {
            return self.feed(Input::Exhausted);
        }
        self.running.insert(item, self.now);
        if !self.given_up {
            assert!(self.running.len() <= self.flags.max_concurrency);
            let waiting = self.settled.len() - self.left.len();
            assert!(self.running.len() + waiting <= self.flags.max_concurrency + self.flags.buffer);
        }
        self.feed(Input::Started);
    }

    fn deliver(&mut self, item: u64) {
        assert!(self.wanted, "nobody asked");
        assert!(self.settled.contains(&item), "{item} has not finished");
        assert!(!self.left.contains(&item), "{item} left twice");
        if self.flags.ordered && !self.given_up {
            assert_eq!(item, self.left.len() as u64, "out of order");
        }
        self.left.push(item);
        self.wanted = false;
    }

    /// Somebody finishes, or time passes.
    fn happen(&mut self) {
        let count = self.running.len();
        if 0 < count && self.rng.chance(0.7) {
            let at = self.rng.below(count);
            let item = *self.running.keys().nth(at).expect("below the count");
            self.running.remove(&item);
            self.settled.insert(item);
            self.feed(Input::Finished(item));
        } else {
            self.now += secs(self.rng.below(4) as u64);
            self.feed(Input::Tick);
        }
    }

    fn run(mut self) -> (usize, usize, bool) {
        for _ in 0..2000 {
            if self.ended {
                break;
            }
            if !self.wanted && self.rng.chance(0.5) {
                self.wanted = true;
                self.feed(Input::Wanted);
            } else {
                self.happen();
            }
        }
        assert!(self.ended, "it does not end");
        if !self.given_up {
            assert_eq!(self.left.len() as u64, self.inputs, "somebody is missing");
        }
        (self.left.len(), self.expired.len(), self.given_up)
    }
}

#[test]
fn walk() {
    let (mut left, mut expired, mut given_up) = (0, 0, 0);
    for seed in 0..20_000 {
        let run = std::panic::catch_unwind(|| Walk::new(seed).run());
        match run {
            Ok(run) => {
                left += run.0;
                expired += run.1;
                given_up += usize::from(run.2);
            }
            Err(_) => panic!("failed under seed {seed}"),
        }
    }
    // The walks went where it matters.
    assert!(100_000 < left && 10_000 < expired && 100 < given_up);
}
