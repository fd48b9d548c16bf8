//! Where processes live: a slab of slots that grows, never moves and never shrinks.
//!
//! Role       Turns a pid into its control block in a few instructions, from any thread.
//! Owns       Chunks of slots, each twice as large as the one before, allocated zeroed, so that
//!            untouched slots cost address space only.
//! Invariant  A slot's memory stays valid and of its type as long as the table: a sender that
//!            holds a stale pid reaches a closed inbox or a later tenant, never freed memory. A
//!            slot's generation rises at each tenant; at `u32::MAX` the slot is retired.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::num::NonZeroU32;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::inbox::Inbox;
use super::local::Local;
use crate::observe::ProcessKind;
use crate::platform::prefetch::prefetch;
use crate::scheduler::Priority;

/// Slots of the first chunk. Chunk `k` has `1 << k`; there are none smaller than the first.
const FIRST: u32 = 64;
const CHUNKS_MAX: usize = 32;
/// How many free slots change hands at once between a scheduler and the table.
pub(crate) const SLOT_BATCH: usize = 64;

/// Bits of [`Block::state`] below the generation.
pub(crate) const ALIVE: u64 = 1;
pub(crate) const SUSPENDED: u64 = 2;
pub(crate) const NAMED: u64 = 4;
/// Dead, and on its way to tell so: its inbox still takes signals.
pub(crate) const DYING: u64 = 8;
/// Has, or had, to do with processes of other nodes.
pub(crate) const HAS_PEERS: u64 = 16;
/// Holds, or held, something that others see.
pub(crate) const HOLDS: u64 = 32;
/// What is sent to it is on its way for a while: it lives in a simulated world.
pub(crate) const RELAYED: u64 = 64;
/// Somebody traces it: there is an entry in the node's [`Tracer`](crate::trace::Tracer).
pub(crate) const TRACED: u64 = 8192;
/// Which [`ProcessKind`] it is: three bits.
const KIND_SHIFT: u32 = 10;
/// Its mailbox has a bound: senders take another way.
pub(crate) const LIMITED: u64 = 128;
const PRIORITY_SHIFT: u32 = 8;

/// What the whole node may touch of a process: one cache line.
#[repr(C, align(64))]
pub(crate) struct Block {
    pub(crate) inbox: Inbox,
    /// Generation in the upper half, flags in the lower.
    state: AtomicU64,
    /// Slot and generation of the parent on this node; 0 for none. Written when a tenant begins.
    parent: AtomicU64,
    /// The tenant's own flags; written by the holder of `SCHEDULED` only.
    own: AtomicU32,
    /// Messages handled, in units of one; saturates. Written like `own`.
    reductions: AtomicU32,
    /// Touched only by the holder of the inbox's `SCHEDULED` bit.
    local: UnsafeCell<Local>,
}

const _: () = assert!(size_of::<Block>() == 64);

// SAFETY: all but `local` are atomics; `local` is touched only by the holder of `SCHEDULED`.
unsafe impl Sync for Block {}

impl Block {
    #[inline]
    pub(crate) fn local(&self) -> *mut Local {
        self.local.get()
    }

    /// Fetches the process's code and state into the cache: it will run soon.
    ///
    /// # Safety
    /// The caller holds the inbox's `SCHEDULED` bit.
    #[inline]
    pub(crate) unsafe fn prefetch(&self) {
        // SAFETY: by contract nobody else touches the private half.
        if let Some(body) = unsafe { &(*self.local.get()).body } {
            prefetch(std::ptr::from_ref(&**body).cast::<u8>());
        }
    }

