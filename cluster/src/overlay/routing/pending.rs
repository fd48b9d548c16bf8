//! What of this node's waits to be acknowledged?
//!
//! Role       The messages with the time at which each is sent again.
//! Limit      As many as the caller says, and no two further apart than the window of who gets them.
//! Invariant  `due` and `waits` have the same messages.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Tick;

use super::event::Letter;
use super::seen::WINDOW;

#[derive(Debug, Clone)]
pub(super) struct Wait {
    pub(super) letter: Letter,
    pub(super) attempt: u8,
    due: Tick,
}

#[derive(Debug, Clone)]
pub(super) struct Pending {
    waits: BTreeMap<u64, Wait>,
    due: BTreeSet<(Tick, u64)>,
    next: u64,
    max: usize,
}

impl Pending {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            waits: BTreeMap::new(),
            due: BTreeSet::new(),
            next: 1,
            max,
        }
    }

    /// The next number is this one, while nothing waits.
    pub(super) fn number_from(&mut self, first: u64) {
        assert!(self.waits.is_empty(), "numbers go on while something waits");
        self.next = first.max(1);
    }

    pub(super) fn len(&self) -> usize {
        self.waits.len()
    }

    pub(super) fn letter(&self, number: u64) -> Option<&Letter> {
        self.waits.get(&number).map(|wait| &wait.letter)
    }

    pub(super) fn is_full(&self) -> bool {
        self.waits.len() >= self.max || self.next - self.floor() >= WINDOW
    }

    /// The least number that is waited for.
    pub(super) fn floor(&self) -> u64 {
        self.waits.keys().next().copied().unwrap_or(self.next)
    }

    pub(super) fn add(&mut self, letter: Letter, due: Tick) -> u64 {
        assert!(!self.is_full(), "no room for one more");
        let number = self.next;
        self.next += 1;
        let attempt = 0;
        let wait = Wait {
            letter,
            attempt,
            due,
        };
        self.waits.insert(number, wait);
        self.due.insert((due, number));
        number
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Wait> {
        let wait = self.waits.remove(&number)?;
        self.due.remove(&(wait.due, number));
        Some(wait)
    }

    /// Takes one whose time has come.
    pub(super) fn overdue(&mut self, now: Tick) -> Option<(u64, Wait)> {
        let (_, number) = *self.due.first().filter(|(due, _)| *due <= now)?;
        Some((number, self.remove(number)?))
    }

    /// It waits on, for another attempt.
    pub(super) fn again(&mut self, number: u64, mut wait: Wait, due: Tick) {
        wait.attempt += 1;
        wait.due = due;
        self.due.insert((due, number));
        self.waits.insert(number, wait);
    }

    pub(super) fn wake(&self) -> Option<Tick> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn check(&self) {
        assert!(self.waits.len() <= self.max, "too many wait");
        assert!(self.waits.len() == self.due.len(), "some are never due");
        assert!(self.next - self.floor() <= WINDOW, "the window is too wide");
        for (number, wait) in &self.waits {
            assert!(
                self.due.contains(&(wait.due, *number)),
                "{number} is not due"
            );
        }
    }
}
