//! Which items of a stream run, and in which order do they leave?
//!
//! Role       Decides for one stream of tasks; [`super::TaskStream`] performs what is decided.
//! Inputs     [`Input`]: somebody wants an item, one was started, there is none left to start, one
//!            has finished, or time has passed.
//! Outputs    [`Effect`]s in the order in which they are to be performed.
//! Owns       At most `max_concurrency + buffer` indices of items.
//! Limit      `max_concurrency` items run; so many more as `buffer` says may have finished and wait
//!            for an earlier one. Nothing is started that nobody asked for.
//! Invariant  Each item that was started leaves once, or was killed because the stream ended.
//! Absent     The items, their values, tasks, clocks.
//! Source     elixir: Task.async_stream/5

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What happens when an item takes too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// The stream ends and all its tasks are killed; the process that reads it exits, with
    /// `timeout`. Outside any process the failure is the stream's last item.
    #[default]
    Exit,
    /// The task is killed, its item is a failure, and the stream goes on.
    KillTask,
}

/// How a stream is to behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// How many items may run at once; not zero.
    pub max_concurrency: usize,
    /// How many finished items may wait for an earlier one.
    pub buffer: usize,
    /// Whether items leave in the order of their inputs.
    pub ordered: bool,
    /// How long one item may take.
    pub timeout: Duration,
    /// What happens to one that takes longer.
    pub on_timeout: OnTimeout,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody wants the next item.
    Wanted,
    /// The item that [`Effect::Start`] asked for is under way.
    Started,
    /// There was no item to start: there will be none any more.
    Exhausted,
    /// An item has a value or a failure.
    Finished(u64),
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Take the next input and start it as this item; answer with [`Input::Started`] or
    /// [`Input::Exhausted`]. No second one is asked for meanwhile.
    Start(u64),
    /// End this item's task: nobody wants it any more.
    Kill(u64),
    /// End this item's task: its outcome is a timeout.
    Expire(u64),
    /// Give this item to whoever wants one.
    Deliver(u64),
    /// This item took too long, and that ends the stream: everything else was killed.
    GiveUp(u64),
    /// Nothing can be given yet. Feed [`Input::Tick`] at this time, if there is one.
    Wait(Option<Duration>),
    /// There are no more items.
    End,
}

/// The items that have finished and not left.
#[derive(Debug)]
enum Ready {
    /// They leave in the order of their inputs; this one is the next.
    Ordered(u64, BTreeSet<u64>),
    /// They leave as they finished.
    Unordered(VecDeque<u64>),
}

impl Ready {
    fn len(&self) -> usize {
        match self {
            Self::Ordered(_, ready) => ready.len(),
            Self::Unordered(ready) => ready.len(),
        }
    }

    fn add(&mut self, item: u64) {
        match self {
            Self::Ordered(head, ready) => {
                assert!(*head <= item, "an item that has left finished again");
                assert!(ready.insert(item), "an item finished twice");
            }
            Self::Unordered(ready) => ready.push_back(item),
        }
    }

    fn take(&mut self) -> Option<u64> {
        match self {
            Self::Ordered(head, ready) => {
                let item = ready.take(head)?;
                *head += 1;
                Some(item)
            }
            Self::Unordered(ready) => ready.pop_front(),
        }
    }
}

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing is left to start.
    Exhausted,
    /// This item took too long: whoever wants the next one is told.
    Failed(u64),
    /// It has ended, or was ended.
    Over,
}

/// The machine of one stream.
///
/// ```
/// use foundation_actors::task::machine::{Effect, Flags, Input, Machine, OnTimeout};
/// use std::time::Duration;
/// let mut machine = Machine::new(Flags {
///     max_concurrency: 1,
///     buffer: 0,
///     ordered: true,
///     timeout: Duration::from_secs(5),
///     on_timeout: OnTimeout::Exit,
/// });
/// let (now, mut effects) = (Duration::ZERO, Vec::new());
/// machine.step(now, Input::Wanted, &mut effects);
/// machine.step(now, Input::Started, &mut effects);
/// machine.step(now, Input::Finished(0), &mut effects);
/// let wait = Effect::Wait(Some(Duration::from_secs(5)));
/// assert_eq!(effects, [Effect::Start(0), wait, Effect::Deliver(0)]);
/// ```
#[derive(Debug)]
pub struct Machine {
    flags: Flags,
    phase: Phase,
    /// A start was asked for, and not answered.
    starting: bool,
    wanted: bool,
    next: u64,
    /// Those that run, and until when they may.
    running: BTreeMap<u64, Option<Duration>>,
    ready: Ready,
}