    #[inline]
    pub(crate) fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }

    /// The generation of the present or next tenant.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        (self.state() >> 32) as u32
    }

    /// Whether the tenant of this generation is alive.
    #[inline]
    pub(crate) fn is_alive(&self, generation: u32) -> bool {
        self.state() & (u64::MAX << 32 | ALIVE) == u64::from(generation) << 32 | ALIVE
    }

    /// The priority of the tenant of this generation, if it is alive and takes whatever is sent at
    /// once, and is not traced.
    #[inline]
    pub(crate) fn priority_if_open(&self, generation: u32) -> Option<Priority> {
        let state = self.state();
        let mask = u64::MAX << 32 | RELAYED | LIMITED | TRACED | ALIVE;
        let open = state & mask == u64::from(generation) << 32 | ALIVE;
        open.then(|| Priority::from_bits((state >> PRIORITY_SHIFT) as u32))
    }

    /// Whether the tenant of this generation is dead and has not told everybody yet.
    pub(crate) fn is_dying(&self, generation: u32) -> bool {
        let state = self.state();
        (state >> 32) as u32 == generation && state & DYING != 0
    }

    /// Marks the tenant dead and returns the state before. Only the process itself may call this.
    pub(crate) fn begin_dying(&self) -> u64 {
        let before = self.state.fetch_xor(ALIVE | DYING, Ordering::AcqRel);
        debug_assert!(before & (ALIVE | DYING) == ALIVE, "a process dies once");
        before
    }

    /// Sets a flag and returns the state before.
    pub(crate) fn set_flag(&self, flag: u64) -> u64 {
        self.state.fetch_or(flag, Ordering::AcqRel)
    }

    /// Clears a flag and returns the state before.
    pub(crate) fn clear_flag(&self, flag: u64) -> u64 {
        self.state.fetch_and(!flag, Ordering::AcqRel)
    }

    /// Who started the tenant, as a word of this node; 0 for nobody.
    #[inline]
    pub(crate) fn parent(&self) -> u64 {
        self.parent.load(Ordering::Relaxed)
    }

    /// Who started the tenant of this generation, if that one is alive: also from other threads.
    pub(crate) fn parent_if_alive(&self, generation: u32) -> Option<u64> {
        if !self.is_alive(generation) {
            return None;
        }
        // Pairs with the release in `occupy`: who sees the parent of a later tenant sees below that
        // this one is gone.
        let parent = self.parent.load(Ordering::Acquire);
        self.is_alive(generation).then_some(parent)
    }

    #[inline]
    pub(crate) fn priority(&self) -> Priority {
        Self::priority_in(self.state())
    }

    /// The priority that a state says.
    #[inline]
    pub(crate) fn priority_in(state: u64) -> Priority {
        Priority::from_bits((state >> PRIORITY_SHIFT) as u32)
    }

    /// What kind of process a state says it is.
    pub(crate) fn kind_in(state: u64) -> ProcessKind {
        ProcessKind::from_bits((state >> KIND_SHIFT) as u32)
    }

    /// Whether the tenant has this flag of its own: also from other threads, as of a moment ago.
    #[inline]
    pub(crate) fn has_own(&self, flag: u32) -> bool {
        self.own.load(Ordering::Relaxed) & flag != 0
    }

    /// The tenant's own flags, and what lies above them: also from other threads, as of a moment ago.
    #[inline]
    pub(crate) fn own(&self) -> u32 {
        self.own.load(Ordering::Relaxed)
    }

    /// Only the holder of `SCHEDULED` may call this.
    #[inline]
    pub(crate) fn store_own(&self, own: u32) {
        self.own.store(own, Ordering::Relaxed);
    }

    /// Sets or takes a flag of the tenant's own and says whether it was there. Only the holder of `SCHEDULED` may call
    /// this: load and store need not be one step.
    #[inline]
    pub(crate) fn set_own(&self, flag: u32, on: bool) -> bool {
        let before = self.own.load(Ordering::Relaxed);
        let after = if on { before | flag } else { before & !flag };
        self.own.store(after, Ordering::Relaxed);
        before & flag != 0
    }

    /// Takes flags of the tenant's own away. Only the holder of `SCHEDULED` may call this.
    #[inline]
    pub(crate) fn clear_own(&self, flags: u32) {
        let before = self.own.load(Ordering::Relaxed);
        self.own.store(before & !flags, Ordering::Relaxed);
    }

    /// How many messages the tenant has handled: also from other threads, as of a moment ago.
    #[inline]
    pub(crate) fn reductions(&self) -> u32 {
        self.reductions.load(Ordering::Relaxed)
    }

    /// Counts a message as handled. Only the holder of `SCHEDULED` may call this.
    #[inline]
    pub(crate) fn count_reduction(&self) {
        let handled = self.reductions.load(Ordering::Relaxed);
        self.reductions
            .store(handled.saturating_add(1), Ordering::Relaxed);
    }

    /// Only the process itself may call this.
    pub(crate) fn set_priority(&self, priority: Priority) -> Priority {
        let old = self.priority();
        self.clear_flag(3 << PRIORITY_SHIFT);
        self.set_flag(u64::from(priority.bits()) << PRIORITY_SHIFT);
        old
    }

    /// The generation of the tenant that the free slot will have next.
    #[inline]
    pub(crate) fn next_generation(&self) -> NonZeroU32 {
        let generation = (self.state.load(Ordering::Relaxed) >> 32) as u32;
        NonZeroU32::new(generation).unwrap_or(NonZeroU32::MIN)
    }

    /// Makes the slot the home of a new tenant, whole and with an open inbox: from here on others
    /// see it. `ways` are flags that send them another way.
    ///
    /// Only the owner of a free slot may call this.
    pub(crate) fn occupy(
        &self,
        priority: Priority,
        kind: ProcessKind,
        parent: u64,
        own: u32,
        ways: u64,
    ) {
        let generation = self.next_generation();
        let flags = ALIVE
            | ways
            | u64::from(priority.bits()) << PRIORITY_SHIFT
            | u64::from(kind.bits()) << KIND_SHIFT;
        self.own.store(own, Ordering::Relaxed);
        self.reductions.store(0, Ordering::Relaxed);
        self.parent.store(parent, Ordering::Release);
        self.state
            .store(u64::from(generation.get()) << 32 | flags, Ordering::Release);
    }

    /// Raises the generation; `false` when the slot must be retired.
    fn vacate(&self) -> bool {
        let generation = (self.state.load(Ordering::Relaxed) >> 32) as u32;
        match generation.checked_add(1) {
            Some(next) => {
                self.state.store(u64::from(next) << 32, Ordering::Release);
                true
            }
            None => false,
        }
    }

    /// A slot that has seen every generation but one, for the test of retirement.
    #[cfg(test)]
    pub(crate) fn set_generation(&self, generation: u32) {
        self.state
            .store(u64::from(generation) << 32, Ordering::Release);
    }
}

