//! One account: how many bytes were charged to it, and are still held somewhere?
//!
//! Role       A process's (or a group's, or nobody's) side of the ledger.
//! Owns       One cache line.
//! Invariant  `own + rest` is what is held. An account of one process is charged by the thread that
//!            runs it, without a locked instruction; whoever else frees what is charged to it takes
//!            that off `rest`. When its process ends `own` moves to `rest`, together with `ENDED`:
//!            whoever brings `rest` to exactly `ENDED` freed the last of it, and gives the account
//!            back. So it is never reused while anything is charged to it.
//!
//! ```text
//!   free ── open ──▶ open ── close ──▶ ended ── the last byte is freed ──▶ free
//! ```

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// Set in [`Account::id`] of accounts that several threads charge at a time.
pub(super) const SHARED: u32 = 1 << 31;
/// Added to `rest` when the account's process has ended.
const ENDED: i64 = 1 << 62;
/// No limit.
pub(super) const NONE: i64 = i64::MAX;

#[repr(align(64))]
pub(crate) struct Account {
    /// Its number, and `SHARED`.
    id: AtomicU32,
    /// The next free account; what lies behind it when it is not free means nothing.
    pub(super) next: AtomicU32,
    own: AtomicI64,
    rest: AtomicI64,
    peak: AtomicI64,
    /// Bytes beyond which the process is told.
    limit: AtomicI64,
    /// Of what is held, how much is known to be elsewhere.
    lent: AtomicI64,
    /// Slot and generation of the process; 0 for nobody's.
    word: AtomicU64,
    node: AtomicU64,
}

const _: () = assert!(size_of::<Account>() == 64);

// SAFETY: it is made of atomics.
unsafe impl super::chunks::Zeroed for Account {}

impl Account {
    /// One that everybody charges who runs outside any process.
    pub(super) const fn nobodys(number: u32) -> Self {
        Self {
            id: AtomicU32::new(number | SHARED),
            next: AtomicU32::new(0),
            own: AtomicI64::new(0),
            rest: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            limit: AtomicI64::new(NONE),
            lent: AtomicI64::new(0),
            word: AtomicU64::new(0),
            node: AtomicU64::new(0),
        }
    }

    /// Begins a tenancy. Only the owner of a free account may call this.
    pub(super) fn begin(&self, id: u32, node: u64, word: u64) {
        self.id.store(id, Ordering::Relaxed);
        self.own.store(0, Ordering::Relaxed);
        self.rest.store(0, Ordering::Relaxed);
        self.peak.store(0, Ordering::Relaxed);
        self.limit.store(NONE, Ordering::Relaxed);
        self.lent.store(0, Ordering::Relaxed);
        self.node.store(node, Ordering::Relaxed);
        self.word.store(word, Ordering::Release);
    }

    #[inline]
    pub(super) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    /// Its number, as it stands behind what is charged to it.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        self.id() & !SHARED
    }

    /// Whose it is: the process's node and word; a word of 0 is nobody's.
    pub(super) fn owner(&self) -> (u64, u64) {
        let word = self.word.load(Ordering::Acquire);
        (self.node.load(Ordering::Relaxed), word)
    }

    /// Its number, as of who has shared bytes; 0 for nobody's.
    pub(super) fn holder(&self) -> u32 {
        if self.is_nobodys() { 0 } else { self.number() }
    }

    /// Whether it is what runs outside any process.
    pub(super) fn is_nobodys(&self) -> bool {
        self.number() < super::accounts::SHARDS
    }

    /// Charges `bytes`, or takes off as many as it is negative, in the name of the process that
    /// this thread runs; `true` when it holds more than its limit.
    #[inline]
    pub(super) fn charge(&self, bytes: i64) -> bool {
        let held = if self.id() & SHARED == 0 {
            let own = self.own.load(Ordering::Relaxed) + bytes;
            self.own.store(own, Ordering::Relaxed);
            own + self.rest.load(Ordering::Relaxed)
        } else {
            self.rest.fetch_add(bytes, Ordering::Relaxed) + bytes
        };
        if held > self.peak.load(Ordering::Relaxed) {
            self.peak.store(held, Ordering::Relaxed);
        }
        held > self.limit.load(Ordering::Relaxed)
    }

    /// Takes off what the process that this thread runs frees of its own. Not for shared ones.
    #[inline]
    pub(super) fn free_own(&self, bytes: i64) {
        let own = self.own.load(Ordering::Relaxed) - bytes;
        self.own.store(own, Ordering::Relaxed);
    }

    /// Takes off what is freed by anybody; `true` when that was the last of an account whose
    /// process has ended: the caller gives the account back.
    pub(super) fn settle(&self, bytes: i64) -> bool {
        // Release: whoever gives the account back acquires what others did with it.
        self.rest.fetch_sub(bytes, Ordering::AcqRel) - bytes == ENDED
    }

    /// Its process has ended; `true` when it holds nothing: the caller gives the account back. From
    /// here on nobody charges it.
    pub(super) fn end(&self) -> bool {
        let own = self.own.swap(0, Ordering::Relaxed);
        self.limit.store(NONE, Ordering::Relaxed);
        self.rest.fetch_add(own + ENDED, Ordering::AcqRel) + own == 0
    }

    /// Bytes held, and whether its process has ended.
    pub(super) fn held(&self) -> (i64, bool) {
        let rest = self.rest.load(Ordering::Acquire);
        let ended = rest > ENDED / 2;
        let rest = if ended { rest - ENDED } else { rest };
        (self.own.load(Ordering::Relaxed) + rest, ended)
    }

    /// Whether it would hold no more than its limit if what it has lent were not its own.
    pub(super) fn is_within_but_for_lent(&self) -> bool {
        self.held().0 - self.lent() <= self.limit.load(Ordering::Relaxed)
    }

    /// Sets the limit; `true` when it holds more.
    pub(super) fn set_limit(&self, limit: i64) -> bool {
        self.limit.store(limit, Ordering::Relaxed);
        self.held().0 > limit
    }

    pub(super) fn peak(&self) -> i64 {
        self.peak.load(Ordering::Relaxed)
    }

    pub(super) fn lent(&self) -> i64 {
        self.lent.load(Ordering::Relaxed)
    }

    pub(super) fn lend(&self, bytes: i64) {
        self.lent.fetch_add(bytes, Ordering::Relaxed);
    }
}
