//! Which timers are due now, and until when may the driver sleep?
//!
//! Role       The timer store of one scheduler: cheap to set, cheap to cancel, exact when it fires.
//! Inputs     [`Wheel::insert`], [`Wheel::cancel`], and [`Wheel::advance`] with the time by now.
//! Outputs    Due timers appended to a buffer of the caller; [`Wheel::next_deadline`].
//! Owns       One slab of timers, 8 levels of 64 slots, and a heap for the current tick.
//! Invariant  The place of a timer is a function of its deadline and the current tick alone.
//! Absent     Clocks, randomness, callbacks, threads: time is a number of nanoseconds handed in.
//! Source     Varghese and Lauck 1987, "Hashed and Hierarchical Timing Wheels", scheme 7
//!
//! Time is cut into ticks of 2^20 ns. A tick is a number of 44 bits, read as 8 digits of 6 bits:
//!
//! ```text
//!  deadline   ......  ......  ......  ......  ......  ......  ......  ......  | 20 bits
//!  level           7       6       5       4       3       2       1       0  | within a tick
//!  one slot    142 y   2.2 y    13 d   4.9 h   4.6 m   4.3 s   67 ms    1 ms  | near: exact
//! ```
//!
//! A timer lives on the level of the highest digit in which its tick differs from the current tick,
//! in the slot named by that digit. So everything on a level is earlier than everything on the
//! levels above it, the slots of a level are in order of time and never wrap around, and 8 levels
//! cover every `u64`: no deadline is too far.
//! When the current tick enters a slot, the slot is opened: its timers move to lower levels, and
//! those of the current tick into `near`, a heap that fires them to the nanosecond, never early.

mod near;
mod slab;

use std::fmt;

use near::Near;
pub use slab::Key;
use slab::{NIL, Slab};

/// A tick is `2^TICK_BITS` nanoseconds, about 1.05 ms.
const TICK_BITS: u32 = 20;
/// A level has `2^SLOT_BITS` slots, one for each bit of its occupancy map.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 8;
/// How many timers of the earliest slot [`Wheel::next_deadline`] looks at to give an exact answer.
const PEEK_MAX: usize = 8;

const _: () = {
    assert!(SLOTS == u64::BITS as usize);
    assert!(TICK_BITS + SLOT_BITS * LEVELS as u32 >= u64::BITS);
};

/// One slot of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    level: usize,
    slot: usize,
}

/// Timers ordered by deadline, with constant-time insertion and cancellation.
///
/// Deadlines and times are nanoseconds since any epoch, as long as it is always the same one.
/// The same calls give the same output in the same order.
///
/// At most `u32::MAX - 1` timers are live at once. A timer takes 32 bytes and an `Option<T>`, and
/// 24 bytes more within the tick of its deadline. Memory follows the highest number of live timers
/// so far; it is reused but not returned before the wheel is dropped. (An entry used four thousand
/// million times is not used again, so that no stale key revives, and counts towards that limit.)
pub struct Wheel<T> {
    slab: Slab<T>,
    /// Every live timer whose tick is the current one or earlier.
    near: Near,
    /// The first timer of each slot, or [`NIL`].
    heads: [[u32; SLOTS]; LEVELS],
    /// One bit for each slot that is not empty.
    occupied: [u64; LEVELS],
    /// The current tick: that of `now`, except while [`Wheel::advance`] is under way.
    tick: u64,
    now: u64,
}

