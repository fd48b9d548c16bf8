//! What of this node's waits to be acknowledged?
//!
//! Role       The messages with the time at which each is sent again. Each destination has numbers of its
//!            own: one that has died keeps no message to another from leaving.
//! Limit      As many as the caller says, and no two to a destination further apart than its window.
//! Invariant  `due` and `waits` have the same messages. No number is given twice to a destination.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Tick;
use crate::overlay::PeerId;

use super::event::Letter;
use super::seen::WINDOW;

/// To whom, and its number among those.
pub(super) type Number = (PeerId, u64);

#[derive(Debug, Clone)]
pub(super) struct Wait {
    pub(super) letter: Letter,
    pub(super) attempt: u8,
    due: Tick,
}

#[derive(Debug, Clone)]
pub(super) struct Pending {
    waits: BTreeMap<Number, Wait>,
    due: BTreeSet<(Tick, Number)>,
    /// The next number to each destination that something waits for.
    next: BTreeMap<PeerId, u64>,
    /// The next number to any other: as large as those that were ever given.
    base: u64,
    max: usize,
}

impl Pending {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            waits: BTreeMap::new(),
            due: BTreeSet::new(),
            next: BTreeMap::new(),
            base: 1,
            max,
        }
    }

    /// The next number is this one, while nothing waits.
    pub(super) fn number_from(&mut self, first: u64) {
        assert!(self.waits.is_empty(), "numbers go on while something waits");
        self.base = first.max(1);
    }

    pub(super) fn len(&self) -> usize {
        self.waits.len()
    }

    pub(super) fn is_full(&self, to: PeerId) -> bool {
        self.waits.len() >= self.max || self.next(to) - self.floor(to) >= WINDOW
    }

    fn next(&self, to: PeerId) -> u64 {
        self.next.get(&to).copied().unwrap_or(self.base)
    }

    /// The least number that is waited for of those to this destination.
    pub(super) fn floor(&self, to: PeerId) -> u64 {
        let mut waits = self.waits.range((to, 0)..=(to, u64::MAX));
        let first = waits.next().map(|((_, number), _)| *number);
        first.unwrap_or_else(|| self.next(to))
    }

    pub(super) fn add(&mut self, letter: Letter, due: Tick) -> u64 {
        let to = letter.to;
        assert!(!self.is_full(to), "no room for one more");
        let number = self.next(to);
        self.next.insert(to, number + 1);
        let attempt = 0;
        let wait = Wait {
            letter,
            attempt,
            due,
        };
        self.waits.insert((to, number), wait);
        self.due.insert((due, (to, number)));
        number
    }

    pub(super) fn remove(&mut self, number: Number) -> Option<Wait> {
        let wait = self.waits.remove(&number)?;
        self.due.remove(&(wait.due, number));
        self.tidy(number.0);
        Some(wait)
    }

    /// Takes one whose time has come: it waits [`again`](Self::again), or is [over](Self::tidy).
    pub(super) fn overdue(&mut self, now: Tick) -> Option<(Number, Wait)> {
        let (due, number) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, number));
        Some((number, self.waits.remove(&number)?))
    }

    /// It waits on, for another attempt.
    pub(super) fn again(&mut self, number: Number, mut wait: Wait, due: Tick) {
        wait.attempt += 1;
        wait.due = due;
        self.due.insert((due, number));
        self.waits.insert(number, wait);
    }

    /// Forgets the numbers of a destination for which nothing waits.
    pub(super) fn tidy(&mut self, to: PeerId) {
        let is_idle = self.waits.range((to, 0)..=(to, u64::MAX)).next().is_none();
        if is_idle && let Some(next) = self.next.remove(&to) {
            self.base = self.base.max(next);
        }
    }

    pub(super) fn wake(&self) -> Option<Tick> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn check(&self) {
        assert!(self.waits.len() <= self.max, "too many wait");
        assert!(self.waits.len() == self.due.len(), "some are never due");
        assert!(
            self.next.len() <= self.waits.len(),
            "an idle one is counted"
        );
        for to in self.next.keys() {
            let span = self.next(*to) - self.floor(*to);
            assert!(span <= WINDOW, "the window is too wide");
        }
        for (number, wait) in &self.waits {
            assert!(
                self.due.contains(&(wait.due, *number)),
                "{number:?} is not due"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice_to_a_destination() {
        let (mut pending, mut given) = (Pending::new(64), BTreeSet::new());
        for turn in 0..2000_u64 {
            let to = PeerId([2, 3, 2, 9, 3][turn as usize % 5]);
            let letter = Letter {
                to,
                payload: [].into(),
                ticket: Some(turn),
            };
            if !pending.is_full(to) {
                let number = pending.add(letter, Tick::ZERO);
                assert!(given.insert((to, number)), "{number} to {to:?}");
            }
            // Some are acknowledged at once, some late, and those to 9 hardly ever.
            if turn % 7 != 0 && (to != PeerId(9) || turn % 50 == 3) {
                let of = (to, 0)..=(to, u64::MAX);
                let first = pending.waits.range(of).next().map(|(number, _)| *number);
                first.and_then(|number| pending.remove(number));
            }
            if turn % 11 == 0
                && let Some((number, wait)) = pending.overdue(Tick::ZERO)
            {
                match turn % 2 {
                    0 => pending.again(number, wait, Tick::ZERO),
                    _ => pending.tidy(number.0),
                }
            }
            pending.check();
        }
        assert!(given.len() > 500, "{} were given", given.len());
    }
}
