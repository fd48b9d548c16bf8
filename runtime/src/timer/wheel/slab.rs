//! Where does a timer live, and does this key still mean it?
//!
//! Role       Memory of the wheel: stable indices, reuse without confusion.
//! Inputs     One [`Slab::insert`] and one [`Slab::remove`] per timer.
//! Outputs    Indices for the wheel, [`Key`]s for its users.
//! Owns       Every entry, live or free, and the sequence of insertions.
//! Invariant  A key names at most one timer, ever: a slot whose generations are spent is retired.
//! Absent     The meaning of `previous` and `next` in live entries; those belong to the wheel.

use std::num::NonZeroU32;

/// No entry: the end of a list.
pub(super) const NIL: u32 = u32::MAX;
/// Bound on live timers, so that every index differs from [`NIL`].
const ENTRIES_MAX: usize = NIL as usize - 1;

/// Names one timer of one wheel.
///
/// Once the timer has fired or was cancelled, its key means nothing, forever: no later timer gets
/// an equal one. A key of another wheel is not recognised as such, and may name a stranger here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: NonZeroU32,
}

const _: () = {
    assert!(size_of::<Key>() == size_of::<u64>());
    assert!(size_of::<Option<Key>>() == size_of::<u64>());
};

/// A timer, or room for one.
pub(super) struct Entry<T> {
    pub(super) deadline: u64,
    /// How many timers were inserted before this one: the order among equal deadlines.
    pub(super) sequence: u64,
    pub(super) previous: u32,
    pub(super) next: u32,
    /// That of the live timer, or of the next one to live here.
    generation: NonZeroU32,
    /// `None` if the entry is free or retired.
    pub(super) value: Option<T>,
}

pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// Head of the free entries, linked by `next`; the last one freed is the first reused.
    free: u32,
    live: usize,
    retired: usize,
    inserted: u64,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: NIL,
            live: 0,
            retired: 0,
            inserted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Every live entry, in no order that means something.
    pub(super) fn live(&self) -> impl Iterator<Item = (u64, &T)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.deadline, entry.value.as_ref()?)))
    }

    pub(super) fn insert(&mut self, deadline: u64, value: T) -> u32 {
        let index = if self.free == NIL {
            self.grow()
        } else {
            self.free
        };
        let sequence = self.inserted;
        let entry = self.entry_mut(index);
        assert!(entry.value.is_none(), "a live entry was on the free list");
        let next_free = entry.next;
        entry.deadline = deadline;
        entry.sequence = sequence;
        entry.value = Some(value);
        self.free = next_free;
        self.inserted += 1;
        self.live += 1;
        index
    }

    /// Adds one free entry that is not on the free list.
    fn grow(&mut self) -> u32 {
        assert!(self.entries.len() < ENTRIES_MAX, "too many timers");
        let index = self.entries.len() as u32;
        self.entries.push(Entry {
            deadline: 0,
            sequence: 0,
            previous: NIL,
            next: NIL,
            generation: NonZeroU32::MIN,
            value: None,
        });
        index
    }

    /// Ends the life of a timer that the wheel has already unlinked. Its key is stale from here on.
    pub(super) fn remove(&mut self, index: u32) -> (u64, T) {
        let free = self.free;
        let entry = self.entry_mut(index);
        let value = entry
            .value
            .take()
            .expect("only a live timer can be removed");
        let deadline = entry.deadline;
        match entry.generation.checked_add(1) {
            Some(generation) => {
                entry.generation = generation;
                entry.next = free;
                self.free = index;
            }
            None => self.retired += 1, // One more timer here would wake up an ancient key.
        }
        self.live -= 1;
        (deadline, value)
    }

    /// The key of a live timer.
    pub(super) fn key(&self, index: u32) -> Key {
        let entry = self.entry(index);
        assert!(entry.value.is_some(), "only a live timer has a key");
        Key {
            index,
            generation: entry.generation,
        }
    }

    /// The live timer named by this key.
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.generation == key.generation && entry.value.is_some()).then_some(key.index)
    }

    /// Whether the timer with this sequence still lives here.
    pub(super) fn holds(&self, index: u32, sequence: u64) -> bool {
        let entry = self.entry(index);
        entry.sequence == sequence && entry.value.is_some()
    }

    pub(super) fn entry(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }

    pub(super) fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }

    /// Panics unless every entry is exactly one of live, free and retired.
    pub(super) fn check(&self) {
        let live = self
            .entries
            .iter()
            .filter(|entry| entry.value.is_some())
            .count();
        assert_eq!(live, self.live, "the number of live timers is wrong");
        let mut free = 0;
        let mut index = self.free;
        while index != NIL {
            let entry = self.entry(index);
            assert!(
                entry.value.is_none(),
                "live timer {index} is on the free list"
            );
            free += 1;
            assert!(free <= self.entries.len(), "the free list is a ring");
            index = entry.next;
        }
        assert_eq!(
            live + free + self.retired,
            self.entries.len(),
            "an entry leaked"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs private access: four thousand million insertions would take a minute.
    #[test]
    fn a_slot_without_generations_left_is_retired() {
        let mut slab = Slab::new();
        let index = slab.insert(1, "ancient");
        let ancient = slab.key(index);
        slab.remove(index);
        slab.entry_mut(index).generation = NonZeroU32::MAX;
        assert_eq!(slab.insert(2, "last"), index);
        let last = slab.key(index);
        assert_eq!(slab.remove(index), (2, "last"));
        slab.check();

        let stranger = slab.insert(3, "stranger");
        assert_ne!(stranger, index);
        assert_eq!(slab.find(ancient), None);
        assert_eq!(slab.find(last), None);
        assert_eq!(slab.len(), 1);
        slab.check();
    }
}