/// The process table of one node.
pub(crate) struct ProcessTable {
    chunks: [AtomicPtr<Block>; CHUNKS_MAX],
    free: Mutex<Free>,
    /// Processes alive, and slots held back by schedulers are not counted.
    count: AtomicUsize,
    peak: AtomicUsize,
    limit: usize,
    /// Every tenant is [`RELAYED`].
    /// How processes are reached that have no bounded mailbox.
    ways: u64,
    /// Slots that were ever handed out: what a walk over the table must visit.
    high: AtomicU32,
}

struct Free {
    /// Slots that had a tenant.
    used: Vec<u32>,
    /// The first slot that never had one.
    fresh: u32,
    retired: u32,
}

/// Chunk number and offset of a slot. The last `FIRST` numbers are no slots (one of them stands for
/// code outside any process): their chunks are smaller than the first, and do not exist.
#[inline]
fn place(slot: u32) -> (usize, usize) {
    let shifted = slot.wrapping_add(FIRST);
    let chunk = (shifted | 1).ilog2();
    (chunk as usize, (shifted ^ (1 << chunk)) as usize)
}

fn chunk_layout(chunk: usize) -> Layout {
    let slots = 1_usize << chunk;
    Layout::array::<Block>(slots).expect("a chunk of slots is smaller than the address space")
}

