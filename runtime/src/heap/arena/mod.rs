//! State that may become so large and no larger, and is freed as one.
//!
//! Role       [`Arena`]: plain values and texts of one owner in few large chunks, with a limit that no
//!            allocation passes, and compaction by copy.
//! Owns       Its chunks (bumpalo's) and a table of what lies where.
//! Limit      What its owner says, chunks and table together; 2^32 - 1 values; a value of 256 MiB.
//! Invariant  A handle leads to the value it was given out for, or to nothing. Asked of an arena that
//!            is not its own it may lead to a value of the same type, and to none of another.
//! Source     otp: erts, "Garbage Collection": a heap per process, collected by copying

mod error;
mod id;
mod slots;
mod stored;

use std::any::TypeId;
use std::ptr::NonNull;

use bumpalo::Bump;

pub use error::{ArenaError, ArenaUsage, Compaction};
pub use id::Id;
use slots::{Slot, Slots};
pub use stored::Stored;

use crate::Reason;

/// Plain values, slices and texts in a few large chunks of memory.
///
/// For bulk state: what is many and small costs an allocation each elsewhere, and its owner cannot be
/// told how much of it there may be. An arena has a **hard limit**: what does not fit is refused by
/// [`Arena::try_insert`], and ends the process with the reason `killed` where [`Arena::insert`] wants
/// it. Dropping an arena frees its chunks, however many values lie in them.
///
/// Values are `Copy`, or `str`, or slices of `Copy` values: nothing in an arena has a destructor. What
/// is removed or replaced leaves a hole, until [`Arena::compact`] copies what lives to fresh chunks;
/// handles stay valid. An arena is its owner's alone: its memory is charged to the process that fills
/// it.
///
/// ```
/// use foundation_runtime::heap::{Arena, Id};
///
/// #[derive(Clone, Copy)]
/// struct Session {
///     hits: u64,
///     agent: Id<str>,
/// }
///
/// let mut arena = Arena::with_limit(1 << 20);
/// let agent = arena.try_insert("curl/8.5")?;
/// let session = arena.try_insert(&Session { hits: 1, agent })?;
/// arena.get_mut(session).expect("it is there").hits += 1;
/// arena.replace(agent, "curl/8.6 and longer")?;
///
/// let seen = arena.get(session).expect("it is there");
/// assert_eq!((seen.hits, arena.get(seen.agent)), (2, Some("curl/8.6 and longer")));
///
/// arena.remove(session);
/// assert!(arena.get(session).is_none(), "a handle of what is gone leads nowhere");
/// let compaction = arena.compact()?;
/// assert!(compaction.after <= compaction.before);
/// # Ok::<(), foundation_runtime::heap::ArenaError>(())
/// ```
pub struct Arena {
    bump: Bump,
    slots: Slots,
    limit: usize,
    /// Bytes of values that live, and of all since the last compaction.
    live: usize,
    filled: usize,
}

// SAFETY: what the slots point to lies in the arena's own chunks, and is `Send`, as `Stored` says.
unsafe impl Send for Arena {}

