//! Which timeouts run, and which of no time are due?
//!
//! Role       The timeouts of one state machine by name, each with the event that it will be.
//! Limit      [`TIMEOUTS_MAX`] at once; one more is a mistake of the program, and ends the process.
//! Invariant  What is in `zero` runs without a timer, and the other way round.
//! Source     otp: gen_statem, "Time-Outs", timeout_action()

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Ask, Effect, Timeout, TimerId};

/// How many timeouts of one state machine may run at once.
pub const TIMEOUTS_MAX: usize = 1 << 20;

#[derive(Debug)]
struct Running<E> {
    /// None when its time is over already.
    timer: Option<TimerId>,
    event: E,
}

/// The timeouts that run.
#[derive(Debug)]
pub(super) struct Timers<E> {
    running: BTreeMap<Timeout, Running<E>>,
    /// Those whose time is over, oldest first.
    zero: VecDeque<Timeout>,
    armed: u64,
}

impl<E> Timers<E> {
    pub(super) fn new() -> Self {
        Self {
            running: BTreeMap::new(),
            zero: VecDeque::new(),
            armed: 0,
        }
    }

    /// Whether this one runs.
    #[inline]
    pub(super) fn runs(&self, timeout: Timeout) -> bool {
        !self.running.is_empty() && self.running.contains_key(&timeout)
    }

    /// Whether one is due.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        !self.zero.is_empty()
    }

    /// The event of the oldest that is due.
    pub(super) fn due(&mut self) -> Option<E> {
        let timeout = self.zero.pop_front()?;
        let due = self.running.remove(&timeout);
        Some(due.expect("what is due runs").event)
    }

    /// The event of the timeout, if this is the timer that it runs by.
    pub(super) fn fired(&mut self, timeout: Timeout, timer: TimerId) -> Option<E> {
        if self.running.get(&timeout)?.timer != Some(timer) {
            return None;
        }
        Some(self.running.remove(&timeout)?.event)
    }

    /// It runs no more.
    pub(super) fn cancel(&mut self, timeout: Timeout, effects: &mut Vec<Effect<E>>) {
        let Some(was) = self.running.remove(&timeout) else {
            return;
        };
        match was.timer {
            Some(_) => effects.push(Effect::Disarm { timeout }),
            None => self.zero.retain(|due| *due != timeout),
        }
    }

    /// What a handler asked for; of several asks for one timeout the last counts.
    pub(super) fn ask(&mut self, asks: Vec<(Timeout, Ask<E>)>, effects: &mut Vec<Effect<E>>) {
        if asks.len() < 2 {
            return asks
                .into_iter()
                .for_each(|(timeout, ask)| self.ask_one(timeout, ask, effects));
        }
        let mut seen = BTreeSet::new();
        let mut last: Vec<_> = asks
            .into_iter()
            .rev()
            .filter(|(timeout, _)| seen.insert(*timeout))
            .collect();
        last.reverse();
        for (timeout, ask) in last {
            self.ask_one(timeout, ask, effects);
        }
    }

    fn ask_one(&mut self, timeout: Timeout, ask: Ask<E>, effects: &mut Vec<Effect<E>>) {
        match ask {
            Ask::Cancel => self.cancel(timeout, effects),
            Ask::Update(event) => match self.running.get_mut(&timeout) {
                Some(running) => running.event = event,
                None => self.run(timeout, None, event),
            },
            Ask::Start(after, event) => {
                self.cancel(timeout, effects);
                if after.is_zero() {
                    return self.run(timeout, None, event);
                }
                self.armed += 1;
                let timer = TimerId(self.armed);
                self.run(timeout, Some(timer), event);
                effects.push(Effect::Arm {
                    timeout,
                    timer,
                    after,
                });
            }
        }
    }

    fn run(&mut self, timeout: Timeout, timer: Option<TimerId>, event: E) {
        assert!(
            self.running.len() < TIMEOUTS_MAX,
            "a state machine has at most {TIMEOUTS_MAX} timeouts at once"
        );
        if timer.is_none() {
            self.zero.push_back(timeout);
        }
        let before = self.running.insert(timeout, Running { timer, event });
        assert!(before.is_none(), "{timeout:?} ran already");
    }

    /// Gives back what memory it can.
    pub(super) fn shrink(&mut self) {
        self.zero.shrink_to_fit();
    }

    pub(super) fn check(&self) {
        let due: BTreeSet<_> = self.zero.iter().collect();
        assert_eq!(due.len(), self.zero.len(), "a timeout is due twice");
        for (timeout, running) in &self.running {
            assert_eq!(
                running.timer.is_none(),
                due.contains(timeout),
                "{timeout:?} is due, or has a timer, and not both"
            );
        }
        assert!(due.len() <= self.running.len(), "what is due runs");
    }
}