impl Machine {
    /// A stream of which nobody has wanted anything yet.
    ///
    /// # Panics
    /// When nothing may run.
    #[must_use]
    pub fn new(flags: Flags) -> Self {
        assert!(0 < flags.max_concurrency, "no item may run");
        Self {
            flags,
            phase: Phase::Open,
            starting: false,
            wanted: false,
            next: 0,
            running: BTreeMap::new(),
            ready: match flags.ordered {
                true => Ready::Ordered(0, BTreeSet::new()),
                false => Ready::Unordered(VecDeque::new()),
            },
        }
    }

    /// Takes one input at `now` and appends what is to be done.
    pub fn step(&mut self, now: Duration, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Wanted => self.wanted = true,
            Input::Started => self.started(now, effects),
            Input::Exhausted => self.exhausted(),
            Input::Finished(item) => self.finished(item),
            Input::Tick => self.expire(now, effects),
        }
        self.advance(effects);
    }

    /// Panics when the state is impossible.
    pub fn check(&self) {
        assert!(
            self.running.len() <= self.flags.max_concurrency,
            "too many items run"
        );
        assert!(
            self.running.len() + self.ready.len() <= self.under_way_max(),
            "too many items are under way"
        );
        if matches!(self.phase, Phase::Failed(_) | Phase::Over) {
            assert!(self.running.is_empty(), "over, and an item runs");
        }
        let newest = self.running.last_key_value().map(|(item, _)| *item);
        assert!(
            newest.is_none_or(|newest| newest < self.next),
            "an item runs that was not started"
        );
    }

    fn under_way_max(&self) -> usize {
        self.flags.max_concurrency.saturating_add(self.flags.buffer)
    }

    fn started(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        assert!(self.starting, "nothing was to be started");
        self.starting = false;
        let item = self.next;
        self.next += 1;
        if matches!(self.phase, Phase::Failed(_) | Phase::Over) {
            // The stream ended while it was being started.
            return effects.push(Effect::Kill(item));
        }
        let until = match self.flags.timeout {
            Duration::MAX => None,
            bound => now.checked_add(bound),
        };
        self.running.insert(item, until);
    }

    fn exhausted(&mut self) {
        assert!(self.starting, "nothing was to be started");
        self.starting = false;
        if self.phase == Phase::Open {
            self.phase = Phase::Exhausted;
        }
    }

    /// One that was killed may have finished meanwhile: that is ignored.
    fn finished(&mut self, item: u64) {
        if self.running.remove(&item).is_some() {
            self.ready.add(item);
        }
    }

    fn expire(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let late = |until: &Option<Duration>| until.is_some_and(|until| until <= now);
        let overdue: Vec<u64> = self
            .running
            .iter()
            .filter(|(_, until)| late(until))
            .map(|(item, _)| *item)
            .collect();
        for item in overdue {
            effects.push(Effect::Expire(item));
            if self.flags.on_timeout == OnTimeout::Exit {
                return self.fail(item, effects);
            }
            self.finished(item);
        }
    }

    fn fail(&mut self, item: u64, effects: &mut Vec<Effect>) {
        self.phase = Phase::Failed(item);
        self.running.remove(&item);
        effects.extend(self.running.keys().map(|item| Effect::Kill(*item)));
        self.running.clear();
    }

    /// Does the next thing for whoever wants an item: first it sees to it that enough run.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        if !self.wanted || self.starting {
            return;
        }
        match self.phase {
            Phase::Failed(item) => {
                (self.phase, self.wanted) = (Phase::Over, false);
                effects.push(Effect::GiveUp(item));
            }
            // After the end there is the end again.
            Phase::Over => {
                self.wanted = false;
                effects.push(Effect::End);
            }
            Phase::Open if self.may_start() => {
                self.starting = true;
                effects.push(Effect::Start(self.next));
            }
            Phase::Open | Phase::Exhausted => self.give(effects),
        }
    }

    fn may_start(&self) -> bool {
        self.running.len() < self.flags.max_concurrency
            && self.running.len() + self.ready.len() < self.under_way_max()
    }

    fn give(&mut self, effects: &mut Vec<Effect>) {
        if let Some(item) = self.ready.take() {
            self.wanted = false;
            effects.push(Effect::Deliver(item));
        } else if self.running.is_empty() {
            assert_eq!(self.phase, Phase::Exhausted, "idle, and items are left");
            self.phase = Phase::Over;
            self.wanted = false;
            effects.push(Effect::End);
        } else {
            let until = self.running.values().filter_map(|until| *until).min();
            effects.push(Effect::Wait(until));
        }
    }
}