impl Arena {
    /// An empty arena that takes up to `limit` bytes: chunks and table of handles, whether filled or
    /// not. It allocates nothing yet.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            bump: bump(limit),
            slots: Slots::default(),
            limit,
            live: 0,
            filled: 0,
        }
    }

    /// Puts a copy of `value` in.
    ///
    /// Where it does not fit, the process ends with the reason [`Reason::Killed`], as one that passes
    /// `max_heap_size` does: it unwinds from here, so destructors run. Outside a process that is a
    /// panic. [`Arena::try_insert`] refuses instead.
    pub fn insert<T: Stored + ?Sized>(&mut self, value: &T) -> Id<T> {
        match self.try_insert(value) {
            Ok(id) => id,
            Err(_) => crate::exit(Reason::Killed),
        }
    }

    /// Puts a copy of `value` in.
    ///
    /// # Errors
    /// [`ArenaError::Full`] when the arena would pass its limit, or the program has no more memory;
    /// [`ArenaError::TooLarge`] for a value of more than 256 MiB. The arena is as it was.
    pub fn try_insert<T: Stored + ?Sized>(&mut self, value: &T) -> Result<Id<T>, ArenaError> {
        self.make_room_for_slot()?;
        let slot = self.put(value)?;
        let (index, generation) = self.slots.add(slot);
        Ok(Id::new(index, generation))
    }

    /// The value of a handle; `None` when it was removed. A handle is meant for its own arena: another
    /// one gives nothing, or some value of the same type.
    #[must_use]
    pub fn get<T: Stored + ?Sized>(&self, id: Id<T>) -> Option<&T> {
        let slot = self
            .slots
            .find(id.index, id.generation, TypeId::of::<T>())?;
        // SAFETY: the slot says that a `T` of this size lies there, in our chunks; it is changed
        // through `&mut self` only.
        Some(unsafe { T::view(slot.at, slot.bytes()) })
    }

    /// The same, to change it in place.
    pub fn get_mut<T: Stored + ?Sized>(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self
            .slots
            .find(id.index, id.generation, TypeId::of::<T>())?;
        // SAFETY: as for `get`, and nothing else of the arena is borrowed.
        Some(unsafe { T::view_mut(slot.at, slot.bytes()) })
    }

    /// Puts a copy of `value` in the place of what the handle leads to. What was there is a hole from
    /// then on, unless the new value has its size.
    ///
    /// # Errors
    /// As for [`Arena::try_insert`], and [`ArenaError::Gone`] when the handle leads nowhere. What was
    /// there is as it was.
    pub fn replace<T: Stored + ?Sized>(&mut self, id: Id<T>, value: &T) -> Result<(), ArenaError> {
        let of = TypeId::of::<T>();
        let old = self.slots.find(id.index, id.generation, of);
        let old = old.ok_or(ArenaError::Gone)?;
        let (at, bytes) = (old.at, old.bytes());
        if bytes == size_of_val(value) {
            // SAFETY: a `T` of this size lies there, so there is room for another one; `value` is
            // borrowed, and cannot lie in an arena that is borrowed mutably.
            unsafe { at.copy_from_nonoverlapping(NonNull::from(value).cast(), bytes) };
            return Ok(());
        }
        let slot = self.put(value)?;
        self.live -= bytes;
        self.slots.change(id.index, slot);
        Ok(())
    }

    /// Takes a value out: `false` when the handle led nowhere. It is a hole from then on.
    pub fn remove<T: Stored + ?Sized>(&mut self, id: Id<T>) -> bool {
        let of = TypeId::of::<T>();
        let Some(slot) = self.slots.find(id.index, id.generation, of) else {
            return false;
        };
        self.live -= slot.bytes();
        self.slots.remove(id.index);
        true
    }

    /// How many values live in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.live()
    }

    /// Whether nothing lives in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much it holds, and of what.
    #[must_use]
    pub fn usage(&self) -> ArenaUsage {
        ArenaUsage {
            limit: self.limit,
            held: self.bump.allocated_bytes() + self.slots.bytes(),
            live: self.live,
            holes: self.filled - self.live,
        }
    }

    /// Copies what lives to a fresh chunk and frees the old ones: holes are gone, handles stay valid.
    /// It takes a walk over all values, and while it lasts both old and new are held: that much above
    /// the limit. Many small arenas, each compacted alone, have a lower peak than a large one.
    ///
    /// # Errors
    /// [`ArenaError::Full`] when the program has no more memory. The arena is as it was.
    pub fn compact(&mut self) -> Result<Compaction, ArenaError> {
        self.compact_with(0)
    }

    /// Compacts if holes take more than half as much as what lives, and more than a kibibyte, and has
    /// room for as much again: an arena whose values come and go stays within one chunk.
    ///
    /// # Errors
    /// As for [`Arena::compact`].
    pub fn compact_if_sparse(&mut self) -> Result<Option<Compaction>, ArenaError> {
        let holes = self.filled - self.live;
        let sparse = holes > self.live / 2 && holes > 1024;
        sparse.then(|| self.compact_with(self.live / 2)).transpose()
    }

    /// Compacts to a chunk with so much room to spare, if the limit has it.
    fn compact_with(&mut self, spare: usize) -> Result<Compaction, ArenaError> {
        let before = self.usage().held;
        let mut moved = Vec::new();
        moved
            .try_reserve_exact(self.slots.live())
            .map_err(|_| self.full())?;
        moved.extend(self.slots.iter().map(|(index, slot)| (index, *slot)));
        // The widest first: then nothing is lost between them, and one chunk takes them all.
        moved.sort_by_key(|(_, slot)| std::cmp::Reverse(slot.layout().align()));
        let widest = moved.first().map_or(1, |(_, slot)| slot.layout().align());
        let room = (self.live + spare).min(self.chunks_max()).max(self.live);
        let fresh = Bump::try_with_capacity(room + widest);
        let fresh = fresh.map_err(|_| self.full())?;
        for (_, slot) in &mut moved {
            let at = fresh.try_alloc_layout(slot.layout());
            let at = at.map_err(|_| self.full())?;
            // SAFETY: the value lies in our chunks, and there is room for it at `at`.
            unsafe { at.copy_from_nonoverlapping(slot.at, slot.bytes()) };
            slot.at = at;
        }
        for (index, slot) in moved {
            self.slots.moved(index, slot.at);
        }
        self.slots.shrink();
        self.bump = fresh;
        self.filled = self.live;
        self.bound();
        Ok(Compaction {
            before,
            after: self.usage().held,
        })
    }

    /// Copies a value into the chunks.
    fn put<T: Stored + ?Sized>(&mut self, value: &T) -> Result<Slot, ArenaError> {
        let bytes = size_of_val(value);
        let slot = Slot::new::<T>(bytes, align_of_val(value)).ok_or(ArenaError::TooLarge(bytes))?;
        let (layout, room) = (slot.layout(), self.bump.chunk_capacity());
        // Beyond its limit bumpalo knows none: it may be there after a compaction.
        if self.chunks_max() < self.bump.allocated_bytes() && room < bytes + layout.align() {
            return Err(self.full());
        }
        let at = self.bump.try_alloc_layout(layout);
        let at = at.map_err(|_| self.full())?;
        // SAFETY: there is room for it, and it is `Copy`.
        unsafe { at.copy_from_nonoverlapping(NonNull::from(value).cast(), bytes) };
        self.live += bytes;
        self.filled += bytes;
        Ok(slot.at(at))
    }

    /// Sees to it that one more value can be noted.
    fn make_room_for_slot(&mut self) -> Result<(), ArenaError> {
        let Some(more) = self.slots.growth() else {
            return Ok(());
        };
        if self.usage().held + more > self.limit {
            return Err(self.full());
        }
        self.slots.grow().map_err(|_| self.full())?;
        self.bound();
        Ok(())
    }

    /// What the table does not take, chunks may.
    fn bound(&self) {
        self.bump.set_allocation_limit(Some(self.chunks_max()));
    }

    fn chunks_max(&self) -> usize {
        self.limit.saturating_sub(self.slots.bytes())
    }

    fn full(&self) -> ArenaError {
        ArenaError::Full(self.usage())
    }
}

fn bump(limit: usize) -> Bump {
    let bump = Bump::new();
    bump.set_allocation_limit(Some(limit));
    bump
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena")
            .field("len", &self.len())
            .field("usage", &self.usage())
            .finish()
    }
}