impl<T> Wheel<T> {
    /// All live timers with their deadlines, in no order that means something.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.slab.live()
    }

    /// An empty wheel that stands at `now_nanos`.
    ///
    /// ```
    /// use foundation_runtime::timer::Wheel;
    ///
    /// let mut wheel = Wheel::new(0);
    /// let mut due = Vec::new();
    /// let tea = wheel.insert(180_000_000_000, "tea");
    /// wheel.insert(3_000_000, "blink");
    /// assert_eq!(wheel.next_deadline(), Some(3_000_000));
    ///
    /// wheel.advance(2_999_999, &mut due);
    /// assert_eq!(due, []);
    /// wheel.advance(3_000_000, &mut due);
    /// assert_eq!(due, [(3_000_000, "blink")]);
    ///
    /// assert_eq!(wheel.cancel(tea), Some("tea"));
    /// assert_eq!(wheel.cancel(tea), None);
    /// assert!(wheel.is_empty());
    /// ```
    #[must_use]
    pub fn new(now_nanos: u64) -> Self {
        Self {
            slab: Slab::new(),
            near: Near::new(),
            heads: [[NIL; SLOTS]; LEVELS],
            occupied: [0; LEVELS],
            tick: tick_of(now_nanos),
            now: now_nanos,
        }
    }

    /// Arms a timer. A deadline that has already passed fires at the next [`Wheel::advance`].
    ///
    /// # Panics
    ///
    /// When `u32::MAX - 1` timers are live. The wheel is unchanged; the value is dropped.
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        let index = self.slab.insert(deadline, value);
        self.settle(index);
        self.slab.key(index)
    }

    /// Disarms a timer and hands back its value; `None` if it has fired or was cancelled before.
    ///
    /// Constant time. Within the tick of the deadline it is amortised: a cancelled timer leaves a
    /// mark in the heap, and the heap is swept when more than half of it is such marks.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let index = self.slab.find(key)?;
        let tick = tick_of(self.slab.entry(index).deadline);
        if self.tick < tick {
            self.unlink(index, self.place(tick));
            Some(self.slab.remove(index).1)
        } else {
            let (_, value) = self.slab.remove(index);
            self.near.forget_one(&self.slab);
            Some(value)
        }
    }

    /// When this timer will fire; `None` if it has fired or was cancelled.
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<u64> {
        self.slab
            .find(key)
            .map(|index| self.slab.entry(index).deadline)
    }

    /// What this timer carries; `None` if it has fired or was cancelled.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.slab
            .find(key)
            .and_then(|index| self.slab.entry(index).value.as_ref())
    }

    /// Moves time to `now` and appends to `out` every timer with `deadline <= now`, and no other,
    /// ordered by deadline and, for equal deadlines, by insertion.
    ///
    /// # Panics
    ///
    /// When `now` is earlier than in the previous call. The wheel is unchanged.
    pub fn advance(&mut self, now: u64, out: &mut Vec<(u64, T)>) {
        assert!(self.now <= now, "time ran backwards");
        let target = tick_of(now);
        self.fire(now, out);
        while let Some(place) = self.earliest() {
            if target < self.first_tick(place) {
                break;
            }
            self.open(place, target);
            self.fire(now, out);
        }
        self.tick = target;
        self.now = now;
    }

    /// Until when a driver may sleep; `None` if no timer is armed.
    ///
    /// Never later than the earliest deadline, and equal to it if that timer is in the current tick
    /// or among few in its slot; otherwise the time at which its slot opens. Either way a driver
    /// that sleeps until then makes progress: right after [`Wheel::advance`] the answer is later
    /// than `now`, and at most 8 such sleeps lead to the earliest timer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        if let Some(deadline) = self.near.first() {
            return Some(deadline);
        }
        let place = self.earliest()?;
        let mut index = self.heads[place.level][place.slot];
        let mut deadline_min = u64::MAX;
        for _ in 0..PEEK_MAX {
            let entry = self.slab.entry(index);
            deadline_min = deadline_min.min(entry.deadline);
            index = entry.next;
            if index == NIL {
                return Some(deadline_min);
            }
        }
        Some(self.first_tick(place) << TICK_BITS)
    }

    /// How many timers are armed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether no timer is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits every timer and proves that slab, lists, bitmaps and heap agree. For tests: it takes
    /// time in proportion to the memory of the wheel.
    ///
    /// # Panics
    ///
    /// When the state is impossible.
    pub fn check(&self) {
        assert_eq!(
            self.tick,
            tick_of(self.now),
            "the current tick is not that of now"
        );
        self.slab.check();
        let mut count = self.near.check(&self.slab, self.tick);
        for level in 0..LEVELS {
            for slot in 0..SLOTS {
                count += self.check_slot(Place { level, slot });
            }
        }
        assert_eq!(count, self.slab.len(), "a timer is lost or in two places");
    }

    fn check_slot(&self, place: Place) -> usize {
        let Place { level, slot } = place;
        let mut index = self.heads[level][slot];
        let occupied = self.occupied[level] & (1 << slot) != 0;
        assert_eq!(
            occupied,
            index != NIL,
            "{place:?}: bitmap and list disagree"
        );
        let mut previous = NIL;
        let mut count = 0;
        while index != NIL {
            let entry = self.slab.entry(index);
            assert!(
                entry.value.is_some(),
                "{place:?}: timer {index} is not live"
            );
            assert_eq!(
                entry.previous, previous,
                "{place:?}: timer {index} is linked wrongly"
            );
            let tick = tick_of(entry.deadline);
            assert!(
                self.tick < tick,
                "{place:?}: timer {index} belongs into the heap"
            );
            assert_eq!(self.place(tick), place, "timer {index} is in a wrong slot");
            count += 1;
            assert!(count <= self.slab.len(), "{place:?}: the list is a ring");
            (previous, index) = (index, entry.next);
        }
        count
    }

    /// Puts a timer where the current tick says it belongs.
    fn settle(&mut self, index: u32) {
        let entry = self.slab.entry(index);
        let tick = tick_of(entry.deadline);
        if self.tick < tick {
            self.link(index, self.place(tick));
        } else {
            self.near.push(entry.deadline, entry.sequence, index);
        }
    }

    /// The slot of a tick later than the current one.
    fn place(&self, tick: u64) -> Place {
        assert!(self.tick < tick, "only the future has a slot");
        let level = (tick ^ self.tick).ilog2() / SLOT_BITS;
        let slot = (tick >> (level * SLOT_BITS)) as usize % SLOTS;
        Place {
            level: level as usize,
            slot,
        }
    }

    /// The slot that opens next. Its timers are earlier than those of all other slots.
    fn earliest(&self) -> Option<Place> {
        let level = self.occupied.iter().position(|&bits| bits != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        Some(Place { level, slot })
    }

    /// The first tick that belongs to this slot, seen from the current tick.
    fn first_tick(&self, place: Place) -> u64 {
        let shift = place.level as u32 * SLOT_BITS;
        let digits_above = (self.tick >> shift) & !(SLOTS as u64 - 1);
        (digits_above | place.slot as u64) << shift
    }

    /// Moves the current tick to the end of the earliest slot, or to `target` if that is within it,
    /// and settles the timers of the slot anew.
    fn open(&mut self, place: Place, target: u64) {
        let first = self.first_tick(place);
        assert!(
            self.tick < first,
            "{place:?} should have been opened before"
        );
        assert!(self.near.is_empty(), "a timer would be overtaken");
        let last = first | ((1 << (place.level as u32 * SLOT_BITS)) - 1);
        self.tick = last.min(target);
        self.occupied[place.level] &= !(1 << place.slot);
        let mut index = std::mem::replace(&mut self.heads[place.level][place.slot], NIL);
        while index != NIL {
            let next = self.slab.entry(index).next;
            self.settle(index);
            index = next;
        }
    }

    /// Fires what is due within the current tick and before it.
    fn fire(&mut self, now: u64, out: &mut Vec<(u64, T)>) {
        while let Some(index) = self.near.pop_due(now, &self.slab) {
            out.push(self.slab.remove(index));
        }
    }

    fn link(&mut self, index: u32, place: Place) {
        let head = std::mem::replace(&mut self.heads[place.level][place.slot], index);
        self.occupied[place.level] |= 1 << place.slot;
        let entry = self.slab.entry_mut(index);
        entry.previous = NIL;
        entry.next = head;
        if head != NIL {
            self.slab.entry_mut(head).previous = index;
        }
    }

    fn unlink(&mut self, index: u32, place: Place) {
        let entry = self.slab.entry(index);
        let (previous, next) = (entry.previous, entry.next);
        if next != NIL {
            self.slab.entry_mut(next).previous = previous;
        }
        if previous != NIL {
            self.slab.entry_mut(previous).next = next;
            return;
        }
        let head = std::mem::replace(&mut self.heads[place.level][place.slot], next);
        assert_eq!(head, index, "{place:?}: unlinked a timer of another slot");
        if next == NIL {
            self.occupied[place.level] &= !(1 << place.slot);
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("now", &self.now)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

fn tick_of(nanos: u64) -> u64 {
    nanos >> TICK_BITS
}
