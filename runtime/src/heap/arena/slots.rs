//! Where does a value of an arena lie, and is it still the one that was meant?
//!
//! Invariant  A generation is odd while its value lives. A slot whose generations are used up is not
//!            used again.

use std::alloc::Layout;
use std::any::TypeId;
use std::collections::TryReserveError;
use std::ptr::NonNull;

/// A value has so many bytes at most, one less.
const BYTES_END: usize = 1 << 28;
const NONE: u32 = u32::MAX;

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) at: NonNull<u8>,
    of: TypeId,
    /// Bytes in the lower 28 bits, the logarithm of the alignment above. Of a free slot: the next free
    /// one.
    size: u32,
    generation: u32,
}

impl Slot {
    /// The slot of a `T` that lies nowhere yet; `None` when it is too large.
    pub(super) fn new<T: ?Sized + 'static>(bytes: usize, align: usize) -> Option<Self> {
        let fits = bytes < BYTES_END && align.ilog2() < 16;
        fits.then(|| Self {
            at: NonNull::dangling(),
            of: TypeId::of::<T>(),
            size: bytes as u32 | align.ilog2() << 28,
            generation: 0,
        })
    }

    /// The same, there.
    pub(super) fn at(self, at: NonNull<u8>) -> Self {
        Self { at, ..self }
    }

    pub(super) fn bytes(&self) -> usize {
        self.size as usize % BYTES_END
    }

    pub(super) fn layout(&self) -> Layout {
        let align = 1 << (self.size >> 28);
        match Layout::from_size_align(self.bytes(), align) {
            Ok(layout) => layout,
            Err(_) => unreachable!("it was that of a value"),
        }
    }

    fn lives(&self) -> bool {
        self.generation % 2 == 1
    }
}

/// The table of an arena.
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: u32,
    live: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            live: 0,
        }
    }
}

impl Slots {
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// How much it holds.
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// How much more it will hold for one more value; `None` when there is room.
    pub(super) fn growth(&self) -> Option<usize> {
        let full = self.free == NONE && self.slots.len() == self.slots.capacity();
        full.then(|| self.more() * size_of::<Slot>())
    }

    /// By how many slots it grows: a half, so that a limit is not missed by much.
    fn more(&self) -> usize {
        (self.slots.len() / 2).max(8)
    }

    pub(super) fn grow(&mut self) -> Result<(), TryReserveError> {
        self.slots.try_reserve_exact(self.more())
    }

    /// Notes a value, for which there is room.
    pub(super) fn add(&mut self, slot: Slot) -> (u32, u32) {
        self.live += 1;
        let index = self.free;
        if let Some(free) = self.slots.get_mut(index as usize) {
            self.free = free.size;
            let generation = free.generation + 1;
            *free = Slot { generation, ..slot };
            return (index, generation);
        }
        let index = self.slots.len();
        assert!(
            index < NONE as usize,
            "an arena has 2^32 - 1 values at most"
        );
        self.slots.push(Slot {
            generation: 1,
            ..slot
        });
        (index as u32, 1)
    }

    pub(super) fn find(&self, index: u32, generation: u32, of: TypeId) -> Option<&Slot> {
        let slot = self.slots.get(index as usize)?;
        (slot.generation == generation && slot.of == of).then_some(slot)
    }

    /// Another value in a slot that was found.
    pub(super) fn change(&mut self, index: u32, new: Slot) {
        let slot = &mut self.slots[index as usize];
        *slot = Slot {
            generation: slot.generation,
            ..new
        };
    }

    /// The value of a slot lies elsewhere now.
    pub(super) fn moved(&mut self, index: u32, at: NonNull<u8>) {
        self.slots[index as usize].at = at;
    }

    /// Frees a slot that was found.
    pub(super) fn remove(&mut self, index: u32) {
        self.live -= 1;
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        // The last generation there is would be followed by the first again.
        if slot.generation != 0 {
            slot.size = self.free;
            self.free = index;
        }
    }

    /// All that live.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Slot)> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter(|(_, slot)| slot.lives())
            .map(|(index, slot)| (index as u32, slot))
    }

    /// Gives back room that is not used.
    pub(super) fn shrink(&mut self) {
        if self.slots.len() < self.slots.capacity() / 2 {
            self.slots.shrink_to(self.slots.len() + self.more());
        }
    }
}