impl ProcessTable {
    /// A table for at most `limit` processes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS_MAX],
            free: Mutex::new(Free {
                used: Vec::new(),
                fresh: 0,
                retired: 0,
            }),
            count: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            limit,
            ways: 0,
            high: AtomicU32::new(0),
        }
    }

    /// The same, for processes of a simulated world if `relayed`.
    pub(crate) fn relayed(mut self, relayed: bool) -> Self {
        self.ways = if relayed { RELAYED } else { 0 };
        self
    }

    /// Whether its processes live in a simulated world.
    #[inline]
    pub(crate) fn ways(&self) -> u64 {
        self.ways
    }

    /// The block of a slot that was handed out at some time.
    ///
    /// # Panics
    /// When the slot was never handed out: pids of this node name no such slot.
    #[inline]
    pub(crate) fn block(&self, slot: u32) -> &Block {
        let (chunk, offset) = place(slot);
        let base = self.chunks[chunk].load(Ordering::Acquire);
        assert!(!base.is_null(), "slot {slot} does not exist");
        // SAFETY: chunk `k` has `1 << k` slots, `place` stays below that, and chunks live as long
        // as the table.
        unsafe { &*base.add(offset) }
    }

    /// The block of a slot, if there is one: for slots that came from elsewhere.
    #[inline]
    pub(crate) fn find(&self, slot: u32) -> Option<&Block> {
        let (chunk, offset) = place(slot);
        let base = self.chunks[chunk].load(Ordering::Acquire);
        if base.is_null() {
            return None;
        }
        // SAFETY: as in `block`; a slot that was never handed out is all zeros, which is a dead
        // process.
        Some(unsafe { &*base.add(offset) })
    }

    /// One past the highest slot ever used.
    pub(crate) fn high(&self) -> u32 {
        self.high.load(Ordering::Acquire)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Counts one process more, or refuses at the limit.
    pub(crate) fn admit(&self) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count > self.limit {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        if count > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(count, Ordering::Relaxed);
        }
        true
    }

    /// Counts one process less.
    pub(crate) fn leave(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Moves up to [`SLOT_BATCH`] free slots to `out`.
    pub(crate) fn take_free(&self, out: &mut Vec<u32>, batch: usize) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let reused = free.used.len().min(batch);
        let start = free.used.len() - reused;
        out.extend(free.used.drain(start..));
        if reused > 0 {
            return;
        }
        // Highest first, so that the lowest slot is used first.
        for slot in (free.fresh..free.fresh + batch as u32).rev() {
            self.ensure(place(slot).0);
            out.push(slot);
        }
        free.fresh += batch as u32;
        self.high.store(free.fresh, Ordering::Release);
    }

    fn ensure(&self, chunk: usize) {
        if !self.chunks[chunk].load(Ordering::Acquire).is_null() {
            return;
        }
        let layout = chunk_layout(chunk);
        // SAFETY: the layout is not empty. All zeros is a valid `Block`: an idle inbox, generation
        // zero, and a `Local` that is only read after `occupy`.
        let base = unsafe { alloc_zeroed(layout) };
        let Some(base) = NonNull::new(base) else {
            handle_alloc_error(layout)
        };
        self.chunks[chunk].store(base.cast().as_ptr(), Ordering::Release);
    }

    /// Ends a tenancy: `false` when the slot is retired and must not be used again.
    pub(crate) fn vacate(&self, slot: u32) -> bool {
        let kept = self.block(slot).vacate();
        if !kept {
            self.free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retired += 1;
        }
        kept
    }

    /// Gives vacated slots back.
    pub(crate) fn give_free(&self, slots: impl Iterator<Item = u32>) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .used
            .extend(slots);
    }
}

impl Drop for ProcessTable {
    fn drop(&mut self) {
        for (k, chunk) in self.chunks.iter().enumerate() {
            let base = chunk.load(Ordering::Acquire);
            if !base.is_null() {
                // SAFETY: allocated by `ensure` with this layout. The node has ended every process
                // before it drops the table, so no `Local` owns anything any more.
                unsafe { dealloc(base.cast(), chunk_layout(k)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupy(block: &Block) -> u32 {
        block.occupy(Priority::Normal, ProcessKind::Plain, 0, 0, 0);
        block.generation()
    }

    #[test]
    fn places_are_dense_and_distinct() {
        let mut expected = (FIRST.ilog2() as usize, 0);
        for slot in 0..100_000 {
            assert_eq!(place(slot), expected, "slot {slot}");
            expected.1 += 1;
            if expected.1 == 1 << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn what_is_no_slot_has_no_place() {
        let table = ProcessTable::new(10);
        table.take_free(&mut Vec::new(), 2);
        for slot in [u32::MAX - FIRST + 1, u32::MAX - 1, u32::MAX] {
            assert!(place(slot).0 < FIRST.ilog2() as usize);
            assert!(table.find(slot).is_none(), "slot {slot}");
        }
    }

    #[test]
    fn a_slot_is_retired_when_its_generation_would_wrap() {
        let table = ProcessTable::new(10);
        let mut slots = Vec::new();
        table.take_free(&mut slots, 2);
        let slot = slots.pop().expect("a batch of two has one");
        table.block(slot).set_generation(u32::MAX - 1);
        assert_eq!(occupy(table.block(slot)), u32::MAX - 1);
        assert!(table.vacate(slot));
        assert_eq!(occupy(table.block(slot)), u32::MAX);
        assert!(
            !table.vacate(slot),
            "a slot that would wrap must be retired"
        );
    }
}
