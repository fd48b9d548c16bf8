//! Who can run in a simulated world?
//!
//! Role       The run queue of all its nodes, one list for each priority.
//! Inputs     One process at a time that can run.
//! Outputs    One of them: by its place, in constant time, or by its name, where order matters.
//! Invariant  A process stands in it at most once: its block says whether it does.

use crate::scheduler::Priority;

const LEVELS: [Priority; 4] = [
    Priority::Low,
    Priority::Normal,
    Priority::High,
    Priority::Max,
];

/// A process that can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) node: usize,
    pub(super) slot: u32,
    /// It waits since this count of the world.
    pub(super) since: u64,
}

/// Processes that can run, by their priorities.
#[derive(Debug, Default)]
pub(super) struct Ready {
    levels: [Vec<Entry>; LEVELS.len()],
}

impl Ready {
    pub(super) fn push(&mut self, level: Priority, entry: Entry) {
        self.levels[level as usize].push(entry);
    }

    /// The highest priority that anybody has who can run.
    pub(super) fn top(&self) -> Option<Priority> {
        let mut levels = LEVELS.into_iter().rev();
        levels.find(|level| !self.level(*level).is_empty())
    }

    /// All of one priority, in no order that means something.
    pub(super) fn level(&self, level: Priority) -> &[Entry] {
        &self.levels[level as usize]
    }

    /// Takes the nth of a priority.
    pub(super) fn take_nth(&mut self, level: Priority, nth: usize) -> Entry {
        self.levels[level as usize].swap_remove(nth)
    }

    /// Takes a process, whatever its priority.
    pub(super) fn take(&mut self, node: usize, slot: u32) -> Option<Entry> {
        self.levels.iter_mut().find_map(|level| {
            let same = |entry: &Entry| (entry.node, entry.slot) == (node, slot);
            let nth = level.iter().position(same)?;
            Some(level.swap_remove(nth))
        })
    }

    /// Who may run now, who waits longest first: all of the highest priority, and beside normal
    /// processes the low ones.
    pub(super) fn oldest_first(&self) -> Vec<Entry> {
        let Some(top) = self.top() else {
            return Vec::new();
        };
        let mut all = self.level(top).to_vec();
        if top == Priority::Normal {
            all.extend_from_slice(self.level(Priority::Low));
        }
        all.sort_unstable_by_key(|entry| entry.since);
        all
    }

    /// Takes all processes of a node.
    pub(super) fn take_node(&mut self, node: usize) -> Vec<(Priority, Entry)> {
        let mut taken = Vec::new();
        for priority in LEVELS {
            let level = &mut self.levels[priority as usize];
            let of_node = level.extract_if(.., |entry| entry.node == node);
            taken.extend(of_node.map(|entry| (priority, entry)));
        }
        taken
    }

    /// How many processes of a node can run.
    pub(super) fn of_node(&self, node: usize) -> usize {
        let all = self.levels.iter().flatten();
        all.filter(|entry| entry.node == node).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(slot: u32, since: u64) -> Entry {
        let node = 0;
        Entry { node, slot, since }
    }

    #[test]
    fn the_highest_priority_runs_and_low_beside_normal() {
        use Priority::{High, Low, Max, Normal};
        let rows: [(&[Priority], Option<Priority>, &[u32]); 6] = [
            (&[], None, &[]),
            (&[Low], Some(Low), &[0]),
            (&[Low, Normal, Low], Some(Normal), &[0, 1, 2]),
            (&[Normal, High, Low, High], Some(High), &[1, 3]),
            (&[Low, High], Some(High), &[1]),
            (&[Max, High, Max], Some(Max), &[0, 2]),
        ];
        for (levels, top, oldest) in rows {
            let mut ready = Ready::default();
            for (at, level) in levels.iter().enumerate() {
                ready.push(*level, entry(at as u32, at as u64));
            }
            assert_eq!(ready.top(), top, "{levels:?}");
            let slots: Vec<u32> = ready
                .oldest_first()
                .iter()
                .map(|entry| entry.slot)
                .collect();
            assert_eq!(slots, oldest, "{levels:?}");
            assert_eq!(ready.of_node(0), levels.len());
        }
    }

    #[test]
    fn what_is_taken_is_gone() {
        let mut ready = Ready::default();
        for slot in 0..4 {
            ready.push(Priority::Normal, entry(slot, 10 - u64::from(slot)));
        }
        assert_eq!(ready.take_nth(Priority::Normal, 0).slot, 0);
        assert_eq!(ready.take(0, 2).map(|entry| entry.slot), Some(2));
        assert_eq!(ready.take(0, 2), None);
        assert_eq!(ready.take(1, 3), None, "that node has no such process");
        let left: Vec<u32> = ready
            .oldest_first()
            .iter()
            .map(|entry| entry.slot)
            .collect();
        assert_eq!(left, [3, 1], "who waits longest is first");
    }
}
