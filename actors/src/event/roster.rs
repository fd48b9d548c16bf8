//! Which handlers has a manager, in which order, and who owns them?
//!
//! Role       The list behind an event manager, without any of the handlers' code.
//! Inputs     Handlers of any type, with key and owner.
//! Limit      As many as it was made for; one more is refused.
//! Invariant  No two have one key. The order is that of their addition; events are shown to the
//!            latest first.
//! Absent     I/O, clocks, tasks.
//! Source     otp: gen_event

/// A handler in a manager.
pub(super) struct Entry<K, P, T> {
    pub(super) key: K,
    /// The process in whose name it was added.
    pub(super) owner: Option<P>,
    pub(super) handler: T,
}

/// Why somebody is not entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Present,
    Full,
}

/// Handlers in the order of their addition.
pub(super) struct Roster<K, P, T> {
    entries: Vec<Entry<K, P, T>>,
    limit: usize,
}

impl<K: PartialEq + Clone, P: PartialEq + Copy, T> Roster<K, P, T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            limit,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where the one of this key is.
    pub(super) fn find(&self, key: &K) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == *key)
    }

    /// Whether one of this key could be added, if `leaves` were gone.
    pub(super) fn admits(&self, key: &K, leaves: Option<usize>) -> Result<(), Refusal> {
        match self.find(key) {
            Some(at) if Some(at) != leaves => Err(Refusal::Present),
            _ if self.limit <= self.len() - usize::from(leaves.is_some()) => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    /// Enters a handler that is admitted: it is the latest.
    pub(super) fn add(&mut self, key: K, owner: Option<P>, handler: T) {
        assert_eq!(self.admits(&key, None), Ok(()), "not asked before");
        let entry = Entry {
            key,
            owner,
            handler,
        };
        self.entries.push(entry);
    }

    pub(super) fn get(&mut self, at: usize) -> &mut Entry<K, P, T> {
        &mut self.entries[at]
    }

    pub(super) fn take(&mut self, at: usize) -> Entry<K, P, T> {
        self.entries.remove(at)
    }

    /// Whether this process owns one.
    pub(super) fn owns(&self, process: P) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.owner == Some(process))
    }

    /// The keys, the latest first: the order in which events are shown.
    pub(super) fn keys(&self) -> impl Iterator<Item = K> {
        self.entries.iter().rev().map(|entry| entry.key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_comes_first_and_nobody_twice() {
        let mut roster = Roster::<&str, u32, ()>::new(3);
        for (key, owner) in [("a", Some(1)), ("b", None), ("c", Some(1))] {
            roster.add(key, owner, ());
        }
        assert!(roster.keys().eq(["c", "b", "a"]));
        assert_eq!(roster.admits(&"a", None), Err(Refusal::Present));
        assert_eq!(roster.admits(&"d", None), Err(Refusal::Full));
        // In place of another.
        assert_eq!(roster.admits(&"d", Some(1)), Ok(()));
        assert_eq!(roster.admits(&"b", Some(1)), Ok(()));
        assert_eq!(roster.admits(&"a", Some(1)), Err(Refusal::Present));
        let gone = roster.find(&"a").map(|at| roster.take(at).owner);
        assert_eq!(gone, Some(Some(1)));
        assert!(roster.owns(1) && !roster.owns(2));
        assert_eq!(roster.find(&"a"), None);
        roster.add("a", None, ());
        assert!(roster.keys().eq(["a", "c", "b"]));
        assert_eq!(roster.len(), 3);
    }

    #[test]
    fn nothing_fits_where_nothing_may() {
        let roster = Roster::<&str, u32, ()>::new(0);
        assert_eq!(roster.admits(&"a", None), Err(Refusal::Full));
    }
}
